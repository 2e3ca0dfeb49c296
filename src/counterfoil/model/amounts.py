"""Amounts in Xero's answers: read digit for digit, and the usual ones made but once.

Called by model's records (`Amount`), decoding and record. Pure. Making a Decimal costs seven times what a float costs, and
was 40 % of a page's decoding. msgspec hands a number's own text over only where it does not know the type; so amounts are
of a type that it does not know, and that every Decimal is an instance of.
"""

import contextlib
import decimal
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

REMEMBERED_MAX: Final = 4096
WRITING_MAX: Final = 20  # characters of one that is remembered


class _IsDecimal(type):
    __instancecheck__ = type.__instancecheck__.__get__(Decimal)  # the native check: ours would cost more than it saves


if TYPE_CHECKING:
    Amount: TypeAlias = Decimal
else:

    class Amount(metaclass=_IsDecimal):
        """An amount, a quantity or a rate; the value is a Decimal."""


class _Full(dict[str, Decimal]):
    """The first few thousand writings; what is not among them is made natively each time, which costs no more than ever."""

    __missing__ = staticmethod(Decimal)


class _Filling(dict[str, Decimal]):
    """Remembers how amounts were written until it is full. Prices, noughts and rates come again and again."""

    def __missing__(self, text: str) -> Decimal:
        amount = Decimal(text)
        if len(text) <= WRITING_MAX:
            self[text] = amount
            if len(self) >= REMEMBERED_MAX:
                self.__class__ = _Full  # type: ignore[assignment]  # the same dict, but it learns no more
        return amount


exact: Final[Callable[[str], Decimal]] = _Filling().__getitem__  # for a decoder's float_hook


def of(type_: Any, value: Any) -> Any:
    """For a decoder's dec_hook: an amount that is a whole number or a text becomes one. Raises ValueError for others."""
    if isinstance(value, Decimal):
        return value
    if type(value) in (int, str):
        with contextlib.suppress(decimal.InvalidOperation):
            amount = Decimal(value)
            if amount.is_finite():
                return amount
    raise ValueError(f"Expected `{type_.__name__.lower()}`, got `{type(value).__name__}`")
