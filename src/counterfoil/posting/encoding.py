"""JSON as Xero gets it. Called by applying and freezing: planning decides the bytes of an element once and for all."""

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(value: Any) -> bytes:
    """Decimals as exact JSON numbers, keys in the order given; the same value gives the same bytes."""
    return _encoder.encode(value)
