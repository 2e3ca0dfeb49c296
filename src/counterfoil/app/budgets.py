"""What each organisation's limits still hold: the minute, the slots, the day with its forecast, and what waits and why.

Called by cli (status, doctor) and service (metrics). From the budgets that all processes share; no call to Xero.
"""

import datetime
from typing import TYPE_CHECKING

import msgspec

from counterfoil.store import bindings

if TYPE_CHECKING:
    from counterfoil.app import Books


class Waits(msgspec.Struct, frozen=True):
    """Why calls to one of an organisation's APIs wait. `api`: "" for all of them; `why`: for people."""

    api: str
    why: str
    until: datetime.datetime


class TenantBudget(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation's budgets now. Instants are UTC; None: nobody knows (yet)."""

    entity: str
    tenant_id: str
    organisation: str
    minute_used: int
    minute_limit: int
    slots_used: int
    slots_limit: int
    day_used: int | None  # by everybody who calls with this app, as Xero said
    day_left: int | None
    day_limit: int
    day_resets_at: datetime.datetime | None  # by then at the latest
    day_runs_out_at: datetime.datetime | None  # at the pace of the last hour; None: it lasts
    rapid_until: datetime.datetime | None = None  # Rapid Sync: the minute and the day do not count
    waits: tuple[Waits, ...] = ()


async def budgets(books: "Books") -> list[TenantBudget]:
    """The budgets of every bound organisation, by entity. No call to Xero. Raises StoreError."""
    bound = await books.database.read(bindings.everything)
    standings = await books.pacer.standings([binding.tenant_id for binding in bound])
    found = []
    for binding in bound:
        one = standings[binding.tenant_id]
        found.append(
            TenantBudget(
                entity=binding.entity,
                tenant_id=binding.tenant_id,
                organisation=binding.fingerprint.name,
                minute_used=one.minute_used,
                minute_limit=one.minute_limit,
                slots_used=one.slots_used,
                slots_limit=one.slots_limit,
                day_used=None if one.day_left is None else max(0, one.day_limit - one.day_left),
                day_left=one.day_left,
                day_limit=one.day_limit,
                day_resets_at=one.day_resets_at,
                day_runs_out_at=one.day_runs_out_at,
                rapid_until=one.rapid_until,
                waits=tuple(Waits(wait.api, wait.why, wait.until) for wait in one.waits),
            )
        )
    return found
