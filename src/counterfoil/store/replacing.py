"""A database that takes another's place: nobody at work on either, what is paused stays so, one of the two is there at any instant.

Called by app/backups, and by store/copied for what it writes anew. What a backup is: backups.
"""

import contextlib
import datetime
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from counterfoil import errors
from counterfoil.store.backups import State, flush, state_of, told_by_disk
from counterfoil.store.installation import RESTORED


class There(msgspec.Struct, frozen=True):
    """The database that a restore replaces: what it is, and the rows of the pauses that stand in it."""

    state: State
    pauses: list[tuple[str | None, ...]]


def mark_restored(database: Path, at: datetime.datetime) -> None:
    """Let a database begin with `recover` when it is opened: whatever its sentinel knows, a time was forgotten. Raises StoreError."""
    with told_by_disk(database), contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (RESTORED, at.isoformat()))


def _standing_pauses(connection: sqlite3.Connection) -> list[tuple[str | None, ...]]:
    """None where the schema is so old that it has no pauses."""
    if not _has_pauses(connection):
        return []
    query = "SELECT scope, name, because, actor, at, until FROM pauses WHERE ended_at IS NULL"
    return connection.execute(query).fetchall()


def keep_paused(database: Path, pauses: list[tuple[str | None, ...]]) -> int:
    """Let what is paused stay so in a database that takes another's place; → how many pauses it did not know.

    One that stands there, too, is left as the database has it. A database of a schema without pauses keeps none.
    """
    insert = "INSERT INTO pauses (scope, name, because, actor, at, until) VALUES (?, ?, ?, ?, ?, ?)"
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        known = {row[:2] for row in _standing_pauses(connection)}
        new = [row for row in pauses if row[:2] not in known]
        if not _has_pauses(connection):
            return 0
        connection.executemany(insert, new)
        return len(new)


def _has_pauses(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'pauses'").fetchone()[0])


@contextlib.contextmanager
def one_at_a_time(database: Path) -> Iterator[None]:
    """No other restore of this database inside: both would write to one place beside it. Raises StoreError: one runs.

    The file beside it stays; the lock ends with its process.
    """
    with told_by_disk(database):
        handle = os.open(database.with_name(database.name + "-restore"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            raise errors.StoreError(
                f"Another restore of {database} is at work.", remedy="Wait until it has ended."
            ) from cause
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def alone(database: Path) -> Iterator[There]:
    """Hold a database so that no process works on it, its journal written back into it; → what it is. Raises StoreError: one does.

    Who comes meanwhile waits, and finds another file in its place (store/database looks).
    """
    busy = errors.StoreError(
        f"A process works on {database}.", remedy="End it (`run`, `serve`, `worker` …), then restore again."
    )
    try:
        with contextlib.closing(sqlite3.connect(database, timeout=1, isolation_level=None)) as connection:
            try:
                if connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0] != "delete":
                    raise busy
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if "locked" in str(error) or "busy" in str(error):
                    raise busy from error
                raise
            yield There(state_of(connection), _standing_pauses(connection))
            connection.execute("ROLLBACK")
    except sqlite3.DatabaseError as error:
        raise errors.StoreError(
            f"{database} cannot be opened: {error}.", remedy="If it is beyond repair, move it away and restore again."
        ) from error


def sweep(database: Path) -> None:
    """Delete the journals of a database that is gone: SQLite would play them into the one that comes in its place."""
    with told_by_disk(database):
        for ending in ("-wal", "-shm", "-journal"):
            database.with_name(database.name + ending).unlink(missing_ok=True)


def put_in_place(staged: Path, database: Path, kept: Path | None) -> None:
    """Put a database where it belongs, and the one that is there beside, under `alone`; there is one at any instant."""
    with told_by_disk(database):
        if kept is not None:
            try:
                os.link(database, kept)
            except FileExistsError:  # never over a database that was kept before
                raise
            except OSError:  # a disk without links: for an instant there is none
                database.replace(kept)
        staged.replace(database)
        flush(database.parent)
