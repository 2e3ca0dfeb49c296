"""Xero's wire forms: JSON text, the flavours of dates, numbers (facts 3.3, 4.1, 4.2).

Called by every handler. Nothing here knows a resource.
"""

import functools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
TIMES_KEPT = 10_000
NUMBERS_KEPT = 20_000  # equal decimals have the same digits at Xero, so one entry serves all of them

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1)
_DAY_MS = 86_400_000

_END = b"\r\n}"
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def decode(body: bytes | str) -> Any:
    """JSON with every fraction as `Decimal`. Raises `msgspec.DecodeError`."""
    return _DECODER.decode(body)


def compact(value: Any) -> bytes:
    """JSON on one line, for the journal, the control answers and the token endpoint."""
    return _ENCODER.encode(value)


def pretty(value: Any) -> bytes:
    """JSON as Xero lays it out: two spaces, CRLF."""
    return msgspec.json.format(_ENCODER.encode(value), indent=2).replace(b"\n", b"\r\n")


def element(value: Any) -> bytes:
    """An object as it stands in the list of an answer: pretty, two levels deep."""
    return msgspec.json.format(_ENCODER.encode(value), indent=2).replace(b"\n", b"\r\n    ")


def with_list(head: dict[str, Any], name: str, elements: list[bytes]) -> bytes:
    """`head` (not empty) with one more member, the list of these elements, laid out as `pretty` would."""
    listed = b"[\r\n    " + b",\r\n    ".join(elements) + b"\r\n  ]" if elements else b"[]"
    return b"".join((pretty(head)[: -len(_END)], b',\r\n  "', name.encode(), b'": ', listed, _END))


@functools.lru_cache(maxsize=NUMBERS_KEPT)
def number(value: Decimal) -> Decimal:
    """A decimal in the digits that Xero shows: at least one after the point, no further trailing zeros, no exponent."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0")
        text += "0" if text.endswith(".") else ""
    else:
        text += ".0"
    return Decimal("0.0") if text == "-0.0" else Decimal(text)


def tidy(value: Any) -> Any:
    """A copy with every decimal, however deep, in Xero's digits, and every date as Xero sends it."""
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, dict):
        return {key: tidy(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [tidy(inner) for inner in value]
    return value


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970, exactly."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def envelope_time(moment: datetime) -> str:
    """The flavour without an offset: DateTimeUTC of envelopes, Organisation.CreatedDateUTC."""
    return f"/Date({milliseconds(moment)})/"


def stamp(moment: datetime) -> str:
    """A timestamp such as UpdatedDateUTC."""
    return f"/Date({milliseconds(moment)}+0000)/"


def iso_stamp(moment: datetime) -> str:
    """UpdatedDateUTCString: ISO, to the second."""
    return f"{moment.isoformat()[:19]}Z"


@functools.lru_cache(maxsize=TIMES_KEPT)
def day(value: date) -> str:
    """A document date: midnight UTC of the calendar date."""
    return f"/Date({(value - _EPOCH_DAY).days * _DAY_MS}+0000)/"


@functools.lru_cache(maxsize=TIMES_KEPT)
def day_string(value: date) -> str:
    """The companion of a document date, e.g. DateString."""
    return f"{value.isoformat()}T00:00:00"


def seven_digits(moment: datetime) -> str:
    """The naive ISO form of /connections, with seven fractional digits."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0"


@functools.lru_cache(maxsize=TIMES_KEPT)
def stamp_ms(text: str) -> int:
    """Milliseconds of any `/Date(...)/` flavour."""
    inner = text[text.index("(") + 1 : text.index(")")]
    for sign in ("+", "-"):
        at = inner.find(sign, 1)
        if at > 0:
            inner = inner[:at]
    return int(inner)


@functools.lru_cache(maxsize=TIMES_KEPT)
def day_of(text: str) -> date:
    """The calendar date of a document date."""
    return _EPOCH_DAY + timedelta(days=stamp_ms(text) // _DAY_MS)


def moment_of(text: str) -> datetime:
    """The instant of a stamp."""
    return _EPOCH + timedelta(milliseconds=stamp_ms(text))
