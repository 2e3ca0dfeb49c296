"""The postings of an entity are brought to their end: as far as they can be now, and again when the rest can.

Called by serving as the work "postings"; one piece is one entity, so that no organisation waits for another. Quiet
periods, looks and resends are posting's business (design §3.1); here is decided when to come again: at the instant that
the tables name, on the new day, when the window opens, when Xero is back, or when somebody has connected again.
"""

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Sequence
from typing import Final

from counterfoil import errors
from counterfoil.app import watching
from counterfoil.app.serving import concluding
from counterfoil.app.serving.shift import Shift
from counterfoil.model.lanes import Lane
from counterfoil.posting import kinds
from counterfoil.posting.finishing import TenantWorker
from counterfoil.runtime.port import Due, Work
from counterfoil.store import open_work

KIND: Final = "postings"
PIECE_S: Final = 240.0  # one turn of an entity; then its place goes to whoever waits, and it comes again
BOUND_S: Final = 600.0  # what is in flight at the end of a turn ends well within this
OFFLINE_S: Final = 300.0  # an organisation that Xero took offline is usually back after five minutes
IDLE_S: Final = 30.0  # after a turn in which nothing could be done
PERSON_S: Final = 900.0  # somebody has to connect or bind anew: `connect` and `bind` wake us, this is for all else
USUAL: Final[Lane] = "sync"
RESOURCES: Final = tuple(kinds.BY_RESOURCE)


def work(shift: Shift) -> Work:
    """The work "postings"."""
    return Work(KIND, Finishing(shift).handle, Finishing(shift).find, bound_s=BOUND_S)


class Finishing:
    """Finishes entities' postings."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self._books = shift.books

    async def find(self) -> Sequence[Due]:
        """Every entity with something open, and until when it is known to wait."""
        waiting = await self._shift.waiting(KIND)
        now = self._shift.now()
        still = {key: wait.since for key, wait in waiting.items() if wait.until > now}
        found = await self._books.database.read(lambda conn: open_work.entities(conn, RESOURCES, still))
        return [Due(entity, waiting[entity].until if waits else None, USUAL) for entity, waits in found.items()]

    async def handle(self, entity: str) -> datetime.datetime | None:
        """One turn of an entity; → when to come again, None: nothing of it is open."""
        try:
            worker = await self._books.worker(entity, _nobody_watches, USUAL)
            async with self._turn() as rest:
                await worker.run(stay=False, rest=rest)
        except errors.Reconnect as error:
            return await self._stopped(entity, error)
        if worker.finished:
            self._shift.say(KIND, entity, "sent what could be sent")
        if worker.stopped is not None:
            return await self._stopped(entity, worker.stopped)
        return await self._left(entity, worker)

    async def _left(self, entity: str, worker: TenantWorker) -> datetime.datetime | None:
        if worker.next_at is not None:
            return await self._shift.waits_until(KIND, entity, worker.next_at)
        await self._shift.waits_no_more(KIND, entity)
        if self._shift.rest.is_set():
            return None
        await concluding.conclude(self._books)
        found = await self._books.database.read(lambda conn: open_work.entities(conn, RESOURCES, {}))
        if entity not in found:
            return None
        # Something turned up meanwhile, or the turn was over; what may not be done now (a pause) is asked again in a while.
        return self._shift.now() + datetime.timedelta(seconds=0.0 if worker.finished else IDLE_S)

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[asyncio.Event]:
        """Set when the turn is over, or the process is to stop."""
        rest = asyncio.Event()

        async def over() -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PIECE_S):
                    await self._shift.rest.wait()
            rest.set()

        task = asyncio.create_task(over())
        try:
            yield rest
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _stopped(self, entity: str, error: errors.CounterfoilError) -> datetime.datetime:
        """When what stopped an entity is probably over. What nobody can say is raised, and tried again later each time."""
        if isinstance(error, errors.NotConnected):
            error = await watching.after_403(self._books, entity, error)
        now = self._shift.now()
        match error:
            case errors.WindowClosed(until=datetime.datetime() as until):
                again = until
            case errors.RunAgain() if error.retry_after_s is not None:
                again = now + datetime.timedelta(seconds=error.retry_after_s)
            case errors.OrganisationOffline():
                again = now + datetime.timedelta(seconds=OFFLINE_S)
            case errors.Reconnect() | errors.WindowClosed():
                again = now + datetime.timedelta(seconds=PERSON_S)
            case _:
                raise error
        self._shift.say(KIND, entity, f"waits until {again:%Y-%m-%d %H:%M:%S} UTC: {error}", bad=True)
        return await self._shift.waits_until(KIND, entity, again, str(error))


def _nobody_watches(_action: str) -> None:
    """No bar is drawn."""
