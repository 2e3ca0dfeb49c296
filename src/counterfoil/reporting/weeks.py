"""What is to come in and go out, week by week, by due date in the organisation's calendar.

Called by app/figures. Weeks begin on Mondays, the first is the one that `today` is in. What is late already stands in
`overdue`: nobody knows when it will be paid. Unallocated credit has no due date; it stands in `credit`, below zero.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from counterfoil.model import money
from counterfoil.reporting.papers import Open

WEEKS: Final = 13
WEEKS_MAX: Final = 53


class Flow(msgspec.Struct, frozen=True):
    """What comes in and goes out in one currency, both above zero but for credit. `documents`: how many are behind it."""

    currency: str
    coming_in: Decimal
    going_out: Decimal
    documents: int


class Week(msgspec.Struct, frozen=True):
    """One week, both days included. `base`: all currencies in base currency, without documents that have no rate."""

    first: date
    last: date
    flows: tuple[Flow, ...]
    base: Flow


class Expected(msgspec.Struct, frozen=True):
    """`overdue`, the weeks, what is due after them, and credit; `without_rate`: documents that no `base` counts."""

    overdue: tuple[Flow, ...]
    weeks: tuple[Week, ...]
    later: tuple[Flow, ...]
    credit: tuple[Flow, ...]
    without_rate: int


class _Slot:
    __slots__ = ("base", "sums")

    def __init__(self) -> None:
        self.sums: dict[str, list[Decimal]] = {}
        self.base = [money.ZERO, money.ZERO, Decimal(0)]

    def add(self, one: Open) -> None:
        side = 0 if one.side == "receivables" else 1
        row = self.sums.setdefault(one.currency, [money.ZERO, money.ZERO, Decimal(0)])
        row[side] += one.open
        row[2] += 1
        if one.base is not None:
            self.base[side] += one.base
            self.base[2] += 1

    def flows(self) -> tuple[Flow, ...]:
        return tuple(_flow(currency, self.sums[currency]) for currency in sorted(self.sums))


def _flow(currency: str, row: list[Decimal]) -> Flow:
    return Flow(currency, row[0], row[1], int(row[2]))


class Forecast:
    """Adds open documents of both sides up. Any order gives the same."""

    def __init__(self, today: date, base_currency: str, weeks: int = WEEKS) -> None:
        self._today = today
        self._monday = today - timedelta(days=today.weekday())
        self._base_currency = base_currency
        self._weeks = [_Slot() for _ in range(weeks)]
        self._overdue, self._later, self._credit = _Slot(), _Slot(), _Slot()
        self._without_rate = 0

    def add(self, documents: Iterable[Open]) -> None:
        """Count these documents."""
        for one in documents:
            self._without_rate += one.base is None
            self._slot(one).add(one)

    def _slot(self, one: Open) -> _Slot:
        if one.kind != "invoice":
            return self._credit
        if one.due < self._today:
            return self._overdue
        week = (one.due - self._monday).days // 7
        return self._weeks[week] if week < len(self._weeks) else self._later

    def expected(self) -> Expected:
        """What was counted."""
        weeks = []
        for n, slot in enumerate(self._weeks):
            first = self._monday + timedelta(weeks=n)
            weeks.append(
                Week(first, first + timedelta(days=6), slot.flows(), _flow(self._base_currency, slot.base))
            )  # fmt: skip
        return Expected(
            self._overdue.flows(), tuple(weeks), self._later.flows(), self._credit.flows(), self._without_rate
        )
