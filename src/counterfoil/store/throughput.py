"""How fast an organisation's documents go to Xero, and how many are left: for `status`, from the newest requests.

Called by app/progress. Reads a bounded number of requests, whatever was sent before.
"""

import datetime
from typing import Final

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.runs import OPEN

NEWEST_MAX: Final = 500  # requests looked at: more than a minute's limit allows in the time that is looked back
_q, _i, _p = schema.requests.c, schema.request_items.c, schema.postings.c


class Sent(msgspec.Struct, frozen=True):
    """What went to Xero since an instant. `first`: when the first of it began; None: nothing did."""

    items: int
    requests: int
    first: datetime.datetime | None


def sent_since(conn: sa.Connection, tenant_id: str, since: datetime.datetime) -> Sent:
    """Documents and contacts of a tenant whose requests began since then and have an outcome."""
    newest = (
        sa.select(_q.id, _q.first_started)
        .where(_q.tenant_id == tenant_id, _q.state == "closed")
        .order_by(_q.id.desc())
        .limit(NEWEST_MAX)
        .subquery()
    )
    items = sa.select(sa.func.count()).where(_i.request_id == newest.c.id, _i.open.is_(False)).scalar_subquery()
    query = sa.select(newest.c.first_started, items).where(newest.c.first_started >= since)
    found = conn.execute(query).all()
    first = min((row[0] for row in found), default=None)
    return Sent(sum(row[1] for row in found), len(found), first)


def left(conn: sa.Connection, tenant_id: str) -> dict[tuple[str, str], int]:
    """How many postings of a tenant are not at their end, by flow id ("" for contacts) and resource."""
    query = (
        sa.select(_p.flow_id, _p.resource, sa.func.count())
        .where(_p.tenant_id == tenant_id, _p.state.in_(OPEN))
        .group_by(_p.flow_id, _p.resource)
    )
    return {(row[0], row[1]): row[2] for row in conn.execute(query)}
