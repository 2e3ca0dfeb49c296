"""The heartbeat: a sign of life every minute for as long as the service is ready, and silence when it is not.

Called by open_door. Silence is what somebody else notices. That the address itself does not answer is told as a notice, once
when it has failed some times in a row, and once when it is over.
"""

import asyncio
import contextlib
import datetime
import logging
from collections.abc import AsyncIterator
from typing import Any, Final

from counterfoil import errors
from counterfoil.delivery import heartbeat
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.service.readiness import Readiness
from counterfoil.store import notices
from counterfoil.store.database import Connection

EVERY_S: Final = 60.0
TOLD_AFTER: Final = 3  # failures in a row
KIND: Final = "heartbeat"

_log = logging.getLogger("counterfoil.service")


@contextlib.asynccontextmanager
async def beating(books: Any, readiness: Readiness) -> AsyncIterator[None]:
    """Beat while inside, whenever the configuration has an address: it may be given one while we run."""
    task = asyncio.create_task(Heart(books, readiness).live(), name="heartbeat")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Heart:
    """Beats for one service."""

    def __init__(self, books: Any, readiness: Readiness) -> None:
        self._books = books
        self._readiness = readiness
        self._failures = 0
        self._since: datetime.datetime | None = None

    async def live(self) -> None:
        """For ever; no failure ends it."""
        while True:
            try:
                await self.once()
            except errors.CounterfoilError as problem:
                _log.warning("the heartbeat could not be looked after", extra={"cause": problem.code})
            except Exception:  # noqa: BLE001 - logged; a failure that nobody foresaw must not end the signs of life
                _log.exception("the heartbeat failed")
            await self._books.clock.sleep(EVERY_S)

    async def once(self) -> bool:
        """One beat, if the service is ready; → whether it was taken. Raises StoreError."""
        address = self._books.settings.service.heartbeat_url
        if address is None or await self._readiness.reasons():
            return False
        url = address.reveal()
        try:
            await heartbeat.beat(url)
        except NotDelivered as failure:
            await self._failed(failure)
            return False
        if self._failures or self._since is None:  # also what an earlier process told is over
            await self._books.database.run(
                lambda conn: notices.over(conn, KIND, KIND, now=self._books.database.now(conn))
            )
        self._failures, self._since = 0, self._books.clock.now()
        return True

    async def _failed(self, failure: NotDelivered) -> None:
        self._failures += 1
        _log.warning("the heartbeat was not taken", extra={"why": failure.reason, "failures": self._failures})
        if self._failures != TOLD_AFTER:
            return

        def tell(conn: Connection) -> None:
            notices.tell(
                conn, KIND, KIND, now=self._books.database.now(conn), since=self._since,
                message=f"The address of [service] heartbeat_url does not take the sign of life: {failure.reason}.",
                remedy="Check the address; until it answers, whoever expects the sign believes that the service is gone.",
            )  # fmt: skip

        await self._books.database.run(tell)
