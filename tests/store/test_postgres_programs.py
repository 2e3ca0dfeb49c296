"""A program of Postgres's is waited for as long as it gets on, and no longer; stand-ins here, the real ones in tests/app."""

import subprocess
import sys
import tempfile
import time

import pytest

from counterfoil import errors
from counterfoil.store import postgres_programs

PATIENCE_S = 30


def carried_out(text, **options):
    """A program of a few lines."""
    postgres_programs.carried_out([sys.executable, "-c", text], {}, **options)


def test_one_that_says_nothing_is_ended_and_said(tmp_path):
    """A lock that nobody gives back: it is not waited for without end, and what is told says where to look."""
    began = time.monotonic()
    with pytest.raises(errors.StoreError, match="no sign of life") as caught:
        carried_out(f"import time; time.sleep({PATIENCE_S})", makes=tmp_path / "dump", silent_s=0.5)
    assert time.monotonic() - began < PATIENCE_S
    assert "pg_locks" in caught.value.remedy


def test_one_that_ignores_that_it_is_to_end_is_killed(tmp_path, monkeypatch):
    """Nothing of it is left."""
    monkeypatch.setattr(postgres_programs, "END_S", 0.1)
    began = time.monotonic()
    deaf = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep({PATIENCE_S})"
    with pytest.raises(errors.StoreError, match="was ended"):
        carried_out(deaf, makes=tmp_path / "dump", silent_s=0.5)
    assert time.monotonic() - began < PATIENCE_S


class Slow:
    """A program that is at it for many looks, each forty minutes after the one before; it writes a byte each time."""

    pid = 0

    def __init__(self, made, looks):
        self.made, self.looks, self.passed_s = made, looks, 0.0

    def wait(self, _timeout):
        """It is not over yet, or it is."""
        if not self.looks:
            return
        self.looks -= 1
        self.passed_s += 2_400.0
        with self.made.open("a") as file:
            file.write("x")
        raise subprocess.TimeoutExpired("pg_dump", 1)


def test_one_that_gets_on_slowly_is_waited_for(tmp_path, monkeypatch):
    """For hours: a file that grows is a sign of life."""
    slow = Slow(tmp_path / "dump", 12)
    monkeypatch.setattr(postgres_programs.time, "monotonic", lambda: slow.passed_s)
    with tempfile.TemporaryFile() as said:
        assert not postgres_programs._silent(slow, slow.made, said.fileno(), postgres_programs.SILENT_S)
    assert slow.looks == 0


def test_what_it_says_when_it_fails_is_told():
    """Its first line."""
    with pytest.raises(errors.StoreError, match="failed: no such table Is it"):
        carried_out("raise SystemExit('no such table\\nmore')")
