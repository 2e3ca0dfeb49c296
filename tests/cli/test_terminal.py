"""On a terminal: `Next:` at the end, and no more than a screenful."""

import json
import os
import pty

from counterfoil.cli.screen import Screen
from tests import warm


def on_a_terminal(folder, *words, begin=warm.start):
    """Run a command on a pseudo-terminal; → (exit code, everything shown)."""
    master, slave = pty.openpty()
    environ = {**os.environ, "COLUMNS": "100", "LINES": "24", "TERM": "xterm"}
    process = begin("-m", "counterfoil", *words, cwd=folder, stdin=slave, stdout=slave, stderr=slave, env=environ)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed: Linux says EIO
            break
        if not part:
            break
        shown += part
    os.close(master)
    return process.wait(timeout=60), shown.decode()


def test_next_stands_on_a_terminal_only(office):
    """Not on a pipe, and not with --json."""
    office.write()
    office.key()
    code, shown = on_a_terminal(office.folder, "status", begin=warm.cold)
    assert (code, shown.rstrip().splitlines()[-1]) == (0, "Next: counterfoil connect")
    code, shown = on_a_terminal(office.folder, "status", "--json")
    assert (code, "Next:" in shown) == (0, False)
    assert "Next:" not in office("status").out


def test_a_long_list_is_cut_to_a_screenful(monkeypatch, capsys):
    """With a word on how many more there are."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("COLUMNS", "80")
    Screen(json=False).table(("N",), [[n] for n in range(400)], right=(0,))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert lines[-1] == "… and 385 more (--json for all)"


def test_an_output_of_a_narrow_encoding_breaks_nothing(office):
    """ASCII only: characters are replaced for people, and JSON stays UTF-8."""
    narrow = {"PYTHONIOENCODING": "ascii"}
    assert office.process("--help", env=narrow).code == 0
    ended = office.process("--json", "run", "żółw", env=narrow)
    assert (ended.code, ended.value["error"]["code"]) == (2, "configuration")


def test_what_comes_from_outside_cannot_steer_the_terminal(office):
    """A strange word on the command line, in an error and in JSON; it is shown, and does nothing."""
    office.write()
    for words in (("run", "\x1b]0;mine\x07\x9b2J\u202e"), ("run", "--json", "\x1b]0;mine\x07\x9b2J\u202e")):
        code, shown = on_a_terminal(office.folder, *words)
        assert (code, "mine" in shown) == (2, True)
        assert [one for one in shown if not one.isprintable() and one not in "\r\n"] == []


def test_lines_and_notes_are_made_harmless(capsys):
    """Whoever forgets to do it: the screen does. Lines and tabs stay, what looks like markup too."""
    screen = Screen(json=False)
    screen.line("one\n\ttwo \x1b[31mred\x1b[0m [bold]Fern[/bold]\x9b \xa0")
    screen.note("\u202egnirts")
    shown = capsys.readouterr()
    assert shown.out == "one\n\ttwo \ufffd[31mred\ufffd[0m [bold]Fern[/bold]\ufffd  \n"
    assert shown.err == "\ufffdgnirts\n"


def test_json_says_the_same_without_steering(capsys):
    """Escaped, so that a program reads what was meant."""
    Screen(json=True).value({"name": "Fern\x9b\x7f\u202e 株式会社\u2028"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"name": "Fern\x9b\x7f\u202e 株式会社\u2028"}
    assert out[:-1].isprintable()
