"""Root secrets: random keys for one purpose each, sealed in the database, so that they survive the master key.

Called by audit, whose chains and keyed hashes would otherwise break when the master key is rotated. A root is made on its
first use, by whichever process comes first. It lasts until the master key is lost for good (`keys replace`).
"""

import secrets
from typing import Final

from counterfoil.access.master_key import MasterKey
from counterfoil.access.vault import Vault
from counterfoil.store import secrets as rows
from counterfoil.store.secrets import Connection

ID_BYTES: Final = 8
AUDIT: Final = "audit"


class Roots:
    """Opens each root once per process; a root that was replaced meanwhile is opened anew."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._opened: dict[str, MasterKey] = {}

    def of(self, conn: Connection, purpose: str) -> MasterKey:
        """The root for this purpose, made if there is none: in a transaction that writes. Raises MasterKeyError."""
        return self.known(conn, purpose) or self._made(conn, purpose)

    def known(self, conn: Connection, purpose: str) -> MasterKey | None:
        """The root for this purpose; None when nothing was ever made with it. Raises MasterKeyError."""
        found = rows.root(conn, purpose)
        return None if found is None else self._open(purpose, *found)

    def _open(self, purpose: str, id: str, sealed: bytes) -> MasterKey:
        if id not in self._opened:
            self._opened[id] = MasterKey(self._vault.open(sealed, "secret", purpose))
        return self._opened[id]

    def _made(self, conn: Connection, purpose: str) -> MasterKey:
        rows.hold_root(conn, purpose)
        by_another = self.known(conn, purpose)
        if by_another is not None:
            return by_another
        root = MasterKey.random()
        rows.add_root(
            conn, purpose, secrets.token_hex(ID_BYTES), self._vault.seal(conn, root.reveal(), "secret", purpose)
        )
        return root  # opened from its row next time: this transaction may yet be rolled back
