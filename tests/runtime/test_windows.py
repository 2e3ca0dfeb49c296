"""A window is open on the organisation's own clock, also on the two days on which that clock is changed."""

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.runtime import windows

LONDON = "Europe/London"


def utc(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_opens():
    """Friday night's window is open on Saturday morning, Saturday's is none."""
    night = windows.window("mon-fri 22:00-06:00", LONDON)
    assert night.is_open(utc("2026-11-20T22:00"))
    assert night.is_open(utc("2026-11-21T05:59:59"))
    assert not night.is_open(utc("2026-11-21T06:00"))
    assert not night.is_open(utc("2026-11-21T23:00"))
    assert utc("2026-11-23T22:00") == night.opens_at(utc("2026-11-21T23:00"))
    assert utc("2026-11-21T06:00") == night.closes_at(utc("2026-11-21T01:00"))


def test_a_window_follows_the_organisations_clock_and_not_ours():
    """Nine in the evening in Auckland is nine in the morning in UTC in summer there."""
    evening = windows.window("21:00-23:00", "Pacific/Auckland")
    assert evening.is_open(utc("2026-01-15T08:00"))
    assert not evening.is_open(utc("2026-01-15T21:00"))


def test_an_opening_that_the_clock_jumps_over_is_the_moment_of_the_jump():
    """On 29 March 2026 London has no half past one: the window opens at 1:00 UTC, when it is two there."""
    early = windows.window("01:30-05:00", LONDON)
    assert not early.is_open(utc("2026-03-29T00:59"))
    assert utc("2026-03-29T01:00") == early.opens_at(utc("2026-03-29T00:30"))
    assert utc("2026-03-29T04:00") == early.closes_at(utc("2026-03-29T02:00"))


def test_a_window_that_the_clock_jumps_over_whole_is_not_open_that_day():
    """From ten past one to twenty to two there is nothing on 29 March 2026; the next day it is there again."""
    short = windows.window("01:10-01:40", LONDON)
    assert utc("2026-03-30T00:10") == short.opens_at(utc("2026-03-28T12:00") + datetime.timedelta(hours=1))
    assert not short.is_open(utc("2026-03-29T01:00"))


def test_a_weekly_window_that_the_clock_jumps_over_opens_a_week_later():
    """Sundays from two to three: asked all week before 29 March 2026 in Berlin, and in zones that jump elsewhere, there is an answer."""
    weekly = windows.window("sun 02:00-03:00", "Europe/Berlin")
    for day in range(22, 30):
        assert utc("2026-04-05T00:00") == weekly.opens_at(utc(f"2026-03-{day}T12:00"))
    half = windows.window("sun 02:00-02:30", "Australia/Lord_Howe")
    assert utc("2026-10-10T15:00") == half.opens_at(utc("2026-09-30T12:00"))


def test_a_window_in_the_hour_that_comes_twice_is_not_shorter_than_it_says():
    """On 25 October 2026 London has half past one twice: from the first, until the last."""
    opening = windows.window("01:30-03:00", LONDON)
    assert utc("2026-10-25T00:30") == opening.opens_at(utc("2026-10-24T12:00"))
    closing = windows.window("00:00-01:30", LONDON)
    assert utc("2026-10-25T01:30") == closing.closes_at(utc("2026-10-25T00:00"))


def test_windows_that_touch_each_other_are_one():
    """Both halves of a night close together; `24:00` is the day's end."""
    night = windows.window("sat 20:00-24:00; sun 00:00-08:00", LONDON)
    assert utc("2026-11-22T08:00") == night.closes_at(utc("2026-11-21T20:00"))
    always = windows.window("00:00-24:00", LONDON)
    assert always.is_open(utc("2026-10-25T00:59"))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "22:00-06:00"),
        ("25:00-06:00", "no time of a day"),
        ("10:70-11:00", "no time of a day"),
        ("24:00-06:00", "never opens"),
        ("10:00-10:00", "never opens"),
        ("mo 10:00-11:00", "no day"),
        ("mon- 10:00-11:00", "no day"),
        ("nightly", "is not like"),
    ],
)
def test_a_window_that_nobody_can_read_is_refused_with_the_reason(written, said):
    """The reason says what is wrong with it."""
    with pytest.raises(ValueError, match=said):
        windows.window(written, LONDON)


@given(
    now=st.datetimes(datetime.datetime(2024, 1, 1), datetime.datetime(2030, 1, 1)).map(
        lambda at: at.replace(tzinfo=datetime.UTC)
    ),
    zone=st.sampled_from([LONDON, "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca"]),
    hours=st.tuples(st.integers(0, 1439), st.integers(0, 1440)).filter(lambda pair: pair[0] != pair[1]),
    days=st.sampled_from(["", "mon-fri ", "sun ", "sat,wed "]),
)
def test_what_opens_is_open_and_what_closes_is_closed(now, zone, hours, days):
    """At `opens_at` it is open, just before it is not; at `closes_at` it is closed, just before it is not."""
    opens, closes = (f"{minute // 60:02}:{minute % 60:02}" for minute in hours)
    one = windows.window(f"{days}{opens}-{closes}", zone)
    start = one.opens_at(now)
    assert start >= now
    assert one.is_open(start)
    if start > now:
        assert not one.is_open(start - datetime.timedelta(microseconds=1))
        local = start.astimezone(zoneinfo.ZoneInfo(zone))
        jumped = local.utcoffset() != (start - datetime.timedelta(hours=3)).astimezone(local.tzinfo).utcoffset()
        assert jumped or f"{local:%H:%M}" == opens
    end = one.closes_at(start)
    if end - start < datetime.timedelta(days=1):  # not one that touches the next day's
        assert not one.is_open(end)
        assert one.is_open(end - datetime.timedelta(microseconds=1))
