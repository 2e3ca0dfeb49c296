"""Xero's four limits with their headers and the empty 429 (facts 2.1 to 2.3).

Called by `door` for each call to a tenant, after authentication and before the idempotency key. Windows are fixed with
an offset per tenant, as documented, or rolling (a switch). They live in memory: a restart forgets them.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Answer, Refusal
from counterfoil.sandbox.clock import Clock, guid_of
from counterfoil.sandbox.options import Options
from counterfoil.sandbox.unknowns import Unknowns

CONCURRENT_MAX = 5
MINUTE_MAX = 60
APP_MINUTE_MAX = 10_000
DAY_MAX = {"starter": 1_000}
DAY_MAX_DEFAULT = 5_000
DAY_S = 86_400.0
RETRY_AFTER_MINUTE_S = 26
RETRY_AFTER_DAY_S = 66_975
_SEEN = frozenset({"minute", "day"})  # values of X-Rate-Limit-Problem that were seen
_PROBLEM = {"Type": None, "Title": "Rate limit exceeded", "Status": 429, "Detail": "Too many requests"}


@dataclass(slots=True)
class _Window:
    """One limit of one caller. `offset_s` shifts a fixed window; rolling ones remember each call."""

    length_s: float
    most: int
    offset_s: float
    rolling: bool
    index: int = 0
    used: int = 0
    calls: deque[float] = field(default_factory=deque)

    def left(self, now: float) -> int:
        """Calls that are still free."""
        if self.rolling:
            while self.calls and self.calls[0] <= now - self.length_s:
                self.calls.popleft()
            return self.most - len(self.calls)
        index = math.floor((now + self.offset_s) / self.length_s)
        if index != self.index:
            self.index, self.used = index, 0
        return self.most - self.used

    def take(self, now: float) -> None:
        """Use one, after `left`."""
        if self.rolling:
            self.calls.append(now)
        else:
            self.used += 1

    def retry_after_s(self, now: float) -> int:
        """Whole seconds until one is free again, at least 1."""
        if self.rolling:
            wait = self.calls[0] + self.length_s - now
        else:
            wait = (self.index + 1) * self.length_s - self.offset_s - now
        return max(1, math.ceil(wait))


@dataclass(slots=True)
class _Tenant:
    minute: _Window
    day: _Window
    in_flight: int = 0


class Limits:
    """All windows of all apps and tenants."""

    def __init__(
        self,
        options: Options,
        clock: Clock,
        tier_of: Callable[[str], str] | None = None,
        unknowns: Callable[[], Unknowns] | None = None,
    ) -> None:
        """`tier_of` a client id; `unknowns`: the readings that are played now. Absent: as the options say."""
        started = Unknowns(options)
        self._unknowns = unknowns or (lambda: started)
        self._options = options
        self._clock = clock
        self._tier_of = tier_of or (lambda _: options.tier)
        self._tenants: dict[tuple[str, str], _Tenant] = {}
        self._apps: dict[str, _Window] = {}

    def enter(self, client_id: str, tenant_id: str, *, rapid: bool = False) -> dict[str, str]:
        """Count a call; returns the headers of its answer. Refusal with an empty 429 if a limit is reached.

        Each `enter` that returned needs one `leave`. With --no-limits nothing is counted and there are no headers.
        `rapid`: Rapid Sync, the minute and the day are lifted; five at once and the app's minute are not.
        """
        if self._options.no_limits:
            return {}
        now = self._clock.seconds()
        tenant = self._tenant(client_id, tenant_id)
        app = self._app(client_id)
        minute, day, app_minute = tenant.minute.left(now), tenant.day.left(now), app.left(now)
        headers = _remaining(day, minute, app_minute)
        if tenant.in_flight >= CONCURRENT_MAX:
            raise Refusal(self._refused("concurrent", headers))
        if app_minute <= 0:
            raise Refusal(self._refused("appminute", headers))
        if rapid:
            app.take(now)
            tenant.in_flight += 1
            return _remaining(day, minute, app_minute - 1)
        if minute <= 0:
            raise Refusal(self._refused("minute", headers, tenant.minute.retry_after_s(now)))
        if day <= 0:
            raise Refusal(self._refused("day", headers, tenant.day.retry_after_s(now)))
        for window in (tenant.minute, tenant.day, app):
            window.take(now)
        tenant.in_flight += 1
        return _remaining(day - 1, minute - 1, app_minute - 1)

    def leave(self, client_id: str, tenant_id: str) -> None:
        """The call is over."""
        if not self._options.no_limits:
            self._tenant(client_id, tenant_id).in_flight -= 1

    def usage(self) -> list[dict[str, Any]]:
        """What each app has left of each tenant it called, and how many calls are in progress."""
        now = self._clock.seconds()
        return [
            {
                "client_id": client_id,
                "tenant_id": tenant_id,
                "minute_left": max(0, tenant.minute.left(now)),
                "minute_max": tenant.minute.most,
                "day_left": max(0, tenant.day.left(now)),
                "day_max": tenant.day.most,
                "in_flight": tenant.in_flight,
            }
            for (client_id, tenant_id), tenant in self._tenants.items()
        ]

    def forget(self) -> None:
        """Every window starts anew; calls in progress stay counted."""
        for (client_id, _), tenant in self._tenants.items():
            tenant.minute = self._window(self._options.minute_window_s, MINUTE_MAX, 0.0)
            tenant.day = self._window(DAY_S, self._day_max(client_id), 0.0)
        self._apps.clear()

    def played(self, kind: str, delay_s: float | None) -> Answer:
        """The 429 of a fault: `kind` is minute, day, concurrent or appminute."""
        if kind == "minute":
            wait = RETRY_AFTER_MINUTE_S if delay_s is None else math.ceil(delay_s)
            return self._refused(kind, _remaining(DAY_MAX_DEFAULT // 2, 0, APP_MINUTE_MAX - 1), wait)
        if kind == "day":
            wait = RETRY_AFTER_DAY_S if delay_s is None else math.ceil(delay_s)
            return self._refused(kind, _remaining(0, MINUTE_MAX - 1, APP_MINUTE_MAX - 1), wait)
        return self._refused(kind, _remaining(DAY_MAX_DEFAULT // 2, MINUTE_MAX - 1, APP_MINUTE_MAX - 1))

    def _refused(self, kind: str, headers: dict[str, str], retry_after_s: int | None = None) -> Answer:
        """429: the names of two of the problems, and whether there is ever a body, are not known (facts 11.4)."""
        unknowns = self._unknowns()
        shown = dict(headers)
        if kind in _SEEN or unknowns.plays("rate-limit-problem", "named"):
            shown["X-Rate-Limit-Problem"] = kind
        if retry_after_s is not None:
            shown["Retry-After"] = str(retry_after_s)
        if unknowns.plays("rate-limit-body", "problem"):
            return Answer(429, wire.compact(_PROBLEM), "application/json", shown)
        return Answer(429, b"", None, shown)

    def _day_max(self, client_id: str) -> int:
        return DAY_MAX.get(self._tier_of(client_id), DAY_MAX_DEFAULT)

    def _tenant(self, client_id: str, tenant_id: str) -> _Tenant:
        tenant = self._tenants.get((client_id, tenant_id))
        if tenant is None:
            offset = int(guid_of(f"{client_id}/{tenant_id}")[:8], 16) / 2**32
            minute_s = self._options.minute_window_s
            tenant = _Tenant(
                self._window(minute_s, MINUTE_MAX, offset * minute_s),
                self._window(DAY_S, self._day_max(client_id), offset * DAY_S),
            )
            self._tenants[client_id, tenant_id] = tenant
        return tenant

    def _app(self, client_id: str) -> _Window:
        return self._apps.setdefault(client_id, self._window(self._options.minute_window_s, APP_MINUTE_MAX, 0.0))

    def _window(self, length_s: float, most: int, offset_s: float) -> _Window:
        return _Window(length_s, most, offset_s, self._unknowns().plays("limit-windows", "rolling"))


def _remaining(day: int, minute: int, app_minute: int) -> dict[str, str]:
    return {
        "X-DayLimit-Remaining": str(max(0, day)),
        "X-MinLimit-Remaining": str(max(0, minute)),
        "X-AppMinLimit-Remaining": str(max(0, app_minute)),
    }
