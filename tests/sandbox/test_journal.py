"""The state file against a disk that fills up."""

import os

import pytest

from counterfoil.sandbox import journal
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
