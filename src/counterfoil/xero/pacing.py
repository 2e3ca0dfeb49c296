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
from counterfoil.runtime import keeping
from counterfoil.runtime.windows import Window
from counterfoil.store.limits import Kept, Remembered, States
from counterfoil.xero import answers, budget, lessons, places, shares, waits
from counterfoil.xero.budget import Verdict
from counterfoil.xero.lessons import Taught
from counterfoil.xero.places import SECOND, Limits
from counterfoil.xero.standings import Standing, standing
from counterfoil.xero.states import APP, Books

TURN_MAX: Final = 64  # asks of one turn; the others have the next
NAP_MAX_S: Final = 1.0  # a waiter looks up this often, in case another process gave something back
START_WITHIN_S: Final = 5.0  # a call that did not begin so long after it got its place asks again
START_SHARE: Final = 2  # nor after this part of its lease: the rest of it is the call's own
CONCURRENT_BACKOFF_S: Final = 0.5  # doubled with each 429 in a row, jittered by half; Xero sends no Retry-After
CONCURRENT_BACKOFF_MAX_S: Final = 15.0
SCARCE: Final = 0.8  # from this share of the app's minute on, tenants get equal shares
LEVEL_EVERY: Final = 2 * SECOND
LINGER_S: Final = 0.02  # news wait so long for an ask, to be told in the same turn


class _Ask(msgspec.Struct, eq=False):
    """Somebody who waits for a place."""

    tenant: str
    api: str
    rank: int
    order: int
    id: str
    granted: asyncio.Future[float]  # when, on the clock's elapsed seconds
    again_s: float = 0.0  # not before; 0: at once


class _Ended(msgspec.Struct, frozen=True):
    tenant: str
    id: str


class _Lesson(msgspec.Struct, frozen=True):
    tenant: str
    taught: Taught


class _Rapid(msgspec.Struct, frozen=True):
    """Rapid Sync of a tenant lasts so long still."""

    tenant: str
    left: int


_News = _Ended | _Lesson | _Rapid


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
        self._news: list[_News] = []
        self._poked = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._arrivals = itertools.count()
        self._owner = secrets.token_hex(6)
        self._linger_s = linger_s
        self._closing = False
        self._windows: dict[str, Window | None] = {}

    @contextlib.asynccontextmanager
    async def call(self, tenant_id: str, lane: str, api: str = places.ACCOUNTING) -> AsyncIterator[str]:
        """Wait for a place in the minute, the slots and the day, and hold it while inside; → its name, for `learn`.

        `lane`: one of LANES. Raises RateLimited("day") with the seconds until Xero may be asked again, WindowClosed for
        the bulk lane outside its hours, OrganisationOffline and XeroUnavailable while the API's breaker is open (nothing is
        sent then), StoreError.
        """
        if lane == "bulk":
            waits.check_hours(self._windows.get(tenant_id), self._clock.now())
        number = next(self._arrivals)
        ask = _Ask(tenant_id, api, LANES.index(lane), number, "", asyncio.get_running_loop().create_future())
        while not await self._has_place(ask):
            ask.granted = asyncio.get_running_loop().create_future()
            ask.again_s = 0.0
        try:
            yield ask.id
        finally:
            self._tell(_Ended(tenant_id, ask.id))

    def learn(
        self,
        tenant_id: str,
        headers: Callable[[str], str | None],
        status: int,
        *,
        place: str = "",
        api: str = places.ACCOUNTING,
        offline: bool = False,
    ) -> None:
        """Correct the budgets from an answer; call it while still inside `call`, with the `place` that it gave.

        `offline`: a 503 that says that the organisation is.
        """
        wait_s = answers.wait(headers("Retry-After"))
        taught = Taught(
            status=status,
            minute_left=answers.number(headers("X-MinLimit-Remaining")),
            day_left=answers.number(headers("X-DayLimit-Remaining")),
            app_left=answers.number(headers("X-AppMinLimit-Remaining")),
            problem=(headers("X-Rate-Limit-Problem") or "").lower(),
            wait=None if wait_s is None else wait_s * SECOND,
            call=place,
            api=api,
            offline=offline,
        )
        self._tell(_Lesson(tenant_id, taught))

    def lift(self, tenant_id: str, seconds: float) -> None:
        """Rapid Sync: the minute and the day of this organisation do not count for so long (facts §2.1)."""
        if seconds > 0:
            self._tell(_Rapid(tenant_id, round(seconds * SECOND)))

    def take_over(self, limits: Limits) -> None:
        """Other limits from the next turn on; what was given out stays given. Hours for bulk work have to be told anew."""
        self._limits = limits
        self._windows.clear()
        self._poked.set()

    def bulk_hours(self, tenant_id: str, window: Window | None) -> None:
        """When the bulk lane of an organisation may call, on the organisation's own clock; None: always."""
        self._windows[tenant_id] = window

    async def standings(self, tenant_ids: Sequence[str]) -> dict[str, Standing]:
        """Where the limits of these organisations stand, by tenant. Takes nothing. Raises StoreError."""
        news, self._news = self._news, []
        keys = [APP, *dict.fromkeys([one.tenant for one in news] + list(tenant_ids))]
        present, wall = self._clock.now(), self._wall()

        def work(now: int, states: States) -> tuple[dict[str, Standing], States]:
            books = Books(states)
            for one in news:
                self._take_in(books, one, now, wall)
            changed = books.written() if news else {}
            return {
                one: standing(self._limits, books.app, books.tenant(one), now, present) for one in tenant_ids
            }, changed

        try:
            return await self._kept.turn(keys, work)
        except errors.StoreError:
            self._news = news + self._news
            raise

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
        if self._clock.elapsed_s() - at_s <= min(START_WITHIN_S, self._limits.lease / SECOND / START_SHARE):
            return True
        self._tell(_Ended(ask.tenant, ask.id))
        return False

    def _tell(self, news: _News) -> None:
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
            news, self._news = self._news, []
            asks = self._due(news)
            if asks or news:
                try:
                    await self._turn(asks, news)
                except errors.StoreError as problem:
                    self._news = news + self._news  # said in the next turn, when somebody asks again
                    self._fail(asks, problem)
                    return
                except Exception as problem:  # noqa: BLE001 - told and counted; who asks hears of it and waits for nothing
                    keeping.failed("the pacing of calls")
                    self._fail(asks, problem)
            if self._asks and not self._poked.is_set():
                wait_s = min(ask.again_s for ask in self._asks) - self._clock.elapsed_s()
                if wait_s > 0:
                    await self._nap(wait_s)

    def _due(self, news: Sequence[_News]) -> list[_Ask]:
        """Who asks in the next turn: those whose time has come, and those of tenants of which there is news."""
        now_s, heard = self._clock.elapsed_s(), {one.tenant for one in news}
        due = [ask for ask in self._asks if ask.again_s <= now_s or ask.tenant in heard]
        due.sort(key=lambda one: (one.rank, one.order))
        return due[:TURN_MAX]

    async def _linger(self) -> None:
        """A place that is given back is mostly asked for again at once: one turn does both."""
        if self._linger_s and not self._asks:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._linger_s):
                    while not self._asks and not self._closing:
                        self._poked.clear()
                        await self._poked.wait()

    def _fail(self, asks: Sequence[_Ask], problem: Exception) -> None:
        for ask in asks:
            if ask in self._asks:
                self._asks.remove(ask)
            if not ask.granted.done():
                ask.granted.set_exception(problem)

    async def _turn(self, asks: Sequence[_Ask], news: Sequence[_News]) -> None:
        """One transaction: what is new is learned, and who asks has a place, or hears when to ask again."""
        keys = [APP, *dict.fromkeys([one.tenant for one in (*news, *asks)])]
        wall = self._wall()

        def work(now: int, states: States) -> tuple[tuple[int, float, bool, list[Verdict]], States]:
            given_s = self._clock.elapsed_s()  # here, since we may be stopped before we hear of what was committed
            books = Books(states)
            for one in news:
                self._take_in(books, one, now, wall)
            verdicts = self._asked(books, asks, now, wall)
            scarce = books.app.taken > SCARCE * self._limits.app_minute
            return (now, given_s, scarce and now - books.app.level_at > LEVEL_EVERY, verdicts), books.written()

        now, given_s, stale, verdicts = await self._kept.turn(keys, work)
        for ask, verdict in zip(asks, verdicts, strict=True):
            self._answer(ask, verdict, now, given_s)
        if stale:
            await self._kept.recent(self._leveled)

    def _asked(self, books: Books, asks: Sequence[_Ask], now: int, wall: int) -> list[Verdict]:
        """The verdicts, in the same order. Behind one that waits nobody of its tenant, lane and API has to ask."""
        verdicts: list[Verdict] = []
        waiting: dict[tuple[str, int, str], Verdict] = {}
        for one in asks:
            verdict = waiting.get((one.tenant, one.rank, one.api))
            if verdict is None:
                tenant = books.tenant(one.tenant)
                verdict = budget.ask(self._limits, books.app, tenant, one.rank, one.id, now, wall, one.api)
            if verdict.retry is not None:
                waiting[one.tenant, one.rank, one.api] = verdict
            verdicts.append(verdict)
        return verdicts

    def _take_in(self, books: Books, news: _News, now: int, wall: int) -> None:
        tenant = books.tenant(news.tenant)
        if isinstance(news, _Ended):
            budget.answered(self._limits, books.app, tenant, news.id, now, wall)
        elif isinstance(news, _Rapid):
            tenant.rapid = now + news.left
        else:
            backoff_s = min(CONCURRENT_BACKOFF_S * 2.0 ** min(tenant.concurrent, 10), CONCURRENT_BACKOFF_MAX_S)
            pause = round(backoff_s * self._jitter.uniform(0.5, 1.5) * SECOND)
            taught = msgspec.structs.replace(news.taught, pause=pause, jitter=self._jitter.random())
            lessons.learn(self._limits, books.app, tenant, taught, now, wall)

    def _answer(self, ask: _Ask, verdict: Verdict, now: int, given_s: float) -> None:
        if verdict.retry is not None and not verdict.why:
            ask.again_s = given_s + min((verdict.retry - now) / SECOND, NAP_MAX_S)
            return
        if ask in self._asks:
            self._asks.remove(ask)
        if ask.granted.done():  # cancelled while the turn was taken
            if verdict.retry is None:
                self._news.append(_Ended(ask.tenant, ask.id))
        elif verdict.retry is None:
            ask.granted.set_result(given_s)
        else:
            ask.granted.set_exception(waits.too_long(verdict.why, (verdict.retry - now) / SECOND))

    def _wall(self) -> int:
        return int(self._clock.now().timestamp())

    def _leveled(self, now: int, states: States) -> tuple[None, States]:
        """Equal shares for those who want much, while the app's minute is scarce."""
        books = Books(states)
        tenants = [key for key in states if key != APP]
        demands = [shares.demand(self._limits, books.tenant(key), now) for key in tenants]
        books.app.level, books.app.level_at = shares.level(self._limits, demands), now
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


def limits_of(calls_per_minute: int, lease_s: float) -> Limits:
    """Xero's own limits, or those of a sandbox that allows more."""
    usual, lease = Limits(), round(lease_s * SECOND)
    if calls_per_minute <= usual.minute:
        return Limits(minute=calls_per_minute, lease=lease)
    app_minute = max(usual.app_minute, calls_per_minute)
    return Limits(minute=calls_per_minute, app_minute=app_minute, burst=calls_per_minute // 3, lease=lease)
