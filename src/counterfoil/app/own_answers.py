"""What Xero answered to our own writes goes into the copy at once, where that resource is kept: nobody waits for the next look.

Called by posting through Books, after the outcome of a request is written down, in a transaction of its own. It makes no call, and
whatever becomes of it, the posting stands: the next look brings the same, and a person is told (missed_answers). Whoever is handed
changes in this process is woken. Where nothing is kept it costs one read a minute.
"""

import contextlib
import datetime
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.app import feeding, missed_answers, syncing
from counterfoil.mirror import applying, described, reading
from counterfoil.mirror.applying import Observation
from counterfoil.mirror.described import Described
from counterfoil.mirror.reading import Seen
from counterfoil.model.observed import Observed
from counterfoil.store import mirrored
from counterfoil.store.requests import Request
from counterfoil.xero import paging
from counterfoil.xero.answers import Answer

ASKED_AGAIN: Final = datetime.timedelta(minutes=1)  # whether a resource is kept now: a copy may be purged meanwhile


class _Said(msgspec.Struct, rename="pascal"):
    status_attribute_string: str | None = None
    has_errors: bool | None = None


class OwnAnswers:
    """Takes the answers to the writes of these books."""

    def __init__(self, books: Any) -> None:
        self._books = books
        self._kept: dict[tuple[str, str], tuple[datetime.datetime, bool]] = {}
        self.failed = 0  # answers that could not be taken over; the next look brings them

    async def take(self, request: Request, answer: Answer) -> None:
        """Apply what the answer shows of documents that are kept. Raises nothing but a cancellation."""
        one = described.BY_NAME.get(request.resource)
        if one is None:
            return
        try:
            seen = await self._apply(request, one, answer) if await self._is_kept(request.tenant_id, one.name) else ()
        except Exception as error:  # noqa: BLE001 - told; whatever it is, it must not reach a posting that is done
            self.failed += 1
            await missed_answers.tell(self._books, request.tenant_id, one.name, error)
        else:
            if seen:
                await self._books.wake(feeding.WORK, feeding.EVERYBODY)

    async def _apply(self, request: Request, one: Described, answer: Answer) -> Sequence[Observed]:
        """→ what was news."""
        found = paging.split(answer, one.list)
        rows: list[Seen] = []
        for raw in found.elements:
            if not _is_refused(raw):
                with contextlib.suppress(errors.Unclear):  # one without an id
                    rows.append(reading.seen(one, raw))
        observation = Observation(request.tenant_id, one, rows, found.server_time)
        projection = applying.write_answer(one, is_new=request.method == "PUT")
        news: Sequence[Observed] = await syncing.mirror(self._books).apply(observation, projection)
        return news

    async def _is_kept(self, tenant_id: str, name: str) -> bool:
        """Whether the resource was read to its end once; else the first load brings it."""
        now = self._books.clock.now()
        is_kept: bool
        asked_at, is_kept = self._kept.get((tenant_id, name), (now - ASKED_AGAIN, False))
        if now - asked_at >= ASKED_AGAIN:
            state = await self._books.database.read(lambda conn: mirrored.reading(conn, tenant_id, name))
            is_kept = bool(state.since)
            self._kept[tenant_id, name] = now, is_kept
        return is_kept


def _is_refused(raw: msgspec.Raw) -> bool:
    said = msgspec.json.decode(raw, type=_Said)
    return said.has_errors is True or said.status_attribute_string == "ERROR"
