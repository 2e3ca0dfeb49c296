"""A row's cell as a column of the table takes it, or why it does not. Opens nothing.

Called by writing. Text goes in as it is; amounts are Decimal, never float; what a column would cut off or round is refused, since
nobody would notice.
"""

import datetime
import re
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

import msgspec

from counterfoil.model import shape

Takes = Literal["text", "amount", "whole", "day", "instant", "moment", "yes_no", "uuid", "json"]
_YES_NO: Final = {"true": True, "false": False, "1": True, "0": False}
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Taken(msgspec.Struct, frozen=True):
    """What a column takes. `length` of a text, `digits` and `places` of an amount: None for no bound.

    "instant" has a time zone, "moment" has none and is UTC.
    """

    takes: Takes
    length: int | None = None
    digits: int | None = None
    places: int | None = None


class NotTaken(Exception):
    """A column does not take a cell; the words hold the value, shortened."""


def bound(cell: Any, taken: Taken) -> Any:
    """The value to bind; blank is None. Raises NotTaken."""
    if cell is None:
        return None
    if taken.takes == "json":
        return cell
    text = _text(cell)
    try:
        return _READ[taken.takes](text, taken)
    except (ValueError, InvalidOperation, OverflowError):
        raise NotTaken(f"{_WORDS[taken.takes]}, and the value is {shape.shown(text)}") from None


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, dict | list):
        return msgspec.json.encode(cell).decode()
    return str(cell)


def _as_text(text: str, taken: Taken) -> str:
    if taken.length is not None and len(text) > taken.length:
        raise NotTaken(f"it takes {taken.length} characters, and the value has {len(text)}")
    if "\0" in text:
        raise NotTaken("the value has a zero character, which no database takes")
    return text


def _as_amount(text: str, taken: Taken) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError(text)
    places = max(0, -int(amount.normalize().as_tuple().exponent))  # trailing zeros are no decimals
    if taken.places is not None and places > taken.places:
        raise NotTaken(f"it keeps {taken.places} decimals, and the value is {shape.shown(text)}")
    if taken.digits is not None and amount and amount.adjusted() + 1 > taken.digits - (taken.places or 0):
        raise NotTaken(f"it keeps {taken.digits} digits, and the value is {shape.shown(text)}")
    return amount


def _as_whole(text: str, _taken: Taken) -> int:
    if text in {"true", "false"}:
        return int(text == "true")
    amount = Decimal(text)
    if amount != amount.to_integral_value():
        raise ValueError(text)
    return int(amount)


def _as_yes_no(text: str, _taken: Taken) -> bool:
    if text not in _YES_NO:
        raise ValueError(text)
    return _YES_NO[text]


def _as_day(text: str, _taken: Taken) -> datetime.date:
    return datetime.date.fromisoformat(text) if _DAY.fullmatch(text) else _as_instant(text, _taken).date()


def _as_instant(text: str, _taken: Taken) -> datetime.datetime:
    found = datetime.datetime.fromisoformat(text)
    return found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found.astimezone(datetime.UTC)


def _as_moment(text: str, _taken: Taken) -> datetime.datetime:
    return _as_instant(text, _taken).replace(tzinfo=None)


def _as_uuid(text: str, _taken: Taken) -> uuid.UUID:
    return uuid.UUID(text)


_READ: Final = {
    "text": _as_text, "amount": _as_amount, "whole": _as_whole, "yes_no": _as_yes_no, "day": _as_day,
    "instant": _as_instant, "moment": _as_moment, "uuid": _as_uuid,
}  # fmt: skip
_WORDS: Final = {
    "text": "it takes text", "amount": "it takes numbers", "whole": "it takes whole numbers", "yes_no": "it takes yes or no",
    "day": "it takes dates", "instant": "it takes instants", "moment": "it takes instants", "uuid": "it takes UUIDs",
}  # fmt: skip
