"""What Xero's events are about is read again at once, together, and an event is done when what is held is as new."""

import datetime
import hashlib
from typing import Any

import pytest

from counterfoil.app.serving import looking_again
from counterfoil.store import inbox, inbox_marking, mirrored
from counterfoil.store.inbox import Delivery, Event
from tests.app.serving.test_mirroring import reads

MIRROR = 'every = "1h"\n[mirror]\nresources = ["Contacts"]'


@pytest.fixture
def mirroring(served):
    """One resource is kept, and nothing of the quarter of an hour until it is polled passes by itself."""
    served.configure(flow=MIRROR)
    return served


async def loaded(at: Any, served: Any) -> None:
    """The first load is over."""
    tenant = served.sandbox.tenant(1)

    async def done():
        found = await at.read(mirrored.readings)
        return any(one.tenant_id == tenant and one.caught_up_at for one in found)

    await at.until(done)


async def heard(at: Any, served: Any, *events: tuple[str, datetime.datetime], category: str = "CONTACT") -> None:
    """Events came, and the door gives its hint."""
    tenant = served.sandbox.tenant(1)
    several = tuple(Event(tenant, "ORGANISATION", category, one, when) for one, when in events)
    digest = hashlib.sha256(repr(several).encode()).digest()
    delivery = Delivery(b"{}", digest, served.clock.now(), several)
    await at.books.database.run(lambda conn: inbox_marking.put(conn, [delivery]))
    await at.service.wake(looking_again.KIND, inbox.key(tenant, category))


async def marks(at: Any) -> list[inbox.Dirty]:
    """What is still to be looked at."""
    found: list[inbox.Dirty] = await at.read(inbox.waiting)
    return found


def made(served: Any, *names: str) -> list[tuple[str, datetime.datetime]]:
    """New contacts at Xero: (id, stamp) as its events tell them."""
    rows = served.sandbox.make(served.sandbox.tenant(1), "Contacts", *({"Name": name} for name in names))
    return [(row["ContactID"], instant(row["UpdatedDateUTC"])) for row in rows]


def instant(wire: str) -> datetime.datetime:
    """Xero's /Date(1700000000000+0000)/."""
    return datetime.datetime.fromtimestamp(int(wire.strip("/Date()").partition("+")[0]) / 1000, datetime.UTC)


async def test_a_burst_of_events_is_one_call_and_then_done(mirroring):
    """Twenty contacts change: they are held after one look, and nothing is marked."""
    async with mirroring.serving() as at:
        await loaded(at, mirroring)
        before = reads(mirroring, "Contacts")
        events = made(mirroring, *(f"Customer {n}" for n in range(20)))
        await heard(at, mirroring, *events)

        async def done():
            return not await marks(at)

        await at.until(done)
        tenant = mirroring.sandbox.tenant(1)
        held = await at.read(lambda conn: mirrored.stamps(conn, tenant, "Contacts", [one for one, _ in events]))
        assert (held, reads(mirroring, "Contacts") - before) == (dict(events), 1)


async def test_an_event_that_xero_does_not_answer_to_yet_is_asked_for_again_and_then_closed(mirroring):
    """What is read is older than the event says: after 2, 10 and 60 s once more, then it is counted as not seen newer."""
    async with mirroring.serving() as at:
        await loaded(at, mirroring)
        ((contact, stamp),) = made(mirroring, "Customer")
        before = reads(mirroring, "Contacts")
        await heard(at, mirroring, (contact, stamp + datetime.timedelta(minutes=1)))
        for looks, span_s in ((1, 2.5), (2, 10.5), (3, 60.5), (4, 0)):

            async def settled(looks=looks):
                now = mirroring.clock.now()
                is_read = reads(mirroring, "Contacts") - before == looks
                return is_read and all(one.due_at > now for one in await marks(at))

            await at.until(settled)
            mirroring.clock.forward(seconds=span_s)

        async def closed():
            return not await marks(at)

        await at.until(closed)
        assert reads(mirroring, "Contacts") - before == 4


async def test_an_event_of_what_is_not_mirrored_stays_marked_and_costs_nothing(mirroring):
    """Until somebody chooses that resource: then nothing was missed."""
    async with mirroring.serving() as at:
        await loaded(at, mirroring)
        await heard(at, mirroring, ("0" * 8, mirroring.clock.now()), category="PAYMENT")
        ((contact, stamp),) = made(mirroring, "Customer")
        await heard(at, mirroring, (contact, stamp))

        async def only_that():
            return [one.category for one in await marks(at)] == ["PAYMENT"]

        await at.until(only_that)
        assert reads(mirroring, "Payments") == 0
