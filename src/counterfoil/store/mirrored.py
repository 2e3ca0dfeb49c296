"""The mirror's own tables: whole documents, how far each resource was read, what Xero sends that nobody published.

Called by mirror/ and app. What a document looks like is mirror's business: here it is bytes, a stamp and an id.
"""

import datetime
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.store import prepared, schema
from counterfoil.store.documents import upsert
from counterfoil.store.prepared import Among, Prepared

DRIFT_ROWS_MAX = 500  # of a resource; more of them is no drift but another thing altogether


class Mirrored(msgspec.Struct, frozen=True):
    """One document as the mirror holds it. `missing`: fields that are older than `stamp`, or were never read."""

    tenant_id: str
    resource: str
    document_id: str
    status: str | None
    stamp: datetime.datetime | None
    seen_at: datetime.datetime
    missing: str
    absent_at: datetime.datetime | None
    deleted_at: datetime.datetime | None
    body: bytes


class Reading(msgspec.Struct, frozen=True):
    """How far one resource of a tenant was read; all instants are Xero's time but `caught_up_at` and `changed_at`."""

    tenant_id: str
    resource: str
    since: datetime.datetime | None = None
    began_at: datetime.datetime | None = None
    reached: datetime.datetime | None = None
    caught_up_at: datetime.datetime | None = None
    changed_at: datetime.datetime | None = None
    listed_at: datetime.datetime | None = None


class Drift(msgspec.Struct, frozen=True):
    """A field or a value that was not published when this was written, and how often documents had it."""

    resource: str
    field: str
    value: str
    times: int
    first_at: datetime.datetime
    last_at: datetime.datetime


m = schema.mirrored.c
g = schema.readings.c
_OF = (m.tenant_id == sa.bindparam("tenant_id"), m.resource == sa.bindparam("resource"))
_BY_IDS = Prepared(sa.select(schema.mirrored).where(*_OF, Among(m.document_id, "those")))
_AFTER = Prepared(
    sa.select(schema.mirrored)
    .where(*_OF, m.document_id > sa.bindparam("after"))
    .order_by(m.document_id)
    .limit(sa.bindparam("most"))
)
_IN_FORCE = (
    Prepared(  # payments and bank transactions that count, documents that may be open: Xero's word for all of them
        sa.select(m.document_id, m.body)
        .where(
            *_OF,
            m.document_id > sa.bindparam("after"),
            sa.or_(m.status == "AUTHORISED", m.status.is_(None)),
            m.deleted_at.is_(None),
        )
        .order_by(m.document_id)
        .limit(sa.bindparam("most"))
    )
)
_MISSING = Prepared(
    sa.select(m.document_id).where(*_OF, sa.text("missing <> ''"), m.deleted_at.is_(None)).limit(sa.bindparam("most"))
)
_HELD = Prepared(sa.select(m.document_id, m.absent_at, m.stamp).where(*_OF, m.deleted_at.is_(None)))
_TIMES = Prepared(sa.select(m.document_id, m.stamp, m.seen_at).where(*_OF, Among(m.document_id, "those")))
_STAMPS = Prepared(sa.select(m.document_id, m.stamp).where(*_OF, Among(m.document_id, "those"), m.stamp.is_not(None)))
_NEWEST = Prepared(sa.select(sa.func.max(m.stamp)).where(*_OF))
_THERE_OF = Prepared(sa.select(m.document_id).where(*_OF, Among(m.document_id, "those"), m.deleted_at.is_(None)))
_COUNT = Prepared(sa.select(sa.func.count()).where(*_OF, m.deleted_at.is_(None)))
_READING = Prepared(
    sa.select(schema.readings).where(g.tenant_id == sa.bindparam("tenant_id"), g.resource == sa.bindparam("resource"))
)
_ABSENT = Prepared(
    sa.update(schema.mirrored)
    .where(*_OF, Among(m.document_id, "those"), m.absent_at.is_(None))
    .values(absent_at=sa.bindparam("at"))
)
_DELETE = Prepared(
    sa.update(schema.mirrored)
    .where(*_OF, Among(m.document_id, "those"), m.deleted_at.is_(None))
    .values(deleted_at=sa.bindparam("at"))
)
_THERE = Prepared(
    sa.update(schema.mirrored)
    .where(*_OF, Among(m.document_id, "those"), m.absent_at.is_not(None))
    .values(absent_at=None, deleted_at=None)
)


def by_ids(conn: sa.Connection, tenant_id: str, resource: str, ids: Sequence[str]) -> dict[str, Mirrored]:
    """What is held of these documents, by id."""
    if not ids:
        return {}
    found = _BY_IDS.rows(conn, Mirrored, tenant_id=tenant_id, resource=resource, those=ids)
    return {one.document_id: one for one in found}


def known(conn: sa.Connection, tenant_id: str, resource: str, ids: Sequence[str]) -> set[str]:
    """Which of these documents are there."""
    return {row[0] for row in _THERE_OF.tuples(conn, tenant_id=tenant_id, resource=resource, those=ids)}


def stamps(conn: sa.Connection, tenant_id: str, resource: str, ids: Sequence[str]) -> dict[str, datetime.datetime]:
    """Xero's stamp of each of these documents that is held and has one."""
    return dict(_STAMPS.tuples(conn, tenant_id=tenant_id, resource=resource, those=ids)) if ids else {}


def times(
    conn: sa.Connection, tenant_id: str, resource: str, ids: Sequence[str]
) -> list[tuple[str, datetime.datetime | None, datetime.datetime]]:
    """(id, stamp, Xero's time of the answer) of each of these documents that is held."""
    return _TIMES.tuples(conn, tenant_id=tenant_id, resource=resource, those=ids) if ids else []


def newest(conn: sa.Connection, tenant_id: str, resource: str) -> datetime.datetime | None:
    """The newest stamp of a resource; None: nothing is held."""
    at: datetime.datetime | None = _NEWEST.first(conn, tenant_id=tenant_id, resource=resource)
    return at


def page(conn: sa.Connection, tenant_id: str, resource: str, *, after: str = "", most: int = 1000) -> list[Mirrored]:
    """Up to `most` documents behind an id, by id, deleted ones included."""
    return _AFTER.rows(conn, Mirrored, tenant_id=tenant_id, resource=resource, after=after, most=most)


def in_force(
    conn: sa.Connection, tenant_id: str, resource: str, *, after: str = "", most: int = 500
) -> list[tuple[str, bytes]]:
    """(id, JSON) of up to `most` documents behind an id, by id, that are AUTHORISED or have no status at all."""
    return _IN_FORCE.tuples(conn, tenant_id=tenant_id, resource=resource, after=after, most=most)


def put(conn: sa.Connection, rows: Sequence[Mirrored]) -> None:
    """Write documents; what was held of them is replaced."""
    upsert(conn, schema.mirrored, [msgspec.structs.asdict(one) for one in rows])


def incomplete(conn: sa.Connection, tenant_id: str, resource: str, most: int) -> list[str]:
    """Ids of documents of which no answer covered everything at their stamp."""
    found = _MISSING.tuples(conn, tenant_id=tenant_id, resource=resource, most=most)
    return [row[0] for row in found]


class Held(msgspec.Struct, frozen=True):
    """A document that is there; `absent_at`: the first complete list that lacked it."""

    document_id: str
    absent_at: datetime.datetime | None
    stamp: datetime.datetime | None


def held(conn: sa.Connection, tenant_id: str, resource: str) -> list[Held]:
    """What is there, in no order."""
    return _HELD.rows(conn, Held, tenant_id=tenant_id, resource=resource)


def count(conn: sa.Connection, tenant_id: str, resource: str) -> int:
    """How many documents are there; hard-deleted ones are not."""
    number: int = _COUNT.first(conn, tenant_id=tenant_id, resource=resource)
    return number


def absent(conn: sa.Connection, tenant_id: str, resource: str, ids: Sequence[str], at: datetime.datetime) -> None:
    """A complete list lacked these for the first time."""
    if ids:
        _ABSENT.run(conn, tenant_id=tenant_id, resource=resource, those=ids, at=at)


def delete(conn: sa.Connection, tenant_id: str, resource: str, ids: Sequence[str], at: datetime.datetime) -> None:
    """A second one lacked them: they are gone. Their rows stay."""
    if ids:
        _DELETE.run(conn, tenant_id=tenant_id, resource=resource, those=ids, at=at)


def there(conn: sa.Connection, tenant_id: str, resource: str, ids: Sequence[str]) -> None:
    """These were in an answer: whatever lacked them was wrong, or old."""
    if ids:
        _THERE.run(conn, tenant_id=tenant_id, resource=resource, those=ids)


def reading(conn: sa.Connection, tenant_id: str, resource: str) -> Reading:
    """How far a resource was read; a first reading knows nothing."""
    found = _READING.rows(conn, Reading, tenant_id=tenant_id, resource=resource)
    return found[0] if found else Reading(tenant_id, resource)


def readings(conn: sa.Connection) -> list[Reading]:
    """Every reading there is."""
    return [Reading(*row) for row in conn.execute(sa.select(schema.readings))]


def set_reading(conn: sa.Connection, moved: Reading) -> None:
    """Keep how far a resource was read."""
    upsert(conn, schema.readings, [msgspec.structs.asdict(moved)])


@functools.cache
def _count_drift(dialect: str) -> Prepared:
    statement: Any = prepared.insert(dialect)(schema.drift)
    t = schema.drift.c
    added = {"times": t.times + statement.excluded.times, "last_at": statement.excluded.last_at}
    return Prepared(statement.on_conflict_do_update(index_elements=["resource", "field", "value"], set_=added))


def note_drift(conn: sa.Connection, resource: str, found: Mapping[tuple[str, str], int], at: datetime.datetime) -> None:
    """Count what nobody published, by (field, value)."""
    if not found:
        return
    t = schema.drift.c
    known = {(row.field, row.value) for row in conn.execute(sa.select(t.field, t.value).where(t.resource == resource))}
    room = DRIFT_ROWS_MAX - len(known)
    new = [one for one in found if one not in known][: max(0, room)]
    rows = [
        {"resource": resource, "field": key[0], "value": key[1], "times": found[key], "first_at": at, "last_at": at}
        for key in sorted((*new, *(known & found.keys())))
    ]
    _count_drift(conn.dialect.name).run_many(conn, rows)


def drifts(conn: sa.Connection) -> list[Drift]:
    """The drift log, by resource and field."""
    t = schema.drift.c
    return [Drift(*row) for row in conn.execute(sa.select(schema.drift).order_by(t.resource, t.field, t.value))]
