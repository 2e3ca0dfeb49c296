"""What can be told of the database as a whole: its form, its size, what lies about in it.

Called by app/doctor. Reads only, in short transactions; nothing of a record's content is read.
"""

import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.database import Connection, Database
from counterfoil.store.meta import get_meta

CHECKED_BYTES_MAX: Final = 64 << 20  # a database up to this size is looked through for damage: 0.2 s
UNSENT: Final = ("planned", "sending")


class Form(msgspec.Struct, frozen=True):
    """The database itself. `journal`, `damage`: of SQLite; `damage` is SQLite's first word about it, None: none found."""

    kind: str
    version: str
    schema: int
    bytes: int
    journal: str = ""
    damage: str | None = None


class GrantState(msgspec.Struct, frozen=True):
    """A consent without its tokens."""

    id: str
    client_id: str
    scopes: str
    refreshed_at: datetime.datetime
    lost: str | None


class Remains(msgspec.Struct, frozen=True):
    """How much of what was begun was never ended, and since when; instants are None where there is none."""

    runs: int
    runs_since: datetime.datetime | None
    unsent: int
    unsent_since: datetime.datetime | None
    uncertain: int
    uncertain_since: datetime.datetime | None
    spools: int


def form(connection: Connection, database: Database) -> Form:
    """What kind of database, how large, and whether it is damaged as far as a short look shows."""
    number = int(get_meta(connection, "schema_version") or 0)
    if not database.is_sqlite:
        version = str(connection.execute(sa.text("SHOW server_version")).scalar_one())
        size = int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())
        return Form("Postgres", version, number, size)
    version = str(connection.execute(sa.text("SELECT sqlite_version()")).scalar_one())
    pages, page = (int(_pragma(connection, name)) for name in ("page_count", "page_size"))
    checked = pages * page <= CHECKED_BYTES_MAX
    said = str(_pragma(connection, "quick_check(1)")) if checked else "ok"
    return Form(
        "SQLite",
        version,
        number,
        pages * page,
        str(_pragma(connection, "journal_mode")),
        None if said == "ok" else said,
    )


def grants(connection: Connection) -> list[GrantState]:
    """Every consent, lost ones too."""
    g = schema.grants.c
    query = sa.select(g.id, g.client_id, g.scopes, g.refreshed_at, g.lost).order_by(g.id)
    return [GrantState(*row) for row in connection.execute(query)]


def remains(connection: Connection, before: datetime.datetime) -> Remains:
    """What was begun before an instant and is not ended; what is uncertain is counted whenever it began."""
    r, p, s = schema.runs.c, schema.postings.c, schema.spools.c
    runs = _count(connection, r.started, r.ended.is_(None), r.started < before)
    unsent = _count(connection, p.changed_at, p.state.in_(UNSENT), p.changed_at < before)
    uncertain = _count(connection, p.changed_at, p.state == "uncertain")
    return Remains(*runs, *unsent, *uncertain, _count(connection, s.touched_at, s.touched_at < before)[0])


def table_counts(connection: Connection) -> dict[str, int]:
    """How many rows each table has, by name."""
    return {
        name: int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
        for name, table in sorted(schema.tables.tables.items())
    }


def _count(connection: Connection, at: Any, *where: Any) -> tuple[int, datetime.datetime | None]:
    count, since = connection.execute(sa.select(sa.func.count(), sa.func.min(at)).where(*where)).one()
    return count, since


def _pragma(connection: Connection, name: str) -> Any:
    return connection.execute(sa.text(f"PRAGMA {name}")).scalar()


def first_run(connection: Connection) -> datetime.datetime | None:
    """When the first run of this database began; None: there was none."""
    r = schema.runs.c
    return connection.execute(sa.select(r.started).order_by(r.id).limit(1)).scalar_one_or_none()
