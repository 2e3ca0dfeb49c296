"""What a posting is called at Xero: its marker, and how a marker is recognised again.

Called by planning, kinds, mirror.index. Pure. A marker is made of the posting's identity alone, never of a row id, so
that an empty database recognises its own documents. Its form never changes: documents carry it for years.
"""

import functools
import hashlib
import re

MARKER_BYTES = 10
MARKER_LENGTH = 16  # base32 characters: 80 bits; two of a million postings meet once in 10^12 installations
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [one + two for one in _BASE32 for two in _BASE32]  # two at a time: the library's way takes twice as long
_PLACES = range(70, -1, -10)
_IN_URL = re.compile(r"/p/([a-z2-7]{16})(?=$|[/?#])")
_AT_END = re.compile(r"(?:^|\s)([a-z2-7]{16})$")


@functools.lru_cache(1024)  # one batch of records, each asked for a few times
def marker(flow_id: str, kind: str, external_id: str, issue: int) -> str:
    """The 16 characters that a document of this posting carries.

    Example: marker("f7k2m9", "invoice", "order-1001", 1)
    """
    parts = [part.encode() for part in (flow_id, kind, external_id, str(issue))]
    digest = hashlib.sha256(b"".join([len(part).to_bytes(4, "big") + part for part in parts])).digest()
    bits = int.from_bytes(digest[:MARKER_BYTES], "big")
    return "".join([_PAIRS[bits >> places & 1023] for places in _PLACES])


def marker_url(public_url: str, mark: str) -> str:
    """The link that a document carries; `public_url` may move later, the end of the path is what counts."""
    return f"{public_url.rstrip('/')}/p/{mark}"


def find_marker(url: str | None, reference: str | None) -> str | None:
    """The marker in a document's Url, else at the end of its Reference; None when it carries none."""
    found = (url and _IN_URL.search(url)) or (reference and _AT_END.search(reference))
    return found.group(1) if found else None


def reissued(number: str, issue: int) -> str:
    """The number of a record's second, third … document, since Xero never frees a number again: "SHOP-1-2"."""
    return f"{number}-{issue}"


def next_number(number: str, issue: int) -> str:
    """The number after that of the given issue: "SHOP-1" → "SHOP-1-2" → "SHOP-1-3"."""
    first = number.removesuffix(f"-{issue}") if issue > 1 else number
    return reissued(first, issue + 1)


def with_marker(reference: str, mark: str, limit: int) -> str:
    """The Reference of a document that has no other place: human text first, cut to leave room for the marker."""
    text = reference.strip()[: limit - MARKER_LENGTH - 1].rstrip()
    return f"{text} {mark}".strip()
