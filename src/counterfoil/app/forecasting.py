"""What a month comes to at its end, from its days so far: honest about how little a few days say. Pure.

Called by costs. A day is one in UTC, as Xero's month is (facts §2.4). Whole days are taken as they were: with WEEKDAYS_FROM of
them each weekday counts by its own mean, with fewer all days count alike and the forecast says that it is rough, with none
there is no forecast, since a morning's import says nothing of a month.
"""

import calendar
import datetime
from collections.abc import Mapping
from typing import Final

import msgspec

WEEKDAYS_FROM: Final = 14  # whole days: each weekday twice
LOOKED_BACK: Final = datetime.timedelta(days=28)
DAY: Final = datetime.timedelta(days=1)


class Forecast(msgspec.Struct, frozen=True):
    """A month's amount `so_far` and `at_end` (None: too early to say). `is_rough`: from fewer than WEEKDAYS_FROM days.

    `days`: how many whole days it stands on.
    """

    so_far: int
    at_end: int | None
    is_rough: bool
    days: int


def of_month(by_day: Mapping[datetime.date, int], first: datetime.date | None, today: datetime.date) -> Forecast:
    """The forecast for the month of `today`. `by_day`: amounts, also of the month before; a day without one had none.

    `first`: the first day on which anything was counted, of which it may be only a part; None: nothing ever was.
    """
    so_far = sum(amount for day, amount in by_day.items() if _month(day) == _month(today) and day <= today)
    whole = _whole_days(first, today)
    if not whole:
        return Forecast(so_far, None, is_rough=True, days=0)
    left = [today.replace(day=number) for number in range(today.day + 1, _last(today) + 1)]
    is_rough = len(whole) < WEEKDAYS_FROM
    of_today = max(0, _expected(by_day, whole, today, is_rough) - by_day.get(today, 0))
    rest = sum(_expected(by_day, whole, day, is_rough) for day in left)
    return Forecast(so_far, so_far + of_today + rest, is_rough, len(whole))


def _whole_days(first: datetime.date | None, today: datetime.date) -> list[datetime.date]:
    """Days that are over and of which all was counted."""
    if first is None:
        return []
    start = max(first + DAY, today - LOOKED_BACK)
    return [start + n * DAY for n in range(max(0, (today - start).days))]


def _expected(
    by_day: Mapping[datetime.date, int], whole: list[datetime.date], day: datetime.date, is_rough: bool
) -> int:
    like = whole if is_rough else [one for one in whole if one.weekday() == day.weekday()]
    return sum(by_day.get(one, 0) for one in like) // len(like)


def _month(day: datetime.date) -> tuple[int, int]:
    return day.year, day.month


def _last(day: datetime.date) -> int:
    return calendar.monthrange(day.year, day.month)[1]
