"""The vault: tokens encrypted at rest, each entry with its own data key, wrapped by one master key.

Called by tokens, consent and app. AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces; the entry's ids are
associated data, so that an entry copied to another row does not open. Keys for other uses are derived from the master
key (HKDF, RFC 5869), which itself encrypts nothing but data keys.
"""

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from counterfoil import errors

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
FINGERPRINT_BYTES: Final = 4  # tells another key from a damaged entry
KEY_FILE_MAX: Final = 4096
FORM: Final = b"\x01"
OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
MAKE_ONE: Final = "Run `counterfoil init`, or restore the key file: without it the stored consents cannot be read."
VARIABLE: Final = "COUNTERFOIL_VAULT__MASTER_KEY"


class MasterKey:
    """The one key that everything else hangs on. Shows nothing of itself."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise errors.MasterKeyError(
                f"The master key has {len(key)} bytes, it needs {KEY_BYTES}.", remedy=MAKE_ONE
            ) from None
        self._key = key

    @classmethod
    def load(cls, file: Path, text: str | None = None) -> "MasterKey":
        """The key from `text` (the environment's, base64) when there is one, else from `file`.

        Raises MasterKeyError when there is none, it has a wrong size, or others on this machine can read the file.
        """
        if text is not None:
            return cls(_decoded(text, f"${VARIABLE}"))
        return cls(_decoded(_read(file), str(file)))

    def derive(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """A key for one purpose; the same for the same words."""
        return HKDF(
            algorithm=hashes.SHA256(), length=length, salt=None, info=b"counterfoil " + purpose.encode()
        ).derive(self._key)

    def __repr__(self) -> str:
        return "<MasterKey>"

    def __reduce__(self) -> str:
        raise TypeError("a master key is never serialised")


def _read(file: Path) -> str:
    try:
        mode = file.stat().st_mode
        if not stat.S_ISREG(mode):
            raise errors.MasterKeyError(f"The master key {file} is no file.", remedy=MAKE_ONE)
        if mode & OPEN_TO_OTHERS:
            raise errors.MasterKeyError(
                f"Other users of this machine may read the master key {file}.", remedy=f"Run: chmod 600 {file}"
            )
        with file.open("rb") as opened:
            return opened.read(KEY_FILE_MAX).decode("ascii", "replace")
    except FileNotFoundError:
        raise errors.MasterKeyError(f"There is no master key at {file}.", remedy=MAKE_ONE) from None
    except OSError as cause:
        raise errors.MasterKeyError(
            f"The master key {file} cannot be read: {cause.strerror}.", remedy="Check the rights of the file."
        ) from None


def _decoded(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text.strip().encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise errors.MasterKeyError(f"{where} holds no master key (32 bytes in base64).", remedy=MAKE_ONE) from None


def new_key_file(path: Path) -> None:
    """Write a fresh random key that only its owner can read. Raises MasterKeyError rather than overwrite anything."""
    text = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise errors.MasterKeyError(
            f"There is a master key at {path} already.", remedy="Keep it: the stored consents need it."
        ) from None
    except OSError as cause:
        raise errors.MasterKeyError(
            f"The master key {path} cannot be written: {cause.strerror}.", remedy="Check the folder."
        ) from None
    with os.fdopen(handle, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


class Vault:
    """Seals and opens entries. An entry: form, key fingerprint, wrapped data key, content; each part authenticated."""

    def __init__(self, master: MasterKey) -> None:
        self._wrapper = AESGCM(master.derive("vault wrap v1"))
        self._fingerprint = master.derive("vault fingerprint v1", FINGERPRINT_BYTES)

    def seal(self, content: bytes, *ids: str) -> bytes:
        """Encrypt under a fresh data key. `ids` name the entry; only the same ones open it."""
        about = _about(ids)
        data_key = AESGCM.generate_key(8 * KEY_BYTES)
        wrap_nonce, nonce = secrets.token_bytes(NONCE_BYTES), secrets.token_bytes(NONCE_BYTES)
        wrapped = self._wrapper.encrypt(wrap_nonce, data_key, about)
        return FORM + self._fingerprint + wrap_nonce + wrapped + nonce + AESGCM(data_key).encrypt(nonce, content, about)

    def open(self, sealed: bytes, *ids: str) -> bytes:
        """Decrypt. Raises MasterKeyError when another key sealed it, or when it or its ids were changed."""
        fingerprint, wrap_nonce, wrapped, nonce, content = _parts(sealed)
        if fingerprint != self._fingerprint:
            raise errors.MasterKeyError(
                "The stored consents were sealed with another master key.",
                remedy="Restore the key file that belongs to this database, or connect again.",
            )
        about = _about(ids)
        try:
            data_key = self._wrapper.decrypt(wrap_nonce, wrapped, about)
            return AESGCM(data_key).decrypt(nonce, content, about)
        except InvalidTag:
            raise errors.MasterKeyError(
                "A stored consent was changed or damaged.", remedy="Run `counterfoil connect` to replace it."
            ) from None

    def __repr__(self) -> str:
        return "<Vault>"


def _parts(sealed: bytes) -> list[bytes]:
    sizes = (len(FORM), FINGERPRINT_BYTES, NONCE_BYTES, KEY_BYTES + TAG_BYTES, NONCE_BYTES)
    if len(sealed) < sum(sizes) + TAG_BYTES or not sealed.startswith(FORM):
        raise errors.MasterKeyError(
            "A stored consent is damaged, or of a newer form.", remedy="Run `counterfoil connect` to replace it."
        )
    parts, at = [], 0
    for size in sizes:
        parts.append(sealed[at : at + size])
        at += size
    return [*parts[1:], sealed[at:]]


def _about(ids: tuple[str, ...]) -> bytes:
    """The ids with their lengths, so that no two lists look alike."""
    return FORM + b"".join(len(part).to_bytes(4) + part for part in (one.encode() for one in ids))
