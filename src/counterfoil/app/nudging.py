"""A command tells the service beside it that something is to be done: it looks for work within a second or two.

`Books.wake` of every process in which no runtime works. Only a hint: one that is lost is made up for by the service's own search.
"""

import contextlib
from collections.abc import Sequence
from typing import Any, Final

from counterfoil import errors
from counterfoil.model.ports import Clock
from counterfoil.store import services, waits
from counterfoil.store.database import Connection, Database

APART_S: Final = 1.0  # a bulk run wakes with each answer: one word in this time is enough
PUT_OFF: Final = (
    "postings",
    "mirror",
    "catch_up",
    "balances",
    "records",
)  # work that waits for somebody to connect or bind


class Nudging:
    """Nudges for one process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._last_s: float | None = None
        self._unsaid = False

    async def wake(self, _kind: str, _key: str) -> None:
        """Something is to be done; the service finds out what."""
        now_s = self._clock.elapsed_s()
        if self._last_s is not None and now_s - self._last_s < APART_S:
            self._unsaid = True
            return
        self._last_s = now_s
        await self._say()

    async def close(self) -> None:
        """Say what was not said."""
        if self._unsaid:
            await self._say()

    async def _say(self) -> None:
        self._unsaid = False
        with contextlib.suppress(errors.StoreError):  # a hint was lost
            await self._database.run(services.nudge)


async def nothing_waits(books: Any, entities: Sequence[str]) -> None:
    """Somebody connected or bound: what the service put off until then is tried now. `entities`: whose postings are looked at."""

    def work(conn: Connection) -> None:
        for kind in PUT_OFF:
            waits.forget(conn, kind)

    await books.database.run(work)
    for entity in entities:
        await books.wake("postings", entity)
        await books.wake("mirror", entity)
