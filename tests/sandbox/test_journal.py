"""The state file against a disk that fills up."""

import os

import pytest

from counterfoil.sandbox import journal, person
from counterfoil.sandbox.options import Options


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
        kept.append(world.commit())
    monkeypatch.undo()
    world.meta.put("second", {"n": 2})
    kept.append(world.commit())
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
        kept.append(world.commit())
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
