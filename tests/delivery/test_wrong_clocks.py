"""A clock that was wrong for a while: what it wrote down keeps nothing waiting for years."""

import asyncio
import datetime

import pytest

from tests.delivery.desk import Desk, Taker, down, refuses

YEAR = datetime.timedelta(days=365)


@pytest.fixture
async def desk():
    found = await Desk("sqlite://").open()
    yield found
    await found.close()


async def begun(desk, fails):
    """A feed that begins here, and a change that happens while the clock is a year ahead."""
    outlet = Taker(fails=fails)
    subscriber = desk.subscriber(outlet)
    await desk.turn(subscriber)
    desk.clock.at += YEAR
    await desk.record("a1")
    return outlet, subscriber


@pytest.mark.parametrize("failure", [down, refuses], ids=["the target was down", "the target refused it"])
async def test_what_failed_by_a_clock_that_was_a_year_ahead_is_tried_when_it_is_right(desk, failure):
    """Its next try lies a year ahead, where no pause of ours ever leads."""
    outlet, subscriber = await begun(desk, lambda _one: failure())
    assert (await desk.turn(subscriber)).failed == 1
    desk.clock.at -= YEAR
    outlet.fails = lambda _one: None
    await desk.turn(subscriber)
    assert outlet.ids == ["a1"]
    assert (await desk.feed()).down_since is None


class Killed(BaseException):
    """The process ends here."""


async def test_a_lease_of_a_dead_process_whose_clock_was_a_year_ahead_ends(desk):
    """Whoever lives renews its lease by the right clock; one that ends in a year is nobody's."""
    outlet, subscriber = await begun(desk, lambda _one: None)

    def kill(_name):
        raise Killed

    carrier = desk.carrier("dead", kill)
    carrier._leave = lambda _to: asyncio.sleep(0)
    with pytest.raises(Killed):
        await carrier.carry(subscriber, lambda: False)
    desk.clock.at -= YEAR
    await desk.turn(subscriber, "next")
    assert outlet.ids == ["a1", "a1"]
