"""A copy opened to be changed: as any database, but without claiming it, and its schema's number stays what it was.

Called by app/privacy for files that are thrown away when anything goes wrong. What the newest schema has and the copy has
not is added, since the sweeps speak to the newest; that is all additions (store/migrations), so that the Counterfoil that
wrote the copy restores it as its own and does not see them, and a newer one upgrades it and finds them there.
"""

import datetime
from pathlib import Path

import sqlalchemy as sa

from counterfoil import errors
from counterfoil.model.ports import Clock
from counterfoil.store import backups, migrations, schema
from counterfoil.store.backups import State
from counterfoil.store.database import Connection, Database
from counterfoil.store.migrations import additive
from counterfoil.store.prepared import drive
from counterfoil.store.removals import ERASE
from counterfoil.store.types import EPOCH

r = schema.removals.c


class Opened(Database):
    """A copy's database. Its writes are not on disk before it is packed: nobody has anything of it until then."""

    def __init__(self, url: sa.URL, clock: Clock) -> None:
        """`url`: of a file or a database that belongs to this process alone."""
        super().__init__(url.render_as_string(hide_password=False), clock, alone=True)
        self.url = url  # as it is: a path may hold what an address may not

    @classmethod
    def of_file(cls, file: Path, clock: Clock) -> "Opened":
        """An SQLite file."""
        return cls(sa.URL.create("sqlite", database=str(file)), clock)

    def _connect_sqlite(self) -> None:
        super()._connect_sqlite()
        assert self._connection is not None
        for pragma in ("journal_mode=MEMORY", "synchronous=OFF", "temp_store=MEMORY"):  # no second file with its text
            drive(self._connection, f"PRAGMA {pragma}")

    def _prepare(self, connection: Connection) -> int | None:
        additive.add_missing(connection)
        return None

    async def compact(self) -> bool:
        """Nothing: the file is written anew when it is packed."""
        return True


def refuse(there: State, ours: State, environment: str) -> None:
    """Raises InputError for a copy that is not ours to change: `ours` is the installation that asks."""
    if there.installation_id != ours.installation_id:
        raise errors.InputError("it is another installation's.")
    if there.environment not in (None, environment):
        raise errors.InputError(f"it is of environment {there.environment}, and this is {environment}: use that --env.")
    if there.schema > schema.SCHEMA_VERSION:
        raise errors.InputError(
            f"it has schema {there.schema}, and this Counterfoil knows {schema.SCHEMA_VERSION}: use the one that made it."
        )
    if there.schema < migrations.OLDEST:
        raise errors.InputError(f"it has schema {there.schema}, which is from before the first release.")


def let_go(connection: Connection) -> None:
    """What processes were at when the copy was made, they are not at in it: rows of a source that was read go, erasures are anybody's."""
    for table in (schema.spool_rows, schema.spool_groups, schema.spools):
        connection.execute(sa.delete(table))
    open_ones = sa.and_(r.ended_at.is_(None), r.kind == ERASE)
    connection.execute(sa.update(schema.removals).where(open_ones).values(touched_at=EPOCH))


def erasures(connection: Connection) -> dict[tuple[str, datetime.datetime], bool]:
    """Every erasure that was begun, by its tenant and when: whether it came to its end."""
    query = sa.select(r.tenant_id, r.begun_at, r.ended_at).where(r.kind == ERASE)
    return {(tenant_id, begun_at): ended_at is not None for tenant_id, begun_at, ended_at in connection.execute(query)}


def note(connection: Connection, done: list[tuple[str, datetime.datetime]], actor: str, now: datetime.datetime) -> None:
    """Let a copy say that these erasures are done in it, too."""
    rows = [
        {"kind": ERASE, "entity": "", "tenant_id": tenant_id, "person": None, "place": {"step": 0, "after": None}, "counts": {},
         "actor": actor, "owner": "", "touched_at": now, "begun_at": begun_at, "ended_at": now}
        for tenant_id, begun_at in done
    ]  # fmt: skip
    if rows:
        connection.execute(sa.insert(schema.removals), rows)


def look(database: Path) -> State:
    """What a copy is. Raises InputError: no database of ours."""
    try:
        return backups.look(database)
    except (errors.StoreError, ValueError) as cause:
        raise errors.InputError("it is no database of Counterfoil's, or it is broken.") from cause
