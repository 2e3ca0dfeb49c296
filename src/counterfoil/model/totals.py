"""Our prediction of Xero's arithmetic: line amounts, tax per line, and a document's totals.

Called by flows/ before anything is sent, and by the sample generator. Implements facts 4.6, for requests with
`unitdp=4`. Decimal only; every amount is in the document's currency and has two decimals once computed here.

Where Xero is silent we assume: an exact half cent goes away from zero; tax on a discounted inclusive line is taken
from the discounted, already rounded line amount. What Xero stored is compared with this after each posting, so an
assumption that is wrong shows as a problem and not as a silent cent.
"""

import functools
from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Literal

import msgspec

from counterfoil.model.money import CENT, EXACT, ZERO

LINE_AMOUNT_MAX: Final = Decimal("9999999999.99")  # facts 4.6
HUNDRED: Final = Decimal(100)
REMEMBERED_MAX: Final = 4096  # lines of the same goods at the same price come again and again

Amounts = Literal["exclusive", "inclusive", "no_tax"]


class Totals(msgspec.Struct, frozen=True):
    """A document's totals: `total` is always `sub_total` + `total_tax`."""

    sub_total: Decimal
    total_tax: Decimal
    total: Decimal


@functools.lru_cache(REMEMBERED_MAX)
def line_amount(
    quantity: Decimal,
    unit_amount: Decimal,
    discount_rate: Decimal | None = None,
    discount_amount: Decimal | None = None,
) -> Decimal:
    """Quantity times price less the discount, rounded once, at the end.

    `discount_rate` is per cent of the line; `discount_amount` is taken from the whole line, not from each piece. Give
    at most one of them.
    """
    amount = EXACT.multiply(quantity, unit_amount)
    if discount_rate is not None:
        amount = EXACT.divide(EXACT.multiply(amount, EXACT.subtract(HUNDRED, discount_rate)), HUNDRED)
    elif discount_amount is not None:
        amount = EXACT.subtract(amount, discount_amount)
    return EXACT.add(EXACT.quantize(amount, CENT), ZERO)  # adding makes -0.00 plain zero


@functools.lru_cache(REMEMBERED_MAX)
def line_tax(amount: Decimal, percent: Decimal, amounts: Amounts) -> Decimal:
    """The tax of one line of `amount` at an effective rate of `percent`, rounded on its own.

    Inclusive: the tax inside the amount, amount - amount / (1 + rate), rounded as a whole.
    """
    if amounts == "no_tax" or not percent:
        return ZERO
    share = EXACT.multiply(amount, percent)
    whole = HUNDRED if amounts == "exclusive" else EXACT.add(HUNDRED, percent)
    return EXACT.add(EXACT.quantize(EXACT.divide(share, whole), CENT), ZERO)


def document(lines: Iterable[tuple[Decimal, Decimal]], amounts: Amounts) -> Totals:
    """The totals of lines given as (line amount, line tax): sums of what was rounded, never rounded sums."""
    gross, tax = ZERO, ZERO
    for amount, line_tax_amount in lines:
        gross = EXACT.add(gross, amount)
        tax = EXACT.add(tax, line_tax_amount)
    if amounts == "inclusive":
        return Totals(sub_total=EXACT.subtract(gross, tax), total_tax=tax, total=gross)
    return Totals(sub_total=gross, total_tax=tax, total=EXACT.add(gross, tax))
