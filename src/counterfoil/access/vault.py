"""The vault: seals with the master key that the database calls in force, opens with every key that the source holds.

Called by tokens, consent, roots and app. `keys rotate` changes the key while others work (rotation): whoever meets a
fingerprint that is new to it reads the source once more before giving up. Design §3.3.
"""

import asyncio
from typing import Final

from counterfoil import errors
from counterfoil.access import sealing
from counterfoil.access.key_source import Source
from counterfoil.access.sealing import Sealer
from counterfoil.model.hidden import HiddenBytes
from counterfoil.store import secrets
from counterfoil.store.database import Database
from counterfoil.store.secrets import Connection

LOST: Final = "If that key is gone for good: `counterfoil keys replace`, then `counterfoil connect`."


class Vault:
    """Seals and opens entries. Safe to share between tasks and the database's thread."""

    def __init__(self, source: Source) -> None:
        """Reads the source: a file, a variable, or the output of a command (which may take seconds)."""
        self._source = source
        self._sealers: dict[bytes, Sealer] = {}
        self._first = b""
        self.reload()

    def reload(self) -> None:
        """Read the source again; keys that it no longer holds stay known to this process. Raises MasterKeyError."""
        found = [Sealer(key) for key in self._source.load()]
        self._sealers |= {sealer.fingerprint: sealer for sealer in found}
        self._first = found[0].fingerprint

    async def ready(self, database: Database) -> None:
        """Make sure that we may seal, before something is asked for that has to be sealed. Raises MasterKeyError."""
        wanted = await database.read(secrets.in_force)
        if wanted is not None and wanted not in self._sealers:
            await asyncio.to_thread(self.reload)
            self._sealer(wanted)

    def knows(self, fingerprint: bytes) -> bool:
        """Whether one of our keys has this fingerprint."""
        return fingerprint in self._sealers

    def seal(self, conn: Connection, content: bytes, *ids: str) -> bytes:
        """Encrypt for storing in this very transaction. `ids` name the entry; only the same ones open it.

        Raises MasterKeyError when a key is in force that the source does not hold.
        """
        wanted = secrets.in_force(conn)
        if wanted is None:
            secrets.put_in_force(conn, self._first, before=None)
            wanted = secrets.in_force(conn)
            assert wanted is not None, "it was put in force just now, by us or by another process"
        return self._known(wanted).seal(content, *ids)

    def open(self, sealed: bytes, *ids: str) -> HiddenBytes:
        """Decrypt. Raises MasterKeyError when an unknown key sealed it, or when it or its ids were changed."""
        return self._known(sealing.fingerprint_of(sealed)).open(sealed, *ids)

    def _known(self, fingerprint: bytes) -> Sealer:
        if fingerprint not in self._sealers:  # rare: `ready` was asked before, and the key changed since
            self.reload()
        return self._sealer(fingerprint)

    def _sealer(self, fingerprint: bytes) -> Sealer:
        found = self._sealers.get(fingerprint)
        if found is None:
            raise errors.MasterKeyError(
                f"The stored consents are sealed with another master key than {self._source.name} holds.",
                remedy=f"Restore the one that belongs to this database. {LOST}",
            )
        return found

    def __repr__(self) -> str:
        return "<Vault>"
