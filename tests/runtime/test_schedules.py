"""When a flow runs by itself, on the organisation's own clock."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.runtime import schedules

LONDON = "Europe/London"


def utc(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


@pytest.mark.parametrize(("written", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), (" 1d ", 86400)])
def test_every_counts_from_the_last_start(written, seconds):
    """However long the run took, and however long nothing ran: once, and then from there."""
    last = utc("2026-03-29T00:30")
    assert last + datetime.timedelta(seconds=seconds) == schedules.next_after(schedules.every(written), last)


@pytest.mark.parametrize(
    ("written", "said"), [("15", "15m"), ("m", "15m"), ("1s", "60s"), ("400d", "31d"), ("-5m", "15m")]
)
def test_a_duration_that_nobody_can_read_is_refused(written, said):
    """The reason says what is possible."""
    with pytest.raises(ValueError, match=said):
        schedules.every(written)


def test_cron_reads_the_organisations_clock_in_summer_and_winter():
    """Six in the morning in London is five UTC in summer and six in winter."""
    six = schedules.cron("0 6 * * *", LONDON)
    assert utc("2026-07-01T05:00") == schedules.next_after(six, utc("2026-06-30T12:00"))
    assert utc("2026-12-01T06:00") == schedules.next_after(six, utc("2026-11-30T12:00"))


def test_a_time_that_the_clock_jumps_over_comes_right_after_the_jump():
    """On 29 March 2026 London has no half past one; the run is at two, and there is one."""
    early = schedules.cron("30 1 * * *", LONDON)
    jump = schedules.next_after(early, utc("2026-03-28T12:00"))
    assert utc("2026-03-29T01:00") == jump
    assert utc("2026-03-30T00:30") == schedules.next_after(early, jump)


def test_a_time_that_comes_twice_counts_once():
    """On 25 October 2026 London has half past one twice; the run is at the first."""
    early = schedules.cron("30 1 * * *", LONDON)
    first = schedules.next_after(early, utc("2026-10-24T12:00"))
    assert utc("2026-10-25T00:30") == first
    assert utc("2026-10-26T01:30") == schedules.next_after(early, first)


@pytest.mark.parametrize("written", ["", "* * * *", "61 * * * *", "0 0 31 2 *", "@daily", "* * * * * *"])
def test_a_cron_expression_that_never_matches_or_is_none_is_refused(written):
    """A mistake is found when the configuration is loaded, not at night."""
    with pytest.raises(ValueError, match=r"\w"):
        schedules.cron(written, LONDON)


@given(
    last=st.datetimes(datetime.datetime(2024, 1, 1), datetime.datetime(2030, 1, 1)).map(
        lambda at: at.replace(tzinfo=datetime.UTC)
    ),
    expression=st.sampled_from(["*/7 * * * *", "0 6 * * 1-5", "30 1 * * *", "15 2 * * 0", "0 0 1 * *"]),
    zone=st.sampled_from([LONDON, "Australia/Lord_Howe", "America/New_York", "Asia/Kathmandu"]),
)
def test_the_next_time_is_always_later(last, expression, zone):
    """No schedule stands still, whatever the clock does."""
    assert schedules.next_after(schedules.cron(expression, zone), last) > last
