"""Records that programs handed over: kept before the program hears so, taken off when they are planned.

Called by app/handing and the service's work. Functions run inside the caller's transaction.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.store import prepared, schema

h = schema.handed.c


class Handed(msgspec.Struct, frozen=True):
    """One record, in the table's order of columns. `ended_at` None: it waits."""

    id: int
    request: str
    flow_id: str
    actor: str
    entities: list[str] | None
    n: int
    source: str
    content_hash: str
    record: bytes | None
    external_id: str | None
    entity: str | None
    received_at: datetime.datetime
    ended_at: datetime.datetime | None
    posting_id: int | None
    ended_as: str | None
    cause: str | None
    reason: str | None
    remedy: str | None
    field: str | None


def add(conn: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep records; each row names the columns that say what came."""
    prepared.insert_many(conn, schema.handed, [{**_NEW, **row} for row in rows])


_NEW: dict[str, Any] = dict.fromkeys(column.name for column in schema.handed.columns if column.name != "id")


def waiting(conn: sa.Connection, flow_id: str, after: int, most: int) -> list[Handed]:
    """Up to `most` records of a flow that wait, behind an id, the oldest first."""
    query = sa.select(schema.handed).where(h.flow_id == flow_id, h.ended_at.is_(None), h.id > after)
    return [Handed(*row) for row in conn.execute(query.order_by(h.id).limit(most))]


def of_request(conn: sa.Connection, request: str) -> list[Handed]:
    """All that came in one request and was kept, in its order."""
    query = sa.select(schema.handed).where(h.request == request).order_by(h.n)
    return [Handed(*row) for row in conn.execute(query)]


def flows(conn: sa.Connection) -> set[str]:
    """The ids of flows of which something waits."""
    return set(conn.execute(sa.select(h.flow_id).where(h.ended_at.is_(None)).distinct()).scalars())


def count(conn: sa.Connection, flow_id: str) -> int:
    """How many records of a flow wait."""
    query = sa.select(sa.func.count()).where(h.flow_id == flow_id, h.ended_at.is_(None))
    return int(conn.execute(query).scalar_one())


def end(conn: sa.Connection, handed_id: int, values: Mapping[str, Any], now: datetime.datetime) -> None:
    """It was planned, or refused: what became of it. What ended before stays as it ended."""
    of = sa.and_(h.id == handed_id, h.ended_at.is_(None))
    conn.execute(sa.update(schema.handed).where(of).values(record=None, ended_at=now, **values))


def any_ended(conn: sa.Connection, before: datetime.datetime) -> bool:
    """Whether something ended before an instant; a look into an index."""
    return conn.execute(sa.select(h.id).where(h.ended_at < before).limit(1)).first() is not None


def drop_ended(conn: sa.Connection, before: datetime.datetime, most: int) -> int:
    """Forget up to `most` records that ended before an instant; → how many."""
    old = sa.select(h.id).where(h.ended_at < before).limit(most)
    return conn.execute(sa.delete(schema.handed).where(h.id.in_(old))).rowcount
