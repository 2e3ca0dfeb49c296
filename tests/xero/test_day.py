"""The day: what is left, when it begins anew, how long it lasts, and who slows down so that it does."""

import bisect
import itertools
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from counterfoil.xero import day as days
from counterfoil.xero.day import DAY_S, HOUR_S, PROBE, SECOND, Day

START = 1_000 * SECOND
WALL = 1_790_000_000
KEPT = (0, 20, 50, 100, 200)
BULK, SYNC, INTERACTIVE = 4, 3, 1


class Xero:
    """One organisation's day as Xero counts it: fixed, from a moment of its own, or rolling. Every call is kept in a list."""

    def __init__(self, most=5_000, phase_s=0, *, rolling=False):
        self.most, self.phase_s, self.rolling = most, phase_s, rolling
        self.calls = []

    def left(self, wall):
        """What is left at that time."""
        since = wall - DAY_S if self.rolling else (wall - self.phase_s) // DAY_S * DAY_S + self.phase_s - 1
        return self.most - (len(self.calls) - bisect.bisect_right(self.calls, since))

    def begins_anew(self, wall):
        """The next time after `wall`."""
        return ((wall - self.phase_s) // DAY_S + 1) * DAY_S + self.phase_s


class Shop:
    """One organisation, its budget and the true day. `jump_s`: how wrong the wall clock is."""

    def __init__(self, xero):
        self.xero, self.day, self.s, self.jump_s = xero, Day(), 0, 0
        self.last = [0] * 5
        self.refused = 0

    @property
    def now(self):
        """The shared clock."""
        return START + self.s * SECOND

    @property
    def wall(self):
        """The wall clock."""
        return WALL + self.s + self.jump_s

    def ask(self, rank):
        """What the lane hears now."""
        days.settle(self.day, self.now, self.wall)
        return days.held(self.day, rank, KEPT[rank], self.xero.most, self.last[rank], self.now, self.wall)

    def call(self, rank):
        """True: it went, and Xero took it. Xero's 429 is learned and counted."""
        if self.ask(rank) is not None:
            return False
        days.used(self.day, rank, self.now)
        self.last[rank] = self.now
        true_s = WALL + self.s
        if self.xero.left(true_s) <= 0:
            self.refused += 1
            wait_s = self.xero.begins_anew(true_s) - true_s
            days.used_up(self.day, wait_s * SECOND, self.now, self.wall)
            return False
        self.xero.calls.append(true_s)
        days.told(self.day, self.xero.left(true_s), 0, self.xero.most, self.now, self.now, self.wall)
        return True


def test_a_remainder_that_rises_is_a_new_day_and_its_moment_is_remembered():
    """Twice seen, it is known to the second; the day after, nobody has to be told that it began anew."""
    shop = Shop(Xero(phase_s=WALL % DAY_S + 5 * HOUR_S))
    for _ in range(24 * 12):
        shop.s += 300
        assert shop.call(INTERACTIVE)
    assert days.is_phased(shop.day)
    true = shop.xero.begins_anew(shop.wall)
    assert shop.day.low <= true <= shop.day.due
    assert shop.day.due - shop.day.low <= 300
    shop.s += (true - shop.wall) + 301
    days.settle(shop.day, shop.now, shop.wall)
    assert shop.day.left is None


@given(st.lists(st.integers(60, 3 * DAY_S), min_size=4, max_size=40), st.integers(0, DAY_S - 1))
def test_what_is_known_of_the_moment_is_never_wrong_while_days_are_fixed(gaps, phase_s):
    """However seldom somebody calls: the day begins anew between the two times that are kept."""
    shop = Shop(Xero(most=200, phase_s=phase_s))
    for gap in gaps:
        shop.s += gap
        for _ in range(12):
            shop.call(0)
    if shop.day.low:
        assert 0 <= (shop.day.due - phase_s) % DAY_S <= shop.day.due - shop.day.low
    if shop.day.due:
        assert shop.day.due >= shop.xero.begins_anew(WALL + shop.s - DAY_S)


def test_retry_after_of_a_used_up_day_says_when_it_begins_anew():
    """Until then nobody asks, and it is the moment of the days after, too."""
    shop = Shop(Xero(most=3, phase_s=(WALL + 7_000) % DAY_S))
    while shop.call(0):
        shop.s += 1
    shop.day.blocked = 0  # another told 0 and asked all the same
    shop.day.left = None
    assert not shop.call(0)
    held = shop.ask(BULK)
    assert held.told
    assert abs((held.until - shop.now) // SECOND - (7_000 - shop.s)) <= 1
    shop.s = 7_001
    assert shop.call(0)
    assert days.is_phased(shop.day)


def test_a_used_up_day_ends_while_the_machine_is_off():
    """The shared clock stood still over night; the wall clock did not."""
    day = Day()
    days.used_up(day, 36_000 * SECOND, START, WALL)
    assert days.held(day, 0, 0, 5_000, 0, START + SECOND, WALL + 1).told
    days.settle(day, START + 2 * SECOND, WALL + 36_001)
    assert days.held(day, 0, 0, 5_000, 0, START + 2 * SECOND, WALL + 36_001) is None


def test_a_wall_clock_that_is_put_back_holds_nobody_for_more_than_a_day():
    """It said next year, and says this year again."""
    day = Day()
    days.told(day, 4_000, 0, 5_000, START, START, WALL + 365 * DAY_S)
    days.settle(day, START + SECOND, WALL)
    assert days.time_left_s(day, WALL) <= DAY_S


@pytest.mark.parametrize("rolling", [False, True])
def test_answers_that_overtake_one_another_are_no_new_day(rolling):
    """The smaller remainder counts while both were on their way; of a call that began later the newest."""
    day = Day()
    days.told(day, 99, 0, 5_000, START, START + 2, WALL)
    days.told(day, 100, 0, 5_000, START + 1, START + 3, WALL)
    assert day.left == 99
    assert not day.low
    days.told(day, 101, 0, 5_000, START + 4, START + 5, WALL)
    assert day.left == 101, "an old call of a rolling day dropped out"
    assert not day.low


def test_an_answer_of_the_day_before_says_nothing_of_this_one():
    """It was on its way when the day began anew."""
    day = Day()
    days.told(day, 100, 0, 5_000, START, START + 1, WALL)
    days.told(day, 4_999, 0, 5_000, START + 3, START + 4, WALL + 60)
    days.told(day, 98, 0, 5_000, START + 2, START + 5, WALL + 60)
    assert day.left == 4_999


@settings(max_examples=25, deadline=None)
@given(
    most=st.sampled_from([1_000, 5_000]),
    share=st.floats(0.05, 0.75),
    phase_h=st.integers(0, 23),
    seed=st.integers(0, 1_000),
)
def test_with_a_constant_demand_of_the_upper_lanes_the_day_lasts_for_them(most, share, phase_h, seed):
    """An import that would take everything leaves them all they ask for, and gets two thirds of the rest, never long at rest."""
    dice = random.Random(seed)
    shop = Shop(Xero(most=most, phase_s=phase_h * HOUR_S))
    per_s = share * (most - KEPT[INTERACTIVE]) / DAY_S
    assume(per_s * 20 < 1)
    wanted = got = 0
    bulk, begins = [], 2 * DAY_S
    step_s, end_s = 20, 4 * DAY_S
    first = shop.xero.begins_anew(WALL + begins)  # the first whole day
    for shop.s in range(0, end_s, step_s):
        if dice.random() < per_s * step_s:
            wanted += 1
            got += shop.call(INTERACTIVE)
        if shop.s >= begins and shop.call(BULK):
            bulk.append(WALL + shop.s)
    assert shop.refused == 0
    assert got == wanted
    whole = [at for at in bulk if first <= at < first + DAY_S]
    assert len(whole) >= 0.66 * (most - KEPT[BULK] - per_s * DAY_S) - 30
    gaps = [later - sooner for sooner, later in itertools.pairwise(whole)]
    assert max(gaps, default=0) <= 2 * HOUR_S


def test_while_there_is_plenty_nobody_slows_down():
    """An import of ten thousand invoices is some three hundred calls: it takes them at once."""
    shop = Shop(Xero())
    shop.call(0)
    assert all(shop.call(BULK) for _ in range(2_000))


def test_the_forecast_says_when_the_day_runs_out():
    """At two a minute what is left lasts half as many minutes; a pace that lasts until the new day is none."""
    shop = Shop(Xero(most=2_000))
    shop.day.left = None
    for _ in range(1_500):
        shop.s += 30
        assert shop.call(0)
    shop.day.due = shop.wall + 20 * HOUR_S
    left_s = days.runs_out_in_s(shop.day, shop.now, shop.wall)
    assert left_s == pytest.approx(shop.day.left * 30, rel=0.05)
    shop.day.due = shop.wall + HOUR_S
    assert days.runs_out_in_s(shop.day, shop.now, shop.wall) is None
    assert days.runs_out_in_s(Day(), START, WALL) is None
    assert days.runs_out_in_s(Day(left=0), START, WALL) == 0


def test_a_lower_lane_that_would_wait_long_is_told_so():
    """Half a minute is waited for; a quarter of an hour is an error with its time."""
    day = Day(left=210, heard_wall=WALL, due=WALL + 10 * HOUR_S)
    held = days.held(day, BULK, KEPT[BULK], 5_000, START, START, WALL)
    assert held.told
    assert held.until - START <= PROBE
    assert days.held(day, SYNC, 0, 400, START, START + PROBE, WALL) is None
