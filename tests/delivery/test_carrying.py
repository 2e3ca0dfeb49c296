"""The engine of feeds: at least once, each document in its order, one failure holds back nobody else."""

import asyncio
import datetime

import pytest

from counterfoil.delivery.outcome import NeverDelivered, Unsubscribed
from counterfoil.store import bindings, deliveries, feeds, happenings
from tests.delivery.desk import NOON, Desk, Taker, change, down, refuses


@pytest.fixture
async def desk(tmp_path):
    found = await Desk(f"sqlite:///{tmp_path / 'counterfoil.db'}").open()
    yield found
    await found.close()


async def begun(desk, outlet=None, **more):
    """A subscriber whose feed is known: it begins here."""
    outlet = outlet or Taker()
    subscriber = desk.subscriber(outlet, **more)
    await desk.turn(subscriber)
    return outlet, subscriber


async def test_what_happens_after_a_feed_began_is_handed_over_once_and_in_order(desk):
    """A new feed starts at now: what was before is not for it; a turn with nothing to do hands over nothing."""
    await desk.record("a1", "b1")
    outlet, subscriber = await begun(desk)
    await desk.record("a2", "b2", "a3")
    assert (await desk.turn(subscriber)).arrived == 3
    assert (await desk.turn(subscriber)).arrived == 0
    assert outlet.ids == ["a2", "b2", "a3"]
    assert [(one.entity, one.turn, one.by) for one in outlet.got] == [
        ("uk", 2, "others"),
        ("uk", 2, "others"),
        ("uk", 3, "others"),
    ]


async def test_a_feed_may_begin_at_the_oldest_change_that_is_kept(desk):
    """`from = "start"`."""
    await desk.record("a1", "b1")
    outlet, _ = await begun(desk, from_start=True)
    assert outlet.ids == ["a1", "b1"]


async def test_a_feed_gets_only_what_it_wants(desk):
    """By name and entity; snapshots for those who ask; organisations that are not bound are nobody's."""
    asked = []

    def wants(name, entity, snapshot):
        asked.append((name, entity, snapshot))
        return name == "invoice.paid"

    outlet, subscriber = await begun(desk, wants=wants)
    await desk.record("a1", change("a2", name="invoice.paid"), change("z1", name="invoice.paid", tenant="nobody"))
    await desk.turn(subscriber)
    assert outlet.ids == ["a2"]
    assert asked == [("invoice.updated", "uk", False), ("invoice.paid", "uk", False)]


async def test_a_failure_of_one_documents_change_holds_back_only_later_changes_of_that_document(desk):
    """The others go on; when it is taken, what waited behind it follows in order."""
    outlet, subscriber = await begun(desk, Taker(fails=lambda one: refuses() if one.id == "a1" else None))
    await desk.record("a1", "b1", "a2", "b2")
    turn = await desk.turn(subscriber)
    assert (outlet.ids, turn.again_at) == (["b1", "b2"], NOON + datetime.timedelta(seconds=5))
    outlet.fails = lambda _one: None
    await desk.turn(subscriber)
    assert outlet.ids == ["b1", "b2"]  # it is not time yet
    desk.clock.forward(seconds=5)
    await desk.turn(subscriber)
    assert outlet.ids == ["b1", "b2", "a1", "a2"]


async def test_a_change_is_tried_eight_times_over_28_hours_and_is_then_a_dead_letter(desk):
    """A person is told, its document goes on, and when it is retried and taken, that is over."""
    outlet, subscriber = await begun(desk, Taker(fails=lambda one: refuses() if one.id == "a1" else None))
    await desk.record("a1", "a2")
    at = []
    for _ in range(8):
        turn = await desk.turn(subscriber)
        at.append((desk.clock.now() - NOON).total_seconds())
        if turn.again_at is not None:
            desk.clock.forward(seconds=(turn.again_at - desk.clock.now()).total_seconds())
    assert at == [0, 5, 305, 2105, 9305, 27305, 63305, 99305]
    assert outlet.ids == ["a2"]
    assert await desk.told() == ["crm could not be handed 1 change: dead letters."]
    dead = await desk.database.read(lambda conn: deliveries.dead(conn, "crm", 10))
    assert [(one.id, one.tries, one.error) for one in dead] == [("a1", 8, "it answered 422")]
    outlet.fails = lambda _one: None
    await desk.database.run(lambda conn: deliveries.retry(conn, "crm", ["a1"], desk.clock.now()))
    await desk.turn(subscriber)
    assert (outlet.ids, await desk.told()) == (["a2", "a1"], [])


async def test_what_can_never_be_taken_is_a_dead_letter_at_once(desk):
    """It is not tried again; the document's next change is."""
    outlet, subscriber = await begun(desk, Taker(fails=lambda one: NeverDelivered("no") if one.id == "a1" else None))
    await desk.record("a1", "a2")
    await desk.turn(subscriber)
    assert await desk.turn(subscriber)
    assert (outlet.ids, (await desk.standing()).dead) == (["a2"], 1)


async def test_a_subscriber_that_is_down_for_a_day_misses_nothing(desk):
    """Changes go on meanwhile; it is asked seldom; when it is back, it gets all of them, each document's in order, soon."""
    outlet, subscriber = await begun(desk, Taker(fails=lambda _one: down()))
    names = []
    for hour in range(24):
        names += [f"a{hour}", f"b{hour}"]
        await desk.record(f"a{hour}", f"b{hour}")
        for _ in range(12):
            await desk.turn(subscriber)
            desk.clock.forward(minutes=5)
    assert outlet.got == []
    assert len(outlet.tried) <= 24 * 6 + 10  # a rest of ten minutes between two
    assert await desk.told() == ["crm takes no changes: it cannot be reached."]
    outlet.fails = lambda _one: None
    for _ in range(3):
        desk.clock.forward(minutes=5)
        await desk.turn(subscriber)
    assert sorted(outlet.ids) == sorted(names)
    for letter in "ab":
        assert [one for one in outlet.ids if one[0] == letter] == [one for one in names if one[0] == letter]
    assert await desk.told() == []


async def test_a_subscriber_that_stays_away_for_28_hours_has_dead_letters_and_they_can_be_had_again(desk):
    """What was due all that time is given up; what came later still waits; one retry hands all of it over."""
    outlet, subscriber = await begun(desk, Taker(fails=lambda _one: down()))
    await desk.record(*(f"{letter}1" for letter in "abcdefgh"))
    for minutes in range(0, 29 * 60, 10):
        if minutes == 20 * 60:
            await desk.record("z1")
        await desk.turn(subscriber)
        desk.clock.forward(minutes=10)
    standing = await desk.standing()
    assert (standing.dead, standing.waiting) == (8, 1)
    outlet.fails = lambda _one: None
    await desk.database.run(
        lambda conn: (deliveries.retry(conn, "crm", None, desk.clock.now()), feeds.awaken(conn, "crm"))
    )
    await desk.turn(subscriber)
    assert outlet.ids == ["a1", "b1", "c1", "d1", "e1", "f1", "g1", "h1", "z1"]


async def test_a_target_says_when_to_come_again_and_is_believed_within_bounds(desk):
    """Retry-After: an hour is an hour; a year is six hours."""
    outlet, subscriber = await begun(desk, Taker(fails=lambda _one: down(retry_after_s=3600)))
    await desk.record("a1")
    assert (await desk.turn(subscriber)).again_at == NOON + datetime.timedelta(hours=1)
    desk.clock.forward(hours=1)
    outlet.fails = lambda _one: down(retry_after_s=365 * 86_400)
    assert (await desk.turn(subscriber)).again_at == NOON + datetime.timedelta(hours=7)


async def test_a_target_that_wants_no_more_is_left_alone_until_a_person_resumes_it(desk):
    """410: the feed ends, a person is told; resumed, it goes on where it was."""
    outlet, subscriber = await begun(desk, Taker(fails=lambda _one: Unsubscribed("it answered 410: it wants no more")))
    await desk.record("a1")
    assert (await desk.turn(subscriber)).again_at is None
    assert await desk.told() == ["crm has ended: it answered 410: it wants no more."]
    desk.clock.forward(days=3)
    await desk.record("a2")
    await desk.turn(subscriber)
    assert len(outlet.tried) == 1
    outlet.fails = lambda _one: None
    await desk.database.run(lambda conn: feeds.resume(conn, "crm"))
    await desk.turn(subscriber)
    assert (outlet.ids, await desk.told()) == (["a1", "a2"], [])


async def test_one_slow_subscriber_delays_nobody_else(desk):
    """While one holds on to what it was handed, another gets everything."""
    slow, first = await begun(desk, feed="slow")
    quick, second = await begun(desk, feed="quick")
    slow.held = asyncio.Event()
    await desk.record("a1", "b1")
    stuck = asyncio.create_task(desk.turn(first))
    await slow.handed(1)
    await desk.turn(second)
    assert (quick.ids, slow.ids) == (["a1", "b1"], [])
    slow.held.set()
    await stuck
    assert slow.ids == ["a1", "b1"]


async def test_several_documents_are_on_their_way_together_and_none_overtakes_itself(desk):
    """`at_once` documents; a document's next change waits for its last."""
    outlet, subscriber = await begun(desk, at_once=3)
    outlet.held = asyncio.Event()
    await desk.record("a1", "a2", "b1", "c1", "d1")
    task = asyncio.create_task(desk.turn(subscriber))
    await outlet.handed(3)
    assert outlet.tried == [["a1"], ["b1"], ["c1"]]
    outlet.held.set()
    await task
    assert sorted(outlet.ids) == ["a1", "a2", "b1", "c1", "d1"]
    assert outlet.ids.index("a1") < outlet.ids.index("a2")


class Killed(BaseException):
    """The process ends here."""


async def test_killed_between_handing_over_and_writing_it_down_it_hands_over_again(desk):
    """Nothing is lost; the same change has the same id, so that the receiver can drop it; the lease is waited for."""
    outlet, subscriber = await begun(desk)
    await desk.record("a1", "a2")

    def kill(_name):
        raise Killed

    carrier = desk.carrier("dead", kill)
    carrier._leave = lambda _to: asyncio.sleep(0)  # nobody gives it back
    with pytest.raises(Killed):
        await carrier.carry(subscriber, lambda: False)
    assert outlet.ids == ["a1"]
    assert (await desk.turn(subscriber)).arrived == 0  # the dead one still has it
    desk.clock.forward(seconds=30)
    await desk.turn(subscriber)
    assert outlet.ids == ["a1", "a1", "a2"]


async def test_of_two_processes_one_carries_a_feed(desk):
    """While it is carried, another finds nothing to do; nothing is handed over twice."""
    outlet, subscriber = await begun(desk)
    outlet.held = asyncio.Event()
    await desk.record("a1", "b1", "c1")
    first = asyncio.create_task(desk.turn(subscriber, "first"))
    await outlet.handed(1)
    assert (await desk.turn(subscriber, "second")).arrived == 0
    outlet.held.set()
    await first
    assert outlet.ids == ["a1", "b1", "c1"]


async def test_a_process_that_slept_through_its_lease_writes_nothing_over_its_successors_work(desk):
    """What it then fails at is the successor's to try; its turn ends."""
    outlet, subscriber = await begun(desk)
    outlet.held = asyncio.Event()
    await desk.record("a1", "a2")
    late = asyncio.create_task(desk.turn(subscriber, "late"))
    await outlet.handed(1)
    await desk.database.run(
        lambda conn: feeds.claim(
            conn, "crm", "next", NOON + datetime.timedelta(minutes=1), NOON + datetime.timedelta(minutes=2)
        )
    )
    outlet.fails = lambda _one: refuses()
    outlet.held.set()
    assert (await late).failed == 1
    standing = await desk.standing()
    assert (standing.waiting, standing.next_at, (await desk.feed()).owner) == (2, NOON, "next")


async def test_a_batch_that_fails_for_one_is_handed_over_one_by_one(desk):
    """The others arrive; behind the one that fails its own document alone waits."""
    outlet, subscriber = await begun(desk, Taker(most=10, fails=lambda one: refuses() if one.id == "b1" else None))
    await desk.record("a1", "b1", "a2", "b2", "c1")
    await desk.turn(subscriber)
    assert outlet.ids == ["a1", "a2", "c1"]
    assert outlet.tried[0] == ["a1", "b1", "a2", "b2", "c1"]
    outlet.fails = lambda _one: None
    desk.clock.forward(seconds=5)
    await desk.turn(subscriber)
    assert outlet.tried[-1] == ["b1", "b2"]


async def test_what_waits_behind_a_failure_is_in_no_later_batch_of_the_page(desk):
    """A batch's failure holds back its document in the next batch too."""
    outlet, subscriber = await begun(desk, Taker(most=2, fails=lambda one: refuses() if one.id == "a1" else None))
    await desk.record("a1", "b1", "c1", "a2", "a3")
    await desk.turn(subscriber)
    assert outlet.ids == ["b1", "c1"]


async def test_an_outlet_that_raises_anything_ends_nothing_else(desk):
    """It counts as one failed attempt, without the words of the exception."""
    _, subscriber = await begun(desk, Taker(fails=lambda _one: RuntimeError("Jane Doe owes 12")))
    await desk.record("a1", "b1")
    turn = await desk.turn(subscriber)
    assert (turn.failed, (await desk.feed()).error) == (2, "it raised RuntimeError")


async def test_a_feed_begins_again_from_a_change_or_a_time(desk):
    """Replay: what lies there is handed over once more, dead letters too, in order, and then what is new."""
    outlet, subscriber = await begun(desk, Taker(fails=lambda one: NeverDelivered("no") if one.id == "b1" else None))
    await desk.record("a1")
    desk.clock.forward(hours=1)
    since = desk.clock.now()
    await desk.record("b1", "a2")
    await desk.turn(subscriber)
    assert (outlet.ids, (await desk.standing()).dead) == (["a1", "a2"], 1)
    outlet.fails = lambda _one: None
    n = await desk.database.read(lambda conn: feeds.before(conn, since))
    assert await desk.database.run(lambda conn: feeds.send_back(conn, "crm", n)) == 2
    await desk.record("a3")
    await desk.turn(subscriber)
    assert outlet.ids == ["a1", "a2", "b1", "a2", "a3"]
    n = await desk.database.read(lambda conn: happenings.place(conn, "a2"))
    await desk.database.run(lambda conn: feeds.send_back(conn, "crm", n - 1))
    await desk.turn(subscriber)
    assert outlet.ids == ["a1", "a2", "b1", "a2", "a3", "a2", "a3"]


async def test_what_is_on_its_way_when_a_feed_is_sent_back_comes_again_in_its_turn(desk):
    """The answer to what was on its way counts for nothing: otherwise it would be missing from the replay."""
    outlet, subscriber = await begun(desk)
    outlet.held = asyncio.Event()
    await desk.record("a1", "a2")
    task = asyncio.create_task(desk.turn(subscriber))
    await outlet.handed(1)
    await desk.database.run(lambda conn: feeds.send_back(conn, "crm", 0))
    outlet.held.set()
    await task
    await desk.turn(subscriber)
    assert outlet.ids[-2:] == ["a1", "a2"]


async def test_a_paused_feed_is_handed_nothing_and_loses_nothing(desk):
    """Until a person resumes it."""
    outlet, subscriber = await begun(desk)
    await desk.database.run(lambda conn: feeds.pause(conn, "crm", "jo@desk", desk.clock.now()))
    await desk.record("a1")
    await desk.turn(subscriber)
    assert outlet.ids == []
    await desk.database.run(lambda conn: feeds.resume(conn, "crm"))
    await desk.turn(subscriber)
    assert outlet.ids == ["a1"]


async def test_what_retention_drops_before_it_was_handed_over_is_counted(desk):
    """What waited and what was not yet looked at; the feed goes on with what there is, and does not spin."""
    outlet, subscriber = await begun(desk, Taker(fails=lambda _one: refuses()))
    await desk.record("a1")
    await desk.turn(subscriber)
    await desk.record("a2", "a3")
    desk.clock.forward(days=9)
    await desk.database.run(lambda conn: happenings.forget(conn, desk.clock.now()))
    outlet.fails = lambda _one: None
    await desk.record("a4")
    turn = await desk.turn(subscriber)
    assert (outlet.ids, (await desk.feed()).missed, turn.again_at) == (["a4"], 3, None)


async def test_changes_of_an_organisation_that_is_unbound_meanwhile_are_dropped(desk):
    """They are nobody's to hand out; nothing spins."""
    outlet, subscriber = await begun(desk, Taker(fails=lambda _one: refuses()))
    await desk.record("a1")
    await desk.turn(subscriber)
    await desk.database.run(lambda conn: bindings.remove(conn, "uk"))
    desk.clock.forward(minutes=1)
    outlet.fails = lambda _one: None
    turn = await desk.turn(subscriber)
    assert (outlet.ids, turn.again_at, (await desk.feed()).missed) == ([], None, 1)


async def test_a_feed_with_too_much_waiting_looks_at_no_more_and_catches_up(desk, monkeypatch):
    """What waits is bounded; the rest is looked at when there is room."""
    monkeypatch.setattr(deliveries, "WAITING_MAX", 3)
    monkeypatch.setattr("counterfoil.delivery.turn.LOOKED_AT_ONCE", 3)
    outlet, subscriber = await begun(desk, Taker(fails=lambda _one: down()))
    await desk.record(*(f"{letter}1" for letter in "abcdefgh"))
    await desk.turn(subscriber)
    assert (await desk.standing()).waiting == 3
    outlet.fails = lambda _one: None
    desk.clock.forward(seconds=5)
    await desk.turn(subscriber)
    assert outlet.ids == [f"{letter}1" for letter in "abcdefgh"]
