"""The engine: hands each feed the changes that it wants, each document's in order, at least once, until they arrive or are dead letters.

Called by app (the service's work "deliver"). A turn of a feed: take it (a lease), carry it as far as it goes (turn), give it back.
Killed between handing over and writing it down, the next turn hands it over again; nothing is lost.
"""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.delivery import alarm
from counterfoil.delivery import turn as turns
from counterfoil.delivery.turn import Subscriber
from counterfoil.runtime import keeping
from counterfoil.store import deliveries, feeds
from counterfoil.store.database import Connection, Database

LEASE: Final = datetime.timedelta(seconds=30)
RENEW_S: Final = 10.0


class Turn(msgspec.Struct, frozen=True):
    """What a turn did. `again_at` None: nothing waits."""

    arrived: int = 0
    failed: int = 0
    again_at: datetime.datetime | None = None


class Carrier:
    """Carries feeds for one process. `owner`: unique to it; `chance`: a number from 0 to 1, another each time."""

    def __init__(
        self, database: Database, *, owner: str, chance: Callable[[], float], point: Callable[[str], None]
    ) -> None:
        self._database = database
        self._owner = owner
        self._chance = chance
        self._point = point

    async def carry(self, to: Subscriber, stop: Callable[[], bool]) -> Turn:
        """One turn of a feed, until nothing is due or `stop` says so. Raises StoreError, and nothing of an outlet's."""
        if not await self._take(to):
            return Turn()
        turn = turns.OneTurn(self._database, self._owner, self._chance, self._point, to)
        try:
            async with self._leased(to):
                await turn.carry(stop)
        except turns.LeaseLost:
            return Turn(turn.arrived, turn.failed)
        finally:
            await self._leave(to)
        return Turn(turn.arrived, turn.failed, await self._database.read(turn.again_at))

    async def _take(self, to: Subscriber) -> bool:
        """Whether there is anything to do, and it is ours to do; writes nothing where there is nothing."""

        def idle(conn: Connection) -> bool:
            now, feed = self._database.now(conn), feeds.get(conn, to.id)
            if feed is None:
                return False
            at = turns.next_at(conn, feed)
            is_due = at is not None and (at <= now or at > now + feeds.FAR)
            return feed.rests or not (is_due or feeds.newest(conn) > feed.n)

        if await self._database.read(idle):
            return False

        def take(conn: Connection) -> bool:
            now = self._database.now(conn)
            feeds.know(conn, to.id, from_start=to.from_start, now=now)
            feeds.hold(conn, to.id)
            feeds.missed(conn, to.id, deliveries.forget_dropped(conn, to.id))
            feeds.set_right(conn, to.id, now)
            return feeds.claim(conn, to.id, self._owner, now, now + LEASE) is not None

        return await self._database.run(take)

    async def _leave(self, to: Subscriber) -> None:
        def work(conn: Connection) -> None:
            feeds.leave(conn, to.id, self._owner)
            alarm.look(conn, to.id, to.label, self._database.now(conn))

        await self._database.run(work)

    @contextlib.asynccontextmanager
    async def _leased(self, to: Subscriber) -> AsyncIterator[None]:
        """The lease is renewed for as long as the block lasts; the block ends with turns.LeaseLost when it was lost."""
        database, current = self._database, asyncio.current_task()
        assert current is not None, "a coroutine has a task"
        lost = False

        async def keep() -> None:
            nonlocal lost
            while True:
                await database.clock.sleep(RENEW_S)
                try:
                    if not await database.run(
                        lambda conn: feeds.renew(conn, to.id, self._owner, database.now(conn) + LEASE)
                    ):
                        lost = True
                        current.cancel()
                        return
                except errors.StoreError:
                    continue  # the lease has time for another try
                except Exception:  # noqa: BLE001 - told and counted; likewise
                    keeping.failed("the lease of a feed")

        task = asyncio.create_task(keep())
        try:
            yield
        except asyncio.CancelledError:
            if lost and current.uncancel() == 0:
                raise turns.LeaseLost from None
            raise
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
