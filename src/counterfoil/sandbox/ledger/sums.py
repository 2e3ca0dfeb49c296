"""What the journals come to: movements of accounts, on accrual or cash basis, and their sums.

Called by `reports`. Amounts are base currency, debits positive. On cash basis (paymentsOnly) an invoice or credit note
counts as far as it was paid or allocated, line by line and to the cent as a whole; manual journals may stay out of it.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger.entry import CENT, ZERO, Line
from counterfoil.sandbox.tables import Row

Keep = Callable[["Movement"], bool]


class Movement(NamedTuple):
    """One line of a journal on its day."""

    day: date
    account: str
    net: Decimal
    options: frozenset[str]  # ids of the tracking options of the line


def movements(books: Books, *, cash: bool) -> list[Movement]:
    """Every line of every journal that still counts, in the order of posting."""
    found: list[Movement] = []
    for journal in books.table("journals"):
        if not journal["live"]:
            continue  # it and its reversal are of the same day
        day, lines = wire.day_of(journal["day"]), [Line(*line) for line in journal["lines"]]
        name, _, key = journal["of"].partition("/")
        if cash and name in {"Invoices", "CreditNotes"} and not journal["part"]:
            found += _recognised(books.table(name).rows[key], day, lines)
        elif journal["cash"] or not cash:
            found += (_movement(day, line) for line in lines)
    return found


def summed(found: Iterable[Movement], keep: Keep) -> dict[str, Decimal]:
    """Sums by account of the movements that are kept."""
    sums: dict[str, Decimal] = {}
    for one in found:
        if keep(one):
            sums[one.account] = sums.get(one.account, ZERO) + one.net
    return sums


def applications(row: Row) -> list[tuple[date, Decimal]]:
    """When how much was put on a document, in its own currency, oldest first."""
    own = wire.day_of(row["Date"])
    parts = [
        (wire.day_of(one["Date"]), one["Amount"]) for key in ("Payments", "Allocations") for one in row.get(key, ())
    ]
    for key in ("CreditNotes", "Overpayments", "Prepayments"):
        parts += [(max(own, wire.day_of(one["Date"])), one["AppliedAmount"]) for one in row.get(key, ())]
    return sorted(parts, key=lambda part: part[0])


def _recognised(row: Row, day: date, lines: list[Line]) -> Iterator[Movement]:
    """The part of a document's journal that each application brings onto cash basis."""
    total, so_far = row["Total"], Decimal(0)
    if not total:  # a person may have taken away what was paid for
        return
    before = [ZERO] * len(lines)
    for applied_on, amount in applications(row):
        so_far += amount
        after = [(line.net * so_far / total).quantize(CENT, ROUND_HALF_UP) for line in lines[:-1]]
        after.append(-sum(after, ZERO))
        for line, new, old in zip(lines, after, before, strict=True):
            if new != old:
                yield _movement(max(day, applied_on), line._replace(net=new - old))
        before = after


def _movement(day: date, line: Line) -> Movement:
    return Movement(day, line.account, line.net, frozenset(one["TrackingOptionID"] for one in line.tracking))
