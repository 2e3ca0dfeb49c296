"""Unpack a compressed answer, bounded. Pure.

Called by transport, which leaves it to us and not to the HTTP library: that one takes a gzip that ends too early for a
whole one.
"""

import zlib
from typing import Final

GZIP: Final = 31  # zlib's window bits for a gzip header and trailer


class BadPackingError(Exception):
    """The bytes cannot be unpacked; its words say why, and hold none of them."""


def unpacked(raw: bytes, encoding: str, bytes_max: int) -> bytes:
    """The content of `raw` under its Content-Encoding, at most `bytes_max` long. Raises BadPackingError."""
    if encoding.lower() in {"", "identity"} or not raw:
        return raw
    if encoding.lower() not in {"gzip", "x-gzip"}:
        raise BadPackingError("it is packed in a way that we did not ask for")
    unpack = zlib.decompressobj(wbits=GZIP)
    try:
        body = unpack.decompress(raw, bytes_max)
    except zlib.error:
        raise BadPackingError("its compression is broken") from None
    if not unpack.eof:
        raise BadPackingError("its compression ends too early, or it is too long")
    return body
