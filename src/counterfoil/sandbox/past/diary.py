"""The diary: what happens on which day. Each month is entered when it begins; what follows from it is entered as it happens.

Called by `living`. Days are the organisation's calendar days.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from counterfoil.sandbox.past.bank_book import BankBook
from counterfoil.sandbox.past.scene import Scene, weekday
from counterfoil.sandbox.past.trade import Trade

Task = Callable[[], None]

# Of all documents of a month; the payments that follow from them are the rest.
SALES_SHARE: Final = Decimal("0.33")
BILLS_SHARE: Final = Decimal("0.14")
BANK_SHARE: Final = Decimal("0.09")
CREDITS_SHARE: Final = Decimal("0.02")
WAGES_AFTER_DAYS, SAVINGS_AFTER_DAYS, WEAR_AFTER_DAYS = 24, 25, 26  # the first of the month
_MONTH_DAYS: Final = 28


class Diary:
    """What is still to be done, by day; what would be after the scene's last day is not entered.

    `documents`: about how many a month has, payments among them.
    """

    def __init__(self, scene: Scene, documents: int) -> None:
        self._scene = scene
        self._documents = documents
        self._trade = Trade(scene, self._enter)
        self._bank_book = BankBook(scene)
        self._tasks: defaultdict[date, list[Task]] = defaultdict(list)
        self._is_founded = False

    def due(self, day: date) -> list[Task]:
        """What is to be done this day, in the order in which it was entered; it is in the diary no more."""
        return self._tasks.pop(day, [])

    def begin_month(self, first: date) -> None:
        """Enter what happens in the month that begins this day."""
        company, trade, bank_book = self._scene.company, self._trade, self._bank_book
        if not self._is_founded:
            self._is_founded = True
            self._enter(first, bank_book.capital)
        if company.customers:
            self._enter_share(first, SALES_SHARE, trade.sale)
            self._enter_share(first, CREDITS_SHARE, trade.credit)
            self._enter(self._day_in(first), bank_book.paid_too_much)
        if company.suppliers:
            self._enter_share(first, BILLS_SHARE, trade.bill)
        if company.suppliers and company.banks:
            self._enter_share(first, BANK_SHARE, bank_book.bank_line)
        self._enter(weekday(first + timedelta(days=WAGES_AFTER_DAYS)), bank_book.wages)
        self._enter(weekday(first + timedelta(days=SAVINGS_AFTER_DAYS)), bank_book.savings)
        self._enter(weekday(first + timedelta(days=WEAR_AFTER_DAYS)), bank_book.depreciation)

    def _enter_share(self, first: date, share: Decimal, task: Callable[[date], None]) -> None:
        """Enter the task for a share of the month's documents, at least once, on any of its days."""
        for _ in range(max(1, int(self._documents * share))):
            self._enter(self._day_in(first), task)

    def _enter(self, day: date, task: Callable[[date], None]) -> None:
        if day <= self._scene.last:
            self._tasks[day].append(partial(task, day))

    def _day_in(self, first: date) -> date:
        return weekday(first + timedelta(days=self._scene.dice.randrange(_MONTH_DAYS)))
