"""The inbox of webhooks: what is to be looked at, until the mirror is as new as the event; held to a slow and obvious model."""

import asyncio
import datetime
import hashlib
import itertools

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from counterfoil.runtime.clock import SystemClock
from counterfoil.store import inbox, inbox_counts, inbox_kept, inbox_marking, schema
from counterfoil.store.database import Database
from counterfoil.store.inbox import Delivery, Event

START = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)
TENANT, OTHER = "tenant-1", "tenant-2"
INVOICE = "INVOICE"
numbers = itertools.count()


def after(seconds):
    return START + datetime.timedelta(seconds=seconds)


def event(resource_id, at_s=0.0, *, tenant=TENANT, category=INVOICE):
    return Event(tenant, "ORGANISATION", category, resource_id, after(at_s))


def delivery(*events, at_s=0.0, body=None, unread=0):
    body = body or f"{next(numbers)}".encode()
    return Delivery(body, hashlib.sha256(body).digest(), after(at_s), events, unread)


def bind(conn, tenant=TENANT):
    values = {column.name: "x" for column in schema.bindings.columns if not column.nullable}
    values |= {"entity": tenant, "tenant_id": tenant, "bound_at": START, "verified_at": START, "is_demo": False}
    conn.execute(schema.bindings.insert().values(values))


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'counterfoil.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("server").get_uri()
    found = Database(url, SystemClock())
    await found.open()
    await found.run(bind)
    yield found

    def clear(conn):
        for name in ("inbox_deliveries", "inbox_marks", "inbox_ids", "inbox_counts", "bindings"):
            conn.execute(getattr(schema, name).delete())

    await found.run(clear)
    await found.close()


async def put(database, *deliveries):
    return await database.run(lambda conn: inbox_marking.put(conn, deliveries))


async def due(database, at_s=0.0):
    return await database.read(lambda conn: inbox.due(conn, after(at_s)))


async def settle(database, held, at_s, *, seen=None, tenant=TENANT):
    given = {key: after(stamp) for key, stamp in held.items()}
    return await database.run(lambda conn: inbox.settled(conn, tenant, INVOICE, given, after(at_s), seen=seen))


async def counted(database):
    return await database.read(inbox_counts.heard)


async def test_an_event_is_due_until_the_mirror_holds_a_stamp_as_new(database):
    """An older stamp does not settle it, an equal one does; and a settled one is gone."""
    await put(database, delivery(event("a", 1), event("b", 2)))
    (dirty,) = await due(database)
    assert (dirty.ids, dirty.newest_at, dirty.whole) == ({"a": after(1), "b": after(2)}, after(2), False)
    found = await settle(database, {"a": 1, "b": 1.9}, 3)
    assert (found.seen, found.unseen, found.again_at) == (1, 0, after(5))
    assert await settle(database, {"b": 2}, 6) == inbox.Settled(1, 0, None)
    assert await due(database, 1_000) == []
    heard = await counted(database)
    assert (heard.seen, heard.unseen, heard.waiting, heard.settled.count) == (2, 0, 0, 2)


async def test_what_is_not_seen_is_asked_for_after_2_10_and_60_seconds_and_then_closed(database):
    """And counted as not seen newer: the next catch-up and the weekly walk cover it."""
    await put(database, delivery(event("a")))
    at_s, times = 0.0, []
    while await due(database, at_s):
        found = await settle(database, {}, at_s)
        times.append(at_s)
        at_s = at_s if found.again_at is None else (found.again_at - START).total_seconds()
    assert times == [0, 2, 12, 72]
    assert (await counted(database)).unseen == 1


async def test_a_look_before_its_time_costs_an_event_no_chance(database):
    """A neighbour's event has the category looked at again; what waits for its next time still has it."""
    await put(database, delivery(event("a")))
    await settle(database, {}, 0)
    await put(database, delivery(event("b", 1), at_s=1))
    found = await settle(database, {"b": 1}, 1)
    assert (found.seen, found.again_at) == (1, after(2))


async def test_an_event_that_comes_while_its_category_is_looked_at_is_not_counted_as_looked_at(database):
    """The look cannot have seen it: it is due at once, with all its chances."""
    await put(database, delivery(event("a")))
    (dirty,) = await due(database)
    await put(database, delivery(event("a", 5), event("b", 5), at_s=5))
    found = await settle(database, {"a": 0}, 6, seen=dirty.seen)
    assert found == inbox.Settled(0, 0, after(5))
    (dirty,) = await due(database, 6)
    assert dirty.ids == {"a": after(5), "b": after(5)}


async def test_the_same_delivery_twice_is_one(database):
    """Xero sends at least once: the second is counted and marks nothing, in the same commit as the first or later."""
    one = delivery(event("a"), body=b"the same")
    assert await put(database, one, one) == {(TENANT, INVOICE)}
    assert await put(database, one) == frozenset()
    await settle(database, {"a": 0}, 1)
    assert await put(database, one) == frozenset()
    assert await due(database, 10) == []
    rows = await database.read(lambda conn: conn.execute(schema.inbox_deliveries.select()).all())
    assert [(row.body, row.times) for row in rows] == [(b"the same", 4)]


async def test_an_older_event_that_comes_later_changes_nothing(database):
    """Order does not matter: the newest time of an id counts."""
    await put(database, delivery(event("a", 5)))
    assert await put(database, delivery(event("a", 3), at_s=1)) == frozenset()
    (dirty,) = await due(database, 1)
    assert (dirty.ids, dirty.newest_at) == ({"a": after(5)}, after(5))


async def test_more_ids_than_are_named_are_the_whole_category(database, monkeypatch):
    """And the newest stamp of all settles it."""
    monkeypatch.setattr(inbox_marking, "IDS_MAX", 3)
    await put(database, delivery(*(event(f"{n}", n) for n in range(3))))
    assert not (await due(database))[0].whole
    await put(database, delivery(event("3", 3), at_s=1))
    (dirty,) = await due(database, 1)
    assert (dirty.ids, dirty.whole, dirty.newest_at) == ({}, True, after(3))
    assert (await settle(database, {"1": 1}, 2)).again_at == after(4)
    await put(database, delivery(event("9", 2), at_s=3))
    assert await settle(database, {"1": 1, "3": 3}, 4) == inbox.Settled(1, 0, None)
    await put(database, delivery(event("4", 4), at_s=5))
    assert (await due(database, 5))[0].ids == {"4": after(4)}


async def test_a_whole_category_that_is_never_seen_is_closed_as_an_id_is(database, monkeypatch):
    """After the same four looks."""
    monkeypatch.setattr(inbox_marking, "IDS_MAX", 0)
    await put(database, delivery(event("a")))
    at = [(await settle(database, {}, at_s)).again_at for at_s in (0, 2, 12, 72)]
    assert at == [after(2), after(12), after(72), None]
    assert (await counted(database)).unseen == 1


async def test_what_nobody_can_look_at_is_kept_until_somebody_can(database):
    """Another organisation's events wait for its binding, those of an unknown category for who knows it; an app's are no ledger's."""
    await put(
        database,
        delivery(event("a", tenant=OTHER), event("b", category="TIMESHEET"), event("c", category="SUBSCRIPTION")),
    )
    assert await due(database) == []
    await database.run(lambda conn: bind(conn, OTHER))
    assert [(one.tenant_id, one.ids) for one in await due(database)] == [(OTHER, {"a": START})]
    (found,) = await database.read(lambda conn: inbox.due(conn, after(0), ["TIMESHEET", "SUBSCRIPTION"]))
    assert (found.category, found.ids) == ("TIMESHEET", {"b": START})


async def test_marks_wait_in_the_order_of_their_time(database):
    """The one that waits longest is first; what is due later is told to a sweep, with its time."""
    await put(database, delivery(event("a", category="CONTACT"), at_s=2))
    await put(database, delivery(event("b"), at_s=1))
    assert [one.category for one in await due(database, 2)] == [INVOICE, "CONTACT"]
    await settle(database, {}, 2)
    assert [one.category for one in await due(database, 3)] == ["CONTACT"]
    later = await database.read(inbox.waiting)
    assert [(one.category, one.due_at) for one in later] == [("CONTACT", after(2)), (INVOICE, after(4))]


async def test_what_nobody_uses_is_named_and_deliveries_are_dropped_in_time(database):
    """Until its organisation is bound, and until it is settled; a dropped delivery leaves its mark."""
    await put(database, delivery(event("a", tenant=OTHER), event("b", category="TIMESHEET"), unread=1))
    await put(database, delivery(at_s=60))
    kept = await database.read(lambda conn: inbox_kept.kept(conn, after(90)))
    assert (kept.tenants, kept.categories, kept.unread, kept.since) == ((OTHER,), ("TIMESHEET",), 1, START)
    step = await database.run(lambda conn: inbox_kept.drop_deliveries(conn, 0, 10, after(30), after(90)))
    assert (step.dropped, step.next_id) == (1, None)
    await database.run(lambda conn: bind(conn, OTHER))
    kept = await database.read(lambda conn: inbox_kept.kept(conn, after(90)))
    assert (kept.tenant_count, kept.category_count, kept.unread) == (0, 1, 0)
    assert [one.ids for one in await due(database)] == [{"a": START}]


async def test_since_when_nothing_was_taken_is_the_first_failure(database):
    """For so many seconds; one that was taken ends it, and counts add up."""

    def work(conn):
        inbox_counts.failing(conn, after(1), 0, after(1))
        inbox_counts.failing(conn, after(1), 1, after(2))
        for seconds in (1, 2):
            inbox_counts.add(
                conn, {"forged": 2, "arrived_5": 1, "arrived_count": 1, "arrived_ms": 4_000}, after(seconds)
            )
        return inbox_counts.heard(conn)

    heard = await database.run(work)
    assert (heard.failing_since, heard.outcomes["forged"], heard.last_failed) == (after(1), 4, after(2))
    assert heard.failing_s == 1
    assert (heard.arrived.count, heard.arrived.sum_s, heard.arrived.within_s(95)) == (2, 8, 5)
    await database.run(inbox_counts.recovered)
    assert (await counted(database)).failing_since is None


class Model(RuleBasedStateMachine):
    """The inbox of one category beside a list of (id, event time, its next time, looks, when it came)."""

    @initialize()
    def begin(self):
        """An empty inbox of a bound organisation."""
        self.database = Database("sqlite://", SystemClock(), alone=True)
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.database.open())
        self._do(bind)
        self.now, self.open, self.looked = 0, {}, None
        self.seen = self.unseen = 0

    def teardown(self):
        """Close it."""
        if hasattr(self, "database"):
            self.loop.run_until_complete(self.database.close())
            self.loop.close()

    def _do(self, work):
        return self.loop.run_until_complete(self.database.run(work))

    @rule(
        ids=st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
        ages=st.lists(st.integers(0, 6), min_size=4, max_size=4),
    )
    def deliver(self, ids, ages):
        """Events of now and of some seconds ago, one delivery."""
        events = [event(one, self.now - age) for one, age in zip(ids, ages, strict=False)]
        self._do(lambda conn: inbox_marking.put(conn, [delivery(*events, at_s=self.now)]))
        for one in sorted(events, key=lambda e: e.at):
            known = self.open.get(one.resource_id)
            if known is None or known["at"] < one.at:
                self.open[one.resource_id] = {"at": one.at, "due": after(self.now), "looks": 0, "fresh": True}

    @rule(seconds=st.integers(1, 30))
    def wait(self, seconds):
        """Time passes."""
        self.now += seconds

    @rule()
    def look(self):
        """Somebody asks what is due, and begins to look."""
        found = self._do(lambda conn: inbox.due(conn, after(self.now)))
        is_due = any(one["due"] <= after(self.now) for one in self.open.values())
        assert bool(found) == is_due
        if found:
            assert found[0].ids == {key: one["at"] for key, one in self.open.items()}
            self.looked = found[0].seen
            for one in self.open.values():
                one["fresh"] = False

    @rule(held=st.dictionaries(st.sampled_from("abc"), st.integers(-10, 10)))
    def end_the_look(self, held):
        """It ends with what the mirror holds now."""
        if self.looked is None:
            return
        stamps = {key: after(self.now + offset) for key, offset in held.items()}
        found = self._do(lambda conn: inbox.settled(conn, TENANT, INVOICE, stamps, after(self.now), seen=self.looked))
        self.looked = None
        seen = [key for key, one in self.open.items() if key in stamps and stamps[key] >= one["at"]]
        for key in seen:
            del self.open[key]
        gone = []
        for key, one in self.open.items():
            if one["fresh"] or one["due"] > after(self.now):
                continue
            if one["looks"] == len(inbox.AGAIN_S):
                gone.append(key)
            else:
                one["due"] = after(self.now + inbox.AGAIN_S[one["looks"]])
                one["looks"] += 1
        for key in gone:
            del self.open[key]
        self.seen, self.unseen = self.seen + len(seen), self.unseen + len(gone)
        again = min((one["due"] for one in self.open.values()), default=None)
        assert found == inbox.Settled(len(seen), len(gone), again)

    @invariant()
    def nothing_is_lost(self):
        """What is open is what the model has open, with its times; what was settled is counted."""
        if not hasattr(self, "database"):
            return
        found = self._do(inbox.waiting)
        heard = self._do(inbox_counts.heard)
        assert (heard.seen, heard.unseen) == (self.seen, self.unseen)
        if not self.open:
            assert found == []
            return
        assert found[0].ids == {key: one["at"] for key, one in self.open.items()}
        first = min(one["due"] for one in self.open.values())
        assert max(found[0].due_at, after(self.now)) == max(first, after(self.now))


Model.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.generate],
)
TestTheInboxIsAsTheModelSays = Model.TestCase
