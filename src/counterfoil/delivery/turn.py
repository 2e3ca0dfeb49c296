"""One turn at a feed that is ours: look through the new changes, hand over what is due, write down what became of it.

Called by carrying, which holds the lease. Each document's changes go in order; what fails waits as patience says, and holds back later
changes of its own document alone.
"""

import asyncio
import datetime
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from counterfoil.delivery import patience
from counterfoil.delivery.outcome import NeverDelivered, NotDelivered, Unsubscribed
from counterfoil.delivery.outlet import Outlet
from counterfoil.model.change import Change
from counterfoil.store import deliveries, feeds, happenings, outward
from counterfoil.store.database import Connection, Database
from counterfoil.store.deliveries import Waiting
from counterfoil.store.feeds import Feed

LOOKED_AT_ONCE: Final = 500  # changes
PAGE: Final = 200  # due changes that are read at once
HANDED_OVER_MAX_S: Final = 120.0  # an outlet that takes longer is cut off


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """Who is handed changes: a feed or a handler. `id` is kept for good; `label` is what people call it.

    `wants(name, entity, snapshot)`. `at_once`: how many documents' changes may be on their way together.
    """

    id: str
    label: str
    to: str
    wants: Callable[[str, str, bool], bool]
    outlet: Outlet
    from_start: bool = False
    at_once: int = 1


def next_at(conn: Connection, feed: Feed) -> datetime.datetime | None:
    """When a feed is to be carried again; None: nothing waits. One whose target is down is tried after each rest."""
    waits = deliveries.next_at(conn, feed.id)
    return waits if waits is None or feed.rest_until is None else feed.rest_until


class LeaseLost(Exception):
    """Another process carries the feed by now."""


class OneTurn:
    """One turn at a feed that is ours."""

    def __init__(
        self,
        database: Database,
        owner: str,
        chance: Callable[[], float],
        point: Callable[[str], None],
        to: Subscriber,
    ) -> None:
        self._database = database
        self._owner = owner
        self._chance = chance
        self._point = point
        self._to = to
        self._over = False  # its target is down or wants no more: nothing else is begun
        self._probe: int | None = None  # a change that is handed over before its time, to see whether a target is back
        self.arrived = 0
        self.failed = 0

    async def carry(self, stop: Callable[[], bool]) -> None:
        """Look and hand over, until nothing is due."""
        while not stop() and not self._over:
            more = await self._database.run(self._look)
            due, unbound, was_down = await self._database.read(self._due)
            if unbound:
                await self._database.run(lambda conn, gone=unbound: self._drop(conn, gone))  # type: ignore[misc]  # bound
            if due:
                await self._hand_over(due, stop)
                if was_down and self.arrived and not self._over:
                    await self._database.run(self._is_back)
            elif not more:
                return

    def _look(self, conn: Connection) -> bool:
        """Note what the feed wants of the changes since its last look; → whether there may be more."""
        now, feed = self._database.now(conn), feeds.get(conn, self._to.id)
        if feed is None or feed.owner != self._owner or feed.rests:
            raise LeaseLost
        if feeds.newest(conn) <= feed.n or deliveries.waiting(conn, feed.id) >= deliveries.WAITING_MAX:
            return False
        page = happenings.after(conn, feed.n, None, LOOKED_AT_ONCE)
        missed = happenings.given(conn, feed.n, page[0].n - 1 if page else feeds.newest(conn))
        entities = outward.entities(conn)
        wanted = [
            one
            for one in page
            if one.tenant_id in entities and self._to.wants(one.name, entities[one.tenant_id], one.snapshot)
        ]
        deliveries.put(conn, feed.id, wanted, now)
        last = page[-1].n if page else feeds.newest(conn)
        feeds.looked(conn, feed.id, self._owner, feed.n, last, missed)
        return len(page) == LOOKED_AT_ONCE

    def _due(self, conn: Connection) -> tuple[list[tuple[Waiting, Change]], list[int], bool]:
        """What may be handed over now, in order; what belongs to nobody any more; whether its target was down until now."""
        now, feed = self._database.now(conn), feeds.get(conn, self._to.id)
        assert feed is not None, "it is ours"
        if feed.rest_until is not None and feed.rest_until > now:
            return [], [], False
        found = (
            self._of_a_target_that_was_down(conn, now) if feed.failures else deliveries.due(conn, feed.id, now, PAGE)
        )
        tenants = outward.entities(conn)
        told = {one.n: one for one in outward.told(conn, [one.kept for one in found], tenants)}
        unbound = [one.n for one in found if one.n not in told]
        return [(one, told[one.n]) for one in found if one.n in told], unbound, feed.failures > 0

    def _of_a_target_that_was_down(self, conn: Connection, now: datetime.datetime) -> list[Waiting]:
        """One change, to see whether it is back: what is due, or whatever waits, another each time as chance has it.

        Otherwise the one that breaks it could be the only one that is ever tried, or all could wait for hours.
        """
        found = deliveries.due(conn, self._to.id, now, 1)
        if not found and (heads := deliveries.heads(conn, self._to.id, PAGE)):
            found = [heads[int(self._chance() * (len(heads) - 1) + 0.5)]]
            self._probe = found[0].n
        return found

    def _drop(self, conn: Connection, ns: Sequence[int]) -> None:
        """Changes of organisations that were unbound meanwhile are nobody's to hand out."""
        feeds.hold(conn, self._to.id)
        feeds.missed(conn, self._to.id, deliveries.done(conn, self._to.id, ns))

    def _is_back(self, conn: Connection) -> None:
        deliveries.is_back(conn, self._to.id, self._database.now(conn))

    def again_at(self, conn: Connection) -> datetime.datetime | None:
        """When something is due next."""
        feed = feeds.get(conn, self._to.id)
        if feed is None or feed.rests:
            return None
        behind = feeds.newest(conn) > feed.n and deliveries.waiting(conn, feed.id) < deliveries.WAITING_MAX
        if behind and not self._over:
            return self._database.now(conn)
        return next_at(conn, feed)

    async def _hand_over(self, due: Sequence[tuple[Waiting, Change]], stop: Callable[[], bool]) -> None:
        if self._to.outlet.most > 1:
            left = list(due)
            while left and not stop() and not self._over:
                batch, left = left[: self._to.outlet.most], left[self._to.outlet.most :]
                behind = await self._batch(batch, stop)
                left = [one for one in left if one[0].document not in behind]
            return
        if self._to.at_once == 1:
            await self._alone(due, stop)
            return
        by_document: dict[str, list[tuple[Waiting, Change]]] = {}
        for one in due:
            by_document.setdefault(one[0].document, []).append(one)
        room = asyncio.Semaphore(self._to.at_once)

        async def document(ones: Sequence[tuple[Waiting, Change]]) -> None:
            async with room:
                await self._alone(ones, stop)

        tasks = [asyncio.create_task(document(ones)) for ones in by_document.values()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _batch(self, ones: Sequence[tuple[Waiting, Change]], stop: Callable[[], bool]) -> set[str]:
        """Several at one go; when they fail for a reason of one of them, each alone. → the documents of those that failed."""
        if len(ones) > 1:
            failure = await self._try([change for _waiting, change in ones])
            if failure is None:
                await self._arrived([waiting for waiting, _change in ones])
                return set()
            if failure.target_is_down:
                await self._failed(ones[0][0], failure)
                return set()
        return await self._alone(ones, stop)

    async def _alone(self, ones: Sequence[tuple[Waiting, Change]], stop: Callable[[], bool]) -> set[str]:
        """One after the other, and none behind one of its document that failed. → the documents of those that did."""
        behind: set[str] = set()
        for one in ones:
            if stop() or self._over:
                break
            if one[0].document not in behind and not await self._one(one):
                behind.add(one[0].document)
        return behind

    async def _one(self, one: tuple[Waiting, Change]) -> bool:
        """One alone; → whether it arrived."""
        failure = await self._try([one[1]])
        if failure is None:
            await self._arrived([one[0]])
            return True
        await self._failed(one[0], failure)
        return False

    async def _try(self, changes: Sequence[Change]) -> NotDelivered | None:
        """Hand these over; → why they did not arrive, None: they did."""
        try:
            async with asyncio.timeout(HANDED_OVER_MAX_S):
                await self._to.outlet.hand_over(changes)
        except NotDelivered as failure:
            return failure
        except TimeoutError:
            return NotDelivered(
                f"it was not done within {HANDED_OVER_MAX_S:.0f} s", may_have_arrived=True, target_is_down=False
            )
        except Exception as error:  # noqa: BLE001 - an outlet's mistake is one failed attempt, never the service's end
            return NotDelivered(f"it raised {type(error).__name__}", may_have_arrived=True, target_is_down=False)
        self._point("change handed over")
        return None

    async def _arrived(self, ones: Sequence[Waiting]) -> None:
        def work(conn: Connection) -> None:
            if feeds.is_carried_by(conn, self._to.id, self._owner):  # else it is handed over again, in its turn
                there = deliveries.done(conn, self._to.id, [one.n for one in ones])
                feeds.arrived(conn, self._to.id, there, self._database.now(conn))

        await self._database.run(work)
        self.arrived += len(ones)

    async def _failed(self, one: Waiting, failure: NotDelivered) -> None:
        """Write it down, unless the feed is another's by now: that one tries for itself."""
        is_news = failure.target_is_down and not self._over  # of several that fail together, one says so
        self._over = self._over or failure.target_is_down
        self.failed += 1
        chance = self._chance()

        def work(conn: Connection) -> None:
            now = self._database.now(conn)
            if not feeds.is_carried_by(conn, self._to.id, self._owner):
                return
            if isinstance(failure, Unsubscribed):
                feeds.ended(conn, self._to.id, self._owner, failure.reason, now)
                return
            wait = patience.pause(one.tries + 1, chance, failure.retry_after_s)
            next_at = None if wait is None or isinstance(failure, NeverDelivered) else now + wait
            if one.n != self._probe or not failure.target_is_down:
                deliveries.failed(
                    conn, self._to.id, one.n, failure.reason, down=failure.target_is_down, now=now, next_at=next_at
                )
            if is_news:
                self._down(conn, failure, now)
            if not failure.target_is_down:
                feeds.failed(conn, self._to.id, self._owner, failure.reason)

        await self._database.run(work)

    def _down(self, conn: Connection, failure: NotDelivered, now: datetime.datetime) -> None:
        """The whole feed rests; what has waited for its target as long as a change lives is given up."""
        feed = feeds.get(conn, self._to.id)
        assert feed is not None, "it is ours"
        until = now + patience.rest(feed.failures + 1, failure.retry_after_s)
        feeds.is_down(conn, feed.id, self._owner, failure.reason, now, until)
        lived = now - patience.LIFE
        if feed.failures + 1 >= patience.TRIES_MAX and feed.down_since is not None and feed.down_since <= lived:
            deliveries.bury(conn, feed.id, lived, failure.reason, now)
