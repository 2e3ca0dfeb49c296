"""Unforeseen errors: a short message, a crash file without secrets, exit 1."""

import json
import os
import signal
import subprocess
import sys

import pytest

from counterfoil import errors
from counterfoil.cli import endings


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """Leave this process's signals alone."""
    monkeypatch.setattr(endings, "_no_more_interrupts", lambda: None)


def crash(text: str) -> BaseException:
    """An error with a cause, raised for real."""
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise RuntimeError(text) from inner
    except RuntimeError as error:
        return error


def test_a_crash_is_told_shortly_and_kept_in_a_file(tmp_path, capsys, monkeypatch):
    """The file names the places and kinds; tokens, keys and further lines of the text are absent."""
    monkeypatch.setenv("COUNTERFOIL_XERO__CLIENT_SECRET", "hunter2")
    secret = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjFDQUY4RTY2NzcyRDZEQzAyOEQ2NzI2RkQwMjYxNTgxNTcwRUZDMTkifQ"
    error = crash(f"bad hunter2 Bearer {secret} at postgresql://me:pass@host/db\nParameters: Blue Fern")
    assert endings.tell(error, json=False, config=str(tmp_path / "counterfoil.toml")) == 1
    shown = capsys.readouterr()
    (file,) = tmp_path.glob("counterfoil-crash-*.txt")
    kept = file.read_text()
    assert (str(file) in shown.err, "Traceback" in shown.err, shown.out) == (True, False, "")
    assert ("RuntimeError" in kept, "KeyError" in kept, "test_endings.py" in kept) == (True, True, True)
    for text in (secret, "hunter2", "me:pass", "Blue Fern"):
        assert text not in kept
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_crash_without_a_writable_folder_still_speaks(tmp_path, capsys):
    """The temporary folder stands in."""
    assert endings.tell(crash("x"), json=True, config=str(tmp_path / "none" / "counterfoil.toml")) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "crash"


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (errors.NoConsent("No.", remedy="Connect."), "no-consent", 3),
        (errors.RateLimited("day"), "rate-limited", 4),
        (KeyboardInterrupt(), "interrupted", 130),
        (ExceptionGroup("", [errors.StoreError("Full.")]), "store", 2),
        (OSError(28, "No space left on device", "x"), "system", 2),
    ],
)
def test_foreseen_endings_have_their_code(error, code, exit_code, capsys):
    """One JSON value with code, message and remedy; the same for people on stderr."""
    assert endings.tell(error, json=True, config="counterfoil.toml") == exit_code
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["code"] == code
    assert shown.err


STEERING = "\x1b]0;mine\x07 \x1b[2J\x9b31m \u202edlog\u2066 \x7f\r [bold red]Fern[/] \ud800"


@pytest.mark.parametrize(
    "error",
    [errors.InputError(f"No {STEERING}.", remedy=f"Not {STEERING}"), OSError(2, "No such file", STEERING)],
    ids=["ours", "system"],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_what_comes_from_outside_cannot_steer_the_terminal(error, as_json, capsys):
    """Control characters and changes of direction are replaced, in JSON escaped; what looks like markup stays text."""
    endings.tell(error, json=as_json, config="counterfoil.toml")
    shown = capsys.readouterr()
    assert [one for one in shown.out + shown.err if not one.isprintable() and one != "\n"] == []
    assert "[bold red]Fern[/]" in shown.err
    if as_json:
        assert "\x9b31m" in json.loads(shown.out)["error"]["message"]


def test_a_crash_file_cannot_steer_a_terminal(tmp_path):
    """It is looked at with cat."""
    assert "\x1b" not in endings.told(crash(STEERING))


def test_a_command_that_a_script_put_in_the_background_ends_at_sigterm(office):
    """A shell without job control lets `&` ignore Ctrl-C; SIGTERM ends the command all the same, with 130."""
    office.write()
    office.key()
    shell = f"{sys.executable} -m counterfoil connect --no-browser --json & echo $!; wait $!; echo $?"
    process = subprocess.Popen(
        ["/bin/sh", "-c", shell], cwd=office.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    pid = int(process.stdout.readline())
    assert "authorize_url" in process.stderr.readline()
    os.kill(pid, signal.SIGTERM)
    assert process.communicate(timeout=60)[0].strip().endswith("130")


NO_TEXT = b"\xff\xfe".decode(errors="surrogateescape")  # what an argument is that is no UTF-8


@pytest.mark.parametrize(
    "words",
    [
        ["why", NO_TEXT],
        ["audit", "list", "--entity", NO_TEXT],
        ["connections", "disconnect", NO_TEXT],
        ["undo", "9" * 23],
        ["--config", NO_TEXT, "status"],
        ["sandbox", "--nope"],
    ],
    ids=["looked for", "filtered", "named", "too large", "path", "another parser"],
)
def test_whatever_is_typed_ends_with_one_value(office, words):
    """Bytes that are no text, numbers that no database takes, options of the sandbox: exit 2 or 3, and one JSON value."""
    office.write()
    office.key()
    ended = office(*words, "--json")
    assert (ended.code in (2, 3), bool(ended.value["error"]["message"])) == (True, True)


def test_what_may_be_run_again_says_so(tmp_path, capsys):
    """Every error that passes names what to do, also where nobody wrote a remedy."""
    assert endings.tell(errors.Unclear("The answer was lost."), json=True, config=str(tmp_path / "c.toml")) == 4
    shown = capsys.readouterr()
    assert "again" in json.loads(shown.out)["error"]["remedy"]
    assert "again" in shown.err
