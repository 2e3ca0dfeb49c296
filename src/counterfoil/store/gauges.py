"""What is measured of the database as a whole, for the service: numbers and the user's own keys, no content.

Called by service, every few seconds at most. `measured` is one read of a few milliseconds, whatever was posted before;
`ended` counts what is done, along an index, and is asked more rarely.
"""

import datetime
import functools
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.model.fixes import base_cause
from counterfoil.store import schema
from counterfoil.store.problems import STUCK

UNFINISHED: Final = ("planned", "sending", "uncertain")
OPEN: Final = (*UNFINISHED, "held", "rejected")
PROBLEMS_MAX: Final = 1_000_000  # that are counted
ENDED: Final = ("posted", "cancelled")

b, c, g, p = schema.bindings.c, schema.connections.c, schema.grants.c, schema.postings.c
n, m, k, w = schema.notices.c, schema.messages.c, schema.cursors.c, schema.bad_rows.c


class Bound(msgspec.Struct, frozen=True):
    """An entity and its tenant. `is_reached`: a living consent leads there; `is_stopped`: its writes are."""

    entity: str
    tenant_id: str
    is_stopped: bool
    is_reached: bool


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one moment. Keys of `postings` are (tenant, state), of `problems` (flow id, cause), of `mirror` (tenant, resource).

    `oldest`: since when the oldest unfinished posting of a tenant is planned; `mirror`: up to when it was read, by Xero's time.
    """

    bound: tuple[Bound, ...]
    postings: dict[tuple[str, str], int]
    oldest: dict[str, datetime.datetime]
    problems: dict[tuple[str, str], int]
    consents: dict[str, int]
    notices: dict[str, int]
    undelivered: int
    given_up: int
    mirror: dict[tuple[str, str], datetime.datetime]


def unreached(connection: sa.Connection, client_id: str) -> list[str]:
    """The bound entities whose organisation no living consent reaches through its own grant; by name."""
    return [one.entity for one in _bound(connection, client_id) if not one.is_reached]


def measured(connection: sa.Connection, client_id: str, resources: Sequence[str]) -> Measured:
    """Everything but what is done. `resources`: those that postings may have."""
    bound = _bound(connection, client_id)
    tenants = [one.tenant_id for one in bound]
    postings, oldest = _unfinished(connection, tenants, resources)
    undelivered, given_up = _undelivered(connection)
    kinds = sa.select(n.kind, sa.func.count()).where(n.over_at.is_(None)).group_by(n.kind)
    cursors = sa.select(k.tenant_id, k.resource, k.since).where(k.since.is_not(None))
    return Measured(
        bound=bound, postings=postings, oldest=oldest, problems=_problems(connection),
        consents=_consents(connection, client_id), notices={row[0]: row[1] for row in connection.execute(kinds)},
        undelivered=undelivered, given_up=given_up,
        mirror={(row[0], row[1]): row[2] for row in connection.execute(cursors)},
    )  # fmt: skip


def ended(connection: sa.Connection, tenant_id: str, resources: Sequence[str]) -> dict[str, int]:
    """How many of a tenant's documents and contacts are done, by state: 5 ms per 100,000."""
    found = dict.fromkeys(ENDED, 0)
    for _tenant, state, count, _first in connection.execute(
        _counting(tuple(resources), ENDED).where(b.tenant_id == tenant_id)
    ):
        found[state] += count
    return found


def _bound(connection: sa.Connection, client_id: str) -> tuple[Bound, ...]:
    alive = sa.exists().where(
        g.id == c.grant_id, g.client_id == client_id, g.lost.is_(None), c.tenant_id == b.tenant_id, c.grant_id == b.grant_id
    )  # fmt: skip
    query = sa.select(b.entity, b.tenant_id, b.stopped.is_not(None), alive).order_by(b.entity)
    return tuple(Bound(*row) for row in connection.execute(query))


def _unfinished(
    connection: sa.Connection, tenants: Sequence[str], resources: Sequence[str]
) -> tuple[dict[tuple[str, str], int], dict[str, datetime.datetime]]:
    """How many postings are in each open state, and since when the oldest unfinished one is planned: the smallest id."""
    found = dict.fromkeys(((tenant, state) for tenant in tenants for state in OPEN), 0)
    firsts: dict[str, int] = {}
    for tenant, state, count, first in connection.execute(_counting(tuple(resources), OPEN)):
        found[tenant, state] += count
        if first is not None and state in UNFINISHED:
            firsts[tenant] = min(first, firsts.get(tenant, first))
    planned = sa.select(p.tenant_id, p.planned_at).where(p.id.in_(firsts.values()))
    return found, {row[0]: row[1] for row in connection.execute(planned)}


@functools.cache  # one for each set of states
def _counting(resources: tuple[str, ...], states: tuple[str, ...]) -> sa.Select[Any]:
    """Tenant, state, how many, the smallest id: each a walk along its own part of one index, in one statement."""
    one, other = _listed("resource", resources), _listed("state", states)
    of = sa.and_(p.tenant_id == b.tenant_id, p.resource == one.c.resource, p.state == other.c.state)
    count = sa.select(sa.func.count()).where(of).correlate(schema.bindings, one, other).scalar_subquery()
    first = sa.select(sa.func.min(p.id)).where(of).correlate(schema.bindings, one, other).scalar_subquery()
    return sa.select(b.tenant_id, other.c.state, count, first).select_from(
        schema.bindings.join(one, sa.true()).join(other, sa.true())
    )


def _listed(name: str, values: Sequence[str]) -> sa.Subquery:
    """Words of ours as a table of one column; SQLite cannot name the columns of VALUES."""
    rows = [sa.select(sa.literal(value, sa.Text).label(name)) for value in values]
    return sa.union_all(*rows).subquery(name)


def _problems(connection: sa.Connection) -> dict[tuple[str, str], int]:
    """Causes without the values that tell them from their like: those may be anything."""
    found: Counter[tuple[str, str]] = Counter()
    # Bounded, and so read by its own index first: grouped at once, SQLite walks through every posting in the groups' order.
    one = sa.select(p.flow_id, p.cause).where(STUCK).limit(PROBLEMS_MAX).subquery()
    stuck = sa.select(one.c.flow_id, one.c.cause, sa.func.count()).group_by(one.c.flow_id, one.c.cause)
    rows = sa.select(w.flow_id, w.cause, sa.func.count()).where(w.state == "open").group_by(w.flow_id, w.cause)
    for query in (stuck, rows):
        for flow_id, cause, count in connection.execute(query):
            found[flow_id, base_cause(cause)] += count
    return dict(found)


def _consents(connection: sa.Connection, client_id: str) -> dict[str, int]:
    state = sa.case((g.lost.is_not(None), "lost"), (g.refresh_owner.is_not(None), "refreshing"), else_="living")
    query = sa.select(state, sa.func.count()).where(g.client_id == client_id).group_by(state)
    return {row[0]: row[1] for row in connection.execute(query)}


def _undelivered(connection: sa.Connection) -> tuple[int, int]:
    """Messages that failed and still matter: (tried again, given up)."""
    wanted = sa.and_(m.sent_at.is_(None), m.error.is_not(None), sa.or_(m.state == "over", n.over_at.is_(None)))
    query = (
        sa.select(m.given_up_at.is_not(None), sa.func.count())
        .join(schema.notices, n.id == m.notice_id)
        .where(wanted)
        .group_by(m.given_up_at.is_not(None))
    )
    counts = {bool(row[0]): row[1] for row in connection.execute(query)}
    return counts.get(False, 0), counts.get(True, 0)
