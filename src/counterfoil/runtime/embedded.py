"""The embedded adapter: work in one process, over whatever database. The default.

Called by app (`serve`). What waits is kept in memory and may be forgotten at any time: a sweep reads it from the tables
again. One piece of work (kind, key) never runs twice at once in this process; a wake-up that comes while it runs has it run again.
"""

import asyncio
import datetime
from collections.abc import Callable
from typing import Any, Final

import msgspec

from counterfoil.model.lanes import LANES, Lane
from counterfoil.model.ports import Clock
from counterfoil.runtime.port import SWEEP_BOUND_S, Due, Failure, Pace, Work, until

SLOTS: Final = 16  # pieces of work at once; they mostly wait for Xero
SLOTS_FOR_FIRST: Final = 4  # of them, kept free of the lanes below `realtime`
WAITING_MAX: Final = 100_000  # wake-ups kept; more are dropped, and found again by a sweep
STALE: Final = datetime.timedelta(hours=1)
LOWER: Final = frozenset(LANES[LANES.index("realtime") + 1 :])

STANDARD: Final = Pace()

Piece = tuple[str, str]


class _Waiting(msgspec.Struct):
    at: datetime.datetime
    lane: Lane


class Embedded:
    """Implements runtime.port.Runtime. `told` hears of each failure; it must not raise."""

    def __init__(
        self, clock: Clock, told: Callable[[Failure], None], *, slots: int = SLOTS, pace: Pace = STANDARD
    ) -> None:
        self._clock = clock
        self._told = told
        self._slots = slots
        self._pace = pace
        self._works: dict[str, Work] = {}
        self._waiting: dict[Piece, _Waiting] = {}
        self._running: dict[Piece, asyncio.Task[None]] = {}
        self._lanes: dict[Piece, Lane] = {}  # of what runs
        self._failures: dict[Piece, tuple[int, datetime.datetime]] = {}  # in a row, and not again before
        self._news = asyncio.Event()
        self._asked = asyncio.Event()  # for a sweep before its time

    def register(self, work: Work) -> None:
        """Make a kind of work known. Raises ValueError for a kind that is known already."""
        if work.kind in self._works:
            raise ValueError(f"{work.kind} is registered already")
        self._works[work.kind] = work

    async def wake(
        self, kind: str, key: str, *, not_before: datetime.datetime | None = None, lane: Lane = "sync"
    ) -> None:
        """Hint that a piece of work is due. Raises KeyError for an unknown kind."""
        self._want(self._works[kind], Due(key, not_before, lane))

    def look(self) -> None:
        """Search for work of every kind now."""
        self._asked.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Carry work out until `stopping` is set; then finish what is in flight, for at most `grace_s`."""
        stop = asyncio.create_task(stopping.wait())
        sweeping = asyncio.create_task(self._sweep_for_ever())
        try:
            while not stopping.is_set():
                self._news.clear()
                self._start_due()
                await self._until_something_happens(stop, sweeping)
                if sweeping.done():
                    sweeping.result()  # it ends by itself only with an error: whoever runs us begins anew
        finally:
            for task in (stop, sweeping):
                task.cancel()
            await self._end()

    def _want(self, work: Work, due: Due) -> None:
        piece = (work.kind, due.key)
        at = due.not_before or self._clock.now()
        if at.tzinfo is None:  # kept, it would break the loop for all other work
            raise ValueError(f"{work.kind} of {due.key} is due at an instant without a zone")
        failed = self._failures.get(piece)
        if failed is not None:
            at = max(at, failed[1])
        known = self._waiting.get(piece)
        if known is None and len(self._waiting) >= WAITING_MAX:
            return
        if known is not None:
            first_lane = min(known.lane, due.lane, key=LANES.index)
            self._waiting[piece] = _Waiting(min(known.at, at), first_lane)
        else:
            self._waiting[piece] = _Waiting(at, due.lane)
        self._news.set()

    async def _sweep_for_ever(self) -> None:
        while True:
            for work in self._works.values():
                await self._sweep_one(work)
            now = self._clock.now()  # what failed and was never asked for again is forgotten
            self._failures = {piece: one for piece, one in self._failures.items() if now - one[1] < STALE}
            await until(self._asked, self._clock, self._pace.sweep_s)

    async def _sweep_one(self, work: Work) -> None:
        try:
            async with asyncio.timeout(SWEEP_BOUND_S):
                for due in await work.find():
                    self._want(work, due)
        except Exception as error:  # noqa: BLE001 - told; one kind's sweep must not end the others'
            self._told(Failure(work.kind, None, error, 1, self._later(self._pace.sweep_s)))

    def _start_due(self) -> None:
        now = self._clock.now()
        due = [piece for piece, one in self._waiting.items() if one.at <= now and piece not in self._running]
        due.sort(key=lambda piece: (LANES.index(self._waiting[piece].lane), self._waiting[piece].at))
        for piece in due:
            lane = self._waiting[piece].lane
            if self._has_slot(lane):
                del self._waiting[piece]
                self._start(piece, lane)

    def _has_slot(self, lane: Lane) -> bool:
        if len(self._running) >= self._slots:
            return False
        lower = sum(one in LOWER for one in self._lanes.values())
        return lane not in LOWER or lower < max(1, self._slots - SLOTS_FOR_FIRST)

    def _start(self, piece: Piece, lane: Lane) -> None:
        task = asyncio.create_task(self._carry_out(self._works[piece[0]], piece[1], lane))
        self._running[piece], self._lanes[piece] = task, lane

        def ended(_task: asyncio.Task[None]) -> None:
            del self._running[piece], self._lanes[piece]
            self._news.set()

        task.add_done_callback(ended)

    async def _carry_out(self, work: Work, key: str, lane: Lane) -> None:
        piece = (work.kind, key)
        try:
            async with asyncio.timeout(work.bound_s):
                again = await work.handle(key)
        except Exception as error:  # noqa: BLE001 - told and tried again; a poison piece must not end the loop
            count = self._failures.get(piece, (0, None))[0] + 1
            again = self._later(self._pace.wait_s(count))
            self._failures[piece] = (count, again)
            self._waiting.pop(piece, None)  # whoever woke it while it failed
            self._told(Failure(work.kind, key, error, count, again))
        else:
            self._failures.pop(piece, None)
        if again is not None:
            self._want(work, Due(key, again, lane))

    def _later(self, seconds: float) -> datetime.datetime:
        return self._clock.now() + datetime.timedelta(seconds=seconds)

    async def _until_something_happens(self, *ends: asyncio.Task[Any]) -> None:
        """Wait for a wake-up, an end, the next time that is due, or one of these."""
        due = [one.at for piece, one in self._waiting.items() if piece not in self._running]
        waits: set[asyncio.Task[Any]] = {*ends, asyncio.create_task(self._news.wait())}
        full = len(self._running) >= self._slots
        if due and not full:
            left = (min(due) - self._clock.now()).total_seconds()
            if left > 0:  # what is due already waits for a slot, and a slot's end is news
                waits.add(asyncio.create_task(self._clock.sleep(left)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits - {*ends}:
                task.cancel()

    async def _end(self) -> None:
        tasks = list(self._running.values())
        if not tasks:
            return
        grace = asyncio.create_task(self._clock.sleep(self._pace.grace_s))
        while not grace.done() and not all(task.done() for task in tasks):
            await asyncio.wait({grace, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            tasks = [task for task in tasks if not task.done()]
        grace.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
