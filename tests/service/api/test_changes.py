"""The feed of changes: every one once, from a cursor on, of those entities that the key is for."""

import asyncio

import pytest

from counterfoil import errors
from counterfoil.app import api_keys
from counterfoil.service.api import waiting
from counterfoil.store import change_pages, happenings
from tests.service.api.conftest import AU, UK

FEED = "/v1/changes"


async def filled(house):
    """Six changes of two companies, one of a first load."""
    await house.happens(
        ("a", "invoice.paid", UK), ("b", "invoice.created", AU), ("snap", "invoice.created", UK), ("c", "contact.merged", UK),
        ("d", "invoice.paid", AU), ("e", "invoice.voided", UK),
    )  # fmt: skip


async def ids(house, query="", key=None):
    """What a query finds from its cursor on, page after page, and the last cursor."""
    found, key, after = [], key or await house.key(), ""
    while True:
        answer = await house.get(f"{FEED}?{query}{after}", key)
        assert answer.status == 200, answer.body
        found += [one["id"] for one in answer.json["changes"]]
        if not answer.json["more"]:
            return found, answer.json["next"]
        after = f"&after={answer.json['next']}"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abcde"),
        ("type=invoice.paid", "ad"),
        ("type=invoice.*", "abde"),
        ("type=contact.merged&type=invoice.voided", "ce"),
        ("entity=acme-au", "bd"),
        ("entity=acme-au&entity=acme-uk&type=*", "abcde"),
        ("entity=acme-nl", ""),
    ],
)
async def test_what_is_asked_for_comes_once_and_in_order(house, query, expected, monkeypatch):
    """Whatever the pages' length, also where a page looks at two numbers only or holds one change; and then nothing more."""
    await filled(house)
    for limit, stretch, size in ((1, 10_000, 1 << 20), (500, 10_000, 1 << 20), (2, 2, 1 << 20), (500, 10_000, 1)):
        monkeypatch.setattr(change_pages, "STRETCH_MAX", stretch)
        monkeypatch.setattr(change_pages, "BYTES_MAX", size)
        assert await ids(house, f"{query}&limit={limit}") == (list(expected), "6")


async def test_a_change_is_told_as_to_everybody(house):
    """The envelope of webhooks and feeds, with the entity's name; of a first load only when asked for."""
    await filled(house)
    found = (await house.get(f"{FEED}?limit=1", await house.key())).json
    assert found == {
        "changes": [
            {
                "id": "a", "type": "invoice.paid", "entity": "acme-uk", "tenant_id": UK, "resource": "Invoices",
                "document_id": "d-a", "n": 1, "turn": 1, "stamp": "2026-11-22T10:00:00Z", "seen_at": "2026-11-22T10:00:00Z",
                "by": "others", "posting": None, "snapshot": False, "fields": ["Total"], "before": None,
                "after": {"Total": "10.50"},
            }
        ],
        "next": "1",
        "more": True,
    }  # fmt: skip
    assert (await ids(house, "snapshots=true"))[0] == ["a", "b", "snap", "c", "d", "e"]


async def test_a_key_of_some_entities_sees_their_changes_alone(house):
    """Without a filter, and another entity is one that does not exist."""
    await filled(house)
    key = await house.key("read", "acme-au")
    assert (await ids(house, "", key))[0] == ["b", "d"]
    hidden, nowhere = [await house.get(f"{FEED}?entity={one}", key) for one in ("acme-uk", "acme-xx")]
    assert (hidden.status, nowhere.status) == (404, 404)
    assert hidden.body.replace(b"acme-uk", b"acme-xx") == nowhere.body


async def test_cursors(house):
    """From what is kept, from now on, from a change's own number; what is none is refused."""
    key = await house.key()
    empty = (await house.get(FEED, key)).json
    assert empty == {"changes": [], "next": "0", "more": False}
    await filled(house)
    assert (await ids(house, "after=0", key))[0] == list("abcde")
    assert (await ids(house, "after=4", key))[0] == ["d", "e"]
    assert await ids(house, "after=now", key) == ([], "6")
    for wrong in ("-1", "x", "1.0", "%D9%A1", "9" * 30, ""):
        answer = await house.get(f"{FEED}?after={wrong}", key)
        assert (answer.status, answer.json["fields"][0]["field"]) == (422, "after"), wrong


async def test_a_cursor_whose_changes_were_dropped(house):
    """Is gone, and the answer says where what is left begins; also when nothing is left, and of another database."""
    await filled(house)
    key = await house.key()
    for dropped, oldest, left in ((3, "3", ["c", "d", "e"]), (6, "6", [])):
        await house.books.database.run(
            lambda conn, n=dropped: conn.execute(happenings._H.delete().where(happenings._H.c.n <= n))
        )
        gone = await house.get(f"{FEED}?after=1", key)
        assert (gone.status, gone.json["code"], gone.json["oldest"]) == (410, "cursor-gone", oldest)
        assert (await ids(house, f"after={oldest}", key))[0] == left
        assert (await ids(house, "", key))[0] == left
    ahead = await house.get(f"{FEED}?after=7", key)
    assert (ahead.status, ahead.json["oldest"]) == (410, "6")


async def test_a_misspelt_type_is_refused_with_the_right_one(house):
    """It would wait for ever."""
    answer = await house.get(f"{FEED}?type=invoice.payed", await house.key())
    assert (answer.status, answer.json["remedy"]) == (422, "Did you mean `invoice.paid`?")


async def waiting_for(house, query, key, **more):
    """A request that waits, when it does."""
    task = asyncio.create_task(house.get(f"{FEED}?{query}", key, **more))
    there = house.api.waiting._waiters
    before = len(there)
    while len(there) == before and not task.done():
        await house.books.database.read(change_pages.newest)
    return task


async def test_who_waits_is_told_of_the_next_change_that_they_asked_for(house, monkeypatch):
    """And of no other: it is waited on; one look is for all who wait."""
    monkeypatch.setattr(waiting, "POLL_S", 0.01)
    key = await house.key()
    paid = await waiting_for(house, "wait=30&type=invoice.paid", key)
    any_one = await waiting_for(house, "wait=30", key)
    await house.happens(("x", "contact.merged", UK))
    assert [one["id"] for one in (await any_one).json["changes"]] == ["x"]
    assert not paid.done()
    await house.happens(("y", "invoice.paid", UK))
    answer = (await paid).json
    assert ([one["id"] for one in answer["changes"]], answer["next"]) == (["y"], "2")
    assert not house.api.waiting._waiters


async def test_a_key_that_is_revoked_while_it_waits_is_told_nothing_more(house, monkeypatch):
    """401, and not what happened after it was revoked."""
    monkeypatch.setattr(waiting, "POLL_S", 0.01)
    key = await house.key()
    task = await waiting_for(house, "wait=30", key)
    await api_keys.revoke(house.books, key.split("_")[1])
    await house.happens(("x", "contact.merged", UK))
    answer = await task
    assert (answer.status, answer.json["code"]) == (401, "no-key")


async def test_waiting_has_bounds(house, monkeypatch):
    """In number, in time, and by the end of the service, of which nobody is kept from ending."""
    monkeypatch.setattr(waiting, "WAITERS_MAX", 1)
    key, gone = await house.key(), asyncio.Event()
    first = await waiting_for(house, "wait=30", key, gone=gone)
    refused = await house.get(f"{FEED}?wait=30", key)
    assert (refused.status, refused.headers["retry-after"]) == (429, "5")
    assert (await house.get(f"{FEED}?wait=31", key)).status == 422
    gone.set()
    assert (await first).json["changes"] == []
    second = await waiting_for(house, "wait=30", key)
    await house.api.end()
    assert (await second).json == {"changes": [], "next": "0", "more": False}
    assert (await house.get(f"{FEED}?wait=30", key)).status == 200


async def test_who_waits_while_the_database_goes_away_is_told_so(house, monkeypatch):
    """And not kept for ever."""
    key = await house.key()
    task = await waiting_for(house, "wait=30", key)

    async def away(_work):
        raise errors.DatabaseAway("The database's server went away.")

    monkeypatch.setattr(waiting, "POLL_S", 0)
    monkeypatch.setattr(house.books.database, "read", away)
    answer = await task
    assert (answer.status, answer.json["code"]) == (503, "database-away")
