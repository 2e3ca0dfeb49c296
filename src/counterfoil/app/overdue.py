"""`invoice.overdue` and `bill.overdue`: once in each organisation's day, what is owed after its due date is named.

Called by the service's housekeeping, which asks every minute whether an organisation's day has changed, and by `sync`. By the
organisation's own calendar: `timezone` of the entity, else what Xero says; where that is not known, by UTC. No call.
"""

import datetime
import functools
import zoneinfo
from typing import Any, Final

from counterfoil.app import budgets, kept_changes
from counterfoil.mirror.meaning import overdue
from counterfoil.store import bindings, mirrored
from counterfoil.store import overdue as kept

LOOKED_AT_ONCE: Final = 200  # documents of one read
TOLD_AT_ONCE: Final = 10  # documents of one transaction


async def sweep(books: Any, entity: str, *, always: bool = False) -> int:
    """Name what is overdue of one entity; → how many changes are new. `always`: also when that was done today. Idempotent."""
    bound = await books.database.read(lambda conn: bindings.get(conn, entity))
    if bound is None:
        return 0
    tenant = bound.tenant_id
    today = today_of(books, bound)
    swept, state = await books.database.read(
        lambda conn: (kept.swept(conn, tenant), mirrored.reading(conn, tenant, overdue.RESOURCE))
    )
    if state.since is None or (swept is not None and swept >= today and not always):
        return 0
    snapshots = kept_changes.wants_snapshots(books.settings)
    count, after = 0, ""
    while True:
        rows = await books.database.read(
            lambda conn, after=after: mirrored.in_force(
                conn, tenant, overdue.RESOURCE, after=after, most=LOOKED_AT_ONCE
            )
        )
        dues = overdue.candidates(rows, today)
        new = list(await books.database.read(lambda conn, dues=dues: kept.untold(conn, tenant, dues)))
        for start in range(0, len(new), TOLD_AT_ONCE):
            tell = functools.partial(
                overdue.tell, tenant_id=tenant, ids=new[start : start + TOLD_AT_ONCE], now=books.clock.now(), today=today,
                is_first=swept is None, snapshots=snapshots,
            )  # fmt: skip
            count += await books.database.run(tell)
        if len(rows) < LOOKED_AT_ONCE:
            break
        after = rows[-1][0]
    await books.database.run(lambda conn: kept.sweep(conn, tenant, today))
    return count


def today_of(books: Any, bound: Any) -> datetime.date:
    """The organisation's day; UTC's where its time zone is not known."""
    name = budgets.zone_of(books, bound)
    now: datetime.datetime = books.clock.now()
    return now.astimezone(zoneinfo.ZoneInfo(name) if name is not None else datetime.UTC).date()
