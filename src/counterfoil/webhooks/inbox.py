"""Deliveries made durable: many share one transaction, and each is told when its own is on disk.

Called by the service's door. A delivery is answered with 200 only after the commit (Xero sends what was not taken again,
for 24 hours, facts §6.7); what cannot be kept now is refused, never taken and lost. The queue is bounded in number and in
bytes. After a commit whoever keeps the mirror is woken: a hint, the marks in the tables are the truth.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, Literal, NamedTuple

from counterfoil import errors
from counterfoil.runtime import keeping
from counterfoil.store import inbox, inbox_marking
from counterfoil.store.database import Database
from counterfoil.store.inbox import Delivery, Mark
from counterfoil.webhooks.hearing import Hearing

WAITING_MAX: Final = 2_000  # deliveries: some seconds' worth, more than Xero waits for
BYTES_MAX: Final = 32 << 20  # of them together
BATCH_MAX: Final = 200  # deliveries in one transaction: it stays short, other writers wait behind it
BATCH_BYTES_MAX: Final = 2 << 20
ANSWER_S: Final = 4.0  # Xero waits 5 s for an answer; later than this it is told to come again
WAKES_MAX: Final = 10_000  # tenants and categories of which somebody is still to be told; more are found by the sweep

Wake = Callable[[str], Awaitable[None]]  # with inbox.key()
Taken = Literal["stored", "full", "database", "late"]

_log = logging.getLogger("counterfoil.webhooks")


class _Waiting(NamedTuple):
    delivery: Delivery
    ended: asyncio.Future[Taken]


class Inbox:
    """Takes deliveries of one process. Open it before."""

    def __init__(self, database: Database, hearing: Hearing, wake: Wake | None = None) -> None:
        """`wake` None: nobody is told, the sweep finds it."""
        self._database = database
        self._hearing = hearing
        self._wake = wake
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._told: set[Mark] = set()
        self._tell = asyncio.Event()

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Write while inside; on leaving, what waits is written, if the database lets us."""
        tasks = [asyncio.create_task(self._write(), name="inbox")]
        if self._wake is not None:
            tasks.append(asyncio.create_task(self._wake_them(self._wake), name="inbox wakes"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            while self._waiting:
                await self._write_batch()

    async def take(self, delivery: Delivery) -> Taken:
        """Make a delivery durable. "stored": it is on disk. Anything else: refuse it, so that it comes again.

        "late": it may be stored all the same, which does no harm when it comes again.
        """
        if len(self._waiting) >= WAITING_MAX or self._bytes + len(delivery.body) > BYTES_MAX:
            return "full"
        ended: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(delivery, ended))
        self._bytes += len(delivery.body)
        self._news.set()
        await asyncio.wait({ended}, timeout=ANSWER_S)
        return ended.result() if ended.done() else "late"

    async def _write(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                try:
                    await self._write_batch()
                except Exception:  # noqa: BLE001 - told and counted; those behind it wait to be written
                    keeping.failed("the writing of webhooks")

    async def _write_batch(self) -> None:
        """The next ones, in one transaction; where that fails for no reason of the database's, each in its own."""
        batch = self._next()
        try:
            taken = await self._stored([one.delivery for one in batch])
            if taken is None:
                for one in batch:
                    _end(one, await self._stored([one.delivery]) or "database")
            else:
                for one in batch:
                    _end(one, taken)
        finally:
            self._bytes -= sum(len(one.delivery.body) for one in batch)
            for one in batch:
                _end(one, "database")  # who waits must not wait for ever, whatever happened

    def _next(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < BATCH_MAX and (not batch or size < BATCH_BYTES_MAX):
            batch.append(self._waiting.popleft())
            size += len(batch[-1].delivery.body)
        return batch

    async def _stored(self, deliveries: Sequence[Delivery]) -> Taken | None:
        """One transaction. None: something in it is not to be written, and nobody knows what."""
        try:
            marks = await self._database.run(lambda conn: inbox_marking.put(conn, deliveries))
        except errors.StoreError as error:
            _log.warning("webhooks are refused: the database does not take them", extra={"cause": error.message})
            return "database"
        except Exception:  # noqa: BLE001 - logged; one delivery that cannot be written must not keep the others out
            _log.exception("webhooks could not be kept", extra={"deliveries": len(deliveries)})
            return None
        self._hearing.stored(deliveries)
        if self._wake is not None and marks:
            self._told |= set(marks) if len(self._told) < WAKES_MAX else set()
            self._tell.set()
        return "stored"

    async def _wake_them(self, wake: Wake) -> None:
        """Tell what was marked, each mark once for however many events came while others were told."""
        while True:
            await self._tell.wait()
            self._tell.clear()
            marks, self._told = self._told, set()
            for tenant_id, category in sorted(marks):
                try:
                    await wake(inbox.key(tenant_id, category))
                except Exception:  # noqa: BLE001 - a hint was lost, which may happen at any time: the sweep finds the mark
                    _log.warning("a wake-up for the mirror was lost", exc_info=True)


def _end(one: _Waiting, taken: Taken) -> None:
    if not one.ended.done():
        one.ended.set_result(taken)
