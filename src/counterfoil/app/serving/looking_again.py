"""What Xero's events are about is read again: one catch-up for all that came of a tenant and category, then they are settled.

Called by serving as the work "catch_up"; one piece is one tenant and category (store/inbox). The mirror is never told by an
event: it is asked to look, and an event is done when what it holds is as new (design §3.5). An event of what is not mirrored,
or not yet read for the first time, stays marked. Cost: 1 call for each look, however many events came.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Final

from counterfoil import errors
from counterfoil.app import syncing
from counterfoil.app.serving import delivering, mirroring
from counterfoil.app.serving.shift import Shift
from counterfoil.runtime.port import Due, Work
from counterfoil.store import bindings, inbox, mirrored
from counterfoil.store.database import Connection
from counterfoil.store.inbox import Dirty

KIND: Final = "catch_up"
RESOURCES: Final[Mapping[str, str]] = {
    "CONTACT": "Contacts",
    "CREDITNOTE": "CreditNotes",
    "INVOICE": "Invoices",
    "OVERPAYMENT": "Overpayments",
    "PAYMENT": "Payments",
    "PREPAYMENT": "Prepayments",
}
GATHER: Final = datetime.timedelta(seconds=2)  # after a look; what comes meanwhile has the next one together


def work(shift: Shift) -> Work:
    """The work "catch_up"."""
    again = LookingAgain(shift)
    return Work(KIND, again.handle, again.find, bound_s=mirroring.BOUND_S)


class LookingAgain:
    """Looks at what events are about."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self._books = shift.books
        self._looked: dict[str, datetime.datetime] = {}  # when, by key: of bound organisations, six each

    async def find(self) -> Sequence[Due]:
        """Every mark of what is mirrored, and when it is due."""
        if not self._shift.plans:
            return ()
        waiting = await self._shift.waiting(KIND)
        now = self._shift.now()
        still = {key: wait.until for key, wait in waiting.items() if wait.since <= now < wait.until}
        marks = await self._books.database.read(inbox.waiting)
        read = await self._read()
        found = []
        for dirty in marks:
            if (dirty.tenant_id, RESOURCES[dirty.category]) in read:
                key = inbox.key(dirty.tenant_id, dirty.category)
                found.append(Due(key, max(dirty.due_at, still.get(key, dirty.due_at)), "realtime"))
        return found

    async def handle(self, key: str) -> datetime.datetime | None:
        """One look; → when to look again, None: nothing of it is left."""
        tenant_id, _, category = key.partition("/")
        resource = RESOURCES.get(category)
        entity = (await self._read()).get((tenant_id, resource or ""))
        if entity is None or resource is None:
            return None
        now = self._shift.now()
        if key in self._looked and now - self._looked[key] < GATHER:
            return self._looked[key] + GATHER
        dirty = await self._books.database.read(lambda conn: inbox.mark(conn, tenant_id, category))
        if dirty is None or dirty.due_at > now:
            return None if dirty is None else dirty.due_at
        self._looked[key] = now
        try:
            caught = await syncing.catch_up(self._books, entity, resource, lane="realtime")
        except (errors.RunAgain, errors.Reconnect) as error:
            return await mirroring.put_off(self._shift, KIND, key, entity, error)
        if caught.changed:
            self._shift.say(KIND, entity, f"{resource}: {caught.changed} changed")
            await delivering.wake(self._shift)
        return await self._settle(dirty, resource)

    async def _settle(self, dirty: Dirty, resource: str) -> datetime.datetime | None:
        now = self._shift.now()

        def work(conn: Connection) -> datetime.datetime | None:
            held = mirrored.stamps(conn, dirty.tenant_id, resource, list(dirty.ids))
            newest = mirrored.newest(conn, dirty.tenant_id, resource) if dirty.whole else None
            if newest is not None:
                held[""] = newest
            done = inbox.settled(conn, dirty.tenant_id, dirty.category, held, now, seen=dirty.seen)
            return done.again_at

        again: datetime.datetime | None = await self._books.database.run(work)
        return again

    async def _read(self) -> dict[tuple[str, str], str]:
        """The entity of each (tenant, resource) that was read to its end once: a first load brings what events are about anyway."""
        kept = await syncing.kept(self._books)
        bound = await self._books.database.read(bindings.everything)
        tenants = {one.entity: one.tenant_id for one in bound}
        readings = await self._books.database.read(mirrored.readings)
        done = {(one.tenant_id, one.resource) for one in readings if one.since is not None}
        return {
            (tenants[entity], name): entity
            for entity, names in kept.items()
            for name in names
            if (tenants[entity], name) in done
        }
