"""What a restore on Postgres left to be done, done by whoever opens the database next: it may have been killed at any time.

Called by database, inside the transaction of an opening, under the lock that a restore holds for its whole time; what is read
here postgres_restoring wrote before `pg_restore` began. In one transaction: the database begins with `recover`, what was paused stays
so, and its own tables are no copy's.
"""

from typing import Final

import msgspec
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.store.installation import HOME, RESTORED, Home

INTENT: Final = "restoring"
PAUSES: Final = "restoring_pauses"
TABLES: Final = (INTENT, PAUSES)
NOT_YET: Final = "restoring"  # in meta of the database that is about to be replaced: where it still stands, nothing was
PROGRAM: Final = "counterfoil restore"  # how the connection of our pg_restore calls itself
_GOES_ON: Final = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name"
)
_STAYS: Final = sa.text(
    f"INSERT INTO pauses (scope, name, because, actor, at, until) "  # noqa: S608 - names of ours
    f"SELECT scope, name, because, actor, at, until FROM {PAUSES} AS one WHERE NOT EXISTS "
    "(SELECT 1 FROM pauses AS p WHERE p.ended_at IS NULL AND (p.scope, p.name) = (one.scope, one.name))"
)


def conclude(connection: sa.Connection) -> None:
    """End a restore that put its dump back, and forget one that did not come so far. Nothing, where there was none.

    Raises StoreError while a `pg_restore` goes on whose command was killed: what is there now may be replaced in a moment.
    """
    if not _is_there(connection, INTENT):
        return
    if connection.scalar(_GOES_ON, {"name": PROGRAM}):
        raise errors.StoreError(
            "A restore is still at work on this database, although its command was ended.",
            remedy="Wait until its pg_restore has ended, or end that program; then run the same command again.",
        )
    if _is_there(connection, "meta") and not _undone(connection):
        _put(connection, RESTORED, str(connection.scalar(sa.text(f"SELECT at FROM {INTENT}"))))  # noqa: S608 - ours
        if _is_there(connection, PAUSES):
            connection.execute(_STAYS)
        home = _home(connection)
        if home is not None:
            _put(connection, HOME, msgspec.json.encode(home).decode())
    for table in TABLES:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {table}"))


def _undone(connection: sa.Connection) -> bool:
    """Whether the database is still the one that was to be replaced; then that is forgotten."""
    return bool(connection.execute(sa.text("DELETE FROM meta WHERE key = :key"), {"key": NOT_YET}).rowcount)


def _home(connection: sa.Connection) -> Home | None:
    """Where the database lives now, when it is the one that the dump was made of: its tables alone have other numbers."""
    kept = connection.scalar(sa.text("SELECT value FROM meta WHERE key = :key"), {"key": HOME})
    number = connection.scalar(sa.text("SELECT oid FROM pg_database WHERE datname = current_database()"))
    if kept is None or not msgspec.json.decode(kept, type=Home).place.startswith(f"postgres/{number}/"):
        return None
    table = connection.scalar(sa.text("SELECT 'meta'::regclass::oid"))
    return Home("", f"postgres/{number}/{table}")


def _put(connection: sa.Connection, key: str, value: str) -> None:
    put = "INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    connection.execute(sa.text(put), {"key": key, "value": value})


def _is_there(connection: sa.Connection, table: str) -> bool:
    return connection.scalar(sa.text("SELECT to_regclass(:name)"), {"name": table}) is not None
