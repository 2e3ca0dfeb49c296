"""Where an organisation's limits stand, as values: for people and meters.

Called by pacing, read by app/budgets. Pure.
"""

import datetime

import msgspec

from counterfoil.xero import budget, places
from counterfoil.xero import day as days
from counterfoil.xero.places import App, Limits, Tenant


class Wait(msgspec.Struct, frozen=True):
    """Why calls wait. `api`: "" for all of an organisation's."""

    api: str
    why: str
    until: datetime.datetime


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation's limits now; None: nobody knows (yet)."""

    minute_used: int
    minute_limit: int
    slots_used: int
    slots_limit: int
    day_left: int | None
    day_limit: int
    day_resets_at: datetime.datetime | None
    day_runs_out_at: datetime.datetime | None
    rapid_until: datetime.datetime | None = None
    waits: tuple[Wait, ...] = ()
    app_minute_used: int = 0  # of all organisations together
    app_minute_limit: int = 0


def standing(limits: Limits, app: App, tenant: Tenant, now: int, present: datetime.datetime) -> Standing:
    """Of one organisation; `now` on the shared clock is `present`."""
    wall, found = int(present.timestamp()), tenant.day
    days.settle(found, now, wall)
    left_s = days.runs_out_in_s(found, now, wall)
    places.settle_app(limits, app, now)

    def instant(at: int) -> datetime.datetime:
        return present + datetime.timedelta(microseconds=at - now)

    return Standing(
        minute_used=budget.used(tenant, now),
        minute_limit=limits.minute,
        slots_used=sum(call.until > now for call in tenant.calls),
        slots_limit=limits.slots,
        day_left=found.left,
        day_limit=limits.day,
        day_resets_at=present + datetime.timedelta(seconds=found.due - wall) if found.due else None,
        day_runs_out_at=None if left_s is None else present + datetime.timedelta(seconds=left_s),
        rapid_until=instant(tenant.rapid) if tenant.rapid > now else None,
        app_minute_used=app.taken,
        app_minute_limit=limits.app_minute,
        waits=tuple(Wait(api, why, instant(until)) for api, why, until in budget.waits(app, tenant, now)),
    )
