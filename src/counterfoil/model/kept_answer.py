"""Xero's answer to an attempt as it is kept: in the compression that it came in, else in ours. Pure.

Called by posting/recording, which keeps answers, and by whoever reads them (store/, app/telling). To compress each answer
again was a fortieth of a run's CPU.
"""

import zlib
from typing import Final

BYTES_MAX: Final = 2_000_000  # of an answer, before compression, kept for `why`
OURS_OR_GZIP: Final = 47  # window bits for which zlib looks at the header: its own, or gzip's


def pack(body: bytes, as_it_came: bytes | None = None) -> bytes | None:
    """What is kept of an answer; `as_it_came`: the whole body as gzip. None: it has no body."""
    if not body:
        return None
    if as_it_came is not None and max(len(body), len(as_it_came)) <= BYTES_MAX:
        return as_it_came
    return zlib.compress(body[:BYTES_MAX], 1)


def unpack(kept: bytes) -> bytes:
    """The body again. Raises zlib.error when it is damaged."""
    return zlib.decompress(kept, OURS_OR_GZIP)
