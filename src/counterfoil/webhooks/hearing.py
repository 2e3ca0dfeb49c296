"""What is measured of Xero's webhooks: kept in memory and written into the tables every few seconds.

Called by the service's door and by inbox. A request alone never writes: a flood of forged ones costs the database nothing.
A process that is killed forgets some seconds of counting, and no event.
"""

import asyncio
import contextlib
import datetime
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Final

from counterfoil import errors
from counterfoil.model.ports import Clock
from counterfoil.store import inbox_counts
from counterfoil.store.database import Connection, Database
from counterfoil.store.inbox import Delivery

FLUSH_S: Final = 5.0
# Xero mixes wrong signatures into its intent to receive, last ones too (facts §6.6): so soon after a good one they are well.
INTENT: Final = datetime.timedelta(seconds=60)


class Hearing:
    """Counts for one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._good_at: datetime.datetime | None = None  # the last good one since the last writing
        self._known_good_at: datetime.datetime | None = None  # the last good one of this process
        self._bad_since: datetime.datetime | None = None  # the first failure since then that is not written yet

    def ended(self, outcome: str) -> None:
        """A request ended so: one of inbox_counts.OUTCOMES. What was stored is counted by `stored`."""
        if outcome == inbox_counts.STORED:
            return
        self._counts[outcome] += 1
        if outcome in inbox_counts.GOOD:
            self._good()
        elif outcome in inbox_counts.FAILED:
            now = self._clock.now()
            is_intent = self._known_good_at is not None and now - self._known_good_at < INTENT
            if self._bad_since is None and not is_intent:
                self._bad_since = now

    def stored(self, deliveries: Iterable[Delivery]) -> None:
        """Deliveries are on disk."""
        for one in deliveries:
            self._counts[inbox_counts.STORED] += 1
            self._counts[inbox_counts.EVENTS] += len(one.events)
            self._counts[inbox_counts.UNREAD] += one.unread
            self._counts.update(inbox_counts.lag(inbox_counts.ARRIVED, (one.received_at - e.at for e in one.events)))
        self._good()

    def _good(self) -> None:
        self._good_at = self._known_good_at = self._clock.now()
        self._bad_since = None

    async def write(self, database: Database) -> None:
        """Write down what was counted since the last time; nothing when there is nothing. Raises StoreError."""
        if not self._counts and self._good_at is None:
            return
        counts, good_at, bad_since = self._counts, self._good_at, self._bad_since
        self._counts, self._good_at, self._bad_since = Counter(), None, None  # told once: another process may end it

        def work(conn: Connection) -> None:
            inbox_counts.add(conn, counts, self._clock.now())
            if good_at is not None:
                inbox_counts.recovered(conn)
            if bad_since is not None:
                inbox_counts.failing(conn, bad_since)

        try:
            await database.run(work)
        except errors.StoreError:
            self._counts.update(counts)
            if self._good_at is None:
                self._bad_since = bad_since or self._bad_since
            if good_at is not None:  # a newer one says the same
                self._good_at = good_at
            raise

    @contextlib.asynccontextmanager
    async def written(self, database: Database) -> AsyncIterator[None]:
        """Write every FLUSH_S while inside, and once more at the end; a database that is away is tried again."""

        async def keep() -> None:
            while True:
                await self._clock.sleep(FLUSH_S)
                with contextlib.suppress(errors.StoreError):  # /readyz says so; the counts wait
                    await self.write(database)

        task = asyncio.create_task(keep(), name="webhook counts")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with contextlib.suppress(errors.StoreError):  # some seconds of counting are lost, as when we are killed
                await self.write(database)
