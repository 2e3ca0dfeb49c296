"""What the works of one process of the service share: the books, the runtime, the wish to rest, and somebody to tell.

Made by serving; called by every work. `waiting` and `waits_until` keep what waits in the tables, for all processes.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from counterfoil.app.serving.health import Pulse
from counterfoil.delivery.handlers import Handler
from counterfoil.model.lanes import Lane
from counterfoil.runtime.port import Runtime
from counterfoil.store import waits
from counterfoil.store.waits import Wait


class Told(msgspec.Struct, frozen=True):
    """Something that happened, for whoever watches. `bad`: it needs a look."""

    at: datetime.datetime
    what: str  # such as "flow"
    key: str
    said: str
    bad: bool = False


class Shift:
    """One process at work. `runtime` is set before any work runs."""

    runtime: Runtime

    def __init__(self, books: Any, pulse: Pulse, tell: Callable[[Told], None], *, plans: bool) -> None:
        """`plans` False: a worker, which looks for nothing but open postings and does what others wake it for."""
        self.books = books
        self.pulse = pulse
        self.plans = plans
        self.rest = asyncio.Event()
        self.handlers: Sequence[Handler] = ()  # of the user's module, imported once at the start
        self.at_end: list[Callable[[], Awaitable[None]]] = []  # called when the process has ended its work
        self._tell = tell

    def now(self) -> datetime.datetime:
        """The present instant."""
        at: datetime.datetime = self.books.clock.now()
        return at

    def say(self, what: str, key: str, said: str, *, bad: bool = False) -> None:
        """Tell whoever watches."""
        self._tell(Told(self.now(), what, key, said, bad))

    async def wake(self, kind: str, key: str, lane: Lane = "sync") -> None:
        """Somebody should look at a piece of work now."""
        await self.runtime.wake(kind, key, lane=lane)

    async def waits_until(
        self, kind: str, key: str, until: datetime.datetime, why: str | None = None
    ) -> datetime.datetime:
        """Write down that a piece of work waits; → until when."""
        wait = Wait(kind, key, until, self.now(), why)
        await self.books.database.run(lambda conn: waits.put(conn, wait))
        return until

    async def waiting(self, kind: str) -> dict[str, Wait]:
        """What waits of a kind, by key."""
        found: dict[str, Wait] = await self.books.database.read(lambda conn: waits.of_kind(conn, kind))
        return found

    async def waits_no_more(self, kind: str, key: str) -> None:
        """There is nothing to wait for; writes only where there was."""
        if key in await self.waiting(kind):
            await self.books.database.run(lambda conn: waits.forget(conn, kind, key))
