"""Amounts: exact decimals, one named rounding rule, and money that knows its currency.

Called by totals, records, checks and the reports. Rounding is half away from zero to cents, as Xero rounds lines and
tax (facts 4.6; Xero never says what it does with an exact half cent, so this is our assumption). Xero stores two
decimals in every currency.
"""

import decimal
import functools
from decimal import Decimal
from typing import Final

import msgspec

CENT: Final = Decimal("0.01")
ZERO: Final = Decimal("0.00")
DECIMALS_MAX: Final = 20
# Wide enough for a quantity of 13 digits times a price of 14 times a rate: nothing is lost before the one rounding.
EXACT: Final = decimal.Context(prec=60, rounding=decimal.ROUND_HALF_UP)


def to_cents(amount: Decimal) -> Decimal:
    """`amount` rounded to two decimals, an exact half away from zero."""
    return EXACT.quantize(amount, CENT)


def places(amount: Decimal) -> int:
    """How many decimals `amount` really has: 1.50 has one, 100 none. Only for finite amounts."""
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int), "an amount is finite"
    # Beyond this EXACT would round while it strips zeros; nobody's price has so many.
    if -exponent <= DECIMALS_MAX:
        exponent = EXACT.normalize(amount).as_tuple().exponent
        assert isinstance(exponent, int), "stripping zeros keeps it finite"
    return max(0, -exponent)


def whole_digits(amount: Decimal) -> int:
    """How many digits stand before the decimal point; at least one."""
    return max(1, amount.adjusted() + 1)


@functools.lru_cache(4096)  # the same prices come again and again
def plain(amount: Decimal) -> str:
    """The shortest plain writing, so that equal amounts are written alike: 1E+2 and 100.00 give "100"."""
    if not amount:
        return "0"
    written = str(amount)
    if "E" in written:
        return format(EXACT.normalize(amount), "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


class Money(msgspec.Struct, frozen=True, order=False):
    """An amount in a currency. Adding or comparing across currencies is a mistake of ours: AssertionError."""

    amount: Decimal
    currency: str

    def __add__(self, other: "Money") -> "Money":
        assert self.currency == other.currency, f"{self.currency} is not {other.currency}"
        return Money(EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        assert self.currency == other.currency, f"{self.currency} is not {other.currency}"
        return Money(EXACT.subtract(self.amount, other.amount), self.currency)

    def __str__(self) -> str:
        return f"{to_cents(self.amount)} {self.currency}"
