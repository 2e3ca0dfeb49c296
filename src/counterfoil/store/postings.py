"""Postings and their revisions: read for deciding, written by one function per transition.

Called by posting/. States: planned → sending → posted | rejected | uncertain; held; cancelled. Functions run inside the
caller's transaction. Rows come back as `Posting`, never as the driver's.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema

IN_CHUNK = 500  # values in one IN (…): SQLite's default bound is far above, Postgres plans badly above


class Posting(msgspec.Struct, frozen=True):
    """One row of `postings`."""

    id: int
    flow_id: str
    kind: str
    external_id: str
    issue: int
    scope: str
    entity: str
    tenant_id: str
    resource: str
    marker: str
    state: str
    how: str | None
    cause: str | None
    reason: str | None
    remedy: str | None
    xero_messages: list[str] | None
    skipped: str | None
    revision: int
    record_hash: str
    pending_hash: str | None
    source: str
    after_id: int | None
    number: str | None
    own_number: bool
    date: datetime.date | None
    currency: str | None
    sub_total: Decimal | None
    total_tax: Decimal | None
    total: Decimal | None
    document_id: str | None
    document_number: str | None
    looks: int
    run_id: int
    last_run_id: int
    planned_at: datetime.datetime
    changed_at: datetime.datetime


class Revision(msgspec.Struct, frozen=True):
    """One row of `revisions`: the content of a posting at one time."""

    posting_id: int
    n: int
    record: Any
    record_hash: str
    element: Any
    predicted: Any
    source: str
    at: datetime.datetime


p = schema.postings.c
r = schema.revisions.c


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[Posting]:
    return [Posting(*row) for row in connection.execute(query)]


def by_external_id(
    connection: sa.Connection, flow_id: str, kind: str, scope: str, external_ids: Sequence[str]
) -> dict[str, Posting]:
    """The newest issue of each identity, by external id."""
    found: dict[str, Posting] = {}
    for start in range(0, len(external_ids), IN_CHUNK):
        part = external_ids[start : start + IN_CHUNK]
        query = (
            sa.select(schema.postings)
            .where(p.flow_id == flow_id, p.kind == kind, p.scope == scope, p.external_id.in_(part))
            .order_by(p.issue)
        )
        found.update((row.external_id, row) for row in _rows(connection, query))
    return found


def get(connection: sa.Connection, posting_id: int) -> Posting | None:
    """One posting by its id."""
    return next(iter(_rows(connection, sa.select(schema.postings).where(p.id == posting_id))), None)


def many(connection: sa.Connection, ids: Iterable[int]) -> dict[int, Posting]:
    """Postings by id."""
    wanted = list(ids)
    found: dict[int, Posting] = {}
    for start in range(0, len(wanted), IN_CHUNK):
        query = sa.select(schema.postings).where(p.id.in_(wanted[start : start + IN_CHUNK]))
        found.update((row.id, row) for row in _rows(connection, query))
    return found


def revisions(connection: sa.Connection, keys: Iterable[tuple[int, int]]) -> dict[int, Revision]:
    """The named revision of each posting, by posting id."""
    numbers = dict(keys)
    wanted = list(numbers)
    found: dict[int, Revision] = {}
    for start in range(0, len(wanted), IN_CHUNK):
        query = sa.select(schema.revisions).where(r.posting_id.in_(wanted[start : start + IN_CHUNK]))
        found.update(
            (row.posting_id, Revision(*row)) for row in connection.execute(query) if numbers[row.posting_id] == row.n
        )
    return found


def history(connection: sa.Connection, posting_id: int) -> list[Revision]:
    """Every revision of one posting, oldest first."""
    query = sa.select(schema.revisions).where(r.posting_id == posting_id).order_by(r.n)
    return [Revision(*row) for row in connection.execute(query)]


def by_document(
    connection: sa.Connection, tenant_id: str, resource: str, document_ids: Sequence[str]
) -> dict[str, Posting]:
    """Which posting a document belongs to, by document id."""
    found: dict[str, Posting] = {}
    for start in range(0, len(document_ids), IN_CHUNK):
        query = sa.select(schema.postings).where(
            p.tenant_id == tenant_id, p.resource == resource, p.document_id.in_(document_ids[start : start + IN_CHUNK])
        )
        found.update((row.document_id or "", row) for row in _rows(connection, query))
    return found


def by_name_key(connection: sa.Connection, entity: str, name_keys: Sequence[str]) -> dict[str, list[Posting]]:
    """Contact postings of an entity by the folded name they were planned with (kept in `number`)."""
    found: dict[str, list[Posting]] = {}
    for start in range(0, len(name_keys), IN_CHUNK):
        query = sa.select(schema.postings).where(
            p.kind == "contact", p.scope == entity, p.number.in_(name_keys[start : start + IN_CHUNK])
        )
        for row in _rows(connection, query):
            found.setdefault(row.number or "", []).append(row)
    return found


def row(**values: Any) -> dict[str, Any]:
    """One new row with every column named, so that many can be written at once."""
    empty: dict[str, Any] = dict.fromkeys(OPTIONAL)
    return {**empty, "issue": 1, "revision": 1, "looks": 0, **values}


OPTIONAL = tuple(column.name for column in schema.postings.columns if column.nullable and column.name != "id")


def insert(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str, str], int]:
    """Insert postings; → {(kind, scope, external_id): id} of those that are new.

    One that exists already (another process planned the same record) is left alone and not in the result.
    """
    if not rows:
        return {}
    new: dict[tuple[str, str, str], int] = {}
    dialect = connection.dialect.name
    build: Any = __import__(
        f"sqlalchemy.dialects.{'sqlite' if dialect == 'sqlite' else 'postgresql'}", fromlist=["insert"]
    )
    statement = build.insert(schema.postings).on_conflict_do_nothing().returning(p.id, p.kind, p.scope, p.external_id)
    for row in connection.execute(statement, list(rows)):
        new[row.kind, row.scope, row.external_id] = row.id
    return new


def add_revisions(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert contents."""
    if rows:
        connection.execute(sa.insert(schema.revisions), list(rows))


def update(connection: sa.Connection, posting_id: int, was: Sequence[str], values: Mapping[str, Any]) -> bool:
    """Change one posting if it is still in one of the states `was`; False: somebody else was first."""
    statement = sa.update(schema.postings).where(p.id == posting_id, p.state.in_(was)).values(**values)
    return connection.execute(statement).rowcount == 1


def update_many(connection: sa.Connection, rows: Sequence[dict[str, Any]], was: Sequence[str]) -> None:
    """Change many postings, each still in one of the states `was`; a row is {"pid": id, column: value, …}."""
    if not rows:
        return
    columns = [name for name in rows[0] if name != "pid"]
    statement = (
        sa.update(schema.postings)
        .where(p.id == sa.bindparam("pid"), sa.or_(*(p.state == state for state in was)))
        .values({name: sa.bindparam(f"v_{name}") for name in columns})
    )
    connection.execute(statement, [{"pid": row["pid"], **{f"v_{name}": row[name] for name in columns}} for row in rows])


def ready(connection: sa.Connection, tenant_id: str, resource: str, *, own_number: bool, most: int) -> list[Posting]:
    """Planned postings whose predecessor (a contact, a document before it in the chain) is posted, oldest first."""
    before = schema.postings.alias("before")
    query = (
        sa.select(schema.postings)
        .outerjoin(before, before.c.id == p.after_id)
        .where(
            p.tenant_id == tenant_id,
            p.resource == resource,
            p.state == "planned",
            p.own_number.is_(own_number),
            sa.or_(p.after_id.is_(None), sa.and_(before.c.state == "posted", before.c.cause.is_(None))),
        )
        .order_by(p.id)
        .limit(most)
    )
    return _rows(connection, query)


def open_tenants(connection: sa.Connection) -> set[str]:
    """Tenants with postings that are not at their end."""
    query = sa.select(p.tenant_id).where(p.state.in_(("planned", "sending", "uncertain"))).distinct()
    return set(connection.execute(query).scalars())


def hold_followers(connection: sa.Connection, before_ids: Sequence[int], now: datetime.datetime) -> int:
    """Hold what waits for a posting that was held or rejected, with that one's cause; visibly, and only its own chain."""
    held = 0
    for parent in many(connection, before_ids).values():
        statement = (
            sa.update(schema.postings)
            .where(p.after_id == parent.id, p.state == "planned")
            .values(
                state="held",
                cause=f"waits:{parent.cause}",
                reason=f"Waits for {parent.kind} {parent.external_id}: {parent.reason}",
                remedy=parent.remedy,
                changed_at=now,
            )
        )
        held += connection.execute(statement).rowcount
    return held


def free_followers(connection: sa.Connection, before_ids: Sequence[int], now: datetime.datetime) -> int:
    """Plan again what was held only because it waited for these."""
    freed = 0
    for start in range(0, len(before_ids), IN_CHUNK):
        statement = (
            sa.update(schema.postings)
            .where(
                p.after_id.in_(before_ids[start : start + IN_CHUNK]),
                p.state == "held",
                p.cause.startswith("waits:", autoescape=True),
            )
            .values(state="planned", cause=None, reason=None, remedy=None, changed_at=now)
        )
        freed += connection.execute(statement).rowcount
    return freed


def markers_found(connection: sa.Connection, tenant_id: str, resource: str) -> list[tuple[Posting, str]]:
    """Planned postings whose marker a document of the mirror already carries, with that document's id."""
    d = schema.documents.c
    query = (
        sa.select(schema.postings, d.document_id.label("found_id"))
        .join(
            schema.documents,
            sa.and_(d.tenant_id == p.tenant_id, d.resource == p.resource, d.marker == p.marker),
        )
        .where(p.tenant_id == tenant_id, p.resource == resource, p.state == "planned")
    )
    return [(Posting(*row[:-1]), row[-1]) for row in connection.execute(query)]
