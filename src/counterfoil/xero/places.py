"""Xero's limits and what is used of them: the state that all processes share, and how time gives places back. Pure.

Called by budget and lessons; pacing reads and writes it. Times are whole microseconds on a clock that never jumps. New members of the
kept ones stand at the end: a worker of the version before reads what it knows. xero-facts §2.1.
"""

import bisect
from typing import Final

import msgspec

from counterfoil.xero import day as days
from counterfoil.xero.breaker import Breaker
from counterfoil.xero.day import Day

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
STEPS: Final = 240  # of a window: the app's places come back in such steps, rounded up
LANE_COUNT: Final = 5
ACCOUNTING: Final = "accounting"


class Limits(msgspec.Struct, frozen=True):
    """What Xero allows, and what each lane (first the first) leaves to those above it."""

    window: int = MINUTE  # tests have shorter ones
    minute: int = 60
    slots: int = 5
    app_minute: int = 10_000
    day: int = 5_000
    burst: int = 45  # calls that start at once after a rest; the others are spread over the minute
    lease: int = 240 * SECOND
    offline: int = 300 * SECOND  # how long an organisation that is offline is left alone
    minute_kept: tuple[int, ...] = (0, 0, 1, 2, 6)
    slots_kept: tuple[int, ...] = (0, 0, 0, 1, 2)
    day_kept: tuple[int, ...] = (0, 20, 50, 100, 200)


class Call(msgspec.Struct, array_like=True):
    """A call that runs, or whose process died.

    `base`: places of the minute taken when it began, less all that were ever taken until then; `app_base`: of the app's.
    """

    id: str
    until: int
    began: int = 0
    base: int = 0
    app_base: int = 0
    api: str = ACCOUNTING


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
    why: str = ""  # which limit it spoke of
    concurrent: int = 0  # 429s for too many at once, in a row
    begun: int = 0  # places of the minute ever taken
    rapid: int = 0  # Rapid Sync lasts until then: the minute and the day are lifted (facts §2.1)
    day: Day = msgspec.field(default_factory=Day)
    breakers: dict[str, Breaker] = {}  # of each API that failed lately


class App(msgspec.Struct, array_like=True):
    """What the limit of the whole app holds, in steps of its window: places that come back, leases that run out."""

    frees: dict[int, int] = {}
    leases: dict[int, int] = {}
    stopped: int = 0
    level: int = 0  # calls a minute that one tenant may take while the app's are scarce; 0: no such level
    level_at: int = 0
    taken: int = 0  # the sum of `frees` and `leases`
    begun: int = 0  # places ever taken
    settled: int = 0  # the step up to which both are cleared


def settle_app(limits: Limits, app: App, now: int) -> None:
    """Give back what has come free, and count a lease that ran out as answered then."""
    step = now // (limits.window // STEPS)
    if step == app.settled:
        return
    app.settled = step
    for until in [one for one in app.leases if one <= step]:
        back = until + STEPS
        app.frees[back] = app.frees.get(back, 0) + app.leases.pop(until)
    for back in [one for one in app.frees if one <= step]:
        app.taken -= app.frees.pop(back)


def settle(limits: Limits, tenant: Tenant, now: int, wall: int) -> None:
    """The same for an organisation's minute, and its day."""
    for call in [one for one in tenant.calls if one.until <= now]:
        tenant.calls.remove(call)
        bisect.insort(tenant.frees, call.until + limits.window)
    if tenant.frees and tenant.frees[0] <= now:
        del tenant.frees[: bisect.bisect_right(tenant.frees, now)]
    days.settle(tenant.day, now, wall)


def running(tenant: Tenant, call_id: str) -> Call | None:
    """The call of this id; None when it ended, or its lease did."""
    return next((one for one in tenant.calls if one.id == call_id), None)


def occupy(limits: Limits, tenant: Tenant, now: int, places: int) -> None:
    """Places of the minute that come back a minute from now; more of them than the limit say nothing more."""
    for _ in range(places):
        bisect.insort(tenant.frees, now + limits.window)
    if len(tenant.frees) > limits.minute:
        del tenant.frees[: len(tenant.frees) - limits.minute]


def release(app: App, lease: int) -> None:
    """The lease of a call that ended."""
    if app.leases.get(lease, 0) > 1:
        app.leases[lease] -= 1
    else:
        app.leases.pop(lease, None)
    app.taken -= 1


def occupy_app(limits: Limits, app: App, now: int, places: int) -> None:
    """Places of the app's minute, counted in `taken` by the caller, that come back a window from now."""
    if places:
        back = step_of(limits, now + limits.window)
        app.frees[back] = app.frees.get(back, 0) + places


def step_of(limits: Limits, instant: int) -> int:
    """The first step at or after an instant."""
    return -(-instant // (limits.window // STEPS))
