"""What Xero makes of a document's lines: rounded prices, tax per line, totals. Called by the document resources.

A second implementation on purpose: the product predicts the same numbers with code of its own, and a test holds the
two together, so this module borrows nothing from it. Implements facts 4.6: the unit price is rounded first, the line
next, the tax of each line last, every time half away from zero; totals are sums of what was rounded.

Assumed where no source tells: an inclusive line's discount includes its tax; a line with a total but no unit price
gets the price that the total implies; without either but with a quantity it costs nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, Final

# Wide enough that a product of Xero's longest quantity and price is exact; ROUND_HALF_UP means away from zero.
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_UP)
_ZERO: Final = Decimal("0.00")
_HUNDRED: Final = Decimal(100)
_PLACES: Final = {2: Decimal("0.01"), 4: Decimal("0.0001")}
_AMOUNT_KEYS: Final = ("Quantity", "UnitAmount", "LineAmount")


@dataclass(frozen=True, slots=True)
class Priced:
    """A document's lines with their amounts, and its totals, in the document's currency, two places.

    `lines` are copies in the order given, with Quantity, UnitAmount, LineAmount and TaxAmount filled in; a line that
    only has a description stays as it was. `total` is `sub_total` + `total_tax` for every kind of line amount.
    """

    lines: list[dict[str, Any]]
    sub_total: Decimal
    total_tax: Decimal
    total: Decimal
    total_discount: Decimal


@dataclass(frozen=True, slots=True)
class Rules:
    """What could not be established (facts 11.11): exact half cents, and what the tax in a discounted inclusive line is of."""

    rounding: str = ROUND_HALF_UP
    taxes_exact_lines: bool = False


SAFER: Final = Rules()


class LineTotalMismatch(Exception):
    """A line came with a LineAmount that is not its quantity times its price; `message` is Xero's sentence."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def price(
    line_amount_types: str,
    lines: Sequence[Mapping[str, Any]],
    rate_of: Callable[[str], Decimal],
    unit_places: int,
    rules: Rules = SAFER,
) -> Priced:
    """Price `lines` (wire dicts whose numbers are Decimal or int) as Exclusive, Inclusive or NoTax.

    `rate_of` gives the per cent that a TaxType charges and is asked only where tax is due and no TaxAmount came with
    the line; a line without a TaxType bears none. `unit_places` is 2, or 4 with unitdp=4. `rules`: what is not known about Xero.
    Raises LineTotalMismatch.
    """
    priced: list[dict[str, Any]] = []
    line_sum, tax_sum, discount_sum = _ZERO, _ZERO, _ZERO
    for line in lines:
        if all(line.get(key) is None for key in _AMOUNT_KEYS):
            priced.append(dict(line))
            continue
        quantity, unit_amount, line_amount, discount = _line_amounts(line, unit_places, rules)
        taxed = _exact(line, quantity, unit_amount) if rules.taxes_exact_lines else line_amount
        tax_amount = _tax_amount(line_amount_types, line, line_amount if taxed is None else taxed, rate_of, rules)
        priced.append(
            {
                **line,
                "Quantity": quantity,
                "UnitAmount": unit_amount,
                "LineAmount": line_amount,
                "TaxAmount": tax_amount,
            }
        )
        line_sum, tax_sum, discount_sum = line_sum + line_amount, tax_sum + tax_amount, discount_sum + discount
    sub_total = line_sum - tax_sum if line_amount_types == "Inclusive" else line_sum
    return Priced(priced, sub_total, tax_sum, sub_total + tax_sum, discount_sum)


def _line_amounts(line: Mapping[str, Any], unit_places: int, rules: Rules) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Quantity, rounded unit price, rounded line total and the discount in it."""
    quantity = _number(line, "Quantity", Decimal(1))
    given = line.get("LineAmount")
    if line.get("UnitAmount") is None and given is not None:
        line_amount = _rounded(_number(line, "LineAmount", _ZERO), 2, rules)
        implied = _EXACT.divide(line_amount, quantity) if quantity else line_amount
        return quantity, _rounded(implied, unit_places, rules), line_amount, _ZERO
    unit_amount = _rounded(_number(line, "UnitAmount", _ZERO), unit_places, rules)
    gross = _EXACT.multiply(quantity, unit_amount)
    line_amount = _rounded(_after_discount(line, gross), 2, rules)
    if given is not None and _rounded(_number(line, "LineAmount", _ZERO), 2, rules) != line_amount:
        raise LineTotalMismatch(f"The line total {given} does not match the expected line total {line_amount}")
    discounted = line.get("DiscountRate") is not None or line.get("DiscountAmount") is not None
    return quantity, unit_amount, line_amount, _rounded(gross, 2, rules) - line_amount if discounted else _ZERO


def _after_discount(line: Mapping[str, Any], gross: Decimal) -> Decimal:
    """The line before rounding: a rate takes its share; without a rate an amount is taken off the whole line."""
    if line.get("DiscountRate") is not None:
        kept = _EXACT.subtract(_HUNDRED, _number(line, "DiscountRate", _ZERO))
        return _EXACT.divide(_EXACT.multiply(gross, kept), _HUNDRED)
    return _EXACT.subtract(gross, _number(line, "DiscountAmount", _ZERO))


def _exact(line: Mapping[str, Any], quantity: Decimal, unit_amount: Decimal) -> Decimal | None:
    """A discounted line before it was rounded; None: it has no discount, or only a total."""
    if line.get("UnitAmount") is None or (line.get("DiscountRate") is None and line.get("DiscountAmount") is None):
        return None
    return _after_discount(line, _EXACT.multiply(quantity, unit_amount))


def _tax_amount(
    line_amount_types: str,
    line: Mapping[str, Any],
    line_amount: Decimal,
    rate_of: Callable[[str], Decimal],
    rules: Rules,
) -> Decimal:
    """The tax of one line, rounded: nothing, what the line says, or what its rate makes."""
    if line_amount_types == "NoTax":
        return _ZERO
    if line.get("TaxAmount") is not None:
        return _rounded(_number(line, "TaxAmount", _ZERO), 2, rules)
    tax_type = line.get("TaxType")
    if not tax_type:
        return _ZERO
    rate = rate_of(tax_type)
    if line_amount_types == "Inclusive":
        net = _EXACT.divide(_EXACT.multiply(line_amount, _HUNDRED), _EXACT.add(_HUNDRED, rate))
        return _rounded(_EXACT.subtract(line_amount, net), 2, rules)
    return _rounded(_EXACT.divide(_EXACT.multiply(line_amount, rate), _HUNDRED), 2, rules)


def _number(line: Mapping[str, Any], key: str, absent: Decimal) -> Decimal:
    value = line.get(key)
    return absent if value is None else Decimal(value)


def _rounded(value: Decimal, places: int, rules: Rules) -> Decimal:
    """Half away from zero unless the rules say otherwise; minus nothing becomes nothing."""
    rounded = value.quantize(_PLACES[places], rules.rounding, _EXACT)
    return rounded or abs(rounded)
