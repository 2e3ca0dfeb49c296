"""Waiting for the next change: however many programs wait, one look at the database in POLL_S is for all of them.

Called by changes, and by service.open_door when the service ends: nobody is waited for then. Another process may have written
the change, so that only the database knows.
"""

import asyncio
from typing import Any, Final

from counterfoil.service.api.problems import Refusal
from counterfoil.store import change_pages

WAIT_MAX_S: Final = 30
WAITERS_MAX: Final = 64
POLL_S: Final = 0.5
AGAIN_S: Final = 5.0


class Waiting:
    """Who waits in this process."""

    def __init__(self, books: Any) -> None:
        self._books = books
        self._waiters: dict[asyncio.Future[None], int] = {}
        self._looking: asyncio.Task[None] | None = None
        self.is_over = False

    async def beyond(self, number: int, seconds: float, gone: asyncio.Task[Any]) -> None:
        """Come back when there is a change behind this number, after so long, or when `gone` is done. Raises Refusal."""
        if self.is_over:
            return
        if len(self._waiters) >= WAITERS_MAX:
            raise Refusal(
                "too-many", f"{WAITERS_MAX} wait already.", "Ask without `wait`, or later.", retry_after_s=AGAIN_S
            )
        told = asyncio.get_running_loop().create_future()
        self._waiters[told] = number
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="changes")
        try:
            await asyncio.wait({told, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._waiters[told]
            if told.done() and not told.cancelled():
                told.result()

    async def end(self) -> None:
        """Nobody waits any longer: the service ends."""
        self.is_over = True
        for one in self._waiters:
            if not one.done():
                one.set_result(None)
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def _look(self) -> None:
        """Look as long as somebody waits."""
        try:
            while self._waiters:
                newest = await self._books.database.read(change_pages.newest)
                for one, number in self._waiters.items():
                    if newest > number and not one.done():
                        one.set_result(None)
                await self._books.clock.sleep(POLL_S)
        except Exception as error:  # noqa: BLE001 - a database that is away: whoever waits is told so
            for one in self._waiters:
                if not one.done():
                    one.set_exception(error)
