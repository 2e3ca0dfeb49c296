"""A demo in which something is not as it should be says what, and ends with 1."""

from counterfoil import errors
from counterfoil.cli.show import acts, stage
from tests.cli.office import Office


def test_what_is_off_is_told_and_is_exit_1(tmp_path, monkeypatch):
    """Also when a step cannot be done at all."""

    def refuse(*_args):
        raise errors.RunAgain("the run could not be killed in the middle; it said: nothing")

    async def nothing(*_args):
        """Neither consent nor plan."""

    monkeypatch.setattr(stage.Stage, "fault", lambda *_args, **_named: None)
    monkeypatch.setattr(acts.Demo, "_connect_and_plan", nothing)
    monkeypatch.setattr(acts.mishaps, "run_and_kill", refuse)
    ended = Office(tmp_path)("demo", "--json")
    assert (ended.code, ended.value["ok"]) == (1, False)
    assert ended.value["off"] == ["the run could not be killed in the middle; it said: nothing"]
    assert "Not as it should be: the run could not be killed" in ended.err
