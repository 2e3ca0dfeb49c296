"""Entries encrypted at rest, each with its own data key, which a master key wraps.

Called by vault and rotation. AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces; the entry's ids are associated
data, so that an entry copied to another row does not open. An entry: form, fingerprint of the master key, nonce and
wrapped data key, nonce and content; each part authenticated. Changing the master key changes the wrapping alone.
"""

import secrets
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from counterfoil import errors
from counterfoil.access.master_key import FINGERPRINT_BYTES, KEY_BYTES, MasterKey
from counterfoil.model.hidden import HiddenBytes

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
FORM: Final = b"\x01"
_SIZES: Final = (len(FORM), FINGERPRINT_BYTES, NONCE_BYTES, KEY_BYTES + TAG_BYTES, NONCE_BYTES)


class _Parts(msgspec.Struct, frozen=True):
    """A sealed entry, taken apart."""

    form: bytes
    fingerprint: bytes
    wrap_nonce: bytes
    wrapped: bytes
    nonce: bytes
    content: bytes


class Sealer:
    """Seals, opens and re-wraps under one master key."""

    __slots__ = ("_wrapper", "fingerprint")

    def __init__(self, master: MasterKey) -> None:
        self._wrapper = AESGCM(master.derive("vault wrap v1"))
        self.fingerprint = master.fingerprint

    def seal(self, content: bytes, *ids: str) -> bytes:
        """Encrypt under a fresh data key. `ids` name the entry; only the same ones open it."""
        about = _about(ids)
        data_key = HiddenBytes(AESGCM.generate_key(8 * KEY_BYTES))
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self._wrapped(data_key, about) + nonce + AESGCM(data_key).encrypt(nonce, content, about)

    def open(self, sealed: bytes, *ids: str) -> HiddenBytes:
        """Decrypt. Raises MasterKeyError when another key sealed it, or when it or its ids were changed."""
        parts, about = _parts(sealed), _about(ids)
        try:
            return HiddenBytes(AESGCM(self._data_key(parts, about)).decrypt(parts.nonce, parts.content, about))
        except InvalidTag:
            raise _damaged() from None

    def rewrapped(self, old: "Sealer", sealed: bytes, *ids: str) -> bytes:
        """The same entry, wrapped by this key instead of `old`. Raises MasterKeyError when `old` does not open it."""
        parts, about = _parts(sealed), _about(ids)
        data_key = old._data_key(parts, about)  # noqa: SLF001 - of the same class
        old.open(sealed, *ids)  # content that was changed is not carried on as good
        return self._wrapped(data_key, about) + parts.nonce + parts.content

    def _wrapped(self, data_key: HiddenBytes, about: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return FORM + self.fingerprint + nonce + self._wrapper.encrypt(nonce, data_key, about)

    def _data_key(self, parts: _Parts, about: bytes) -> HiddenBytes:
        if parts.fingerprint != self.fingerprint:
            raise errors.MasterKeyError(
                "The stored consents were sealed with another master key.",
                remedy="Restore the key that belongs to this database, or connect again.",
            )
        try:
            return HiddenBytes(self._wrapper.decrypt(parts.wrap_nonce, parts.wrapped, about))
        except InvalidTag:
            raise _damaged() from None

    def __repr__(self) -> str:
        return "<Sealer>"


def fingerprint_of(sealed: bytes) -> bytes:
    """Which key wrapped an entry. Raises MasterKeyError when it is none."""
    return _parts(sealed).fingerprint


def _parts(sealed: bytes) -> _Parts:
    if len(sealed) < sum(_SIZES) + TAG_BYTES or not sealed.startswith(FORM):
        raise _damaged("or of a newer form")
    parts, at = [], 0
    for size in _SIZES:
        parts.append(sealed[at : at + size])
        at += size
    form, fingerprint, wrap_nonce, wrapped, nonce = parts
    return _Parts(form, fingerprint, wrap_nonce, wrapped, nonce, sealed[at:])


def _damaged(how: str = "or changed") -> errors.MasterKeyError:
    return errors.MasterKeyError(
        f"A stored consent is damaged, {how}.", remedy="Run `counterfoil connect` to replace it."
    )


def _about(ids: tuple[str, ...]) -> bytes:
    """The ids with their lengths, so that no two lists look alike."""
    return FORM + b"".join(len(part).to_bytes(4) + part for part in (one.encode() for one in ids))
