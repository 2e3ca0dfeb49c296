"""The bytes of a delivery and their signature (facts 6.2, 6.3, 6.6): Xero's spaces are irregular, so they are here.

Called by `sender`; dice are passed in.
"""

import base64
import hashlib
import hmac
import random
from collections.abc import Sequence
from typing import Any, Final

from counterfoil.sandbox import wire

HEADER: Final = "x-xero-signature"
ENTROPY_LETTERS: Final = 20
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALTERED_AT: Final = (0, 5)  # the two places where a wrong character was seen


def body(events: Sequence[dict[str, Any]], first: int, last: int, dice: random.Random) -> bytes:
    """A delivery of these events; none, with 0 and 0, is an intent to receive."""
    entropy = "".join(dice.choices(_LETTERS, k=ENTROPY_LETTERS))
    tail = f'"firstEventSequence": {first},"lastEventSequence": {last}, "entropy": "{entropy}"}}'
    return b'{"events":' + wire.compact(list(events)) + b"," + tail.encode()


def signature(key: str, message: bytes) -> str:
    """HMAC-SHA256 of the raw bytes under the key's text, in base64."""
    return base64.b64encode(hmac.new(key.encode(), message, hashlib.sha256).digest()).decode()


def almost(right: str, dice: random.Random) -> str:
    """A signature that differs in one character."""
    at = dice.choice(_ALTERED_AT)
    other = dice.choice([letter for letter in _LETTERS if letter != right[at]])
    return right[:at] + other + right[at + 1 :]
