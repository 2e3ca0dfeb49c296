"""The list beside the database: its owner's alone, other installations' kept, never taken for empty when it is broken."""

import pytest

from counterfoil import errors
from counterfoil.app.privacy import beside
from counterfoil.store.erased import Entry

ONE, TWO = Entry("contact", "t", "c"), Entry("customer", "acme", "h")


def test_it_keeps_what_each_installation_says(tmp_path):
    """Two databases that stood in one place do not forget for each other."""
    path = beside.path_of(tmp_path / "counterfoil.db.sentinel")
    assert path == tmp_path / "counterfoil.db.erased"
    beside.write(path, "a", {ONE})
    beside.write(path, "b", {TWO})
    assert (beside.read(path, "a"), beside.read(path, "b"), beside.read(path, "c")) == ({ONE}, {TWO}, set())
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["counterfoil.db.erased"]


def test_a_broken_list_is_said(tmp_path):
    """It could be the only thing that remembers."""
    path = tmp_path / "x.erased"
    path.write_bytes(b"{")
    with pytest.raises(errors.StoreError, match="cannot be read"):
        beside.read(path, "a")


def test_in_memory_there_is_none():
    """Nothing is read or written."""
    assert beside.path_of(None) is None
    beside.write(None, "a", {ONE})
    assert beside.read(None, "a") == set()
