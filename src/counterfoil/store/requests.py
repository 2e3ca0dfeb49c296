"""Requests, their items and attempts: what is on its way to Xero.

Called by posting/. A request is frozen bytes under one key; each sending of it is an attempt, and taking one over means
writing attempt n + 1. Every change compares and swaps on the number of attempts, so that a late owner fails.
"""

import datetime
import functools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.store import locks, postings, schema
from counterfoil.store.meta import get_meta, set_meta
from counterfoil.store.postings import Brief
from counterfoil.store.prepared import Among, Prepared

ATTEMPT_SEQUENCE = "attempt_sequence"  # in meta; its twin stands in the sentinel file


class Request(msgspec.Struct, frozen=True):
    """One row of `requests` without its bytes: one is read several times on its way, and sent once."""

    id: int
    entity: str
    tenant_id: str
    resource: str
    method: str
    path: str
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


class Whole(Request, frozen=True):
    """One row of `requests`, ready to be sent. `body` is empty once [retention] let it go."""

    body: bytes


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


class Sent(msgspec.Struct, frozen=True):
    """One posting of a request, as it was frozen. `predicted` is JSON; `contact_id`: the document of the one before it."""

    position: int
    posting: Brief
    predicted: bytes
    contact_id: str | None


q = schema.requests.c
i = schema.request_items.c
a = schema.attempts.c


_INSERT_ITEMS = Prepared(
    sa.insert(schema.request_items).values(
        request_id=sa.bindparam("request_id"),
        position=sa.bindparam("position"),
        posting_id=sa.bindparam("posting_id"),
        revision=sa.bindparam("revision"),
        open=sa.true(),
    )
)


@functools.cache  # one: every request is frozen alike
def _insert(names: tuple[str, ...]) -> Prepared:
    return Prepared(sa.insert(schema.requests).values({name: sa.bindparam(name) for name in names}).returning(q.id))


def insert(connection: sa.Connection, values: Mapping[str, Any], items: Sequence[tuple[int, int]]) -> int:
    """Write one frozen request and its items, given as (posting id, revision) in the order of the bytes; → its id.

    Raises IntegrityError when one of the postings is in an open request already.
    """
    request_id: int = _insert(tuple(values)).first(connection, **values)
    rows = [
        {"request_id": request_id, "position": position, "posting_id": posting, "revision": revision}
        for position, (posting, revision) in enumerate(items)
    ]
    _INSERT_ITEMS.run_many(connection, rows)
    return request_id


_COLUMNS = [q[name] for name in Request.__struct_fields__]
_GET = Prepared(sa.select(*_COLUMNS).where(q.id == sa.bindparam("id")))
_WHOLE = Prepared(sa.select(*_COLUMNS, q.body).where(q.id == sa.bindparam("id")))
_OPEN = Prepared(
    sa.select(*_COLUMNS).where(q.tenant_id == sa.bindparam("tenant_id"), q.state != "closed").order_by(q.id)
)


def get(connection: sa.Connection, request_id: int) -> Request:
    """One request."""
    (found,) = _GET.rows(connection, Request, id=request_id)
    return found


def whole(connection: sa.Connection, request_id: int) -> Whole:
    """One request with its bytes."""
    (found,) = _WHOLE.rows(connection, Whole, id=request_id)
    return found


def open_of(connection: sa.Connection, tenant_id: str) -> list[Request]:
    """Requests of a tenant that are not closed, oldest first."""
    return _OPEN.rows(connection, Request, tenant_id=tenant_id)


_OF_FLOWS = Prepared(
    sa.select(q.id)
    .join(schema.request_items, i.request_id == q.id)
    .join(schema.postings, schema.postings.c.id == i.posting_id)
    .where(q.tenant_id == sa.bindparam("tenant_id"), q.state != "closed")
    .group_by(q.id)
    .having(sa.func.sum(sa.case((postings.without("flows"), 1), else_=0)) == 0)
)


def all_of_flows(connection: sa.Connection, tenant_id: str, flows: Collection[str]) -> set[int]:
    """Open requests of a tenant that hold postings of these flows alone, and contacts that only they wait for."""
    return {row[0] for row in _OF_FLOWS.tuples(connection, tenant_id=tenant_id, flows=sorted(flows))}


def all_open(connection: sa.Connection) -> list[Request]:
    """Requests of all tenants that are not closed, oldest first."""
    query = sa.select(*_COLUMNS).where(q.state != "closed").order_by(q.id)
    return [Request(*row) for row in connection.execute(query)]


_OPEN_ITEMS = Prepared(
    sa.select(i.position, i.posting_id, i.revision)
    .where(i.request_id == sa.bindparam("id"), i.open.is_(True))
    .order_by(i.position)
)


def _triple(position: int, posting_id: int, revision: int) -> tuple[int, int, int]:
    return position, posting_id, revision


def is_of_any(connection: sa.Connection, request_id: int, flow_ids: Collection[str]) -> bool:
    """Whether something in a request belongs to one of these flows."""
    mine = sa.exists().where(
        i.request_id == request_id,
        i.posting_id == schema.postings.c.id,
        schema.postings.c.flow_id.in_(sorted(flow_ids)),
    )
    return bool(connection.execute(sa.select(mine)).scalar_one())


def open_items(connection: sa.Connection, request_id: int) -> list[tuple[int, int, int]]:
    """(position, posting id, revision) of the items without an outcome, in order."""
    return _OPEN_ITEMS.rows(connection, _triple, id=request_id)


_SENT = Prepared(
    sa.select(
        i.position,
        *postings.BRIEF,
        sa.type_coerce(schema.revisions.c.predicted, sa.LargeBinary),
        postings.before.c.document_id,
    )
    .join(schema.postings, schema.postings.c.id == i.posting_id)
    .join(schema.revisions, sa.and_(schema.revisions.c.posting_id == i.posting_id, schema.revisions.c.n == i.revision))
    .outerjoin(postings.before, postings.before.c.id == schema.postings.c.after_id)
    .where(i.request_id == sa.bindparam("id"), i.open.is_(True))
    .order_by(i.position)
)


def sent(connection: sa.Connection, request_id: int) -> list[Sent]:
    """The items without an outcome, in order."""

    def make(position: int, *columns: Any) -> Sent:
        return Sent(position, Brief(*columns[:-2]), *columns[-2:])

    return _SENT.rows(connection, make, id=request_id)


def change(connection: sa.Connection, request: Request, values: Mapping[str, Any]) -> bool:
    """Change a request if no attempt was made and no look was taken since it was read; False: somebody else was first."""
    was = {"w_id": request.id, "w_attempts": request.attempts, "w_looks": request.looks}
    named = {f"v_{name}": value for name, value in values.items()}
    return _change(tuple(values)).run(connection, **was, **named) == 1


@functools.cache  # as many as there are transitions
def _change(names: tuple[str, ...]) -> Prepared:
    return Prepared(
        sa.update(schema.requests)
        .where(
            q.id == sa.bindparam("w_id"),
            q.attempts == sa.bindparam("w_attempts"),
            q.looks == sa.bindparam("w_looks"),
            q.state != "closed",
        )
        .values({name: sa.bindparam(f"v_{name}") for name in names})
    )


_BEGIN = Prepared(
    sa.insert(schema.attempts).values({name: sa.bindparam(name) for name in ("request_id", "n", "owner", "started")})
)


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
    _BEGIN.run(connection, **row)
    locks.hold(connection, ATTEMPT_SEQUENCE)
    sequence = int(get_meta(connection, ATTEMPT_SEQUENCE) or 0) + 1
    set_meta(connection, ATTEMPT_SEQUENCE, str(sequence))
    return sequence


def end_attempt(connection: sa.Connection, request_id: int, n: int, values: Mapping[str, Any]) -> None:
    """Write what became of an attempt; one that was given up by another owner keeps that verdict."""
    named = {f"v_{name}": value for name, value in values.items()}
    _end(tuple(values)).run(connection, w_id=request_id, w_n=n, **named)


@functools.cache  # with an answer, or without
def _end(names: tuple[str, ...]) -> Prepared:
    return Prepared(
        sa.update(schema.attempts)
        .where(a.request_id == sa.bindparam("w_id"), a.n == sa.bindparam("w_n"), a.ended.is_(None))
        .values({name: sa.bindparam(f"v_{name}") for name in names})
    )


_CLOSE_ITEMS = Prepared(
    sa.update(schema.request_items)
    .where(i.request_id == sa.bindparam("rid"), Among(i.position, "positions"), i.open.is_(True))
    .values(open=False, outcome=sa.bindparam("what"))
)


def close_items(connection: sa.Connection, request_id: int, outcomes: Mapping[int, str]) -> None:
    """Give items their outcome, by position."""
    for what in set(outcomes.values()):
        positions = [position for position, outcome in outcomes.items() if outcome == what]
        _CLOSE_ITEMS.run(connection, rid=request_id, positions=positions, what=what)


def attempts_of_posting(
    connection: sa.Connection, posting_id: int
) -> list[tuple[Whole, int, str | None, list[Attempt]]]:
    """The story of one posting on the wire: each request with its position, its outcome and its attempts."""
    items = connection.execute(
        sa.select(i.request_id, i.position, i.outcome).where(i.posting_id == posting_id).order_by(i.request_id)
    ).all()
    story = []
    for item in items:
        query = sa.select(schema.attempts).where(a.request_id == item.request_id).order_by(a.n)
        tries = [Attempt(*row) for row in connection.execute(query)]
        story.append((whole(connection, item.request_id), item.position, item.outcome, tries))
    return story


def newest_attempt(connection: sa.Connection) -> datetime.datetime | None:
    """When the last attempt of this database began."""
    return connection.execute(sa.select(sa.func.max(a.started, type_=a.started.type))).scalar_one_or_none()


def count_from(connection: sa.Connection, least: int) -> int:
    """Let the count of attempts go on from `least` at least, after a restore; → the count."""
    count = max(sequence(connection), least)
    set_meta(connection, ATTEMPT_SEQUENCE, str(count))
    return count


def sequence(connection: sa.Connection) -> int:
    """How many attempts this database has ever committed."""
    return int(get_meta(connection, ATTEMPT_SEQUENCE) or 0)
