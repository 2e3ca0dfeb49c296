"""Several workers on one Postgres: one carries a feed at a time, each change arrives once, in order; a dead one's feed goes on."""

import asyncio

import pytest

from counterfoil.delivery.outcome import Unsubscribed
from counterfoil.store import deliveries, feeds
from tests.delivery.desk import Desk, Taker, down, refuses


@pytest.fixture
async def desks(server):
    """Two processes' views of one database, with a clock of the database's own."""
    server.psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public;")
    found = [await Desk(server.get_uri()).open() for _ in range(2)]
    yield found
    for one in found:
        await one.close()


async def test_two_workers_share_and_nothing_arrives_twice(desks):
    """Both are woken for everything; what one holds the other leaves; all arrives, each document's in order."""
    first, second = desks
    outlet = Taker()
    subscriber = first.subscriber(outlet, at_once=3)
    await first.turn(subscriber, "first")

    async def work(desk, owner):
        for _ in range(6):
            await desk.turn(subscriber, owner)

    async def happen():
        for n in range(1, 7):
            await first.record(f"a{n}", f"b{n}", f"c{n}")

    await asyncio.gather(happen(), work(first, "first"), work(second, "second"))
    await first.turn(subscriber, "first")
    assert sorted(outlet.ids) == sorted(f"{letter}{n}" for letter in "abc" for n in range(1, 7))
    for letter in "abc":
        assert [one for one in outlet.ids if one[0] == letter] == [f"{letter}{n}" for n in range(1, 7)]


async def test_failures_rests_and_ends_are_kept_there_too(desks):
    """Every statement of the engine and of a person, on Postgres."""
    first, second = desks
    outlet = Taker(fails=lambda one: refuses() if one.id == "a1" else None)
    subscriber = first.subscriber(outlet)
    await first.turn(subscriber, "first")
    await first.record("a1", "b1", "a2")
    turn = await second.turn(subscriber, "second")
    assert (outlet.ids, turn.failed, turn.again_at is not None) == (["b1"], 1, True)
    await first.database.run(lambda conn: deliveries.retry(conn, "crm", None, first.database.now(conn)))
    outlet.fails = lambda _one: down()
    await first.turn(subscriber, "first")
    assert ((await first.feed()).failures, (await first.standing()).waiting) == (1, 2)
    await first.database.run(lambda conn: feeds.awaken(conn, "crm"))
    await first.database.run(lambda conn: deliveries.retry(conn, "crm", None, first.database.now(conn)))
    outlet.fails = lambda _one: Unsubscribed("it answered 410")
    await second.turn(subscriber, "second")
    assert (await first.told())[0].startswith("crm has ended")
    await first.database.run(lambda conn: feeds.resume(conn, "crm"))
    await first.database.run(lambda conn: deliveries.retry(conn, "crm", None, first.database.now(conn)))
    outlet.fails = lambda _one: None
    await first.turn(subscriber, "first")
    await first.database.run(lambda conn: feeds.send_back(conn, "crm", 1))
    await second.turn(subscriber, "second")
    assert outlet.ids == ["b1", "a1", "a2", "b1", "a2"]
    assert (await first.told(), (await first.feed()).delivered) == ([], 5)
