"""Xero's limits as arithmetic: what one tenant and the app have used, and whether a call may start now. Pure.

Called by pacing, inside one transaction for all processes (store/limits). Times are whole microseconds on a clock that
never jumps. A call occupies its place in the minute from its start until 60 s after its answer, since nobody can see when
between the two Xero counted it: so no minute holds more than the limit, rolling or fixed. A call whose answer never came keeps its
slot for its lease. https://developer.xero.com/documentation/guides/oauth2/limits (read 2026-11), xero-facts §2.1.
"""

from typing import Final

import msgspec

from counterfoil.xero import breaker, places
from counterfoil.xero import day as days
from counterfoil.xero.places import ACCOUNTING, SECOND, App, Call, Limits, Tenant

TURN: Final = 10 * SECOND  # a lane that waits so long goes before those above it, once
WANT: Final = 2 * SECOND  # how long a lane above that waits keeps those below it from taking places
NAP: Final = SECOND // 4  # what is asked again when nothing says when
LEVEL_LIFE: Final = 6 * SECOND  # equal shares hold so long after somebody last found the app's minute scarce
SCARCE_BURST: Final = 5  # while the app's minute is scarce, so much of a tenant's share starts at once
UNSPREAD: Final = 1  # lanes up to this one (a person waits, or a posting is unclear) take a free place at once


class Verdict(msgspec.Struct, frozen=True):
    """`retry` None: go. Otherwise the instant at which asking again makes sense.

    `why` "": wait for it. Otherwise it is too long a wait: "day" is used up for this lane, the API is "down" or "offline".
    """

    retry: int | None = None
    why: str = ""


GO: Final = Verdict()


def ask(
    limits: Limits, app: App, tenant: Tenant, rank: int, call_id: str, now: int, wall: int = 0, api: str = ACCOUNTING
) -> Verdict:
    """May a call of lane `rank` to `api` start now? If so it has its place; else the lane counts as waiting."""
    places.settle(limits, tenant, now, wall)
    places.settle_app(limits, app, now)
    verdict = (
        _blown(tenant, api, now) or _day(limits, tenant, rank, now, wall) or _place(limits, app, tenant, rank, now)
    )
    if verdict is not None:
        _want(tenant, rank, 0 if verdict.why else now + WANT)
        return verdict
    until = now + limits.lease
    tenant.begun += 1
    app.begun += 1
    app.taken += 1
    taken = len(tenant.calls) + len(tenant.frees) + 1
    tenant.calls.append(Call(call_id, until, now, taken - tenant.begun, app.taken - app.begun, api))
    tenant.last = tenant.turns[rank] = now
    tenant.wants[rank] = 0
    if tenant.rapid <= now:
        days.used(tenant.day, rank, now)
    if api in tenant.breakers:
        breaker.began(tenant.breakers[api], now, limits.lease)
    step = places.step_of(limits, until)
    app.leases[step] = app.leases.get(step, 0) + 1
    return GO


def answered(limits: Limits, app: App, tenant: Tenant, call_id: str, now: int, wall: int = 0) -> None:
    """A call ended, whether its answer came or not: its slot is free, its place in the minute 60 s later.

    One that comes back after its lease takes a place once more: when Xero counted it nobody knows.
    """
    places.settle(limits, tenant, now, wall)
    places.settle_app(limits, app, now)
    found = places.running(tenant, call_id)
    if found is not None:
        tenant.calls.remove(found)
        places.release(app, places.step_of(limits, found.until))
        known = tenant.breakers.get(found.api)
        if known is not None and known.until <= found.began:  # it was the one that tried
            breaker.unanswered(known)  # what an answer said was learned before
    places.occupy(limits, tenant, now, 1)
    app.taken += 1
    places.occupy_app(limits, app, now, 1)


def used(tenant: Tenant, now: int) -> int:
    """Places of a tenant's minute that are taken at `now`."""
    return len(tenant.calls) + sum(free > now for free in tenant.frees)


def waits(app: App, tenant: Tenant, now: int) -> list[tuple[str, str, int]]:
    """What keeps everybody waiting: (API or "" for all, why, until)."""
    found = []
    for api, known in tenant.breakers.items():
        until = breaker.waits(known, now)
        if until is not None:
            found.append((api, "the organisation is offline" if known.offline else "Xero failed several times", until))
    if tenant.stopped > now:
        found.append(("", f"Xero's {tenant.why or 'minute'} limit was reached", tenant.stopped))
    if app.stopped > now:
        found.append(("", "Xero's limit for the whole app was reached", app.stopped))
    if tenant.day.blocked > now:
        found.append(("", "the day is used up", tenant.day.blocked))
    return found


def _want(tenant: Tenant, rank: int, until: int) -> None:
    """Somebody of the lane waits until then; written down again only when half of the time is over."""
    if until == 0 or until - tenant.wants[rank] > WANT // 2:
        tenant.wants[rank] = until


def _blown(tenant: Tenant, api: str, now: int) -> Verdict | None:
    """The breaker of this API; of one that tries, those behind it wait for the answer."""
    known = tenant.breakers.get(api)
    until = None if known is None else breaker.waits(known, now)
    if known is None or until is None:
        return None
    if known.until <= now:
        return Verdict(min(until, now + NAP))
    return Verdict(until, "offline" if known.offline else "down")


def _day(limits: Limits, tenant: Tenant, rank: int, now: int, wall: int) -> Verdict | None:
    if tenant.rapid > now:
        return None
    held = days.held(tenant.day, rank, limits.day_kept[rank], limits.day, tenant.turns[rank], now, wall)
    return None if held is None else Verdict(held.until, "day" if held.told else "")


def _place(limits: Limits, app: App, tenant: Tenant, rank: int, now: int) -> Verdict | None:
    """When a place, a slot and the app have room; None: now."""
    if max(tenant.stopped, app.stopped) > now:
        return Verdict(max(tenant.stopped, app.stopped))
    if any(want > now for want in tenant.wants[:rank]) and now - tenant.turns[rank] < TURN:
        return Verdict(now + NAP)
    if len(tenant.calls) >= max(1, limits.slots - limits.slots_kept[rank]):
        return Verdict(now + NAP)
    if app.taken >= limits.app_minute:
        return Verdict(now + NAP)
    return _in_the_minute(limits, app, tenant, rank, now)


def _in_the_minute(limits: Limits, app: App, tenant: Tenant, rank: int, now: int) -> Verdict | None:
    """A free place, and (but for the first lanes) not so soon that the free ones are gone before the next comes back."""
    level = app.level if now - app.level_at < LEVEL_LIFE else 0
    if tenant.rapid > now and not level:
        return None
    most = min(max(1, limits.minute - limits.minute_kept[rank]), level or limits.minute)
    free = most - len(tenant.calls) - len(tenant.frees)
    if free <= 0:
        return Verdict(tenant.frees[-free] if -free < len(tenant.frees) else now + NAP)
    burst = min(
        limits.burst, most // SCARCE_BURST if level else most
    )  # bursts of many would fill the app's minute by luck
    if rank <= UNSPREAD or len(tenant.calls) + len(tenant.frees) < burst:
        return None
    next_free = tenant.frees[0] if tenant.frees else now + limits.window
    due = tenant.last + (next_free - tenant.last) // (free + 1)
    return Verdict(due) if due > now else None
