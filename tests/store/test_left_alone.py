"""Postings of some flows are left alone: what is ready without them, on both databases."""

import datetime

import pytest
import sqlalchemy as sa

from counterfoil.store import changes, followers, payments, requests, schema
from counterfoil.store.database import Database
from tests.app.test_noticing import Clock, Table

THEIRS, OURS = "fair", "shop"


@pytest.fixture(params=["sqlite", "postgres"])
async def table(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'counterfoil.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("server").get_uri()
    database = Database(url, Clock())
    await database.open()
    yield Table(database)
    for one in (schema.postings, schema.requests, schema.request_items):
        await database.run(lambda conn, one=one: conn.execute(sa.delete(one)))
    await database.close()


async def ready(table, resource, but):
    """The ids that may go."""
    found = await table.database.read(
        lambda conn: followers.ready(conn, "acme-uk", "t", resource, own_number=True, most=50, but=but)
    )
    return [one.id for one in found]


async def test_postings_and_contacts_that_only_they_wait_for(table):
    """A contact that another flow waits for too, or nobody, is not left alone; nor is what follows on it."""
    contact = {"kind": "contact", "resource": "Contacts", "flow_id": ""}
    alone, shared, nobodys = [await table.posting("planned", **contact) for _ in range(3)]
    for flow, after in ((THEIRS, alone), (THEIRS, shared), (OURS, shared)):
        await table.posting("planned", flow_id=flow, after_id=after)
    free, theirs = await table.posting("planned", flow_id=OURS), await table.posting("planned", flow_id=THEIRS)
    assert await ready(table, "Contacts", ()) == [alone, shared, nobodys]
    assert await ready(table, "Contacts", [THEIRS]) == [shared, nobodys]
    assert await ready(table, "Contacts", [THEIRS, OURS]) == [nobodys]
    assert await ready(table, "Invoices", ()) == [free, theirs]
    assert await ready(table, "Invoices", [THEIRS, "none"]) == [free]


async def test_changes_and_deletions(table):
    """The same for what is to be changed, and for payments that are to be taken back."""
    for flow in (THEIRS, OURS):
        await table.posting("planned", flow_id=flow, action="update")
        await table.posting("planned", flow_id=flow, action="undo", kind="payment", resource="Payments")
    for find in (changes.ready, payments.to_delete):
        found = await table.database.read(lambda conn, find=find: find(conn, "acme-uk", "t", 9, [THEIRS]))
        assert [one.flow_id for one in found] == [OURS]
        assert len(await table.database.read(lambda conn, find=find: find(conn, "acme-uk", "t", 9))) == 2


async def test_open_requests(table):
    """A request is left alone only when everything in it is."""
    until = datetime.datetime(2026, 11, 22, 13, tzinfo=datetime.UTC)
    theirs, ours, mixed = [await table.posting("sending", flow_id=flow) for flow in (THEIRS, OURS, THEIRS)]
    for one in (theirs, ours, mixed):
        await table.sent(one, until)
    beside = await table.posting("sending", flow_id=OURS)
    item = {"request_id": mixed, "position": 1, "posting_id": beside, "revision": 1, "open": True}
    await table.database.run(lambda conn: conn.execute(sa.insert(schema.request_items).values(**item)))
    found = await table.database.read(lambda conn: requests.all_of_flows(conn, "t", [THEIRS]))
    assert found == {theirs}
