"""What may need telling, from the tables: problems by cause, what is uncertain, held or still to be sent, idle consents.

Called by app/noticing after each command, so each is one query. Documents only: a contact's trouble shows at the
documents that wait for it.
"""

import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import problems, schema

Connection: TypeAlias = sa.Connection
_WAITS: Final = "waits:"  # what waits for a contact is cured there
p = schema.postings.c
b = schema.bad_rows.c
q = schema.requests.c
i = schema.request_items.c


class Stopped(msgspec.Struct):
    """One cause that stops records of a flow. `amounts`: what those not in Xero come to, as far as is known."""

    flow_id: str
    cause: str
    count: int = 0
    entities: set[str] = msgspec.field(default_factory=set)
    amounts: dict[str, Decimal] = msgspec.field(default_factory=dict)


class Waiting(msgspec.Struct, frozen=True):
    """How many postings of an entity are in a state, and since when the oldest; None: since nobody knows when."""

    entity: str
    count: int
    since: datetime.datetime | None


def by_cause(conn: Connection) -> list[Stopped]:
    """Open problems as `problems.stuck_postings` and `open_rows` have them, in no order."""
    found: dict[tuple[str, str], Stopped] = {}
    query = sa.select(p.flow_id, p.cause, p.entity, p.state, p.currency, p.total).where(problems.STUCK)
    for flow_id, cause, entity, state, currency, total in conn.execute(query):
        one = _of(found, flow_id, cause)
        one.count += 1
        one.entities.add(entity)
        if state != "posted" and total is not None and currency:
            one.amounts[currency] = one.amounts.get(currency, Decimal()) + total
    rows = sa.select(b.flow_id, b.cause, sa.func.count()).where(b.state == "open").group_by(b.flow_id, b.cause)
    for flow_id, cause, count in conn.execute(rows):
        _of(found, flow_id, cause).count += count
    return list(found.values())


def _of(found: dict[tuple[str, str], Stopped], flow_id: str, cause: str) -> Stopped:
    cured = cause.removeprefix(_WAITS)
    return found.setdefault((flow_id, cured), Stopped(flow_id, cured))


def uncertain(conn: Connection, now: datetime.datetime) -> list[Waiting]:
    """Documents that Xero may have: not those that a living process is just sending."""
    of = schema.postings.outerjoin(schema.request_items, sa.and_(i.posting_id == p.id, i.open.is_(sa.true())))
    sent = of.outerjoin(schema.requests, q.id == i.request_id)
    unclear = sa.or_(p.state == "uncertain", sa.and_(p.state == "sending", q.lease_until < now))
    return _waiting(conn, sent, unclear, sa.func.min(q.first_started))


def held(conn: Connection) -> list[Waiting]:
    """Documents that are held back, by when their records were first seen."""
    return _waiting(conn, schema.postings, sa.and_(p.state == "held", p.skipped.is_(None)), sa.func.min(p.planned_at))


def left(conn: Connection) -> list[Waiting]:
    """Documents that are still to be sent."""
    return _waiting(conn, schema.postings, p.state == "planned", sa.null())


def unused(conn: Connection, client_id: str, before: datetime.datetime) -> list[tuple[str, datetime.datetime]]:
    """A user's consents that live and were not refreshed since `before`, and when they last were."""
    g = schema.grants.c
    query = sa.select(g.id, g.refreshed_at).where(g.client_id == client_id, g.xero_userid != "", g.lost.is_(None))
    return [(row.id, row.refreshed_at) for row in conn.execute(query.where(g.refreshed_at < before).order_by(g.id))]


def _waiting(
    conn: Connection, of: sa.FromClause, state: sa.ColumnElement[bool], since: sa.ColumnElement[Any]
) -> list[Waiting]:
    query = sa.select(p.entity, sa.func.count(sa.distinct(p.id)), since).select_from(of)
    grouped = query.where(state, p.kind != "contact").group_by(p.entity).order_by(p.entity)
    return [Waiting(*row) for row in conn.execute(grouped)]
