"""The functions of expressions: exact decimals in the source's own writing, texts, days and lookups.

Called by expressions, which hands them to the library. Pure. None of them ever raises, since the library would print
the message: what goes wrong is noted in `failures` and a neutral value returned; an expression with a failure has no
result. Amounts come and go as texts that [flows.NAME.read] reads; in between they are Decimal, and a result that could
not be exact is a failure unless the function names its rounding.
"""

import datetime
import decimal
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil.mapping.lookups import Lookup
from counterfoil.mapping.texts import Misread, Reader

ROUNDINGS: Final = {
    "half_up": decimal.ROUND_HALF_UP, "half_even": decimal.ROUND_HALF_EVEN, "up": decimal.ROUND_UP,
    "down": decimal.ROUND_DOWN,
}  # fmt: skip
PLACES_MAX: Final = 10
EXACT: Final = decimal.Context(
    prec=60, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow, decimal.DivisionByZero]
)
# A quotient is cut off so that rounding it once more is as good as rounding the whole of it (that is what 05UP is for).
_WIDE: Final = decimal.Context(prec=200, rounding=decimal.ROUND_05UP)


class Signature(msgspec.Struct, frozen=True):
    """How a function is called: the kinds of its first arguments, of any more, and of what it gives.

    Kinds: amount, text, key (a text or a list), day, places, rounding, name (of a lookup), list, rows, column, yes_no.
    `least` is how many arguments it needs.
    """

    takes: tuple[str, ...]
    least: int
    gives: str
    more: str | None = None
    usage: str = ""


SIGNATURES: Final[Mapping[str, Signature]] = {
    "add": Signature(("amount", "amount"), 2, "amount", "amount", "add(a, b, …)"),
    "sub": Signature(("amount", "amount"), 2, "amount", None, "sub(a, b)"),
    "mul": Signature(("amount", "amount"), 2, "amount", "amount", "mul(a, b, …)"),
    "div": Signature(("amount", "amount", "places", "rounding"), 4, "amount", None, 'div(a, b, 2, "half_up")'),
    "neg": Signature(("amount",), 1, "amount", None, "neg(a)"),
    "round": Signature(("amount", "places", "rounding"), 2, "amount", None, "round(a, 2)"),
    "sum": Signature(("rows", "column"), 1, "amount", "column", 'sum(rows, "Price")'),
    "gt": Signature(("amount", "amount"), 2, "yes_no", None, "gt(a, b)"),
    "lt": Signature(("amount", "amount"), 2, "yes_no", None, "lt(a, b)"),
    "eq": Signature(("amount", "amount"), 2, "yes_no", None, "eq(a, b)"),
    "nonzero": Signature(("amount",), 1, "yes_no", None, "nonzero(a)"),
    "blank": Signature(("text",), 1, "yes_no", None, "blank(row.Name)"),
    "replace": Signature(("text", "text", "text"), 3, "text", None, 'replace(row.Name, "old", "new")'),
    "lower": Signature(("text",), 1, "text", None, "lower(row.Name)"),
    "upper": Signature(("text",), 1, "text", None, "upper(row.Name)"),
    "split": Signature(("text", "text"), 2, "list", None, 'split(row.Name, " ")[0]'),
    "substr": Signature(("text", "places", "places"), 2, "text", None, "substr(row.Name, 0, 3)"),
    "date": Signature(("text", "text"), 1, "day", None, 'date(row.When, "%d.%m.%Y")'),
    "lookup": Signature(("name", "key", "day"), 2, "text", None, 'lookup("vat", row.Code)'),
}
METHODS: Final = ("startsWith", "endsWith", "contains")


class Failure(msgspec.Struct, frozen=True):
    """What went wrong in a function: which value was misread (None: not one value's fault), and why."""

    value: str | None
    misread: Misread


class Functions:
    """The functions of one flow. `zone` is the organisation's, set for each record; `failures` since the last run."""

    def __init__(self, reader: Reader, lookups: Mapping[str, Lookup]) -> None:
        self._reader = reader
        self._lookups = lookups
        self.zone: datetime.tzinfo | None = None
        self.failures: list[Failure] = []

    def table(self) -> dict[str, Callable[..., Any]]:
        """Each function by its name in expressions; but `sum` of rows, which expressions work out by `total`."""
        return {name: getattr(self, f"_{name}") for name in SIGNATURES}

    def total(self, products: Iterable[tuple[str, ...]]) -> str:
        """The sum over rows of the product of each one's cells; a row with a blank cell among them adds nothing."""
        result = Decimal(0)
        for cells in products:
            if all(cells):
                result = self._exact(EXACT.add, result, self._product(cells))
        return self._reader.written(result)

    def _product(self, cells: Iterable[Any]) -> Decimal:
        result = Decimal(1)
        for cell in cells:
            result = self._exact(EXACT.multiply, result, self._amount(cell))
        return result

    def _amount(self, value: Any) -> Decimal:
        """A text's or whole number's amount; 0 with a failure when it has none."""
        if isinstance(value, int) and not isinstance(value, bool):
            return Decimal(value)
        text = value if isinstance(value, str) else str(value)
        found = self._reader.amount(text)
        if isinstance(found, Decimal):
            return found
        self.failures.append(Failure(text, found))
        return Decimal(0)

    def _exact(self, operation: Callable[[Decimal, Decimal], Decimal], one: Decimal, other: Decimal) -> Decimal:
        try:
            return operation(one, other)
        except decimal.DecimalException:
            misread = Misread("too-many-digits", "gives more digits than are kept", "Round before you go on.")
            self.failures.append(Failure(format(one, "f"), misread))
            return Decimal(0)

    def _add(self, *values: Any) -> str:
        result = Decimal(0)
        for value in values:
            result = self._exact(EXACT.add, result, self._amount(value))
        return self._reader.written(result)

    def _sub(self, one: Any, other: Any) -> str:
        return self._reader.written(self._exact(EXACT.subtract, self._amount(one), self._amount(other)))

    def _mul(self, *values: Any) -> str:
        return self._reader.written(self._product(values))

    def _div(self, one: Any, other: Any, places: Any, rounding: Any) -> str:
        above, below = self._amount(one), self._amount(other)
        if not below:
            misread = Misread("division-by-zero", "divides by zero", "Ask nonzero(…) first.")
            self.failures.append(Failure(str(other), misread))
            return "0"
        quotient = _WIDE.divide(above, below)
        return self._rounded(quotient, places, rounding)

    def _neg(self, value: Any) -> str:
        amount = self._amount(value)
        return self._reader.written(-amount if amount else amount)

    def _round(self, value: Any, places: Any, rounding: Any = "half_up") -> str:
        return self._rounded(self._amount(value), places, rounding)

    def _rounded(self, amount: Decimal, places: int, rounding: str) -> str:
        rounded = amount.quantize(Decimal(1).scaleb(-places), ROUNDINGS[rounding], _WIDE)
        return self._reader.written(rounded or abs(rounded))

    def _sum(self, values: Any) -> str:
        return self._add(*values) if isinstance(values, list) else self._add(values)

    def _gt(self, one: Any, other: Any) -> bool:
        return self._amount(one) > self._amount(other)

    def _lt(self, one: Any, other: Any) -> bool:
        return self._amount(one) < self._amount(other)

    def _eq(self, one: Any, other: Any) -> bool:
        return self._amount(one) == self._amount(other)

    def _nonzero(self, value: Any) -> bool:
        """A blank cell is no amount, so it is not one that counts."""
        return value not in {"", None} and self._amount(value) != 0

    def _blank(self, value: Any) -> bool:
        return value is None or not str(value).strip()

    def _replace(self, value: Any, old: Any, new: Any) -> str:
        return str(value).replace(str(old), str(new)) if old else str(value)

    def _lower(self, value: Any) -> str:
        return str(value).lower()

    def _upper(self, value: Any) -> str:
        return str(value).upper()

    def _split(self, value: Any, separator: Any) -> list[str]:
        parts = str(value).split(str(separator)) if separator else [str(value)]
        return [part.strip() for part in parts]

    def _substr(self, value: Any, start: int, length: int | None = None) -> str:
        return str(value)[start:] if length is None else str(value)[start : start + length]

    def _date(self, value: Any, written: Any = None) -> str:
        found = self._day(value) if written is None else self._noted(value, self._reader.day_by(str(value), written))
        return found.isoformat() if found is not None else ""

    def _lookup(self, name: str, key: Any, on: Any = None) -> str:
        keys = tuple(map(str, key)) if isinstance(key, list) else (str(key),)
        day = self._day(on) if on is not None else None
        if on is not None and day is None:
            return ""
        return self._noted(", ".join(keys), self._lookups[name].find(keys, day)) or ""

    def _day(self, value: Any) -> datetime.date | None:
        found = self._reader.day(str(value), self.zone)
        self._noted(value, found)
        return None if isinstance(found, Misread) else found

    def _noted(self, value: Any, found: Any) -> Any:
        """What was found; None, and a failure, when it was misread."""
        if isinstance(found, Misread):
            self.failures.append(Failure(str(value), found))
            return None
        return found
