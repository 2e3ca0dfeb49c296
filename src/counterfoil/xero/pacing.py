"""Xero's limits turned into waiting, in one process: implements model.ports.Permits.

Called by app (builds it) and client. Per tenant 60 calls a minute and 5 at once, per app 10,000 a minute, and the day
as Xero reports it. A call occupies its minute from its start until 60 s after its answer, since nobody can see when
between the two Xero counted it; so no rolling minute ever holds more than the limit, and a fixed one neither.
https://developer.xero.com/documentation/guides/oauth2/limits (read 2026-11), xero-facts §2.1-§2.3.
"""

import asyncio
import contextlib
import heapq
import itertools
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from counterfoil import errors
from counterfoil.model.ports import Clock

WINDOW_S: Final = 60.0
SLOTS: Final = 5
CALLS_PER_MINUTE: Final = 60
APP_CALLS_PER_MINUTE: Final = 10_000
LANES: Final = ("looking", "interactive", "realtime", "sync", "bulk")  # first come the first of these
NAP_MAX_S: Final = 1.0  # a sleeper looks up this often, in case the limits changed meanwhile
DAY_PROBE_S: Final = 900.0  # a day at zero without Retry-After: when its window ends is unknown, so ask again
CONCURRENT_BACKOFF_S: Final = 0.5  # doubled with each 429 in a row, jittered by half; Xero sends no Retry-After
CONCURRENT_BACKOFF_MAX_S: Final = 15.0


class _Window:
    """Calls that count against one rolling minute."""

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit = limit
        self.window_s = window_s
        self.in_flight = 0
        self.stopped_until_s = 0.0
        self._free_at_s: deque[float] = deque()  # one entry per finished call, oldest first

    def free(self, now_s: float) -> int:
        """How many more may start now."""
        while self._free_at_s and self._free_at_s[0] <= now_s:
            self._free_at_s.popleft()
        return self.limit - self.in_flight - len(self._free_at_s)

    def wait_s(self, now_s: float) -> float | None:
        """0 when one may start, seconds until one may, or None when that depends on a call now in flight."""
        if now_s < self.stopped_until_s:
            return self.stopped_until_s - now_s
        if self.free(now_s) > 0:
            return 0.0
        return self._free_at_s[0] - now_s if self._free_at_s else None

    def occupy(self, now_s: float, calls: int = 1) -> None:
        """These calls count for one window from now on."""
        self._free_at_s.extend([now_s + self.window_s] * calls)

    def stop_until(self, instant_s: float) -> None:
        """Nothing starts before; never shortens an earlier stop."""
        self.stopped_until_s = max(self.stopped_until_s, instant_s)


class _Tenant:
    """One tenant's budgets and those who wait for them."""

    def __init__(self, limit: int, window_s: float) -> None:
        self.minute = _Window(limit, window_s)
        self.day_used_until_s: float | None = None
        self.concurrent_in_a_row = 0
        self.waiting: list[tuple[int, int]] = []  # a heap of (lane, order of arrival)
        self.changed = asyncio.Event()

    def tell(self) -> None:
        """Wake everyone who waits for a change."""
        self.changed.set()
        self.changed = asyncio.Event()


class Pacer:
    """The budgets of one process. A version shared by processes has the same face."""

    def __init__(
        self,
        clock: Clock,
        *,
        calls_per_minute: int = CALLS_PER_MINUTE,
        window_s: float = WINDOW_S,
        jitter: random.Random | None = None,
    ) -> None:
        self._clock = clock
        self._calls_per_minute = calls_per_minute
        self._window_s = window_s
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._app = _Window(APP_CALLS_PER_MINUTE, window_s)
        self._tenants: dict[str, _Tenant] = {}
        self._arrivals = itertools.count()

    @contextlib.asynccontextmanager
    async def call(self, tenant_id: str, lane: str) -> AsyncIterator[None]:
        """Wait for a place in the minute and the slots, and hold it while inside. `lane`: one of LANES.

        Raises RateLimited("day") with the seconds until Xero may be asked again.
        """
        tenant = self._tenant(tenant_id)
        await self._wait(tenant, LANES.index(lane))
        tenant.minute.in_flight += 1
        self._app.in_flight += 1
        try:
            yield
        finally:
            now_s = self._clock.elapsed_s()
            for window in (tenant.minute, self._app):
                window.in_flight -= 1
                window.occupy(now_s)
            tenant.tell()

    def learn(self, tenant_id: str, headers: Callable[[str], str | None], status: int) -> None:
        """Correct the budgets from an answer; call it while still inside `call`."""
        tenant, now_s = self._tenant(tenant_id), self._clock.elapsed_s()
        if status == 429:
            self._stopped(tenant, headers, now_s)
        else:
            tenant.concurrent_in_a_row = 0
        if (day := _number(headers("X-DayLimit-Remaining"))) is not None:
            if day > 0 and status != 429:
                tenant.day_used_until_s = None
            elif day <= 0 and tenant.day_used_until_s is None:
                tenant.day_used_until_s = now_s + DAY_PROBE_S
        if (left := _number(headers("X-MinLimit-Remaining"))) is not None and status != 429:
            # Fewer than we thought: somebody else calls with this app too.
            tenant.minute.occupy(now_s, max(0, tenant.minute.free(now_s) - left))
        tenant.tell()

    def _stopped(self, tenant: _Tenant, headers: Callable[[str], str | None], now_s: float) -> None:
        said = (headers("X-Rate-Limit-Problem") or "").lower()
        wait_s = _number(headers("Retry-After"))
        if said == "day":
            tenant.day_used_until_s = now_s + (DAY_PROBE_S if wait_s is None else wait_s)
        elif "app" in said:
            self._app.stop_until(now_s + (self._window_s if wait_s is None else wait_s))
        elif said == "minute" or wait_s is not None:
            tenant.minute.stop_until(now_s + (self._window_s if wait_s is None else wait_s))
        else:
            backoff_s = min(CONCURRENT_BACKOFF_S * 2**tenant.concurrent_in_a_row, CONCURRENT_BACKOFF_MAX_S)
            tenant.concurrent_in_a_row += 1
            tenant.minute.stop_until(now_s + backoff_s * self._jitter.uniform(0.5, 1.5))

    def _tenant(self, tenant_id: str) -> _Tenant:
        if tenant_id not in self._tenants:
            self._tenants[tenant_id] = _Tenant(self._calls_per_minute, self._window_s)
        return self._tenants[tenant_id]

    async def _wait(self, tenant: _Tenant, rank: int) -> None:
        ticket = (rank, next(self._arrivals))
        heapq.heappush(tenant.waiting, ticket)
        try:
            while True:
                wait_s = self._wait_s(tenant) if tenant.waiting[0] == ticket else None
                if wait_s == 0.0:
                    return
                if wait_s is None:
                    await tenant.changed.wait()
                else:
                    await self._clock.sleep(min(wait_s, NAP_MAX_S))
        finally:
            tenant.waiting.remove(ticket)
            heapq.heapify(tenant.waiting)
            tenant.tell()

    def _wait_s(self, tenant: _Tenant) -> float | None:
        """0: go; seconds: sleep so long; None: wait for a change. Raises RateLimited("day")."""
        now_s = self._clock.elapsed_s()
        if tenant.day_used_until_s is not None:
            if now_s < tenant.day_used_until_s:
                raise errors.RateLimited("day", retry_after_s=tenant.day_used_until_s - now_s)
            tenant.day_used_until_s = None
        waits = (tenant.minute.wait_s(now_s), self._app.wait_s(now_s))
        if None in waits:
            return None if tenant.minute.in_flight else NAP_MAX_S
        slots_full = tenant.minute.in_flight >= SLOTS
        return None if slots_full else max(wait for wait in waits if wait is not None)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
