"""What is owed after its due date is named once, by the organisation's own calendar."""

import asyncio
import datetime
import json
from types import SimpleNamespace
from typing import Any

import pytest

from counterfoil.app import overdue
from counterfoil.mirror import applying, reading
from counterfoil.mirror.applying import Observation
from counterfoil.mirror.described import BY_NAME
from counterfoil.model.binding import Binding, Fingerprint
from counterfoil.store import bindings, happenings, mirrored
from counterfoil.store.database import Database
from counterfoil.store.mirrored import Reading

ONE = BY_NAME["Invoices"]
TENANT = "t"
DAY = datetime.timedelta(days=1)
NOON = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)
EARLY = datetime.date(2026, 10, 1)


class Hand:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime.datetime:
        """What it shows."""
        return self.at

    def elapsed_s(self) -> float:
        """Seconds of the same."""
        return self.at.timestamp()


class Office:
    """A copy of one organisation in memory."""

    def __init__(self, timezone: str = "GMTSTANDARDTIME", *, snapshots: bool = False) -> None:
        self.clock = Hand()
        self.database = Database("sqlite://", self.clock, alone=True)
        feeds = {"f": SimpleNamespace(values={"snapshot": True})} if snapshots else {}
        self.settings = SimpleNamespace(entities={}, feeds=feeds, handlers=SimpleNamespace(snapshot=False))
        self.minute = 0
        asyncio.run(self.database.open())
        mark = Fingerprint(TENANT, "Acme", "!1", "GBP", "GB")
        bound = Binding("acme", TENANT, "grant", mark, timezone=timezone)

        def work(conn: Any) -> None:
            bindings.put(conn, bound, now=NOON)
            mirrored.set_reading(conn, Reading(TENANT, "Invoices", since=NOON))

        asyncio.run(self.database.run(work))

    def has(self, *invoices: dict[str, Any]) -> None:
        """Xero answers with these."""
        self.minute += 1
        ms = round((NOON + datetime.timedelta(minutes=self.minute)).timestamp() * 1000)
        rows = [reading.seen(ONE, json.dumps(one | {"UpdatedDateUTC": f"/Date({ms})/"}).encode()) for one in invoices]
        observation = Observation(TENANT, ONE, rows, NOON + datetime.timedelta(minutes=self.minute))
        asyncio.run(self.database.run(lambda conn: applying.apply(conn, observation, applying.WHOLE)))

    def sweep(self, *, always: bool = False) -> int:
        """A day's look."""
        return asyncio.run(overdue.sweep(self, "acme", always=always))

    def told(self) -> list[tuple[str, str, bool]]:
        """What is kept: name, document, whether it is a snapshot."""
        kept = asyncio.run(self.database.read(lambda conn: happenings.after(conn, 0, None, 1000)))
        return [(one.name, one.document_id, one.snapshot) for one in kept]


def owed(document_id: str, due: datetime.date, **more: Any) -> dict[str, Any]:
    """An approved invoice that nobody has paid."""
    ms = round(datetime.datetime.combine(due, datetime.time(), datetime.UTC).timestamp() * 1000)
    return {
        "InvoiceID": document_id, "Type": "ACCREC", "Status": "AUTHORISED", "AmountDue": 12.5,
        "DueDate": f"/Date({ms}+0000)/", **more,
    }  # fmt: skip


@pytest.fixture
def office():
    """One that was looked through yesterday, when there was nothing."""
    found = Office()
    found.clock.at -= DAY
    found.sweep()
    found.clock.at += DAY
    yield found
    asyncio.run(found.database.close())


def test_what_is_owed_after_its_due_date_is_named_once(office):
    """Sales and bills; not what is due today, paid, a draft or voided; not again tomorrow."""
    today = NOON.date()
    office.has(
        owed("a", today - DAY), owed("b", today - 40 * DAY, Type="ACCPAY"), owed("today", today), owed("paid", EARLY, AmountDue=0),
        owed("draft", EARLY, Status="DRAFT"), owed("void", EARLY, Status="VOIDED"),
    )  # fmt: skip
    assert office.sweep() == 2
    assert sorted(office.told()) == [("bill.overdue", "b", False), ("invoice.overdue", "a", False)]
    assert (office.sweep(), office.sweep(always=True)) == (0, 0)
    office.clock.at += DAY
    assert office.sweep() == 1
    assert office.told()[-1] == ("invoice.overdue", "today", False)


def test_once_for_each_due_date_also_after_the_change_was_dropped(office):
    """Moved into the future and passed again, it is named again; moved back to what was told, it is not."""
    today = NOON.date()
    office.has(owed("a", today - DAY))
    assert office.sweep() == 1
    asyncio.run(office.database.run(lambda conn: happenings.forget(conn, NOON + 9 * DAY)))
    office.clock.at += DAY
    assert office.sweep() == 0
    office.has(owed("a", today + 5 * DAY))
    office.clock.at += DAY
    assert office.sweep() == 0
    office.clock.at += 9 * DAY
    assert office.sweep() == 1
    office.has(owed("a", today - DAY))
    office.clock.at += DAY
    assert office.sweep() == 0


@pytest.mark.parametrize(
    ("timezone", "at", "count"),
    [
        ("NEWZEALANDSTANDARDTIME", "2026-11-02T10:59Z", 0),  # UTC+13: still the 2nd
        ("NEWZEALANDSTANDARDTIME", "2026-11-02T11:01Z", 1),
        ("PACIFICSTANDARDTIME", "2026-11-03T07:59Z", 0),  # UTC-8
        ("PACIFICSTANDARDTIME", "2026-11-03T08:01Z", 1),
        ("NOSUCHTIME", "2026-11-02T23:59Z", 0),  # not known: UTC
        ("NOSUCHTIME", "2026-11-03T00:01Z", 1),
    ],
)
def test_its_own_calendar_says_when_the_day_is_over(timezone, at, count):
    """An invoice that is due on the 2nd is overdue when the 3rd begins there."""
    office = Office(timezone, snapshots=True)
    office.has(owed("a", datetime.date(2026, 11, 2)))
    office.clock.at = datetime.datetime.fromisoformat(at)
    assert office.sweep() == count
    asyncio.run(office.database.close())


@pytest.mark.parametrize(
    ("timezone", "due", "midnight"),
    [
        (
            "NEWZEALANDSTANDARDTIME",
            "2026-09-26",
            "2026-09-26T12:00Z",
        ),  # the clocks go forward in the new day: still UTC+12
        ("NEWZEALANDSTANDARDTIME", "2026-09-27", "2026-09-27T11:00Z"),
        ("PACIFICSTANDARDTIME", "2026-10-31", "2026-11-01T07:00Z"),  # and back: still UTC-7
        ("PACIFICSTANDARDTIME", "2026-11-01", "2026-11-02T08:00Z"),
        ("GMTSTANDARDTIME", "2026-10-24", "2026-10-24T23:00Z"),
        ("GMTSTANDARDTIME", "2026-10-25", "2026-10-26T00:00Z"),
    ],
)
def test_a_day_in_which_the_clocks_are_changed_is_over_at_its_own_midnight(timezone, due, midnight):
    """A second before it nothing is overdue, and at it the document is; a day of 23 or 25 hours moves nothing."""
    office = Office(timezone, snapshots=True)
    office.has(owed("a", datetime.date.fromisoformat(due)))
    at = datetime.datetime.fromisoformat(midnight)
    office.clock.at = at - datetime.timedelta(seconds=1)
    assert office.sweep() == 0
    office.clock.at = at
    assert office.sweep() == 1
    asyncio.run(office.database.close())


@pytest.mark.parametrize("snapshots", [False, True])
def test_what_was_overdue_when_the_copy_was_made_did_not_just_happen(snapshots):
    """Of the first look nothing is told but to a feed that asks for snapshots; a new due date is news again."""
    office = Office(snapshots=snapshots)
    office.has(owed("a", EARLY), *(owed(f"{n}", EARLY) for n in range(300)))
    office.sweep()
    assert set(office.told()) == (
        {("invoice.overdue", one, True) for one in ("a", *map(str, range(300)))} if snapshots else set()
    )
    office.clock.at += DAY
    office.has(owed("a", EARLY + DAY))
    assert office.sweep() == 1
    assert office.told()[-1] == ("invoice.overdue", "a", False)
    asyncio.run(office.database.close())


def test_a_sweep_that_was_interrupted_goes_on_and_tells_nothing_twice(office, monkeypatch):
    """Killed after the first transaction: the day is looked through again, each document is named once."""
    office.has(*(owed(f"{n:02}", EARLY) for n in range(25)))
    run, count = office.database.run, 0

    async def dies(work):
        nonlocal count
        count += 1
        if count == 2:
            raise KeyboardInterrupt
        return await run(work)

    with monkeypatch.context() as patch:
        patch.setattr(office.database, "run", dies)
        with pytest.raises(KeyboardInterrupt):
            office.sweep()
    assert len(office.told()) == overdue.TOLD_AT_ONCE
    assert office.sweep() == 25 - overdue.TOLD_AT_ONCE
    assert len(set(office.told())) == len(office.told()) == 25
