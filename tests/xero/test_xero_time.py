"""Xero's time from Date headers, on a clock that never jumps."""

import datetime

import pytest

from counterfoil.xero.xero_time import XeroTime
from tests.xero.fakes import START, FakeClock

DATE = "Sun, 22 Nov 2026 09:10:00 GMT"  # ten minutes after START
TEN = datetime.timedelta(minutes=10)


@pytest.fixture
def clock():
    return FakeClock()


def test_before_the_first_answer(clock):
    """This machine's own time, and no word of an offset."""
    time = XeroTime(clock)
    assert (time.now(), time.offset_s, time.at(990.0)) == (START, None, START - datetime.timedelta(seconds=10))


def test_an_answer_tells_the_time(clock):
    """To half a second and half the way."""
    time = XeroTime(clock)
    time.learn(DATE, 999.0, 1000.0)
    assert time.now() == START + TEN + datetime.timedelta(seconds=1)
    assert time.at(900.0) == time.now() - datetime.timedelta(seconds=100)
    assert time.offset_s == 601.0


def test_a_clock_that_is_set_does_not_matter(clock):
    """What is counted on is the clock that never jumps."""
    time = XeroTime(clock)
    time.learn(DATE, 1000.0, 1000.0)
    before = time.now()
    clock.now = lambda: START - datetime.timedelta(days=400)
    clock.elapsed += 60
    assert time.now() - before == datetime.timedelta(seconds=60)


@pytest.mark.parametrize("date", [None, "", "soon", "Sun, 99 Nov 2026 09:10:00 GMT", "Sun, 22 Nov 2026 09:10:00"])
def test_no_time_in_it(clock, date):
    """A header that is missing or no date teaches nothing; one without a zone is UTC or nothing."""
    time = XeroTime(clock)
    time.learn(date, 1000.0, 1000.0)
    assert time.offset_s in (None, 600.5)


def test_a_slow_answer_teaches_nothing(clock):
    """Nobody knows when in eleven seconds it was."""
    time = XeroTime(clock)
    time.learn(DATE, 989.0, 1000.0)
    assert time.offset_s is None
