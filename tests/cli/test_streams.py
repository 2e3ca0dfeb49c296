"""What is shown may have no reader, no room or no place to go: never a traceback, and the command ends as it would."""

import subprocess
import sys

import pytest

from tests import warm
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


def started(office, words, begin=warm.start, **files):
    """The same without a shell, whose files are `files`; forked (see tests.warm) where nothing is said of how it begins."""
    given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **files}
    return begin("-m", "counterfoil", *words.split(), cwd=office.folder, text=True, **given)


@pytest.mark.parametrize(
    ("words", "redirection", "code"),
    [
        ("status", ">&-", 0),
        ("status", "2>&- >&- <&-", 0),
        ("run nope", "2>&-", 2),
        ("run nope", "2>/dev/full", 2),
        ("status", ">/dev/full", 2),
        ("--version", ">&-", 0),
    ],
)
def test_output_that_goes_nowhere(here, words, redirection, code):
    """Closed or full: results that cannot be shown are an error, words for people are not."""
    assert shell(here, words, redirection)[0] == code


@pytest.mark.parametrize(
    ("words", "name", "code"),
    [("--json run nope", "stdout", 2), ("run shop", "stderr", 3), ("--json status", "stdout", 2)],
)
def test_a_disk_without_room_for_what_is_said(here, words, name, code):
    """The same, of more commands."""
    with open("/dev/full", "w") as full, started(here, words, **{name: full}) as ran:  # noqa: PTH123
        told = [one for one in ran.communicate(timeout=120) if one]
    assert "Traceback" not in "".join(told)
    assert list(here.folder.glob("*crash*")) == []
    assert ran.returncode == code


@pytest.mark.parametrize(
    ("words", "begin"),
    [
        ("--json plan shop --offline", warm.start),
        ("--json postings", warm.start),
        ("run shop", warm.cold),
        ("--json run shop", warm.start),
    ],
)
def test_a_reader_that_has_gone_does_not_change_how_a_command_ends(here, words, begin):
    """`counterfoil … | head`: the exit code is the one without it."""
    without = here.process(*words.split()).code
    with started(here, words, begin) as ran:
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
    assert here.process("run", "shop", "--json").value["records"] == 1
