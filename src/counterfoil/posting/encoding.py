"""JSON as Xero gets it. Called by applying and kinds: planning decides the bytes of an element once and for all."""

from decimal import Decimal
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def encode(value: Any) -> bytes:
    """Decimals as exact JSON numbers, keys in the order given; the same value gives the same bytes."""
    return _encoder.encode(value)


def decode(element: bytes) -> dict[str, Any]:
    """An element again, its amounts exact."""
    found: dict[str, Any] = _decoder.decode(element)
    return found


def extended(element: bytes, more: dict[str, Any]) -> bytes:
    """The element with fields that it does not have yet, at its end; its own bytes stay as they are."""
    added = encode(more)
    return added if element == b"{}" else element[:-1] + b"," + added[1:]
