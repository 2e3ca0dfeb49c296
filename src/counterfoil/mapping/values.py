"""The values of a mapping, compiled: a constant, a column, a text with columns, an expression, a lookup.

Called by compiling (which makes them) and mapper. Pure. A value gives a text (or what an expression gives); a `Field`
reads it as its target in the record wants it. Only expressions go through the library.
"""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

from counterfoil.mapping import targets, texts
from counterfoil.mapping.expressions import Expression
from counterfoil.mapping.functions import Functions
from counterfoil.mapping.lookups import Lookup
from counterfoil.mapping.scopes import Scope, Unmapped
from counterfoil.mapping.targets import Target
from counterfoil.mapping.texts import Misread, Reader
from counterfoil.model.prepared import Finding

OMITTED: Final[Any] = type("Omitted", (), {"__repr__": lambda _: "OMITTED"})()


class Value(Protocol):
    """Gives what stands in a field, before its target reads it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is made of, in the order of their first use."""

    def get(self, scope: Scope) -> Any:
        """A text, or what an expression gives. Raises Unmapped."""


class Column:
    """`"{Name}"`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.columns = (name,)

    def get(self, scope: Scope) -> str:
        """The column's text."""
        return scope.cell(self._name)


class Constant:
    """A text without columns; only where it is not a field's whole value, such as a lookup's key."""

    columns: tuple[str, ...] = ()

    def __init__(self, text: str) -> None:
        self._text = text

    def get(self, _scope: Scope) -> str:
        """The text itself."""
        return self._text


class Template:
    """Text with columns in it; blank when all its columns are."""

    def __init__(self, parts: Sequence[str | tuple[str]]) -> None:
        self._parts = tuple(parts)
        self.columns = tuple(dict.fromkeys(part[0] for part in parts if isinstance(part, tuple)))

    def get(self, scope: Scope) -> str:
        """The parts put together."""
        found = [part if isinstance(part, str) else scope.cell(part[0]) for part in self._parts]
        filled = any(text for text, part in zip(found, self._parts, strict=True) if isinstance(part, tuple))
        return "".join(found).strip() if filled else ""


class Computed:
    """`"=…"`."""

    def __init__(self, expression: Expression) -> None:
        self._expression = expression
        self.gives = expression.gives
        named = [name for _, name in expression.uses.columns]
        summed = [name for columns in expression.uses.summed for name in columns]
        self.columns = tuple(dict.fromkeys(named + summed))

    def get(self, scope: Scope) -> Any:
        """What the expression gives."""
        return self._expression.run(scope)


class Looked:
    """`{ lookup = "vat", key = "{Code}" }`."""

    def __init__(
        self, lookup: Lookup, keys: Sequence[Value], day: Value | None, functions: Functions, reader: Reader
    ) -> None:
        self._lookup, self._keys, self._day = lookup, tuple(keys), day
        self._functions, self._reader = functions, reader
        self.columns = tuple(
            dict.fromkeys(name for value in (*keys, *([day] if day else [])) for name in value.columns)
        )

    def get(self, scope: Scope) -> str:
        """What the lookup gives."""
        keys = tuple(_as_text(key.get(scope)) for key in self._keys)
        found = self._lookup.find(keys, self._on(scope))
        if isinstance(found, Misread):
            raise Unmapped(told(found, self, scope, ", ".join(keys), value_in_reason=True))
        return found

    def _on(self, scope: Scope) -> datetime.date | None:
        if self._day is None:
            return None
        text = _as_text(self._day.get(scope))
        found = self._reader.day(text, self._functions.zone)
        if isinstance(found, Misread):
            raise Unmapped(told(found, self._day, scope, text))
        return found


class Field:
    """A value and the target that reads it: what stands in the record's JSON, or OMITTED when it is blank."""

    def __init__(self, value: Value, target: Target, functions: Functions, reader: Reader) -> None:
        self.value = value
        self._target, self._functions, self._reader = target, functions, reader
        self._is_amount = target.kind == "amount"
        self._plain = target.kind == "text" and not isinstance(value, Computed)

    def evaluate(self, scope: Scope) -> Any:
        """The field's JSON value. Raises Unmapped."""
        raw = self.value.get(scope)
        if raw == "" or raw is None:
            return OMITTED
        if self._plain:
            return raw
        if self._is_amount and type(raw) is str:
            amount = self._reader.amount(raw)
            if type(amount) is Decimal:
                return format(amount, "f")
        found = read_as(self._target, raw, self._reader, self._functions.zone)
        if isinstance(found, Misread):
            raise Unmapped(told(found, self.value, scope, _as_text(raw)))
        return found


class Fixed:
    """A constant, read once when the configuration is loaded."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def evaluate(self, _scope: Scope) -> Any:
        """The constant's JSON value."""
        return self._found


def read_as(target: Target, raw: Any, reader: Reader, zone: datetime.tzinfo | None) -> Any:
    """`raw` as the target wants it, as a JSON value, or a Misread. Amounts and days become texts."""
    if isinstance(raw, bool) != (target.kind == "yes_no") and (isinstance(raw, bool) or not isinstance(raw, str)):
        return _other_kind(target)
    if isinstance(raw, list):
        return _other_kind(target)
    if target.kind == "text":
        return str(raw)
    if target.kind == "yes_no":
        return raw if isinstance(raw, bool) else reader.yes_no(raw)
    if target.kind == "day":
        day = reader.day(str(raw), zone)
        return day if isinstance(day, Misread) else day.isoformat()
    amount = Decimal(raw) if isinstance(raw, int) else reader.amount(raw)
    if isinstance(amount, Misread):
        return amount
    if target.kind == "whole":
        whole = amount == amount.to_integral_value()
        return int(amount) if whole else Misread("not-a-number", "is not a whole number", "Correct it.")
    return format(amount, "f")


def told(misread: Misread, value: Value, scope: Scope, text: str, *, value_in_reason: bool = False) -> Finding:
    """A misreading, told with the columns and rows that it comes from."""
    which = ", ".join(f"`{name}`" for name in value.columns)
    where = f"Column {which} ({scope.sources})" if which else "The constant"
    shown = "" if value_in_reason else f": {texts.shown(text)}"
    return Finding(misread.cause, f"{where} {misread.reason}{shown}.", misread.remedy, value=text)


def _other_kind(target: Target) -> Misread:
    reason = f"gives something else than {targets.IN_WORDS[target.kind]}"
    return Misread("wrong-value", reason, "Correct the expression.")


def _as_text(raw: Any) -> str:
    return "" if raw is None else str(raw).lower() if isinstance(raw, bool) else str(raw)
