"""What was called and drawn: one small row per day, tenant, flow, lane and resource; only ever added to.

Called by xero/metering, which writes what it counted every few seconds, and app/usage, which reads. A day is a calendar
day in UTC, since Xero's month of egress begins on its first day UTC (xero-facts §2.4); it is not the day of Xero's daily
limit, whose hour differs by organisation. Rows are kept for KEPT.
"""

import datetime
import functools
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.store import prepared, schema
from counterfoil.store.prepared import Prepared

KEPT: Final = datetime.timedelta(days=400)  # a month can be compared with the same one a year ago
KEY: Final = ("day", "tenant_id", "flow_id", "lane", "resource")
SUMS: Final = ("calls", "refused", "failed", "read_bytes", "write_bytes", "wire_bytes")


class Drawn(msgspec.Struct, frozen=True):
    """One row, in the table's order of columns.

    `tenant_id` "": the identity server and /connections, which belong to no organisation. `flow_id` "": work of no single
    flow. `calls` holds those of `refused` (429) and `failed` (5xx, or no whole answer). Bytes are of answers' bodies:
    `read_bytes` of GETs and `write_bytes` of writes, unpacked; `wire_bytes` of both as they travelled.
    """

    day: datetime.date
    tenant_id: str
    flow_id: str
    lane: str
    resource: str
    calls: int
    refused: int
    failed: int
    read_bytes: int
    write_bytes: int
    wire_bytes: int


def add(connection: sa.Connection, rows: Sequence[Drawn]) -> None:
    """Add to what is there. In the order of keys, so that two processes never wait for each other in a circle."""
    ordered = sorted(rows, key=lambda one: (one.day, one.tenant_id, one.flow_id, one.lane, one.resource))
    _add(connection.dialect.name).run_many(connection, [msgspec.structs.asdict(one) for one in ordered])


@functools.cache
def _add(dialect: str) -> Prepared:
    table = schema.usage
    statement: Any = prepared.insert(dialect)(table)
    sums = {name: table.c[name] + statement.excluded[name] for name in SUMS}
    return Prepared(statement.on_conflict_do_update(index_elements=list(KEY), set_=sums))


u = schema.usage.c
_SINCE = Prepared(
    sa.select(schema.usage)
    .where(u.day >= sa.bindparam("since"))
    .order_by(u.day, u.tenant_id, u.flow_id, u.lane, u.resource)
)
_FORGET = Prepared(sa.delete(schema.usage).where(u.day < sa.bindparam("before")))
_FIRST = Prepared(sa.select(u.day).order_by(u.day).limit(1))


def since(connection: sa.Connection, day: datetime.date) -> list[Drawn]:
    """Every row from this day on, by day, tenant, flow, lane, resource."""
    return _SINCE.rows(connection, Drawn, since=day)


def first_day(connection: sa.Connection) -> datetime.date | None:
    """The oldest day that is kept; None: nothing was ever counted."""
    found: datetime.date | None = _FIRST.first(connection)
    return found


def forget(connection: sa.Connection, today: datetime.date) -> None:
    """Delete what is older than KEPT."""
    _FORGET.run(connection, before=today - KEPT)
