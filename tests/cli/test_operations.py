"""pause, resume, backup, restore and upgrade as commands: what is said, in words and as JSON, and the exit codes."""

import pytest

from tests.cli.office import sale


@pytest.fixture
def office(office):
    return office.open_for_business()


def test_pause_and_resume(office):
    """A run ends with 4 and the reason; `status` begins with it; resumed, the next run ends with 0."""
    office.records(sale(1))
    paused = office("pause", "--because", "month end", "--until", "2h")
    assert paused.code == 0
    assert "Everything is paused until" in paused.out
    assert "month end" in office("status").out.splitlines()[0]
    ended = office("run", "shop")
    assert ended.code == 4
    assert "Stopped: acme-uk: Everything is paused until" in ended.out
    assert "counterfoil resume" in ended.out
    planned = office("plan", "shop", "--json")
    assert "month end" in planned.value["pauses"][0]
    assert office("resume", "--json").value["waiting"] == 2
    assert office("finish").code == 0


REFUSED = (
    (("pause",), "--because"),
    (("pause", "--because", "x", "--until", "2020-01-01"), "is past"),
    (("pause", "--because", "x", "--until", "soon"), "no time to end at"),
    (("pause", "--because", "x", "--entity", "acme-ku"), "acme-uk"),
    (("pause", "--because", "x", "--flow", "shp"), "shop"),
    (("resume",), "Everything is not paused"),
    (("resume", "--flow", "shop"), "Flow shop is not paused"),
    (("restore", "no.backup"), "There is no file"),
    (("backup", "no/folder/a.backup"), "cannot be written"),
)


def test_what_is_refused_is_exit_2_and_clear(office):
    """Each says what is wrong, and JSON says it as the one value."""
    for words, said in REFUSED:
        ended = office(*words)
        assert (ended.code, said in ended.err) == (2, True), words
        error = office(*words, "--json").value["error"]
        assert said in error["message"] + error["remedy"], words


def test_backup_and_restore(office):
    """The key is said not to be in it, aloud; a second restore says what became of what."""
    office.records(sale(1))
    assert office("run", "shop").code == 0
    made = office("backup", "day.backup")
    assert made.code == 0
    assert "The master key is NOT in it" in made.out
    office.records(sale(1), sale(2))
    assert office("run", "shop").code == 0
    refused = office("restore", "day.backup")
    assert refused.code == 2
    assert "--over-newer" in refused.err
    done = office("restore", "day.backup", "--over-newer")
    assert done.code == 0
    assert "is kept: " in done.out
    assert office("run", "shop", "--json").value["adopted"] == 1
    value = office("backup", "--json").value
    assert value["manifest"]["schema"] >= 5
    assert office("upgrade", "--json").value["was"] == value["manifest"]["schema"]


def test_a_running_command_keeps_a_restore_away(office):
    """A `connect` that waits for its answer has the database open: exit 2, and nothing is replaced."""
    assert office("backup", "day.backup").code == 0
    waiting = office.start("connect", "--no-browser", "--json")
    try:
        assert waiting.stderr.readline().startswith("{")
        ended = office("restore", "day.backup", "--over-newer")
        assert ended.code == 2
        assert "A process works on" in ended.err
    finally:
        waiting.terminate()
        waiting.communicate()
