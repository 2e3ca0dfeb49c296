"""Xero's limits as arithmetic: what one tenant and the app have used, and whether a call may start now. Pure.

Called by pacing, inside one transaction for all processes (store/limits). Times are whole microseconds on a clock that
never jumps. A call occupies its place in the minute from its start until 60 s after its answer, since nobody can see when
between the two Xero counted it: so no minute holds more than the limit, rolling or fixed. A call whose answer never came keeps its
slot for its lease. https://developer.xero.com/documentation/guides/oauth2/limits (read 2026-11), xero-facts §2.1.
"""

import bisect
from typing import Final

import msgspec

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
STEPS: Final = 240  # of a window: the app's places come back in such steps, rounded up
TURN: Final = 10 * SECOND  # a lane that waits so long goes before those above it, once
WANT: Final = 2 * SECOND  # how long a lane above that waits keeps those below it from taking places
NAP: Final = SECOND // 4  # what is asked again when nothing says when
DAY_PROBE: Final = 900 * SECOND  # how often a used-up day is asked again when nothing says when it ends
LEVEL_LIFE: Final = 6 * SECOND  # equal shares hold so long after somebody last found the app's minute scarce
LANE_COUNT: Final = 5
UNSPREAD: Final = 1  # lanes up to this one (a person waits, or a posting is unclear) take a free place at once


class Limits(msgspec.Struct, frozen=True):
    """What Xero allows, and what each lane (first the first) leaves to those above it."""

    window: int = MINUTE  # tests have shorter ones
    minute: int = 60
    slots: int = 5
    app_minute: int = 10_000
    burst: int = 45  # calls that start at once after a rest; the others are spread over the minute
    lease: int = 240 * SECOND
    minute_kept: tuple[int, ...] = (0, 0, 1, 2, 6)
    slots_kept: tuple[int, ...] = (0, 0, 0, 1, 2)
    day_kept: tuple[int, ...] = (0, 20, 50, 100, 200)


class Call(msgspec.Struct, array_like=True):
    """A call that runs, or whose process died."""

    id: str
    until: int


class Tenant(msgspec.Struct, array_like=True):
    """What one organisation's limits hold."""

    calls: list[Call] = []
    frees: list[int] = []  # when the places of answered calls come back, sorted
    last: int = 0  # the newest start
    turns: list[int] = msgspec.field(default_factory=lambda: [0] * LANE_COUNT)  # the newest start of each lane
    wants: list[int] = msgspec.field(
        default_factory=lambda: [0] * LANE_COUNT
    )  # until when somebody of the lane counts as waiting
    stopped: int = 0  # by a 429
    concurrent: int = 0  # 429s for too many at once, in a row
    day_left: int | None = None  # None: nobody has told us
    day_until: int = 0  # used up until then
    day_probe: int = 0  # a lane that may not touch the rest of the day asks once at this time


class App(msgspec.Struct, array_like=True):
    """What the limit of the whole app holds, in steps of its window: places that come back, leases that run out."""

    frees: dict[int, int] = {}
    leases: dict[int, int] = {}
    stopped: int = 0
    level: int = 0  # calls a minute that one tenant may take while the app's are scarce; 0: no such level
    level_at: int = 0


class Verdict(msgspec.Struct, frozen=True):
    """`retry` None: go. Otherwise the instant at which asking again makes sense; `day`: the day is used up until then."""

    retry: int | None = None
    day: bool = False


class Taught(msgspec.Struct, frozen=True):
    """What an answer said about the limits. `wait`: Retry-After in microseconds; `pause`: a concurrent 429's back-off."""

    status: int
    minute_left: int | None = None
    day_left: int | None = None
    app_left: int | None = None
    problem: str = ""
    wait: int | None = None
    pause: int = 0


GO: Final = Verdict()


def ask(limits: Limits, app: App, tenant: Tenant, rank: int, call_id: str, now: int) -> Verdict:
    """May a call of lane `rank` start now? If so it has its place; else the lane counts as waiting."""
    _settle(limits, tenant, now)
    settle_app(limits, app, now)
    verdict = _day(limits, tenant, rank, now) or _place(limits, app, tenant, rank, now)
    if verdict is not None:
        tenant.wants[rank] = 0 if verdict.day else now + WANT
        return verdict
    until = now + limits.lease
    tenant.calls.append(Call(call_id, until))
    tenant.last = tenant.turns[rank] = now
    tenant.wants[rank] = 0
    if tenant.day_left is not None:
        tenant.day_left = max(0, tenant.day_left - 1)
    app.leases[_step(limits, until)] = app.leases.get(_step(limits, until), 0) + 1
    return GO


def answered(limits: Limits, app: App, tenant: Tenant, call_id: str, now: int) -> None:
    """A call ended, whether its answer came or not: its slot is free, its place in the minute 60 s later.

    One that comes back after its lease takes a place once more: when Xero counted it nobody knows.
    """
    _settle(limits, tenant, now)
    settle_app(limits, app, now)
    found = next((n for n, call in enumerate(tenant.calls) if call.id == call_id), None)
    if found is not None:
        lease = _step(limits, tenant.calls.pop(found).until)
        app.leases[lease] -= 1
    bisect.insort(tenant.frees, now + limits.window)
    _occupy_app(limits, app, now, 1)


def learn(limits: Limits, app: App, tenant: Tenant, taught: Taught, now: int) -> None:
    """Correct the budgets from an answer, before its call is `answered`: its headers count itself."""
    _settle(limits, tenant, now)
    settle_app(limits, app, now)
    if taught.status == 429:
        _stopped(app, tenant, taught, now)
        return
    tenant.concurrent = 0
    if taught.day_left is not None:
        others = max(0, len(tenant.calls) - 1)
        tenant.day_left = max(0, taught.day_left - others)
        tenant.day_until = now + DAY_PROBE if taught.day_left == 0 else 0
    if taught.minute_left is not None:  # fewer than we thought: somebody else calls with this app too
        free = limits.minute - len(tenant.calls) - len(tenant.frees)
        for _ in range(max(0, free - taught.minute_left)):
            bisect.insort(tenant.frees, now + limits.window)
    if taught.app_left is not None:
        _occupy_app(limits, app, now, max(0, limits.app_minute - app_used(app) - taught.app_left))


def app_used(app: App) -> int:
    """Places of the app's minute that are taken."""
    return sum(app.frees.values()) + sum(app.leases.values())


def used(tenant: Tenant, now: int) -> int:
    """Places of a tenant's minute that are taken at `now`."""
    return len(tenant.calls) + sum(free > now for free in tenant.frees)


def demand(limits: Limits, tenant: Tenant, now: int) -> int:
    """How many calls a minute a tenant would make if the app's limit were no matter."""
    taken = used(tenant, now)
    if any(want > now for want in tenant.wants):
        return limits.minute
    return min(limits.minute, taken + max(1, taken // 10)) if taken else 0


def level(limits: Limits, demands: list[int]) -> int:
    """How many calls a minute each tenant may take so that all together stay within the app's; 0: no level is needed.

    Those that want less than their share have what they want; the rest is shared equally.
    """
    left, wanted = limits.app_minute, sorted(demands)
    if sum(wanted) <= left:
        return 0
    for n, one in enumerate(wanted):
        share = left // (len(wanted) - n)
        if one > share:
            return max(1, share)
        left -= one
    return 0


def settle_app(limits: Limits, app: App, now: int) -> None:
    """Give back what has come free, and count a lease that ran out as answered then."""
    step = now // (limits.window // STEPS)
    for until in [one for one in app.leases if one <= step or not app.leases[one]]:
        count = app.leases.pop(until)
        if count:
            back = until + STEPS
            app.frees[back] = app.frees.get(back, 0) + count
    for back in [one for one in app.frees if one <= step]:
        del app.frees[back]


def _settle(limits: Limits, tenant: Tenant, now: int) -> None:
    for call in [one for one in tenant.calls if one.until <= now]:
        tenant.calls.remove(call)
        bisect.insort(tenant.frees, call.until + limits.window)
    del tenant.frees[: bisect.bisect_right(tenant.frees, now)]


def _day(limits: Limits, tenant: Tenant, rank: int, now: int) -> Verdict | None:
    if tenant.day_until > now:
        return Verdict(tenant.day_until, day=True)
    if tenant.day_until:  # the time is over: ask, and hear what is left
        tenant.day_until, tenant.day_left = 0, None
    if tenant.day_left is None or tenant.day_left > limits.day_kept[rank]:
        return None
    if tenant.day_probe <= now:
        tenant.day_probe = now + DAY_PROBE
        return None
    return Verdict(tenant.day_probe, day=True)


def _place(limits: Limits, app: App, tenant: Tenant, rank: int, now: int) -> Verdict | None:
    """When a place, a slot and the app have room; None: now."""
    if max(tenant.stopped, app.stopped) > now:
        return Verdict(max(tenant.stopped, app.stopped))
    if any(want > now for want in tenant.wants[:rank]) and now - tenant.turns[rank] < TURN:
        return Verdict(now + NAP)
    if len(tenant.calls) >= max(1, limits.slots - limits.slots_kept[rank]):
        return Verdict(now + NAP)
    if app_used(app) >= limits.app_minute:
        return Verdict(now + NAP)
    return _in_the_minute(limits, app, tenant, rank, now)


def _in_the_minute(limits: Limits, app: App, tenant: Tenant, rank: int, now: int) -> Verdict | None:
    """A free place, and (but for the first lanes) not so soon that the free ones are gone before the next comes back."""
    level = app.level if now - app.level_at < LEVEL_LIFE else 0
    most = min(limits.minute, level or limits.minute)
    free = max(1, most - limits.minute_kept[rank]) - len(tenant.calls) - len(tenant.frees)
    if free <= 0:
        return Verdict(tenant.frees[-free] if -free < len(tenant.frees) else now + NAP)
    if rank <= UNSPREAD or len(tenant.calls) + len(tenant.frees) < min(limits.burst, most):
        return None
    next_free = tenant.frees[0] if tenant.frees else now + limits.window
    due = tenant.last + (next_free - tenant.last) // (free + 1)
    return Verdict(due) if due > now else None


def _stopped(app: App, tenant: Tenant, taught: Taught, now: int) -> None:
    if taught.problem == "day":
        tenant.day_left, tenant.day_until = 0, now + (DAY_PROBE if taught.wait is None else taught.wait)
    elif "app" in taught.problem:
        app.stopped = max(app.stopped, now + (MINUTE if taught.wait is None else taught.wait))
    elif taught.problem == "minute" or taught.wait is not None:
        tenant.stopped = max(tenant.stopped, now + (MINUTE if taught.wait is None else taught.wait))
    else:
        tenant.stopped = max(tenant.stopped, now + taught.pause)
        tenant.concurrent += 1


def _occupy_app(limits: Limits, app: App, now: int, places: int) -> None:
    if places:
        back = _step(limits, now + limits.window)
        app.frees[back] = app.frees.get(back, 0) + places


def _step(limits: Limits, instant: int) -> int:
    """The first step at or after an instant."""
    return -(-instant // (limits.window // STEPS))
