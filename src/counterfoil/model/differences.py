"""Even out the cents between a record's own total and what Xero would compute: pure arithmetic.

Called by checks.differences. Shops round tax once per order, Xero once per line (facts 4.6), so that honest totals are a
cent or two apart. Nothing here knows a policy; every amount is in the document's currency and has two decimals.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from counterfoil.model import totals
from counterfoil.model.money import CENT, EXACT, to_cents
from counterfoil.model.totals import Amounts

SPREAD_MAX: Final = Decimal("100.00")  # beyond it, it is no rounding


class TaxedLine(msgspec.Struct, frozen=True):
    """A line's amount and tax. `open`: its tax may be moved, since a rate that is not zero made it."""

    amount: Decimal
    tax: Decimal
    open: bool


def spread(difference: Decimal, lines: Sequence[TaxedLine]) -> tuple[Decimal, ...] | None:
    """The taxes of the lines, in their order, whose sum is more by `difference`; None when that cannot be.

    A cent at a time: the line with the largest amount first (the earlier one of two alike), each line once before any
    line gets a second cent. No tax gets another sign than its line's amount. Only lines that are `open` are touched.
    """
    if abs(difference) > SPREAD_MAX:
        return None
    step = CENT if difference > 0 else -CENT
    order = sorted(
        (index for index, line in enumerate(lines) if line.open and line.amount),
        key=lambda index: (-abs(lines[index].amount), index),
    )
    taxes = [line.tax for line in lines]
    left = int(EXACT.divide(abs(difference), CENT))
    while left:
        before = left
        for index in order:
            moved = EXACT.add(taxes[index], step)
            if left and (not moved or (moved > 0) == (lines[index].amount > 0)):
                taxes[index] = moved
                left -= 1
        if left == before:
            return None
    return tuple(taxes)


def line_of(difference: Decimal, percent: Decimal, amounts: Amounts) -> Decimal | None:
    """The amount of a line at `percent` tax that changes a document's total by exactly `difference`; None: there is none.

    Where prices contain tax, or there is none, it is the difference itself.
    """
    if amounts != "exclusive" or not percent:
        return difference
    near = to_cents(EXACT.divide(EXACT.multiply(difference, totals.HUNDRED), EXACT.add(totals.HUNDRED, percent)))
    for amount in (near, near - CENT, near + CENT):
        if amount and EXACT.add(amount, totals.line_tax(amount, percent, amounts)) == difference:
            return amount
    return None
