"""Changes go out: each feed and each handler is a piece of work of its own, so that none waits for another.

Called by serving as the work "deliver"; one piece is one feed (delivery/carrying). A feed is looked at as soon as the mirror saw something
here, and every few seconds for what other processes saw; who carries it the tables say. No call to Xero.
"""

import datetime
import random
from collections.abc import Sequence
from typing import Any, Final

from counterfoil.app import feeding
from counterfoil.app.serving.shift import Shift
from counterfoil.delivery import alarm
from counterfoil.delivery.carrying import Carrier
from counterfoil.delivery.turn import Subscriber
from counterfoil.runtime.port import Due, Work
from counterfoil.store import beginnings
from counterfoil.store.database import Connection

KIND: Final = feeding.WORK
LOOK: Final = datetime.timedelta(seconds=10)  # between two looks for what other processes saw
PIECE_S: Final = 60.0  # one turn of a feed; then it comes again
BOUND_S: Final = 300.0


def work(shift: Shift) -> Work:
    """The work "deliver"."""
    delivering = Delivering(shift)
    shift.at_end.append(delivering.close)
    return Work(KIND, delivering.handle, delivering.find, bound_s=BOUND_S)


async def wake(shift: Shift) -> None:
    """The mirror saw something: every feed should look now."""
    for one in feeding.named(shift.books, shift.handlers).values():
        await shift.wake(KIND, one.id, "realtime")


class Delivering:
    """Hands changes over."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self._books = shift.books
        self._made_of: Any = None  # the feeds that `_known` was made of: another configuration has others
        self._known: dict[str, Subscriber] = {}
        self._carrier = Carrier(
            self._books.database, owner=self._books.owner, chance=random.SystemRandom().random, point=self._books.point
        )

    async def find(self) -> Sequence[Due]:
        """Every feed; what was told of those that are gone is over."""
        if not self._shift.plans:
            return ()
        return [Due(key, None, "realtime") for key in await self._subscribers()]

    async def handle(self, key: str) -> datetime.datetime | None:
        """One turn of a feed; → when to look again, None: there is no such feed."""
        subscriber = (await self._subscribers()).get(key)
        if subscriber is None:
            return None
        clock = self._books.clock
        until_s = clock.elapsed_s() + PIECE_S
        turn = await self._carrier.carry(subscriber, lambda: self._shift.rest.is_set() or clock.elapsed_s() >= until_s)
        if turn.arrived or turn.failed:
            said = f"{turn.arrived} handed over" + (f", {turn.failed} not taken" if turn.failed else "")
            self._shift.say(KIND, subscriber.label, said, bad=bool(turn.failed))
        later = self._shift.now() + LOOK
        return later if turn.again_at is None else min(later, turn.again_at)

    async def _subscribers(self) -> dict[str, Subscriber]:
        """Everybody who is handed changes, made anew when the configuration is another one."""
        if self._made_of is not self._books.feeds:
            await self.close()
            self._known = feeding.subscribers(self._books, self._shift.handlers)
            self._made_of = self._books.feeds
            await self._books.database.run(self._forget)
        return self._known

    def _forget(self, conn: Connection) -> None:
        """What was told of feeds that are gone is over; of those that begin, whether there is a copy already is remembered."""
        alarm.forget(conn, self._known, self._books.database.now(conn))
        beginnings.note(conn, self._known)

    async def close(self) -> None:
        """Let go of what the targets hold open; they may still be used."""
        for one in self._known.values():
            await one.outlet.close()
