"""The audit log's rows: append-only, one chain per entity. The hashes are made by access/audit, which has the key.

Called by access/audit. There is no update and no delete here.
"""

import datetime
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import locks, schema
from counterfoil.store.prepared import Prepared

Connection: TypeAlias = sa.Connection
_T = schema.audit


class Entry(msgspec.Struct, frozen=True):
    """One act. `data` is JSON as bytes: exactly what was hashed."""

    entity: str
    seq: int
    at: datetime.datetime
    actor: str
    act: str
    data: bytes
    previous: str
    hash: str


_RAW = (
    _T.c.entity,
    _T.c.seq,
    _T.c.at,
    _T.c.actor,
    _T.c.act,
    sa.type_coerce(_T.c.data, sa.LargeBinary),
    _T.c.previous,
    _T.c.hash,
)


_LAST = Prepared(sa.select(*_RAW).where(_T.c.entity == sa.bindparam("entity")).order_by(_T.c.seq.desc()).limit(1))
_ADD = Prepared(sa.insert(_T))


def last(conn: Connection, entity: str) -> Entry | None:
    """The head of a chain; nobody else can append until this transaction ends."""
    locks.hold(conn, f"audit {entity}")
    found = _LAST.rows(conn, Entry, entity=entity)
    return found[0] if found else None


def add(conn: Connection, entry: Entry) -> None:
    """Append one entry."""
    _ADD.run(conn, **msgspec.structs.asdict(entry))


def chain(conn: Connection, entity: str) -> list[Entry]:
    """A whole chain, oldest first."""
    return [Entry(*row) for row in conn.execute(_rows(entity).order_by(_T.c.seq))]


def entities(conn: Connection) -> list[str]:
    """Every entity with a chain; "" is the chain of acts that concern none."""
    return list(conn.execute(sa.select(_T.c.entity).distinct().order_by(_T.c.entity)).scalars())


def _rows(entity: str) -> sa.Select[Any]:
    return sa.select(*_RAW).where(_T.c.entity == entity)
