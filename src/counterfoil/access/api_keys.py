"""API keys as text and as hash: `cf_PREFIX_SECRET`, of which only the prefix and a keyed hash are kept.

Called by app/api_keys. The secret is 256 random bits, so that nobody finds it from its hash by trying: a slow hash such as
argon2 is for what people choose, and would only make each request slow (and a stranger's request as dear as ours). The hash
is keyed with a root secret (access/roots) so that whoever can write into the database, but has no master key, makes no key
that opens anything. Comparing takes the same time whatever is wrong, also when there is no such key.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Final

import msgspec

from counterfoil.access.roots import Roots
from counterfoil.access.vault import Vault
from counterfoil.store import secrets as rows
from counterfoil.store.database import Connection

PURPOSE: Final = "api keys"
PREFIX_BYTES: Final = 5  # 8 characters
SECRET_BYTES: Final = 32
FORM: Final = re.compile(r"cf_([a-z2-7]{8})_([a-z2-7]{52})")
NOBODY: Final = bytes(32)  # compared with where there is no such key


class Fresh(msgspec.Struct, frozen=True):
    """A new key: `text` is shown once and kept nowhere."""

    text: str
    prefix: str
    hash: bytes
    root_id: str


class ApiKeys:
    """Makes and recognises keys of one installation."""

    def __init__(self, vault: Vault, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._roots = Roots(vault)
        self._random = random

    def make(self, conn: Connection) -> Fresh:
        """A new key, in a transaction that writes. Raises MasterKeyError."""
        prefix, secret = _text(self._random(PREFIX_BYTES)), _text(self._random(SECRET_BYTES))
        key = self._roots.of(conn, PURPOSE).derive(PURPOSE)
        return Fresh(f"cf_{prefix}_{secret}", prefix, _hash(key, prefix, secret), root_id(conn) or "")

    def is_right(self, conn: Connection, given: tuple[str, str], kept: bytes | None) -> bool:
        """Whether the secret of (prefix, secret) is the one whose hash was kept; None: there is no such key.

        False when the root was lost with the master key. Raises MasterKeyError.
        """
        root = self._roots.known(conn, PURPOSE)
        key = bytes(32) if root is None else root.derive(PURPOSE)
        is_same = hmac.compare_digest(_hash(key, *given), NOBODY if kept is None else kept)
        return is_same and root is not None and kept is not None


def root_id(conn: Connection) -> str | None:
    """Which root keys are hashed with now; None: no key was ever made, or the root is lost."""
    found = rows.root(conn, PURPOSE)
    return None if found is None else found[0]


def read(text: str) -> tuple[str, str] | None:
    """(prefix, secret) of a key's text; None: it is no key of ours."""
    found = FORM.fullmatch(text)
    return None if found is None else (found[1], found[2])


def _text(value: bytes) -> str:
    return base64.b32encode(value).decode().rstrip("=").lower()


def _hash(key: bytes, prefix: str, secret: str) -> bytes:
    return hmac.new(key, f"{prefix} {secret}".encode(), hashlib.sha256).digest()
