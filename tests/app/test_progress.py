"""How an import stands: calls, pace, and a time that counts limits, days and shut windows."""

import datetime

from counterfoil.app import progress
from counterfoil.app.progress import Day
from counterfoil.runtime import windows

HOUR = 3_600


def at(text):
    """An instant."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def test_calls_are_full_requests_over_all_flows_but_for_allocations():
    """60 contacts and 110 invoices of two flows: 2 and 3 requests; an allocation is one by itself."""
    counts = {("", "Contacts"): 60, ("a", "Invoices"): 70, ("b", "Invoices"): 40, ("a", "Allocations"): 3}
    assert progress.calls_for(counts, 50) == 2 + 3 + 3


def test_the_time_is_the_longest_that_anything_needs():
    """The minute's limit, the pace of the last minutes, and the days that the day's limit makes of it."""
    assert progress.needed_s(120, 6_000, None, 60, None) == 120
    assert progress.needed_s(120, 6_000, 1_000, 60, None) == 360
    assert progress.needed_s(120, 6_000, 1_000, 60, Day(500, 5_000)) == 360
    assert progress.needed_s(2_000, 100_000, None, 60, Day(100, 1_000)) == 2 * 24 * HOUR


def test_shut_windows_count():
    """Eight hours a night: ten hours of work that begin at noon end at four in the second night."""
    window = windows.window("22:00-06:00", "UTC")
    noon = at("2026-11-02T12:00")
    assert progress.in_window_s(window, noon, 3 * HOUR, noon) == 13 * HOUR
    assert progress.in_window_s(window, noon, 10 * HOUR, noon) == 36 * HOUR
    midnight = at("2026-11-03T00:00")
    assert progress.in_window_s(window, midnight, HOUR, noon) == 13 * HOUR
