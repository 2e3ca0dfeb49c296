"""Changes that are dropped before a feed had them are told, before it happens and after, also of a feed that nobody carries."""

import datetime
from types import SimpleNamespace

import pytest

from counterfoil import settings
from counterfoil.app import feeding
from counterfoil.delivery import feed
from counterfoil.mirror.meaning import words
from counterfoil.store import feeds, happenings, notices
from tests.delivery.desk import Desk, Taker, down

CONFIG = """
[xero]
client_id = "C"
[entities.uk]
[feeds.crm]
on = ["invoice.*"]
to = { webhook = "https://crm.example/hooks", secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAA" }
[retention]
changes = "40d"
"""


@pytest.fixture
async def desk():
    found = await Desk("sqlite://").open()
    yield found
    await found.close()


async def told(desk, tmp_path):
    """What a person is told after the service's housekeeping."""
    path = tmp_path / "counterfoil.toml"
    path.write_text(CONFIG)
    loaded = settings.load(path, environ={})
    books = SimpleNamespace(
        database=desk.database, clock=desk.clock, settings=loaded, feeds=feed.compiled(loaded, words.names())
    )
    await feeding.tell_losses(books)
    await feeding.tell_losses(books)
    found = await desk.database.read(lambda conn: notices.standing(conn, "deliveries"))
    return [(one.message, one.times) for one in found if one.subject.startswith("loss:")]


async def dropped(desk, days):
    """What [retention] drops now."""
    old = desk.clock.now() - datetime.timedelta(days=days)
    await desk.database.run(lambda conn: happenings.forget(conn, old))


@pytest.mark.parametrize("stands", ["paused", "down"])
async def test_what_a_feed_has_not_got_is_told_ten_days_before_it_goes_and_when_it_is_gone(desk, tmp_path, stands):
    """A feed that is paused is carried by nobody who would count; a replay takes note of the loss."""
    outlet = Taker(fails=lambda _one: down())
    subscriber = desk.subscriber(outlet)
    await desk.turn(subscriber)
    if stands == "paused":
        await desk.database.run(lambda conn: feeds.pause(conn, "crm", "me", desk.clock.now()))
    await desk.record("a1", "b1", "c1")
    await desk.turn(subscriber)
    desk.clock.forward(days=29)
    await desk.record("d1")
    assert await told(desk, tmp_path) == []
    desk.clock.forward(days=2)
    assert await told(desk, tmp_path) == [
        ("crm has not got changes that are dropped from 2027-01-01 on, as [retention] changes says.", 1)
    ]
    desk.clock.forward(days=10)
    await dropped(desk, 40)
    assert await told(desk, tmp_path) == [("crm has lost 3 changes: dropped before it had got them.", 2)]
    outlet.fails = lambda _one: None
    await desk.database.run(lambda conn: (feeds.resume(conn, "crm"), feeds.awaken(conn, "crm")))
    await desk.turn(subscriber)
    assert outlet.ids == ["d1"]
    assert [message for message, _times in await told(desk, tmp_path)] == [
        "crm has lost 3 changes: dropped before it had got them."
    ]
    await desk.database.run(lambda conn: feeds.send_back(conn, "crm", 3))
    assert await told(desk, tmp_path) == []
    await desk.turn(subscriber)
    assert outlet.ids == ["d1", "d1"]


async def test_nothing_is_lost_to_a_feed_that_has_everything(desk, tmp_path):
    """All changes were dropped long after it had them."""
    outlet = Taker()
    subscriber = desk.subscriber(outlet)
    await desk.turn(subscriber)
    await desk.record("a1", "b1")
    await desk.turn(subscriber)
    desk.clock.forward(days=41)
    assert await told(desk, tmp_path) == []
    await dropped(desk, 40)
    assert await told(desk, tmp_path) == []
