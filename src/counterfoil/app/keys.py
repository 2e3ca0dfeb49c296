"""The master key as operations: which one is in force, a rotation, and going on without a lost one.

Called by cli/keys. The rules are those of access/rotation.
"""

from typing import Any

import msgspec

from counterfoil import errors
from counterfoil.access import key_file
from counterfoil.access.rotation import Replaced, Rotated
from counterfoil.store import secrets


class KeyState(msgspec.Struct, frozen=True):
    """Where the master key stands; fingerprints only. `in_force` None: nothing was sealed yet.

    `held`: what the source holds, first the one that a rotation goes to; `trouble`: why it cannot be read.
    """

    source: str
    in_force: str | None
    held: tuple[str, ...]
    entries: dict[str, int]
    trouble: str | None

    @property
    def next(self) -> str:
        """What to type next."""
        if self.in_force is not None and self.in_force not in self.held:
            return "restore the key; if it is gone for good, counterfoil keys replace"
        return (
            "counterfoil keys rotate"
            if len(self.held) > 1 or set(self.entries) - {self.in_force}
            else "counterfoil status"
        )


async def state(books: Any) -> KeyState:
    """Which key is in force, what the source holds, and how many entries each key sealed. No call, no key needed."""
    source = books.access.key_source
    held: tuple[str, ...] = ()
    trouble = None
    try:
        held = tuple(key.fingerprint.hex() for key in source.load())
    except errors.MasterKeyError as error:
        trouble = str(error)
    force = await books.database.read(secrets.in_force)
    entries = await books.database.read(secrets.counts)
    return KeyState(source.name, force.hex() if force else None, held, entries, trouble)


async def rotate(books: Any) -> Rotated:
    """Change the master key, or finish a change; the old one is not needed afterwards. Raises MasterKeyError."""
    rotated: Rotated = await books.access.rotation(books.point).rotate(books.access.audit)
    return rotated


async def replace(books: Any) -> Replaced:
    """Go on with another key when the one in force is lost for good; a key file that is absent is made anew.

    Raises MasterKeyError when nothing is lost.
    """
    source = books.access.key_source
    if await books.database.read(secrets.in_force) is None:
        raise errors.MasterKeyError(
            "Nothing was sealed in this database yet: no key is missed.", remedy="Run `counterfoil init` for a key."
        )
    if source.file is not None and not source.file.exists():
        key_file.new(source.file)
    replaced: Replaced = await books.access.rotation(books.point).replace(books.access.vault, books.access.audit)
    return replaced
