"""What somebody is told of Xero's webhooks: a quarter of an hour of failures only, and what was kept that nobody uses."""

import datetime

import pytest

from counterfoil import errors, open_books
from counterfoil.app import housekeeping, webhook_notices
from counterfoil.store import inbox_counts, inbox_marking, notices, schema
from counterfoil.store.inbox import Delivery, Event
from counterfoil.webhooks.hearing import Hearing
from tests.cli.office import Office

START = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)


class Hands:
    """A clock that is moved by hand."""

    def __init__(self):
        self.minutes = 0.0
        self.set_by = 0.0  # minutes by which somebody set the wall clock

    def now(self):
        """The present instant."""
        return START + datetime.timedelta(minutes=self.minutes + self.set_by)

    def elapsed_s(self):
        """The same as seconds."""
        return 5_000 + self.minutes * 60


@pytest.fixture
async def books(tmp_path):
    office = Office(tmp_path)
    office.write()
    office.key()
    async with open_books(office.folder / "counterfoil.toml") as found:
        clock = Hands()
        found.clock = found.database.clock = clock
        yield found


class Heard:
    """Requests that end somehow, minute by minute, and what stands after the look."""

    def __init__(self, books):
        self.books, self.hearing = books, Hearing(books.clock)

    async def __call__(self, minutes, outcome, hearing=None):
        """One request at this minute, None: none; → the alarms that stand after the look."""
        self.books.clock.minutes = minutes
        hearing = hearing or self.hearing
        if outcome == "stored":
            hearing.stored([Delivery(b"", b"", START)])
        elif outcome:
            hearing.ended(outcome)
        await hearing.write(self.books.database)
        await webhook_notices.look(self.books)
        return [one.message for one in await self.books.database.read(lambda conn: notices.standing(conn, "webhooks"))]


@pytest.fixture
def heard(books):
    return Heard(books)


async def test_a_quarter_of_an_hour_of_failures_is_an_alarm_and_a_success_ends_it(heard):
    """Xero tries at once and every 15 minutes: told at the second time, long before its 24 hours, and once."""
    assert await heard(0, "forged") == []
    assert await heard(5, "database") == []
    (told,) = await heard(15, "database")
    assert "Since 2026-11-22 09:00 UTC" in told
    assert "the database did not take them" in told
    assert await heard(45, None) == [told]
    assert await heard(60, "stored") == []
    assert await heard(61, "forged") == []
    assert await heard(90, None) == []


async def test_failures_with_a_success_between_are_none(heard):
    """Something is well."""
    for minutes in range(0, 60, 10):
        assert await heard(minutes, "late") == []
        assert await heard(minutes + 5, "intent" if minutes % 20 else "stored") == []


async def test_the_wrong_signatures_of_an_intent_to_receive_are_no_failure(heard):
    """Xero mixes them in, the last one too; a single later one is none either, two far apart are."""
    assert await heard(0, "intent") == []
    assert await heard(0.1, "forged") == []
    assert await heard(600, "forged") == []
    assert len(await heard(615, "forged")) == 1


async def test_noise_is_no_failure(heard):
    """Whoever scans addresses raises no alarm."""
    for minutes in range(0, 60, 5):
        assert await heard(minutes, "strange") == []


async def test_another_process_goes_on_where_one_was_killed(heard):
    """Since when nothing was taken stands in the tables."""
    await heard(0, "forged")
    assert len(await heard(15, "forged", Hearing(heard.books.clock))) == 1
    assert await heard(16, "stored", Hearing(heard.books.clock)) == []


async def test_what_another_process_took_ends_what_one_has_seen_fail(heard):
    """Two processes behind one address: the failures of one are no alarm while the other takes what comes."""
    other = Hearing(heard.books.clock)
    assert await heard(0, "forged") == []
    assert await heard(10, "stored", other) == []
    assert await heard(20, "forged") == []
    assert len(await heard(35, "forged")) == 1


async def test_failures_that_began_while_the_clock_was_ahead_are_an_alarm_all_the_same(heard):
    """The clock is put back an hour: a quarter of an hour later it is told, with a time that was."""
    clock = heard.books.clock
    clock.set_by = 60
    assert await heard(0, "forged") == []
    clock.set_by = 0
    assert await heard(5, "database") == []
    (told,) = await heard(15, "database")
    assert "Since 2026-11-22 09:00 UTC" in told
    assert "the database did not take them" in told
    assert await heard(16, "stored") == []


async def test_a_clock_that_is_put_forward_is_no_quarter_of_an_hour(heard):
    """Two failures five minutes apart stay so; a real quarter of an hour is told."""
    clock = heard.books.clock
    assert await heard(0, "forged") == []
    clock.set_by = 600
    assert await heard(5, "forged") == []
    assert len(await heard(15, "forged")) == 1


async def test_a_process_that_begins_with_another_clock_counts_on_from_the_tables(heard):
    """Failures before its start count; the clock that was put back meanwhile costs a quarter of an hour at most."""
    clock = heard.books.clock
    clock.set_by = 60
    assert await heard(0, "forged") == []
    clock.set_by = 0
    hearing = Hearing(clock)
    assert await heard(10, "forged", hearing) == []
    assert len(await heard(25, "forged", hearing)) == 1


async def test_two_processes_that_fail_side_by_side_count_the_time_once(heard):
    """Each sees every failure of its own: ten minutes of both are ten minutes."""
    other = Hearing(heard.books.clock)
    for minutes in range(0, 11, 2):
        assert await heard(minutes, "late") == []
        assert await heard(minutes + 1, "late", other) == []
    assert len(await heard(15, "late")) == 1


async def test_failures_after_a_good_one_count_though_the_clock_was_put_back(heard):
    """The wrong signatures of an intent to receive come within a minute of it, by no clock that somebody sets."""
    heard.books.clock.set_by = 60
    assert await heard(0, "intent") == []
    heard.books.clock.set_by = 0
    assert await heard(10, "forged") == []
    assert len(await heard(25, "forged")) == 1


async def test_counts_wait_while_the_database_is_away(heard, monkeypatch):
    """Nothing of them is lost, and since when is kept."""
    database, run = heard.books.database, heard.books.database.run

    async def away(_work):
        raise errors.StoreError("away", remedy="")

    monkeypatch.setattr(database, "run", away)
    heard.hearing.ended("database")
    with pytest.raises(errors.StoreError):
        await heard.hearing.write(database)
    monkeypatch.setattr(database, "run", run)
    assert len(await heard(20, "database")) == 1
    found = await database.read(inbox_counts.heard)
    assert (found.outcomes["database"], found.failing_since) == (2, START)


def event(category="INVOICE", tenant="tenant-x", kind="ORGANISATION"):
    return Event(tenant, kind, category, "id-1", START)


async def unused(books):
    await webhook_notices.look(books)
    standing = await books.database.read(lambda conn: notices.standing(conn, "events"))
    return {one.subject: one.message for one in standing}


async def test_what_is_kept_and_not_used_is_told(books):
    """Organisations that are not bound, unknown categories, what cannot be read: named, counted, over when it is."""
    put = [
        Delivery(b"1", b"1", START, (event(), event("TIMESHEET"), *(event(tenant=f"t-{n}") for n in range(7)))),
        Delivery(b"2", b"2", START, (event("SUBSCRIPTION", "app", "APPLICATION"),)),
        Delivery(b"{", b"3", START, (), 1),
    ]
    await books.database.run(lambda conn: inbox_marking.put(conn, put))
    told = await unused(books)
    assert set(told) == {"organisations", "categories", "unread"}
    assert "t-0, t-1, t-2, t-3, t-4 and 3 more" in told["organisations"]
    assert "TIMESHEET" in told["categories"]
    books.clock.minutes = 24 * 60 + 1
    await books.database.run(lambda conn: conn.execute(schema.inbox_marks.update().values(due_at=None)))
    assert await unused(books) == {}


async def test_deliveries_are_kept_as_long_as_retention_says(books):
    """30 days unless it says otherwise; what they marked stays marked."""
    old, young = START - datetime.timedelta(days=31), START - datetime.timedelta(days=29)
    put = [Delivery(b"old", b"1", old, (event(),)), Delivery(b"young", b"2", young, (event("CONTACT"),))]
    await books.database.run(lambda conn: inbox_marking.put(conn, put))
    assert (await housekeeping.tidy(books)).webhooks == 1

    def left(conn):
        marks = conn.execute(schema.inbox_marks.select()).all()
        return [row.body for row in conn.execute(schema.inbox_deliveries.select())], len(marks)

    assert await books.database.read(left) == ([b"young"], 2)
