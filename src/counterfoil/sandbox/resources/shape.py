"""Typed reading of posted elements: names in any case, unknown members ignored, JSON.NET's words for what cannot be.

Called by the resources that accept writes. A wrong type or an unknown enum value refuses the whole request (facts 3.2:
ErrorNumber 14, no elements).
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

import msgspec

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Call, Refusal
from counterfoil.sandbox.tables import Row

Reader = Callable[[Any, str], Any]

DIGITS_MAX = 40
NUMBER_MAX = Decimal(10) ** 15  # no amount, price, quantity or rate of Xero's comes near (facts 4.6)
_MS_DATE = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/")
_PLAIN_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,4})?\s*", re.IGNORECASE | re.ASCII)
_ISO_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ][\d:.]+(?:Z|[+-]\d{2}:?\d{2})?)?")


class Shape:
    """An object's known members and how each is read."""

    def __init__(self, **readers: Reader) -> None:
        self._readers = readers
        self._names = {name.lower(): name for name in readers}

    def read(self, value: Any, path: str) -> Row:
        """The known members that are not null, in the order given, typed."""
        if not isinstance(value, dict):
            wrong(value, "System.Object", path)
        row: Row = {}
        readers, names = self._readers, self._names
        for key, given in value.items():
            if given is None:
                continue
            name = key if key in readers else names.get(key.lower())
            if name is not None:
                row[name] = readers[name](given, f"{path}.{name}")
        return row


def wrong(value: Any, type: str, path: str) -> NoReturn:
    """Refuse the request: this value is not of this type."""
    shown = value if isinstance(value, str) else wire.compact(value).decode()
    raise Refusal(answers.post_data_invalid(f"Error converting value \"{shown}\" to type '{type}'. Path '{path}'"))


def text(value: Any, path: str) -> str:
    """Text; numbers and booleans become their text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int | Decimal):
        return str(value)
    wrong(value, "System.String", path)


def decimal(value: Any, path: str) -> Decimal:
    """A number, also as text; smaller than NUMBER_MAX, so that whatever is computed from it can be computed exactly."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        wrong(value, "System.Decimal", path)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        wrong(value, "System.Decimal", path)
    number = Decimal(value)
    if len(number.as_tuple().digits) > DIGITS_MAX or abs(number.adjusted()) > DIGITS_MAX or abs(number) >= NUMBER_MAX:
        wrong(value, "System.Decimal", path)
    return number


def whole(value: Any, path: str) -> int:
    """A whole number, also as text or with a fraction of nought."""
    number = decimal(value, path)
    if number != number.to_integral_value():
        wrong(value, "System.Int32", path)
    return int(number)


def boolean(value: Any, path: str) -> bool:
    """true or false, also as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    wrong(value, "System.Boolean", path)


def guid(value: Any, path: str) -> str:
    """A GUID in lower case with hyphens."""
    if isinstance(value, str) and _PLAIN_GUID.fullmatch(value):
        return value
    try:
        return str(UUID(value))
    except (ValueError, AttributeError, TypeError):
        wrong(value, "System.Guid", path)


def day(value: Any, path: str) -> date:
    """A calendar date from YYYY-MM-DD, a full ISO text or /Date(ms)/."""
    if isinstance(value, str):
        try:
            if matched := _ISO_DATE.fullmatch(value.strip()):
                return date.fromisoformat(matched[1])
            if _MS_DATE.fullmatch(value.strip()):
                return wire.day_of(value.strip())
        except (ValueError, OverflowError):
            pass
    wrong(value, "System.DateTime", path)


def enum(type: str, *values: str) -> Reader:
    """One of these, in any case; `type` is what Xero's message calls it."""
    known = {value.lower(): value for value in values}

    def read(value: Any, path: str) -> str:
        found = known.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            wrong(value, f"Xero.API.Library..{type}", path)
        return found

    return read


def object_of(shape: Shape) -> Reader:
    """A nested object."""
    return shape.read


def array_of(shape: Shape) -> Reader:
    """A nested array of objects."""

    def read(value: Any, path: str) -> list[Row]:
        if not isinstance(value, list):
            wrong(value, "System.Collections.Generic.List", path)
        return [shape.read(item, f"{path}[{index}]") for index, item in enumerate(value)]

    return read


def posted(call: Call, plural: str, singular: str, shape: Shape) -> list[Row]:
    """The posted elements in order: the body is one object, an array, or an envelope whose name is in any case.

    Refusal with 400 PostDataInvalid for what is not JSON of that kind, or empty.
    """
    if "xml" in call.headers.get("content-type", "").lower():
        raise Refusal(
            answers.post_data_invalid("This sandbox reads JSON only, not XML: send Content-Type: application/json")
        )
    try:
        body = wire.decode(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(answers.post_data_invalid(f"The body is not JSON: {error}")) from error
    if isinstance(body, dict):
        for key, value in body.items():
            if key.lower() == plural.lower():
                body = value
                break
            if key.lower() == singular.lower() and isinstance(value, dict | list):
                body = value
                break
    elements = body if isinstance(body, list) else [body]
    if not elements:
        raise Refusal(answers.post_data_invalid(f"The body holds no {plural}"))
    return [shape.read(element, f"{plural}[{index}]") for index, element in enumerate(elements)]
