"""A file's journal becomes a write-ahead log, whoever else opens it."""

import sqlite3

import pytest

from counterfoil.store import journal


@pytest.fixture
def busy(tmp_path):
    """A new file to which somebody writes: (the writer, the path)."""
    writer = sqlite3.connect(tmp_path / "new.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("CREATE TABLE t (a)")
    yield writer, tmp_path / "new.db"
    writer.close()


def test_a_new_file_to_which_somebody_writes_is_waited_for(busy, monkeypatch):
    """SQLite itself refuses at once, whatever its busy_timeout is: the second of two first commands got that refusal."""
    writer, path = busy
    monkeypatch.setattr(journal.time, "sleep", lambda _s: writer.in_transaction and writer.execute("COMMIT"))
    second = sqlite3.connect(path, isolation_level=None)
    journal.write_ahead(second)
    assert second.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_writer_that_does_not_end_is_told(busy, monkeypatch):
    """After as long as every other statement waits."""
    waited = []
    monkeypatch.setattr(journal.time, "sleep", waited.append)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        journal.write_ahead(sqlite3.connect(busy[1], isolation_level=None))
    assert 29 <= sum(waited) <= 30


def test_another_refusal_is_not_waited_for(tmp_path):
    """A file that is no database."""
    (tmp_path / "x.db").write_bytes(b"not a database, and long enough to be seen as none" * 99)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        journal.write_ahead(sqlite3.connect(tmp_path / "x.db"))
