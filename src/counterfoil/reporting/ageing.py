"""Ageing: what each contact owes or is owed, by how long it is late, per currency and in base currency.

Called by app/figures. Buckets hold invoices (or bills) alone. Credit notes, over- and prepayments that nobody has allocated
stand beside them in `credit`, below zero: which invoice they will settle nobody has decided, so none is made to look
younger by them; `total` counts them. Memory: one row per contact and currency.
"""

import heapq
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final, Literal

import msgspec

from counterfoil.model import money
from counterfoil.reporting.papers import Open

By = Literal["due_date", "invoice_date"]
Bucket = Literal["not_due", "days_1_30", "days_31_60", "days_61_90", "over_90", "credit"]
BUCKETS: Final[tuple[Bucket, ...]] = ("not_due", "days_1_30", "days_31_60", "days_61_90", "over_90", "credit")
DAYS_OF_A_BUCKET: Final = 30
_LAST: Final = 4  # of those that hold invoices


class Aged(msgspec.Struct, frozen=True):
    """Amounts of one currency by age, `credit` below zero; they add up to `total`. `documents`: how many are behind it."""

    not_due: Decimal
    days_1_30: Decimal
    days_31_60: Decimal
    days_61_90: Decimal
    over_90: Decimal
    credit: Decimal
    total: Decimal
    documents: int


class ContactAged(msgspec.Struct, frozen=True):
    """One contact in one currency. `base_total` None: a document of it has no rate, so nobody can say."""

    contact_id: str
    contact: str
    currency: str
    aged: Aged
    base_total: Decimal | None


class BaseAged(msgspec.Struct, frozen=True):
    """All currencies in base currency. `without_rate`: documents of other currencies that are not in it."""

    currency: str
    aged: Aged
    without_rate: int


class _Sums:
    __slots__ = ("amounts", "documents")

    def __init__(self) -> None:
        self.amounts = [money.ZERO] * len(BUCKETS)
        self.documents = 0

    def add(self, bucket: int, amount: Decimal) -> None:
        self.amounts[bucket] += amount
        self.documents += 1

    def aged(self) -> Aged:
        not_due, one, two, three, over, credit = self.amounts
        return Aged(not_due, one, two, three, over, credit, sum(self.amounts, money.ZERO), self.documents)


class _Contact(_Sums):
    __slots__ = ("base", "name", "named_on")

    def __init__(self) -> None:
        super().__init__()
        self.base: Decimal | None = money.ZERO
        self.name = ""
        self.named_on = (date.min, "")


def bucket_of(one: Open, today: date, by: By = "due_date") -> Bucket:
    """Where a document stands on a day of the organisation's calendar; due today is not late."""
    return BUCKETS[_place(one, today, by)]


def _place(one: Open, today: date, by: By) -> int:
    if one.kind != "invoice":
        return len(BUCKETS) - 1
    late = (today - (one.due if by == "due_date" else one.date)).days
    return 0 if late <= 0 else min((late - 1) // DAYS_OF_A_BUCKET + 1, _LAST)


class Ageing:
    """Adds documents of one side up. Any order gives the same."""

    def __init__(self, today: date, base_currency: str, by: By = "due_date") -> None:
        self._today = today
        self._by = by
        self._base_currency = base_currency
        self._contacts: dict[tuple[str, str], _Contact] = {}
        self._base = _Sums()
        self._without_rate = 0

    def add(self, documents: Iterable[Open]) -> None:
        """Count these documents."""
        for one in documents:
            place = _place(one, self._today, self._by)
            key = (one.contact_id, one.currency)
            row = self._contacts.get(key)
            if row is None:
                row = self._contacts[key] = _Contact()
            row.add(place, one.open)
            if (named_on := (one.date, one.document_id)) >= row.named_on and one.contact:
                row.name, row.named_on = one.contact, named_on  # as the newest document calls it
            if one.base is None:
                self._without_rate += 1
                row.base = None
            else:
                self._base.add(place, one.base)
                row.base = None if row.base is None else row.base + one.base

    def contacts(self, after: tuple[str, str] = ("", ""), most: int | None = None) -> list[ContactAged]:
        """Contacts behind a (contact id, currency), in that order; all of them without `most`."""
        behind = (key for key in self._contacts if key > after)
        keys = sorted(behind) if most is None else heapq.nsmallest(most, behind)
        rows = [(key, self._contacts[key]) for key in keys]
        return [ContactAged(key[0], row.name, key[1], row.aged(), row.base) for key, row in rows]

    def totals(self) -> dict[str, Aged]:
        """By currency, in the order of their codes."""
        sums: dict[str, _Sums] = {}
        for (_contact, currency), row in self._contacts.items():
            one = sums.setdefault(currency, _Sums())
            one.amounts = [mine + more for mine, more in zip(one.amounts, row.amounts, strict=True)]
            one.documents += row.documents
        return {currency: sums[currency].aged() for currency in sorted(sums)}

    def base(self) -> BaseAged:
        """Everything in base currency, each document at its own rate."""
        return BaseAged(self._base_currency, self._base.aged(), self._without_rate)


class Chosen(msgspec.Struct, frozen=True):
    """Which documents stand behind a number: those of a contact, a currency, a bucket; None: of any."""

    contact_id: str | None = None
    currency: str | None = None
    bucket: Bucket | None = None
    by: By = "due_date"

    def takes(self, one: Open, today: date) -> bool:
        """Whether it is one of them."""
        return (
            self.contact_id in (None, one.contact_id)
            and self.currency in (None, one.currency)
            and self.bucket in (None, bucket_of(one, today, self.by))
        )


def key(one: Open) -> tuple[date, str]:
    """The order of documents behind a number: the oldest debt first."""
    return one.due, one.document_id


class Page:
    """The first `most` documents behind a key, of any number that pass by. Memory: `most` documents."""

    def __init__(self, after: tuple[date, str] | None, most: int) -> None:
        self._after = after
        self._most = most
        self._kept: list[Open] = []

    def add(self, documents: Iterable[Open]) -> None:
        """Look at these documents."""
        behind = [one for one in documents if self._after is None or key(one) > self._after]
        self._kept = heapq.nsmallest(self._most, [*self._kept, *behind], key=key)

    def documents(self) -> list[Open]:
        """In order."""
        return self._kept
