"""Xero's limits turned into waiting, for all processes together: implements model.ports.Permits.

Called by app (builds it) and client. Whoever wants to call asks; one task of this process takes a turn for all who ask: one
transaction learns from answers, gives places back and hands out new ones (budget decides, store/limits keeps). Within a
turn the first lanes and the longest waits go first. xero-facts §2.1-§2.3.
"""

import asyncio
import contextlib
import itertools
import random
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.model.lanes import LANES
from counterfoil.model.ports import Clock
from counterfoil.store.limits import Kept, Remembered, States
from counterfoil.xero import budget
from counterfoil.xero.budget import App, Limits, Taught, Tenant, Verdict
from counterfoil.xero.standings import Standing

APP: Final = "app"
DAY_LIMIT: Final = 5_000  # xero-facts §2.1
TURN_MAX: Final = 64  # asks of one turn; the others have the next
NAP_MAX_S: Final = 1.0  # a waiter looks up this often, in case another process gave something back
START_WITHIN_S: Final = 5.0  # a call that did not begin so long after it got its place asks again
CONCURRENT_BACKOFF_S: Final = 0.5  # doubled with each 429 in a row, jittered by half; Xero sends no Retry-After
CONCURRENT_BACKOFF_MAX_S: Final = 15.0
SCARCE: Final = 0.8  # from this share of the app's minute on, tenants get equal shares
LEVEL_EVERY: Final = 2 * budget.SECOND
LINGER_S: Final = 0.02  # news wait so long for an ask, to be told in the same turn


class _Ask(msgspec.Struct, eq=False):
    """Somebody who waits for a place."""

    tenant: str
    rank: int
    order: int
    id: str
    granted: asyncio.Future[float]  # when, on the clock's elapsed seconds


class _Ended(msgspec.Struct, frozen=True):
    tenant: str
    id: str


class _Lesson(msgspec.Struct, frozen=True):
    tenant: str
    taught: Taught


class Pacer:
    """The budgets of one app. `kept`: where they are shared (None: in this process).

    `lease_s`: how long a call may still run at Xero when its process is gone; `limits`: instead of Xero's own.
    """

    def __init__(
        self,
        clock: Clock,
        kept: Kept | None = None,
        *,
        calls_per_minute: int = 60,
        lease_s: float = 240.0,
        linger_s: float = LINGER_S,
        limits: Limits | None = None,
        jitter: random.Random | None = None,
    ) -> None:
        self._clock = clock
        self._kept: Kept = kept or Remembered(clock)
        self._limits = limits or limits_of(calls_per_minute, lease_s)
        self._jitter = jitter or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._asks: list[_Ask] = []
        self._news: list[_Ended | _Lesson] = []
        self._poked = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._arrivals = itertools.count()
        self._owner = secrets.token_hex(6)
        self._linger_s = linger_s
        self._closing = False

    @contextlib.asynccontextmanager
    async def call(self, tenant_id: str, lane: str) -> AsyncIterator[None]:
        """Wait for a place in the minute, the slots and the day, and hold it while inside. `lane`: one of LANES.

        Raises RateLimited("day") with the seconds until Xero may be asked again, StoreError.
        """
        number = next(self._arrivals)
        ask = _Ask(tenant_id, LANES.index(lane), number, "", asyncio.get_running_loop().create_future())
        while not await self._has_place(ask):
            ask.granted = asyncio.get_running_loop().create_future()
        try:
            yield
        finally:
            self._tell(_Ended(tenant_id, ask.id))

    def learn(self, tenant_id: str, headers: Callable[[str], str | None], status: int) -> None:
        """Correct the budgets from an answer; call it while still inside `call`."""
        wait_s = _number(headers("Retry-After"))
        taught = Taught(
            status=status,
            minute_left=_number(headers("X-MinLimit-Remaining")),
            day_left=_number(headers("X-DayLimit-Remaining")),
            app_left=_number(headers("X-AppMinLimit-Remaining")),
            problem=(headers("X-Rate-Limit-Problem") or "").lower(),
            wait=None if wait_s is None else wait_s * budget.SECOND,
        )
        self._tell(_Lesson(tenant_id, taught))

    async def standings(self, tenant_ids: Sequence[str]) -> dict[str, Standing]:
        """Where the limits of these organisations stand, by tenant. Takes nothing. Raises StoreError."""
        news, self._news = self._news, []
        keys = [APP, *dict.fromkeys([one.tenant for one in news] + list(tenant_ids))]

        def work(now: int, states: States) -> tuple[dict[str, Standing], States]:
            books = _Books(states)
            for one in news:
                self._take_in(books, one, now)
            changed = books.written() if news else {}
            return {one: self._standing(books.tenant(one), now) for one in tenant_ids}, changed

        try:
            return await self._kept.turn(keys, work)
        except errors.StoreError:
            self._news = news + self._news
            raise

    def _standing(self, tenant: Tenant, now: int) -> Standing:
        return Standing(
            minute_used=budget.used(tenant, now),
            minute_limit=self._limits.minute,
            slots_used=sum(call.until > now for call in tenant.calls),
            slots_limit=self._limits.slots,
            day_left=tenant.day_left,
            day_limit=DAY_LIMIT,
            day_resets_at=None,
            day_runs_out_at=None,
        )

    async def close(self) -> None:
        """Give back what is ours and let go of the shared budgets."""
        self._closing = True
        self._poked.set()
        if self._worker is not None:
            await asyncio.gather(self._worker, return_exceptions=True)
        await self._kept.close()

    async def _has_place(self, ask: _Ask) -> bool:
        """Wait for it; False when we were stopped so long since it was given that it is not worth anything any more."""
        ask.id = f"{self._owner}{secrets.token_hex(4)}"
        self._asks.append(ask)
        self._poke()
        try:
            at_s = await ask.granted
        except BaseException:
            if ask in self._asks:
                self._asks.remove(ask)
            elif ask.granted.done() and not ask.granted.cancelled() and ask.granted.exception() is None:
                self._tell(_Ended(ask.tenant, ask.id))  # it was given in the instant in which we gave up
            raise
        if self._clock.elapsed_s() - at_s <= START_WITHIN_S:
            return True
        self._tell(_Ended(ask.tenant, ask.id))
        return False

    def _tell(self, news: _Ended | _Lesson) -> None:
        self._news.append(news)
        self._poke()

    def _poke(self) -> None:
        self._poked.set()
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())

    async def _work(self) -> None:
        """Take turns as long as somebody waits or something is to be said."""
        while self._asks or self._news:
            await self._linger()
            self._poked.clear()
            asks = sorted(self._asks, key=lambda one: (one.rank, one.order))[:TURN_MAX]
            news, self._news = self._news, []
            try:
                wait_s = await self._turn(asks, news)
            except errors.StoreError as problem:
                self._news = news + self._news  # said in the next turn, when somebody asks again
                self._fail(asks, problem)
                return
            if wait_s > 0 and not self._poked.is_set() and self._asks:
                await self._nap(min(wait_s, NAP_MAX_S))

    async def _linger(self) -> None:
        """A place that is given back is mostly asked for again at once: one turn does both."""
        if self._linger_s and not self._asks:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._linger_s):
                    while not self._asks and not self._closing:
                        self._poked.clear()
                        await self._poked.wait()

    def _fail(self, asks: Sequence[_Ask], problem: errors.StoreError) -> None:
        for ask in asks:
            if ask in self._asks:
                self._asks.remove(ask)
            if not ask.granted.done():
                ask.granted.set_exception(problem)

    async def _turn(self, asks: Sequence[_Ask], news: Sequence[_Ended | _Lesson]) -> float:
        """One transaction; → the seconds after which another makes sense."""
        keys = [APP, *dict.fromkeys([one.tenant for one in (*news, *asks)])]

        def work(now: int, states: States) -> tuple[tuple[int, bool, list[Verdict]], States]:
            books = _Books(states)
            for one in news:
                self._take_in(books, one, now)
            verdicts = [
                budget.ask(self._limits, books.app, books.tenant(one.tenant), one.rank, one.id, now) for one in asks
            ]
            used = budget.app_used(books.app)
            stale = used > SCARCE * self._limits.app_minute and now - books.app.level_at > LEVEL_EVERY
            return (now, stale, verdicts), books.written()

        now, stale, verdicts = await self._kept.turn(keys, work)
        given_s = self._clock.elapsed_s()
        for ask, verdict in zip(asks, verdicts, strict=True):
            self._answer(ask, verdict, now, given_s)
        if stale:
            await self._kept.recent(self._leveled)
        waits = [verdict.retry for verdict in verdicts if verdict.retry is not None and not verdict.day]
        return (min(waits) - now) / budget.SECOND if waits and len(waits) == len(asks) else 0.0

    def _take_in(self, books: "_Books", news: _Ended | _Lesson, now: int) -> None:
        tenant = books.tenant(news.tenant)
        if isinstance(news, _Ended):
            budget.answered(self._limits, books.app, tenant, news.id, now)
            return
        backoff_s = min(CONCURRENT_BACKOFF_S * 2.0**tenant.concurrent, CONCURRENT_BACKOFF_MAX_S)
        pause = round(backoff_s * self._jitter.uniform(0.5, 1.5) * budget.SECOND)
        taught = msgspec.structs.replace(news.taught, pause=pause)
        budget.learn(self._limits, books.app, tenant, taught, now)

    def _answer(self, ask: _Ask, verdict: Verdict, now: int, given_s: float) -> None:
        if verdict.retry is not None and not verdict.day:
            return
        if ask in self._asks:
            self._asks.remove(ask)
        if ask.granted.done():  # cancelled while the turn was taken
            if verdict.retry is None:
                self._news.append(_Ended(ask.tenant, ask.id))
        elif verdict.retry is None:
            ask.granted.set_result(given_s)
        else:
            left_s = (verdict.retry - now) / budget.SECOND
            ask.granted.set_exception(errors.RateLimited("day", retry_after_s=left_s))

    def _leveled(self, now: int, states: States) -> tuple[None, States]:
        """Equal shares for those who want much, while the app's minute is scarce."""
        books = _Books(states)
        tenants = [key for key in states if key != APP]
        demands = [budget.demand(self._limits, books.tenant(key), now) for key in tenants]
        books.app.level, books.app.level_at = budget.level(self._limits, demands), now
        return None, books.written(only=APP)

    async def _nap(self, seconds: float) -> None:
        waits: set[asyncio.Task[object]] = {
            asyncio.create_task(self._poked.wait()),
            asyncio.create_task(self._clock.sleep(seconds)),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()


class _Books:
    """The states of one turn, decoded when they are needed."""

    def __init__(self, states: States) -> None:
        self._states = states
        self._tenants: dict[str, Tenant] = {}
        self.app = msgspec.msgpack.decode(states[APP], type=App) if APP in states else App()

    def tenant(self, key: str) -> Tenant:
        """A tenant's state; empty when it was never written."""
        found = self._tenants.get(key)
        if found is None:
            state = self._states.get(f"{key}")
            found = Tenant() if state is None else msgspec.msgpack.decode(state, type=Tenant)
            self._tenants[key] = found
        return found

    def written(self, only: str | None = None) -> dict[str, bytes]:
        """What was looked at, encoded again."""
        found = {APP: msgspec.msgpack.encode(self.app)}
        if only is None:
            found |= {key: msgspec.msgpack.encode(one) for key, one in self._tenants.items()}
        return found


def limits_of(calls_per_minute: int, lease_s: float) -> Limits:
    """Xero's own limits, or those of a sandbox that allows more."""
    usual, lease = Limits(), round(lease_s * budget.SECOND)
    if calls_per_minute <= usual.minute:
        return Limits(minute=calls_per_minute, lease=lease)
    app_minute = max(usual.app_minute, calls_per_minute)
    return Limits(minute=calls_per_minute, app_minute=app_minute, burst=calls_per_minute // 3, lease=lease)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
