"""The look for secrets that follows every test finds them; a test that leaks fails."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests import sandbox_process
from tests.leaks import known

# It passes as far as it goes; that it leaves the process changed shows when it is over.
SIGNAL_LEFT = ("test_a_signal_is_left_ignored", "changed for all that is started from here on: SIGTERM")


def test_a_test_that_leaks_fails():
    """Printed, logged, in a database of either kind, a crash file, a configuration, a signal: found, and what is clean passes."""
    leaking = Path(__file__).with_name("leaking.py")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-rA", str(leaking)]
    wide = {**os.environ, "COLUMNS": "300"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=leaking.parents[2], env=wide)
    results = dict(re.findall(r"^(?:FAILED|PASSED) \S+::(\w+)(?: - (.*))?$", ended.stdout, re.MULTILINE))
    assert re.findall(r"^ERROR \S+::(\w+) - (.*)$", ended.stdout, re.MULTILINE) == [SIGNAL_LEFT]
    found = {name for name, why in results.items() if why.startswith("a secret is where it does not belong: ")}
    assert set(results) - found == {"test_nothing_is_leaked", SIGNAL_LEFT[0]}, ended.stdout + ended.stderr
    assert sorted(results) == sorted(re.findall(r"^def (test_\w+)", leaking.read_text(), re.MULTILINE)), (
        ended.stdout + ended.stderr
    )


def test_every_token_of_a_sandbox_is_known():
    """Access, refresh and id tokens, as soon as they are issued."""
    with sandbox_process.start("--auto-consent") as sandbox:
        issued = sandbox.connect()
    assert {issued[key].encode() for key in ("access_token", "refresh_token", "id_token")} <= known.tokens()
    assert known.in_bytes(f'"{issued["id_token"]}"'.encode()) == ["a JSON web token"]
    assert known.in_bytes(b"x" + issued["refresh_token"].encode() + b"y") == ["a refresh token"]


def test_the_forms_of_a_secret():
    """Base64 of either alphabet, hexadecimal and as in a URL, beside the secret itself."""
    assert known.forms(b"a/b?~~") == {
        b"a/b?~~", b"612f623f7e7e", b"612F623F7E7E", b"a%2Fb%3F~~", b"YS9iP35+", b"YS9iP35-",
    }  # fmt: skip
