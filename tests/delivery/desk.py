"""A database with changes, subscribers with outlets that do as they are told, and carriers between them."""

import asyncio
import datetime
import json

from counterfoil.delivery.carrying import Carrier
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.delivery.turn import Subscriber
from counterfoil.model.binding import Binding, Fingerprint
from counterfoil.model.happening import Happening
from counterfoil.store import bindings, deliveries, feeds, happenings, notices
from counterfoil.store.database import Database

NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
TENANT = "b8a7c1d2-0000-4000-8000-000000000001"


class Standing:
    """A clock that stands until it is moved; whoever sleeps on it sleeps until it has passed."""

    def __init__(self):
        self.at, self.s, self.moved = NOON, 0.0, asyncio.Event()

    def now(self):
        """Noon, until it is moved."""
        return self.at

    def elapsed_s(self):
        """As far as it was moved."""
        return self.s

    async def sleep(self, seconds):
        """Until then."""
        until = self.s + seconds
        while self.s < until:
            await self.moved.wait()

    def forward(self, **span):
        """So much later."""
        delta = datetime.timedelta(**span)
        self.at, self.s = self.at + delta, self.s + delta.total_seconds()
        self.moved.set()
        self.moved = asyncio.Event()


class Taker:
    """An outlet. `got`: the changes that it took; `fails(change)` → an exception to raise, or None; `tried`: all that it was handed."""

    def __init__(self, most=1, fails=lambda _change: None):
        self.most, self.fails, self.got, self.tried, self.held = most, fails, [], [], None
        self.news = asyncio.Event()

    async def hand_over(self, changes):
        """Take all of them, or none."""
        self.tried.append([change.id for change in changes])
        self.news.set()
        if self.held is not None:
            await self.held.wait()
        for change in changes:
            if (failure := self.fails(change)) is not None:
                raise failure
        self.got += changes

    async def close(self):
        """Nothing is held."""

    async def handed(self, times):
        """Until it was handed something so many times."""
        while len(self.tried) < times:
            self.news.clear()
            await self.news.wait()

    @property
    def ids(self):
        """What it took, in order."""
        return [change.id for change in self.got]


def refuses(reason="it answered 422"):
    """A failure of the change's own."""
    return NotDelivered(reason, target_is_down=False)


def down(retry_after_s=None):
    """A failure of the target's."""
    return NotDelivered("it cannot be reached", retry_after_s=retry_after_s)


class Desk:
    """One installation. `change(id, document)` records; `turn(subscriber)` is one turn of one process."""

    def __init__(self, url):
        self.clock = Standing()
        self.database = Database(url, self.clock)
        self.docs = {}

    async def open(self):
        """With one organisation that is bound."""
        await self.database.open()
        mark = Fingerprint(TENANT, "Fernhill", "!f", "GBP", "GB")
        await self.database.run(
            lambda conn: bindings.put(conn, Binding("uk", TENANT, "grant", mark), now=self.clock.now())
        )
        return self

    async def record(self, *changes):
        """Changes (id, document), such as "a1"/"a": the document is the id's letter where none is given."""
        found = [one if isinstance(one, Happening) else change(one, seen_at=self.clock.now()) for one in changes]
        await self.database.run(lambda conn: happenings.record(conn, found))

    def subscriber(self, outlet, feed="crm", wants=lambda _name, _entity, snapshot: not snapshot, **more):
        """Somebody who is handed changes."""
        return Subscriber(id=feed, label=feed, to="test", wants=wants, outlet=outlet, **more)

    def carrier(self, owner="here", point=lambda _name: None):
        """A process's engine, whose chance is always 0."""
        return Carrier(self.database, owner=owner, chance=lambda: 0.0, point=point)

    async def turn(self, subscriber, owner="here", point=lambda _name: None):
        """One turn, until nothing is due."""
        return await self.carrier(owner, point).carry(subscriber, lambda: False)

    async def feed(self, feed="crm"):
        """The feed's row."""
        return await self.database.read(lambda conn: feeds.get(conn, feed))

    async def standing(self, feed="crm"):
        """What it has before it."""
        return await self.database.read(lambda conn: deliveries.standing(conn, feed))

    async def told(self):
        """What a person is told of now."""
        found = await self.database.read(lambda conn: notices.standing(conn, "deliveries"))
        return [one.message for one in found]

    async def close(self):
        """Close."""
        await self.database.close()


def change(identity, document=None, *, name="invoice.updated", seen_at=NOON, snapshot=False, tenant=TENANT):
    """A change of the document that its id begins with."""
    document = document or identity[0]
    return Happening(
        id=identity, name=name, tenant_id=tenant, resource="Invoices", document_id=document,
        before={"Reference": "0"}, after=json.loads(f'{{"Reference": "{identity}"}}'), fields=("Reference",), stamp=seen_at,
        seen_at=seen_at, revision=None, snapshot=snapshot,
    )  # fmt: skip
