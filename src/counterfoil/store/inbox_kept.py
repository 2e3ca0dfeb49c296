"""What the inbox keeps and nobody looks at: of organisations that are not bound, of unknown categories, unreadable; and its end.

Called by app/webhook_notices, which tells a person, and by app/housekeeping, which drops deliveries after [retention].
"""

import datetime
from typing import Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.inbox import KNOWN
from counterfoil.store.retention import Step

Connection: TypeAlias = sa.Connection
NAMED_MAX: Final = 5  # tenants, categories that are named
UNREAD_FOR: Final = datetime.timedelta(days=1)  # how long a delivery that cannot be read is told
d, m, b = schema.inbox_deliveries.c, schema.inbox_marks.c, schema.bindings.c


class Kept(msgspec.Struct, frozen=True):
    """What nobody looks at. `tenants` and `categories` name some of them; `since`: when the first unread one of the last day came."""

    tenants: tuple[str, ...]
    tenant_count: int
    categories: tuple[str, ...]
    category_count: int
    unread: int
    since: datetime.datetime | None


def kept(conn: Connection, now: datetime.datetime) -> Kept:
    """As it is now."""
    is_bound = sa.exists().where(b.tenant_id == m.tenant_id)
    tenants = sa.select(m.tenant_id).where(m.due_at.is_not(None), ~is_bound, m.tenant_type == "ORGANISATION").distinct()
    categories = sa.select(m.category).where(m.due_at.is_not(None), m.category.not_in(KNOWN)).distinct()
    unread = sa.select(sa.func.count(), sa.func.min(d.received_at)).where(
        sa.text("unread > 0"), d.received_at > now - UNREAD_FOR
    )
    count, since = conn.execute(unread).one()
    return Kept(*_some(conn, tenants), *_some(conn, categories), count, since)


def _some(conn: Connection, query: sa.Select[str]) -> tuple[tuple[str, ...], int]:
    count = conn.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
    return tuple(row[0] for row in conn.execute(query.order_by(sa.literal_column("1")).limit(NAMED_MAX))), count


def drop_deliveries(conn: Connection, after: int, most: int, old: datetime.datetime, _now: datetime.datetime) -> Step:
    """Drop deliveries that came before `old`, of the `most` after an id. What they marked stays marked until it is settled."""
    window = conn.execute(sa.select(d.id, d.received_at).where(d.id > after).order_by(d.id).limit(most)).all()
    ids = [row[0] for row in window if row[1] < old]
    if ids:
        conn.execute(sa.delete(schema.inbox_deliveries).where(d.id.in_(ids)))
    young = not window or window[-1][1] >= old
    return Step(len(ids), None if young else window[-1][0])
