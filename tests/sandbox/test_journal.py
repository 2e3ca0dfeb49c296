"""The state file against a disk that fills up, a second process, damage and files of somebody else."""

import os
import resource

import pytest

from counterfoil.sandbox import journal, person
from counterfoil.sandbox.options import Options
from tests import sandbox_process
from tests.sandbox.conftest import Ledger


def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch):
    """A write that fails half way is taken back, so that the next one does not damage the file."""
    options = Options(state=tmp_path / "state.jsonl", organisations=1)
    world, kept = journal.open_world(options)
    write, calls = os.write, []

    def full(file, data):
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return write(file, data[:5])

    world.meta.put("first", {"n": 1})
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        world.commit(kept.append)
    monkeypatch.undo()
    world.meta.put("second", {"n": 2})
    world.commit(kept.append)
    kept.close()
    again, reopened = journal.open_world(options)
    reopened.close()
    assert (again.meta.get("first"), again.meta.get("second")) == (None, {"n": 2})
    assert again.start == world.start + 1


def test_the_ledger_outlives_the_process(tmp_path):
    """Journals keep their numbers over a restart; a file from before there were journals gets them."""
    options = Options(state=tmp_path / "state.jsonl", organisations=1)
    world, kept = journal.open_world(options)
    (books,) = world.organisations()
    sides = [
        {"AccountCode": code, "LineAmount": amount, "Description": "x"} for code, amount in (("429", 5), ("835", -5))
    ]
    body = {"Narration": "n", "Date": "2026-11-01", "Status": "POSTED", "JournalLines": sides}
    for _ in range(2):
        assert person.acted(world, books, "PUT", "ManualJournals", body).status == 200
        world.commit(kept.append)
    kept.close()
    numbers = [(row["n"], row["of"]) for row in books.table("journals")]
    again, kept = journal.open_world(options)
    (books,) = again.organisations()
    assert [(row["n"], row["of"]) for row in books.table("journals")] == numbers
    assert [row["n"] for row in books.table("journals")] == [1, 2]
    kept.close()
    lines = options.state.read_text().splitlines(keepends=True)
    options.state.write_text("".join(line for line in lines if '"journals"' not in line))
    old, kept = journal.open_world(options)
    (books,) = old.organisations()
    assert [(row["n"], row["of"]) for row in books.table("journals")] == numbers
    kept.close()


def test_what_cannot_be_kept_was_never_done(tmp_path):
    """On a full disk a write is a 500 that nobody finds afterwards, also not after a restart; then all is well again."""
    state = tmp_path / "state.jsonl"
    with sandbox_process.start("--auto-consent", "--no-limits", "--state", str(state)) as sandbox:
        ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))
        ledger.contact("Kept before")
        unlimited = resource.prlimit(sandbox.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(sandbox.process.pid, resource.RLIMIT_FSIZE, (state.stat().st_size + 40, unlimited[1]))
        lost = ledger.call("PUT", "Contacts", {"Name": "Never done"}, Idempotency_Key="k")
        assert lost.status == 500
        assert [row["Name"] for row in ledger.stored("Contacts")] == ["Kept before"]
        resource.prlimit(sandbox.process.pid, resource.RLIMIT_FSIZE, unlimited)
        again = ledger.call("PUT", "Contacts", {"Name": "Never done"}, Idempotency_Key="k")
        assert again.status == 200
        sandbox.kill()
    with sandbox_process.start("--no-limits", "--state", str(state)) as sandbox:
        names = [row["Name"] for row in sandbox.ledger(sandbox.tenant(1))["Contacts"]]
    assert names == ["Kept before", "Never done"]


def test_two_sandboxes_do_not_share_a_file(tmp_path):
    """The second does not start, so the first loses nothing; when the first is killed the next one may have it."""
    state = str(tmp_path / "state.jsonl")
    with sandbox_process.start("--organisations", "1", "--state", state) as first:
        with pytest.raises(RuntimeError, match="exit code 2"):
            sandbox_process.start("--organisations", "1", "--state", state)
        first.make(first.tenant(1), "Contacts", {"Name": "Blue Fern Ltd"})
        first.kill()
    with sandbox_process.start("--organisations", "1", "--state", state) as second:
        assert len(second.ledger(second.tenant(1))["Contacts"]) == 1


@pytest.mark.parametrize("content", [b"my only copy", b"a,b\n1,2\n", b"\xff\xfe\x00", b"{}\n", b"[]\n", b"null\n"])
def test_a_file_of_somebody_else_stays_as_it_is(tmp_path, content):
    """`--state` with the name of another file refuses it; nothing is written over it."""
    state = tmp_path / "orders.csv"
    state.write_bytes(content)
    with pytest.raises(journal.StateFileError):
        journal.open_world(Options(state=state))
    assert content == state.read_bytes()


def test_damage_is_said_and_not_made_worse(tmp_path):
    """Each line of a state file, spoilt in several ways: a StateFileError or a world, and the file as it was."""
    state = tmp_path / "state.jsonl"
    options = Options(state=state, organisations=1)
    _, kept = journal.open_world(options)
    kept.close()
    good = state.read_bytes()
    lines = good.split(b"\n")
    for place in (0, 1, 2, len(lines) // 2, len(lines) - 2):
        for spoilt in (
            b"{}",
            b"[]",
            b"5",
            b"[[]]",
            b'[["world","nothing","x",{}]]',
            b'[["world","meta","organisation/1",{}]]',
            b"[[1,2,3,4]]",
        ):
            damaged = b"\n".join([*lines[:place], spoilt, *lines[place + 1 :]])
            state.write_bytes(damaged)
            try:
                _, kept = journal.open_world(options)
                kept.close()
            except journal.StateFileError:
                assert damaged == state.read_bytes()
