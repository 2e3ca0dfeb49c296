"""Whether a delivery is Xero's: `x-xero-signature`, base64 of HMAC-SHA256 over the raw bytes (facts §6.3).

Called by the service's door and by the check. The key is used as text, not decoded, and only the raw bytes count: what
was read and written again has another signature. Pure.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final

from counterfoil.settings import Secret

HEADER: Final = "x-xero-signature"
LENGTH: Final = 44  # of 32 bytes in base64


def keys_of(secrets: Iterable[Secret]) -> tuple[bytes, ...]:
    """The configured keys as bytes, less white space around them; an empty one is no key, since anybody has it."""
    texts = (one.reveal().strip() for one in secrets)
    return tuple(dict.fromkeys(text.encode() for text in texts if text))


def made(key: bytes, body: bytes) -> bytes:
    """The signature of a body."""
    return base64.b64encode(hmac.digest(key, body, hashlib.sha256))


def is_right(keys: Sequence[bytes], body: bytes, given: bytes) -> bool:
    """Whether one of the keys made it. All are tried, in constant time, so that nobody learns which came near.

    The texts are compared, not the bytes that they stand for: of base64 several texts stand for the same bytes, and Xero
    sends one altered in one character to see it refused (facts §6.6).
    """
    if len(given) != LENGTH:
        return False
    return any([hmac.compare_digest(made(key, body), given) for key in keys])  # noqa: C419 - a list: every key is tried
