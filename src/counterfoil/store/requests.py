"""Requests, their items and attempts: what is on its way to Xero.

Called by posting/. A request is frozen bytes under one key; each sending of it is an attempt, and taking one over means
writing attempt n + 1. Every change compares and swaps on the number of attempts, so that a late owner fails.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.database import get_meta, set_meta

ATTEMPT_SEQUENCE = "attempt_sequence"  # in meta; its twin stands in the sentinel file


class Request(msgspec.Struct, frozen=True):
    """One row of `requests`."""

    id: int
    entity: str
    tenant_id: str
    resource: str
    method: str
    path: str
    body: bytes
    idempotency_key: str
    own_number: bool
    state: str
    attempts: int
    unclear_attempts: int
    first_started: datetime.datetime | None
    last_started: datetime.datetime | None
    owner: str | None
    lease_until: datetime.datetime | None
    not_before: datetime.datetime | None
    looks: int
    last_look: datetime.datetime | None
    outcome: str | None
    frozen_at: datetime.datetime


class Attempt(msgspec.Struct, frozen=True):
    """One row of `attempts`."""

    request_id: int
    n: int
    owner: str
    started: datetime.datetime
    ended: datetime.datetime | None
    outcome: str | None
    status: int | None
    correlation_id: str | None
    answer: bytes | None


q = schema.requests.c
i = schema.request_items.c
a = schema.attempts.c


def insert(connection: sa.Connection, values: Mapping[str, Any], items: Sequence[tuple[int, int]]) -> int:
    """Write one frozen request and its items, given as (posting id, revision) in the order of the bytes; → its id.

    Raises IntegrityError when one of the postings is in an open request already.
    """
    request_id: int = connection.execute(sa.insert(schema.requests).values(**values).returning(q.id)).scalar_one()
    rows = [
        {"request_id": request_id, "position": position, "posting_id": posting, "revision": revision, "open": True}
        for position, (posting, revision) in enumerate(items)
    ]
    connection.execute(sa.insert(schema.request_items), rows)
    return request_id


def get(connection: sa.Connection, request_id: int) -> Request:
    """One request."""
    return Request(*connection.execute(sa.select(schema.requests).where(q.id == request_id)).one())


def open_of(connection: sa.Connection, tenant_id: str) -> list[Request]:
    """Requests of a tenant that are not closed, oldest first."""
    query = sa.select(schema.requests).where(q.tenant_id == tenant_id, q.state != "closed").order_by(q.id)
    return [Request(*row) for row in connection.execute(query)]


def all_open(connection: sa.Connection) -> list[Request]:
    """Requests of all tenants that are not closed, oldest first."""
    query = sa.select(schema.requests).where(q.state != "closed").order_by(q.id)
    return [Request(*row) for row in connection.execute(query)]


def open_items(connection: sa.Connection, request_id: int) -> list[tuple[int, int, int]]:
    """(position, posting id, revision) of the items without an outcome, in order."""
    query = sa.select(i.position, i.posting_id, i.revision).where(i.request_id == request_id, i.open.is_(True))
    return [(row.position, row.posting_id, row.revision) for row in connection.execute(query.order_by(i.position))]


def item_count(connection: sa.Connection, request_id: int) -> int:
    """How many elements the bytes hold."""
    return connection.execute(sa.select(sa.func.count()).where(i.request_id == request_id)).scalar_one()


def change(connection: sa.Connection, request: Request, values: Mapping[str, Any]) -> bool:
    """Change a request if no attempt was made and no look was taken since it was read; False: somebody else was first."""
    statement = (
        sa.update(schema.requests)
        .where(q.id == request.id, q.attempts == request.attempts, q.looks == request.looks, q.state != "closed")
        .values(**values)
    )
    return connection.execute(statement).rowcount == 1


def begin_attempt(
    connection: sa.Connection, request: Request, owner: str, now: datetime.datetime, lease_until: datetime.datetime
) -> int | None:
    """Commit the intent to send: → the attempt's sequence number in this installation, or None when taken over."""
    values = {
        "attempts": request.attempts + 1,
        "owner": owner,
        "last_started": now,
        "first_started": request.first_started or now,
        "lease_until": lease_until,
        "not_before": lease_until,
    }
    if not change(connection, request, values):
        return None
    row = {"request_id": request.id, "n": request.attempts + 1, "owner": owner, "started": now}
    connection.execute(sa.insert(schema.attempts).values(**row))
    sequence = int(get_meta(connection, ATTEMPT_SEQUENCE) or 0) + 1
    set_meta(connection, ATTEMPT_SEQUENCE, str(sequence))
    return sequence


def end_attempt(connection: sa.Connection, request_id: int, n: int, values: Mapping[str, Any]) -> None:
    """Write what became of an attempt; one that was given up by another owner keeps that verdict."""
    statement = (
        sa.update(schema.attempts).where(a.request_id == request_id, a.n == n, a.ended.is_(None)).values(**values)
    )
    connection.execute(statement)


def close_items(connection: sa.Connection, request_id: int, outcomes: Mapping[int, str]) -> None:
    """Give items their outcome, by position."""
    statement = (
        sa.update(schema.request_items)
        .where(i.request_id == sa.bindparam("rid"), i.position == sa.bindparam("pos"), i.open.is_(True))
        .values(open=False, outcome=sa.bindparam("what"))
    )
    rows = [{"rid": request_id, "pos": position, "what": outcome} for position, outcome in outcomes.items()]
    if rows:
        connection.execute(statement, rows)


def attempts_of_posting(
    connection: sa.Connection, posting_id: int
) -> list[tuple[Request, int, str | None, list[Attempt]]]:
    """The story of one posting on the wire: each request with its position, its outcome and its attempts."""
    items = connection.execute(
        sa.select(i.request_id, i.position, i.outcome).where(i.posting_id == posting_id).order_by(i.request_id)
    ).all()
    story = []
    for item in items:
        query = sa.select(schema.attempts).where(a.request_id == item.request_id).order_by(a.n)
        tries = [Attempt(*row) for row in connection.execute(query)]
        story.append((get(connection, item.request_id), item.position, item.outcome, tries))
    return story


def newest_attempt(connection: sa.Connection) -> datetime.datetime | None:
    """When the last attempt of this database began."""
    return connection.execute(sa.select(sa.func.max(a.started, type_=a.started.type))).scalar_one_or_none()


def sequence(connection: sa.Connection) -> int:
    """How many attempts this database has ever committed."""
    return int(get_meta(connection, ATTEMPT_SEQUENCE) or 0)
