"""What is measured of Xero's webhooks: kept in memory and written into the tables every few seconds.

Called by the service's door and by inbox. A request alone never writes: a flood of forged ones costs the database nothing.
A process that is killed forgets some seconds of counting, and no event.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.model.ports import Clock
from counterfoil.runtime import keeping
from counterfoil.store import inbox_counts
from counterfoil.store.database import Connection, Database
from counterfoil.store.inbox import Delivery
from counterfoil.webhooks.failing import Failing, Span

FLUSH_S: Final = 5.0
# Xero mixes wrong signatures into its intent to receive, last ones too (facts §6.6): so soon after a good one they are well.
INTENT_S: Final = 60.0


class Hearing:
    """Counts for one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._is_good = False  # whether a good one is not written yet
        self._good_s: float | None = None  # the last good one of this process, on the clock that is never set
        self._bad: Span | None = None  # the failures since then that are not written yet
        self._failing = Failing(clock)

    def ended(self, outcome: str) -> None:
        """A request ended so: one of inbox_counts.OUTCOMES. What was stored is counted by `stored`."""
        if outcome == inbox_counts.STORED:
            return
        self._counts[outcome] += 1
        if outcome in inbox_counts.GOOD:
            self._good()
        elif outcome in inbox_counts.FAILED:
            now_s = self._clock.elapsed_s()
            if self._bad is not None:
                self._bad = msgspec.structs.replace(self._bad, last_s=now_s)
            elif self._good_s is None or now_s - self._good_s >= INTENT_S:
                self._bad = Span(self._clock.now(), now_s, now_s)

    def stored(self, deliveries: Iterable[Delivery]) -> None:
        """Deliveries are on disk."""
        for one in deliveries:
            self._counts[inbox_counts.STORED] += 1
            self._counts[inbox_counts.EVENTS] += len(one.events)
            self._counts[inbox_counts.UNREAD] += one.unread
            self._counts.update(inbox_counts.lag(inbox_counts.ARRIVED, (one.received_at - e.at for e in one.events)))
        self._good()

    def _good(self) -> None:
        self._is_good, self._good_s, self._bad = True, self._clock.elapsed_s(), None

    async def write(self, database: Database) -> None:
        """Write down what was counted since the last time; nothing when there is nothing. Raises StoreError."""
        if not self._counts and not self._is_good:
            return
        counts, is_good, bad = self._counts, self._is_good, self._bad
        self._counts, self._is_good, self._bad = Counter(), False, None  # told once: another process may end it

        def work(conn: Connection) -> None:
            if is_good:
                inbox_counts.recovered(conn)
                self._failing.recovered()
            if bad is not None:
                self._failing.write(conn, bad)
            inbox_counts.add(conn, counts, self._clock.now())

        try:
            await database.run(work)
        except Exception:
            self._counts.update(counts)
            if not self._is_good:  # a newer one says the same, and ends the failures before it
                self._is_good, self._bad = is_good, _joined(bad, self._bad)
            raise

    @contextlib.asynccontextmanager
    async def written(self, database: Database) -> AsyncIterator[None]:
        """Write every FLUSH_S while inside, and once more at the end; a database that is away is tried again."""

        async def write() -> None:
            with contextlib.suppress(errors.StoreError):  # /readyz says so; the counts wait
                await self.write(database)

        counting = keeping.keep("the counting of webhooks", self._clock, FLUSH_S, write)
        task = asyncio.create_task(counting, name="webhook counts")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await write()  # in vain: some seconds of counting are lost, as when we are killed


def _joined(first: Span | None, then: Span | None) -> Span | None:
    if first is None or then is None:
        return first or then
    return msgspec.structs.replace(first, last_s=then.last_s)
