"""What is noticed after a command, from the tables alone: counted, since when, in words without a customer in them."""

import datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from counterfoil.app import noticing
from counterfoil.store import notices, schema
from counterfoil.store.database import Database

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
EARLIER = NOW - datetime.timedelta(hours=2)
NAMES = {"f7": "shop"}


class Clock:
    """It is noon."""

    def now(self):
        """Always."""
        return NOW


class Table:
    """The postings of a database, written as if somebody had."""

    def __init__(self, database):
        self.database, self.n = database, 0

    async def posting(self, state, **values):
        """One more; → its id."""
        self.n += 1
        row = {
            "id": self.n, "flow_id": "f7", "kind": "invoice", "external_id": f"Jane-{self.n}", "issue": 1, "scope": "",
            "entity": "acme-uk", "tenant_id": "t", "resource": "Invoices", "marker": f"m{self.n}", "state": state, "revision": 1,
            "record_hash": "", "source": "s:1", "own_number": True, "looks": 0, "run_id": 1, "last_run_id": 1,
            "planned_at": EARLIER, "changed_at": NOW,
        } | values  # fmt: skip
        await self.database.run(lambda conn: conn.execute(sa.insert(schema.postings).values(**row)))
        return self.n

    async def sent(self, posting_id, lease_until):
        """It went out an hour ago in a request of its own."""
        at = NOW - datetime.timedelta(hours=1)
        request = {
            "id": posting_id, "entity": "acme-uk", "tenant_id": "t", "resource": "Invoices", "method": "PUT", "path": "/", "body": b"",
            "idempotency_key": f"k{posting_id}", "own_number": True, "state": "unclear", "attempts": 1,
            "unclear_attempts": 1, "first_started": at, "looks": 0, "frozen_at": at, "lease_until": lease_until,
        }  # fmt: skip
        item = {"request_id": posting_id, "position": 0, "posting_id": posting_id, "revision": 1, "open": True}

        def write(conn):
            conn.execute(sa.insert(schema.requests).values(**request))
            conn.execute(sa.insert(schema.request_items).values(**item))

        await self.database.run(write)

    async def change(self, posting_id, **values):
        """It is otherwise now."""
        of = schema.postings.c.id == posting_id
        await self.database.run(lambda conn: conn.execute(sa.update(schema.postings).where(of).values(**values)))

    async def told(self):
        """What stands after a look, by kind and subject."""
        await noticing.notice(self.database, "app", NAMES)
        found = await self.database.read(notices.standing)
        return {(one.kind, one.subject): one for one in found}


@pytest.fixture(params=["sqlite", "postgres"])
async def table(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'counterfoil.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("server").get_uri()
    database = Database(url, Clock())
    await database.open()
    yield Table(database)
    for one in ("grants", "notices", "postings", "requests", "request_items", "bad_rows", "problems"):
        await database.run(lambda conn, one=one: conn.execute(sa.delete(schema.tables.tables[one])))
    await database.close()


async def test_problems_by_cause(table):
    """One notice for each flow and cause; what waits for a contact counts with it; amounts by currency; no keys of records."""
    reason = {"reason": "`name` of Jane Doe is taken", "remedy": "Ask Jane."}
    for cause in ("namesake:Jane", "waits:namesake:Jane"):
        await table.posting("held", cause=cause, currency="GBP", total=Decimal("1200.50"), **reason)
    await table.posting("posted", cause="xero:Jane's invoice is refused", **reason)
    await table.posting("held", cause="skipped-one", skipped="because", **reason)
    told = await table.told()
    problems = {one.message: one.count for (kind, _), one in told.items() if kind == "problems"}
    assert problems == {
        "A person is needed: 2 records of flow shop, 2,401.00 GBP as far as is known: namesake.": 2,
        "A person is needed: 1 record of flow shop: Xero refused.": 1,
    }
    assert not any("Jane" in one.message + one.remedy for one in told.values())


async def test_held_since_the_record_was_first_seen(table):
    """By entity, with the oldest one's age; what a person skipped is not held."""
    await table.posting("held", cause="a")
    await table.posting("held", cause="a", planned_at=NOW, entity="acme-au")
    await table.posting("held", cause="a", planned_at=NOW)
    await table.posting("held", cause="a", skipped="because", entity="acme-nl")
    told = await table.told()
    assert {subject: (one.count, one.since) for (kind, subject), one in told.items() if kind == "held"} == {
        "acme-uk": (2, EARLIER), "acme-au": (1, NOW),
    }  # fmt: skip


async def test_uncertain_since_the_first_attempt(table):
    """What a living process is just sending is not uncertain; what a dead one left is."""
    await table.sent(await table.posting("uncertain"), None)
    await table.sent(await table.posting("sending"), NOW + datetime.timedelta(days=9999))
    await table.sent(await table.posting("sending", entity="acme-au"), NOW - datetime.timedelta(seconds=1))
    told = await table.told()
    assert {key: (one.count, one.since) for key, one in told.items()} == {
        ("uncertain", "acme-uk"): (1, NOW - datetime.timedelta(hours=1)),
        ("uncertain", "acme-au"): (1, NOW - datetime.timedelta(hours=1)),
    }


async def test_numbers_change_and_causes_end(table):
    """A notice keeps its place while its numbers change, nothing is written when nothing is news, and it is over when it is."""
    first = await table.posting("planned")
    await table.told()
    await table.posting("planned")
    (one,) = (await table.told()).values()
    (again,) = (await table.told()).values()
    assert (one.kind, one.count, one.times) == ("left", 2, 2)
    assert again == one
    for n in (first, first + 1):
        await table.change(n, state="posted")
    assert await table.told() == {}


async def test_a_consent_that_nobody_uses(table):
    """Told from 45 days on and over when it is refreshed; a lost one, another app's and a custom connection's are not."""
    old = {"client_id": "app", "xero_userid": "u", "lost": None}
    for n, values in enumerate(({}, {"lost": "gone"}, {"client_id": "other"}, {"xero_userid": ""})):
        row = {
            "id": f"g{n}", "scopes": "", "generation": 1, "secret": b"", "expires_at": EARLIER,
            "refreshed_at": NOW - datetime.timedelta(days=3000),
        } | old | values  # fmt: skip
        if n:
            row["xero_userid"] = row["xero_userid"] and f"u{n}"
        await table.database.run(lambda conn, row=row: conn.execute(sa.insert(schema.grants).values(**row)))
    (one,) = (await table.told()).values()
    assert (one.kind, one.subject, one.message) == (
        "refresh", "g0", "A consent was last refreshed on 2018-09-05. Xero ends it after 60 days without.",
    )  # fmt: skip
    refreshed = sa.update(schema.grants).values(refreshed_at=datetime.datetime.now(datetime.UTC))
    await table.database.run(lambda conn: conn.execute(refreshed))
    assert await table.told() == {}
