"""A month's end is foretold from its whole days, and how little they say is said."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.app import forecasting
from counterfoil.app.forecasting import DAY, Forecast

NOV = datetime.date(2026, 11, 1)  # a Sunday


def days(*amounts, start=NOV):
    return {start + n * DAY: amount for n, amount in enumerate(amounts)}


def test_on_the_first_day_nothing_is_foretold():
    """What ran this morning says nothing of a month."""
    assert forecasting.of_month({NOV: 500}, NOV, NOV) == Forecast(500, None, is_rough=True, days=0)
    assert forecasting.of_month({}, None, NOV) == Forecast(0, None, is_rough=True, days=0)


def test_the_first_day_may_be_a_part_and_does_not_count_as_a_whole_one():
    """Metering began on the 10th at some hour; the 11th was the only whole day, and stands for all that are left."""
    used = {datetime.date(2026, 11, 10): 3, datetime.date(2026, 11, 11): 100, datetime.date(2026, 11, 12): 40}
    found = forecasting.of_month(used, datetime.date(2026, 11, 10), datetime.date(2026, 11, 12))
    assert found == Forecast(143, 143 + 60 + 18 * 100, is_rough=True, days=1)


def test_with_two_weeks_each_weekday_counts_by_its_own():
    """A shop that is closed at the weekend is not foretold to work on it."""
    start = datetime.date(2026, 11, 1)
    used = {day: 0 if day.weekday() >= 5 else 100 for day in (start + n * DAY for n in range(21))}
    today = datetime.date(2026, 11, 22)  # a Sunday, with nothing yet
    found = forecasting.of_month(used, start, today)
    assert found == Forecast(1500, 1500 + 6 * 100, is_rough=False, days=20)  # six working days are left of November


def test_a_day_above_its_mean_is_not_taken_back():
    """Today's import is what it is."""
    used = days(10, 10, 10, 500)
    assert forecasting.of_month(used, NOV, NOV + 3 * DAY) == Forecast(530, 530 + 26 * 10, is_rough=True, days=2)


def test_last_month_helps_this_months_first_days():
    """On the 2nd there are four weeks to go by; the month's own amount is its own."""
    start = datetime.date(2026, 10, 1)
    used = {start + n * DAY: 10 for n in range(33)}
    found = forecasting.of_month(used, start, datetime.date(2026, 11, 2))
    assert found == Forecast(20, 300, is_rough=False, days=28)


@given(
    st.lists(st.integers(0, 10**12), min_size=1, max_size=60),
    st.integers(0, 59),
    st.dates(datetime.date(2026, 1, 1), datetime.date(2027, 12, 1)),
)
def test_what_is_foretold_is_never_less_than_what_is(amounts, back, start):
    """Nor more than if every day left were the largest of them."""
    today = start + min(back, len(amounts) - 1) * DAY
    used = days(*amounts, start=start)
    found = forecasting.of_month(used, start, today)
    if found.at_end is not None:
        assert found.so_far <= found.at_end <= found.so_far + 31 * max(amounts)


@pytest.mark.parametrize("today", [datetime.date(2026, 11, 30), datetime.date(2028, 2, 29)])
def test_on_the_last_day_only_the_rest_of_it_is_foretold(today):
    """Leap years have one day more."""
    used = {today - 2 * DAY: 5, today - DAY: 5, today: 5}
    assert forecasting.of_month(used, today - 3 * DAY, today).at_end == 15
