"""What is shown may have no reader, no room or no place to go: never a traceback, and the command ends as it would."""

import json
import subprocess
import sys

import pytest

from tests.cli.office import Office, sale


@pytest.fixture
def here(tmp_path):
    """A firm that nobody has connected, with one sale."""
    office = Office(tmp_path)
    office.write()
    office.key()
    office.records(sale(1))
    return office


def shell(office, words, redirection):
    """`counterfoil WORDS REDIRECTION` as a shell does it; → (exit code, stdout, stderr)."""
    command = ["sh", "-c", f'"$@" {redirection}', "sh", sys.executable, "-m", "counterfoil", *words.split()]
    ended = subprocess.run(command, cwd=office.folder, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in ended.stdout + ended.stderr
    assert list(office.folder.glob("*crash*")) == []
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize(
    ("words", "redirection", "code"),
    [
        ("status", ">&-", 0),
        ("status", "2>&- >&- <&-", 0),
        ("run nope", "2>&-", 2),
        ("run nope", "2>/dev/full", 2),
        ("--json run nope", ">/dev/full", 2),
        ("run shop", "2>/dev/full", 3),
        ("--json status", ">/dev/full", 2),
        ("status", ">/dev/full", 2),
        ("--version", ">&-", 0),
    ],
)
def test_output_that_goes_nowhere(here, words, redirection, code):
    """Closed or full: results that cannot be shown are an error, words for people are not."""
    assert shell(here, words, redirection)[0] == code


@pytest.mark.parametrize("words", ["--json plan shop --offline", "--json postings", "run shop", "--json run shop"])
def test_a_reader_that_has_gone_does_not_change_how_a_command_ends(here, words):
    """`counterfoil … | head`: the exit code is the one without it."""
    without = shell(here, words, "")[0]
    command = [sys.executable, "-m", "counterfoil", *words.split()]
    with subprocess.Popen(command, cwd=here.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as ran:
        ran.stdout.close()
        told = ran.stderr.read()
    assert "Traceback" not in told
    assert "Broken pipe" not in told
    assert ran.returncode == without


def test_a_long_value_into_a_closed_pipe_is_no_crash(here):
    """Where the pipe closes in the midst of it."""
    here.records(*[sale(n) for n in range(1, 2000)])
    code, out, err = shell(here, "--json plan shop", "| head -c 20")
    assert (code, out[:1], "Error" in err) == (0, "{", False)


def test_a_run_says_nothing_but_what_is_meant_for_people(here):
    """No line of a log that nobody set up: each sentence says which entity stopped, and why."""
    _code, _out, err = shell(here, "run shop", "")
    assert all(line.startswith(("Stopped: ", "Next: ")) for line in err.splitlines() if line)
    assert json.loads(shell(here, "run shop --json", "")[1])["records"] == 1
