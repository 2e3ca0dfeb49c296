"""An entry: balanced lines in base currency, and the accounts that the ledger itself writes to.

Called by the files of this folder. Debits are positive. Lines are stored as plain arrays, so `Line(*stored)` reads one.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books

CENT: Final = Decimal("0.01")
ZERO: Final = Decimal("0.00")

DEBTORS: Final = "DEBTORS"
CREDITORS: Final = "CREDITORS"
TAX: Final = "GST"
ROUNDING: Final = "ROUNDING"
GAINS: Final = "REALISEDCURRENCYGAIN"
RETAINED: Final = "RETAINEDEARNINGS"


class Line(NamedTuple):
    """One side of an entry. `net` is what moves the account; `tax` only tells what tax belongs to it."""

    account: str
    net: Decimal
    tax: Decimal = ZERO
    tax_type: str = ""
    description: str = ""
    tracking: tuple[dict[str, Any], ...] | list[dict[str, Any]] = ()


class Entry(NamedTuple):
    """What one row posts under `part` (a row may post several). `day` is a wire date, `cash`: also on cash basis."""

    part: str
    source_id: str
    source_type: str
    day: str
    reference: str
    lines: list[Line]
    cash: bool = True


def system(books: Books, name: str) -> str:
    """The AccountID of a system account; the zero GUID for a chart that lacks it."""
    row = books.table("Accounts").first("system", name)
    return wire.ZERO_GUID if row is None else str(row["AccountID"])


def in_base(books: Books, amount: Decimal, rate: Decimal) -> Decimal:
    """A document's amount in base currency: `rate` is document currency for one unit of base (facts 4.6, 11.11)."""
    if rate == 1:
        return amount.quantize(CENT, ROUND_HALF_UP)
    if books.unknowns.plays("currency-rate", "base-per-foreign"):
        return (amount * rate).quantize(CENT, ROUND_HALF_UP)
    return part_of(amount, rate)


def part_of(amount: Decimal, whole: Decimal) -> Decimal:
    """The amount divided, to the cent."""
    return (amount / whole).quantize(CENT, ROUND_HALF_UP)


def balanced(books: Books, lines: list[Line], account: str) -> list[Line]:
    """The lines, with what is missing to nothing on this system account; lines that move nothing are left out."""
    rest = sum((line.net for line in lines), ZERO)
    kept = [line for line in lines if line.net or line.tax]
    return [*kept, Line(system(books, account), -rest)] if rest else kept


def merged(lines: Iterable[Line]) -> dict[str, Decimal]:
    """Sums by account."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        sums[line.account] = sums.get(line.account, ZERO) + line.net
    return sums
