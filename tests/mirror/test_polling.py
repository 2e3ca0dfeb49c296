"""Adaptive polling: totals a day, whatever is kept and whatever happens; nobody waits longer than the hour."""

import datetime

import pytest
from hypothesis import given, strategies

from counterfoil.mirror import described, polling
from counterfoil.store.mirrored import Reading

NOON = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
NAMES = strategies.lists(strategies.sampled_from(described.NAMES), unique=True, min_size=1)


def day_of(names: list[str], calls_per_day: int, changes: set[tuple[str, int]]) -> tuple[int, datetime.timedelta]:
    """A simulated day, minute by minute, `changes` at (resource, minute); → calls, and the longest wait of an active one."""
    readings = {name: Reading("t", name, since=NOON, caught_up_at=NOON, listed_at=NOON) for name in names}
    calls, longest = 0, datetime.timedelta(0)
    pending: dict[str, datetime.datetime] = {}
    for minute in range(1, 24 * 60 + 1):
        now = NOON + minute * MINUTE
        for name in names:
            if (name, minute) in changes:
                pending.setdefault(name, now)
        for name, at in polling.due(names, readings, calls_per_day, now).items():
            if at > now:
                continue
            calls += 1
            was = readings[name]
            seen = pending.pop(name, None)
            if seen is not None and was.changed_at is not None and now - was.changed_at < polling.DAY:
                longest = max(longest, now - seen)
            changed_at = now if seen is not None else was.changed_at
            readings[name] = Reading("t", name, since=now, caught_up_at=now, changed_at=changed_at, listed_at=NOON)
    return calls, longest


def test_an_idle_day_of_everything() -> None:
    """All seventeen: at most 1,200 calls with 5,000 a day, at most 300 with 1,000."""
    assert day_of(list(described.NAMES), 5_000, set())[0] <= 1_200
    assert day_of(list(described.NAMES), 1_000, set())[0] <= 300


@given(NAMES, strategies.sampled_from([200, 1_000, 5_000]), strategies.data())
def test_no_day_takes_more_than_its_share(names: list[str], calls: int, data: strategies.DataObject) -> None:
    """Planned from any state of any choice of resources: the calls of a day at that pace stay within the share."""
    ages = strategies.integers(0, 3 * 24 * 60)
    readings = {}
    for name in names:
        changed, caught = data.draw(strategies.none() | ages), data.draw(ages)
        readings[name] = Reading(
            "t", name, since=NOON, caught_up_at=NOON - caught * MINUTE,
            changed_at=None if changed is None else NOON - changed * MINUTE,
        )  # fmt: skip
    found = polling.due(names, readings, calls, NOON)
    waits = [at - (readings[name].caught_up_at or NOON) for name, at in found.items()]
    assert sum(polling.DAY / wait for wait in waits) <= calls * polling.SHARE / 100 + 1e-3
    assert all(wait >= 2 * MINUTE for wait in waits)


def test_what_is_active_is_seen_in_minutes() -> None:
    """Everything that changes all day long: within five minutes on the larger tiers, half an hour on the small one."""
    active = [one.name for one in described.ALL if not one.is_setting]
    changes = {(name, minute) for name in active for minute in range(0, 24 * 60, 7)}
    calls, longest = day_of(active, 5_000, changes)
    assert (calls <= 3_500 + len(active), longest <= 6 * MINUTE) == (True, True)
    calls, longest = day_of(active, 1_000, changes)
    assert (calls <= 700 + len(active), longest <= 30 * MINUTE) == (True, True)


@pytest.mark.parametrize(("ago", "calls", "most"), [(30, 5_000, 5), (600, 5_000, 5), (30, 1_000, 30), (600, 1_000, 30)])
def test_everything_that_was_active_in_the_last_day_waits_less_than_was_promised(
    ago: int, calls: int, most: int
) -> None:
    """All resources at once, within the hour or the day: under 5 minutes on Core, under 30 on Starter, to the second."""
    changed = NOON - ago * MINUTE
    readings = {one: Reading("t", one, since=NOON, caught_up_at=NOON, changed_at=changed) for one in described.NAMES}
    found = polling.due(described.NAMES, readings, calls, NOON)
    assert max(at for name, at in found.items() if not described.BY_NAME[name].is_setting) - NOON < most * MINUTE


def test_a_clock_that_was_a_year_ahead_puts_off_no_walk_and_keeps_no_pace() -> None:
    """What was read then is walked through now, and its last change makes nothing busy for a year."""
    ahead = NOON + 365 * polling.DAY
    reading = Reading("t", "Invoices", since=NOON, caught_up_at=NOON, changed_at=ahead, listed_at=ahead)
    assert polling.walk_due("Invoices", reading, NOON)
    assert not polling.walk_due("Invoices", reading, ahead - MINUTE)
    assert polling.due(["Invoices"], {"Invoices": reading}, 5_000, NOON) == {"Invoices": NOON + polling.USUAL.idle}


def test_what_was_never_read_or_is_unfinished_is_due_now() -> None:
    """Also what was caught up in the future of a clock that was put back."""
    readings = {
        "Contacts": Reading("t", "Contacts", since=NOON, caught_up_at=NOON, began_at=NOON),
        "Items": Reading("t", "Items", since=NOON, caught_up_at=NOON + MINUTE),
    }
    found = polling.due(["Invoices", "Contacts", "Items"], readings, 5_000, NOON)
    assert set(found.values()) == {NOON}


def test_the_walk_is_weekly_and_of_pages_alone() -> None:
    """Never before the first load, and never of what is listed completely anyway."""
    week = Reading("t", "Invoices", since=NOON, listed_at=NOON - polling.WEEK)
    assert polling.walk_due("Invoices", week, NOON)
    assert not polling.walk_due("Invoices", week, NOON - MINUTE)
    assert not polling.walk_due("Invoices", None, NOON)
    assert not polling.walk_due("Items", Reading("t", "Items", since=NOON), NOON)
