"""One key of 32 bytes that other keys are derived from: a master key, or a root secret that the vault holds.

Called by key_source, sealing, roots and audit. It encrypts nothing itself and shows nothing of itself. Derivation: HKDF
with SHA-256 (RFC 5869).
"""

import base64
import binascii
import contextlib
import secrets
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from counterfoil import errors
from counterfoil.model.hidden import HiddenBytes

KEY_BYTES: Final = 32
FINGERPRINT_BYTES: Final = 4  # tells another key from a damaged entry
KEYS_MAX: Final = 2  # in one source: the one that seals from now on, and during a rotation the one before
TEXT_BYTES_MAX: Final = 4096  # of a file, variable or command's output that holds keys
MAKE_ONE: Final = "Run `counterfoil init`, or restore the key: without it the stored consents cannot be read."


class MasterKey:
    """The one key that everything else hangs on. Shows nothing of itself."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            size = len(key)
            del key  # of a wrong size, but perhaps most of a right one: not into a traceback's locals
            raise errors.MasterKeyError(f"The master key has {size} bytes, it needs {KEY_BYTES}.", remedy=MAKE_ONE)
        self._key = key

    @classmethod
    def random(cls) -> "MasterKey":
        """A fresh key."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @property
    def fingerprint(self) -> bytes:
        """Names the key without telling anything of it."""
        return self.derive("vault fingerprint v1", FINGERPRINT_BYTES)

    def derive(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """A key for one purpose; the same for the same words."""
        return HKDF(
            algorithm=hashes.SHA256(), length=length, salt=None, info=b"counterfoil " + purpose.encode()
        ).derive(self._key)

    def reveal(self) -> HiddenBytes:
        """The key itself, for sealing a root and nothing else."""
        return HiddenBytes(self._key)

    def text(self) -> HiddenBytes:
        """The key as a source holds it: base64, one line."""
        return HiddenBytes(base64.urlsafe_b64encode(self._key) + b"\n")

    def __repr__(self) -> str:
        return "<MasterKey>"

    def __reduce__(self) -> str:
        raise TypeError("a master key is never serialised")


def read_keys(text: HiddenBytes, where: str) -> tuple[MasterKey, ...]:
    """The one or two keys of a source's text, in their order; `where` names the source for people.

    Raises MasterKeyError, which shows no part of the text.
    """
    parts = [HiddenBytes(part) for part in text.split()]
    if not parts or len(text) > TEXT_BYTES_MAX:
        raise errors.MasterKeyError(f"{where} holds no master key (32 bytes in base64).", remedy=MAKE_ONE)
    if len(parts) > KEYS_MAX:
        raise errors.MasterKeyError(
            f"{where} holds {len(parts)} master keys; two at most, and two only during a rotation.",
            remedy="Leave the one that seals from now on, and after it the one before.",
        )
    keys = tuple(_key(part, where) for part in parts)
    if len({key.fingerprint for key in keys}) < len(keys):
        raise errors.MasterKeyError(f"{where} holds the same master key twice.", remedy="Leave one of them.")
    return keys


def _key(part: HiddenBytes, where: str) -> MasterKey:
    key = None
    with contextlib.suppress(binascii.Error, ValueError):  # told below: an error of ours raised there would carry it
        key = HiddenBytes(base64.b64decode(part, altchars=b"-_", validate=True))
    if key is None:
        raise errors.MasterKeyError(f"{where} holds no master key (32 bytes in base64).", remedy=MAKE_ONE)
    return MasterKey(key)
