"""Records that programs handed over and that wait: planned by the service when the process that took them could not.

Called by serving as the work "records"; one piece is one flow. What Xero cannot be asked about now is tried again later.
"""

import datetime
from collections.abc import Sequence
from typing import Final

from counterfoil.app.handing import planning
from counterfoil.app.handing.taking import KIND
from counterfoil.app.serving.shift import Shift
from counterfoil.runtime.port import Due, Work
from counterfoil.store import handed

AGAIN: Final = datetime.timedelta(minutes=5)  # after Xero could not be asked


def work(shift: Shift) -> Work:
    """The work "records"."""
    waiting = HandedRecords(shift)
    return Work(KIND, waiting.handle, waiting.find)


class HandedRecords:
    """Plans what waits of a flow."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self._books = shift.books

    async def find(self) -> Sequence[Due]:
        """Every flow of which something waits; one that the configuration no longer has waits until it is back."""
        if not self._shift.plans:
            return ()
        old = self._shift.now() - planning.KEPT
        if await self._books.database.read(lambda conn: handed.any_ended(conn, old)):
            await self._books.database.run(lambda conn: handed.drop_ended(conn, old, planning.DROPPED_AT_ONCE))
        flow_ids = await self._books.database.read(handed.flows)
        known = {flow.id for flow in self._books.flows.values()}
        waiting = await self._shift.waiting(KIND)
        now = self._shift.now()
        still = {key: wait.until for key, wait in waiting.items() if wait.since <= now < wait.until}
        return [Due(flow_id, still.get(flow_id)) for flow_id in sorted(flow_ids & known)]

    async def handle(self, flow_id: str) -> datetime.datetime | None:
        """Plan them; → when to come again for what is left."""
        flow = next((one for one in self._books.flows.values() if one.id == flow_id), None)
        if flow is None:
            return None
        if await planning.plan(self._books, flow):
            self._shift.say(KIND, flow.table, "records wait: Xero cannot be asked now", bad=True)
            return await self._shift.waits_until(KIND, flow_id, self._shift.now() + AGAIN)
        await self._shift.waits_no_more(KIND, flow_id)
        return None
