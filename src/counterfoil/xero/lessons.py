"""What answers teach about Xero's limits: headers, each kind of 429, failures. Pure.

Called by pacing, inside one transaction for all processes (store/limits), before the call counts as ended. Headers count their own
call; they correct us only as far as our calls cannot explain them. xero-facts §2.2, §2.3, §3.2.
"""

from typing import Final

import msgspec

from counterfoil.xero import breaker, places
from counterfoil.xero import day as days
from counterfoil.xero.breaker import Breaker
from counterfoil.xero.places import ACCOUNTING, MINUTE, App, Call, Limits, Tenant

XERO_MINUTE: Final = 60  # of a limit that is not Xero's own (a sandbox's) the headers say nothing
NOT_IMPLEMENTED: Final = 501  # a refusal


class Taught(msgspec.Struct, frozen=True):
    """What an answer said about the limits. `wait`: Retry-After in microseconds; `pause`: a concurrent 429's back-off.

    `call`: the id of the call that was answered; "" when nobody knows. `jitter`: 0 to 1.
    """

    status: int
    minute_left: int | None = None
    day_left: int | None = None
    app_left: int | None = None
    problem: str = ""
    wait: int | None = None
    pause: int = 0
    call: str = ""
    api: str = ACCOUNTING
    offline: bool = False
    jitter: float = 0.0


def learn(limits: Limits, app: App, tenant: Tenant, taught: Taught, now: int, wall: int = 0) -> None:
    """Correct the budgets from an answer, before its call is `answered`: its headers count itself."""
    places.settle(limits, tenant, now, wall)
    places.settle_app(limits, app, now)
    if taught.status == 429:
        _stopped(app, tenant, taught, now, wall)
        return
    tenant.concurrent = 0
    _judge(limits, tenant, taught, now)
    call = places.running(tenant, taught.call)
    began = now if call is None else call.began
    if taught.day_left is not None:
        days.told(tenant.day, taught.day_left, max(0, len(tenant.calls) - 1), limits.day, began, now, wall)
    if now - began < limits.window:
        _learn_of_others(limits, app, tenant, call, taught, now)


def _judge(limits: Limits, tenant: Tenant, taught: Taught, now: int) -> None:
    """What an answer that is no 429 says of its API's health."""
    known = tenant.breakers.get(taught.api)
    if taught.status >= 500 and taught.status != NOT_IMPLEMENTED:
        found = tenant.breakers.setdefault(taught.api, Breaker())
        breaker.failed(
            found, now, offline=taught.offline, jitter=taught.jitter, wait=taught.wait, longest=limits.offline
        )
    elif known is not None:
        breaker.succeeded(known)
        del tenant.breakers[taught.api]


def _learn_of_others(limits: Limits, app: App, tenant: Tenant, call: Call | None, taught: Taught, now: int) -> None:
    """More places are gone than we can have taken when Xero counted this call: somebody else calls with this app too.

    We can have taken those that were taken when the call began, and those taken since.
    """
    if taught.minute_left is not None and tenant.rapid <= now and limits.minute <= XERO_MINUTE:
        ours = len(tenant.calls) + len(tenant.frees) if call is None else call.base + tenant.begun
        foreign = max(0, limits.minute - taught.minute_left - ours)
        tenant.begun += foreign
        places.occupy(limits, tenant, now, foreign)
    if taught.app_left is not None:
        ours = app.taken if call is None else call.app_base + app.begun
        foreign = max(0, limits.app_minute - taught.app_left - ours)
        app.begun += foreign
        app.taken += foreign
        places.occupy_app(limits, app, now, foreign)


def _stopped(app: App, tenant: Tenant, taught: Taught, now: int, wall: int) -> None:
    tenant.rapid = 0 if taught.problem in {"minute", "day"} else tenant.rapid  # lifted no more, whatever we thought
    if taught.problem == "day":
        days.used_up(tenant.day, taught.wait, now, wall)
    elif "app" in taught.problem:
        app.stopped = max(app.stopped, now + (MINUTE if taught.wait is None else taught.wait))
    elif taught.problem == "minute" or taught.wait is not None:
        tenant.stopped, tenant.why = (
            max(tenant.stopped, now + (MINUTE if taught.wait is None else taught.wait)),
            "minute",
        )
    else:
        tenant.stopped, tenant.why = max(tenant.stopped, now + taught.pause), "concurrent"
        tenant.concurrent += 1
