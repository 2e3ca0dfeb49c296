"""A message to a command: JSON on its stdin, an environment without secrets, an end in time."""

import asyncio
import datetime
import json
import os
import time

import pytest

from counterfoil import settings
from counterfoil.delivery import message, program
from counterfoil.delivery.outcome import NotDelivered

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
TRIAL = message.trial(NOW, installation="i", environment="default")


def script(tmp_path, text, name="page.sh"):
    path = tmp_path / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return settings.Target(key="k", label="l", way="command", command=(f"./{name}", "--to", "a b; rm -rf ."))


async def failure(target, tmp_path, within_s=5.0):
    with pytest.raises(NotDelivered) as caught:
        await program.send(target, TRIAL, folder=tmp_path, within_s=within_s)
    return caught.value.reason, caught.value.may_have_arrived, caught.value.target_is_down


async def test_it_gets_json_and_its_arguments_as_they_are(tmp_path):
    """It starts beside the configuration; no shell reads its arguments."""
    await program.send(
        script(tmp_path, 'cat > got.json; printf %s "$2" > argument'), TRIAL, folder=tmp_path, within_s=5
    )
    assert json.loads((tmp_path / "got.json").read_text()) == json.loads(message.encoded(TRIAL))
    assert (tmp_path / "argument").read_text() == "a b; rm -rf ."


async def test_its_environment_holds_no_secret_of_ours(tmp_path, monkeypatch):
    """Neither our variables nor anybody's that it does not need."""
    monkeypatch.setenv("COUNTERFOIL_XERO__CLIENT_SECRET", "s3cret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    await program.send(script(tmp_path, "env > env.txt"), TRIAL, folder=tmp_path, within_s=5)
    seen = dict(line.partition("=")[::2] for line in (tmp_path / "env.txt").read_text().splitlines())
    assert "s3cret" not in str(seen)
    assert set(seen) <= {*program.PASSED_ON, "PWD", "SHLVL", "_", "OLDPWD"}
    assert seen["PATH"] == os.environ["PATH"]


async def test_an_exit_code_is_a_no(tmp_path):
    """And surely a no."""
    assert await failure(script(tmp_path, "exit 3"), tmp_path) == ("it ended with exit code 3", False, False)


async def test_what_cannot_be_started_is_said(tmp_path):
    """Missing, or not executable."""
    target = script(tmp_path, "exit 0")
    (tmp_path / "page.sh").chmod(0o600)
    assert await failure(target, tmp_path) == ("it cannot be started: Permission denied", False, True)
    (tmp_path / "page.sh").unlink()
    assert await failure(target, tmp_path) == ("it cannot be started: No such file or directory", False, True)


async def test_it_may_ignore_its_input_and_talk_as_much_as_it_likes(tmp_path):
    """Neither a closed stdin nor megabytes of output hold anything up."""
    await program.send(
        script(tmp_path, "exec <&-; head -c 3000000 /dev/zero; exit 0"), TRIAL, folder=tmp_path, within_s=10
    )


async def test_it_and_its_children_end_in_time(tmp_path):
    """What takes too long is killed with all that it started, and may have done its work."""
    target = script(tmp_path, "sleep 60 & echo $! > child; echo $$ > parent; wait")
    reason = await failure(target, tmp_path, within_s=1.0)
    assert reason == ("it was not done within 1 s", True, True)
    for name in ("parent", "child"):
        await _is_gone(int((tmp_path / name).read_text()))


async def _is_gone(pid, patience_s=20):
    """Whether the process ended: gone, or dead and not yet collected by whoever inherited it."""
    end_s = time.monotonic() + patience_s
    while time.monotonic() < end_s:
        try:
            with open(f"/proc/{pid}/stat") as file:  # noqa: ASYNC230, PTH123 - a file of the kernel's, read at once
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except (FileNotFoundError, ProcessLookupError):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{pid} still runs")
