"""A new master key while others work, and one in place of a key that is lost for good.

Called by app/keys (`counterfoil keys rotate`, `keys replace`). The order makes every instant safe to be killed at: the
source holds both keys before the database calls the new one in force; from that commit on nothing is sealed under the old
one; then every entry is wrapped anew; only then the old key leaves the source. Whatever was left undone, the next
rotation begins where this one ended, and every other command works with both keys. Each of these transactions writes what it
did into the audit log.
"""

import datetime
from collections.abc import Callable
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.access import key_file, losing, sealing
from counterfoil.access.audit import NO_ENTITY, AuditLog
from counterfoil.access.key_source import Source
from counterfoil.access.master_key import MasterKey
from counterfoil.access.sealing import Sealer
from counterfoil.access.vault import Vault
from counterfoil.store import grants, secrets
from counterfoil.store.database import Database
from counterfoil.store.secrets import Connection, Entry

BATCH: Final = 50  # entries wrapped anew in one transaction
ENTRIES_MAX: Final = 100_000  # given up in one transaction: two for each consent, a few roots
GONE: Final = "Its tokens were sealed with a master key that is gone."

Point = Callable[[str], None]


class Rotated(msgspec.Struct, frozen=True):
    """How a rotation ended. `step`: "done"; "give": the source needs a second key first; "drop": its second one may go.

    `key`, `before`: fingerprints of the key in force now and of the one before; `unreadable`: consents that no key opens.
    """

    step: str
    source: str
    key: str
    before: str | None
    rewrapped: int
    unreadable: int


class Replaced(msgspec.Struct, frozen=True):
    """What became of it when a lost key was replaced: `grants` need a person's consent again."""

    key: str
    grants: int


class Rotation:
    """Changes the master key of one installation. `public_url`: where a person lets us in, as reconnecting has it."""

    def __init__(self, database: Database, source: Source, point: Point, public_url: str | None = None) -> None:
        self._database = database
        self._source = source
        self._point = point
        self._public_url = public_url

    async def rotate(self, audit: AuditLog) -> Rotated:
        """Begin a rotation, or finish one that was begun. Raises MasterKeyError, StoreError; safe to kill and repeat."""
        if self._source.file is None:
            return await self._by_hand(audit)
        with key_file.locked(self._source.file):
            keys = self._source.load()
            force = await self._database.read(secrets.in_force)
            self._check(keys, force)
            if len(keys) == 1:
                key_file.replace(self._source.file, (_another_than(keys[0]), keys[0]), self._point)
                keys = self._source.load()
                self._point("both keys in the file")
            rotated = await self._carry_out(keys[0], keys[1], force, audit)
            self._point("everything wrapped anew")
            key_file.replace(self._source.file, (keys[0],), self._point)
            return rotated

    async def _by_hand(self, audit: AuditLog) -> Rotated:
        """The source is not ours to write: the person gives it the second key, and takes the old one out afterwards."""
        keys = self._source.load()
        force = await self._database.read(secrets.in_force)
        self._check(keys, force)
        if len(keys) == 1:
            return Rotated("give", self._source.name, keys[0].fingerprint.hex(), None, 0, 0)
        return msgspec.structs.replace(await self._carry_out(keys[0], keys[1], force, audit), step="drop")

    def _check(self, keys: tuple[MasterKey, ...], force: bytes | None) -> None:
        if force is not None and force not in {key.fingerprint for key in keys}:
            raise errors.MasterKeyError(
                f"Another master key is in force than {self._source.name} holds.",
                remedy="Restore that one first; if it is gone for good, `counterfoil keys replace`.",
            )

    async def _carry_out(self, new: MasterKey, old: MasterKey, force: bytes | None, audit: AuditLog) -> Rotated:
        sealer, before = Sealer(new), Sealer(old)
        key = sealer.fingerprint.hex()
        if force != sealer.fingerprint:
            await self._put_in_force(sealer.fingerprint, force, audit)
        self._point("the new key in force")
        count, unreadable = 0, set[Entry]()

        def wrap(conn: Connection) -> tuple[int, set[Entry]] | None:
            batch = secrets.under_other_keys(conn, sealer.fingerprint, BATCH, unreadable)
            if not batch:
                return None
            done = _wrap(conn, batch, sealer, before)
            told = {"key": key, "entries": done[0], "unreadable": len(done[1])}
            audit.append(conn, NO_ENTITY, "entries sealed anew", told)
            return done

        while (wrapped := await self._database.run(wrap)) is not None:
            count += wrapped[0]
            unreadable |= wrapped[1]
            self._point("some wrapped anew")
        return Rotated("done", self._source.name, key, before.fingerprint.hex(), count, len(unreadable))

    async def _put_in_force(self, fingerprint: bytes, force: bytes | None, audit: AuditLog) -> None:
        def put(conn: Connection) -> bool:
            if not secrets.put_in_force(conn, fingerprint, before=force):
                return False
            audit.append(conn, NO_ENTITY, "master key rotated", {"key": fingerprint.hex()})
            return True

        if not await self._database.run(put):
            raise errors.MasterKeyError(
                "Another rotation put a key in force meanwhile.", remedy="Run `counterfoil keys` to see which."
            )

    async def replace(self, vault: Vault, audit: AuditLog) -> Replaced:
        """Go on with the key that the source holds, when the one in force is lost for good.

        What the lost key sealed is given up in one transaction: consents are marked as lost, their entities' postings
        wait, and every audit chain begins anew behind a mark. Raises MasterKeyError when the key in force is at hand.
        """

        def replace(conn: Connection) -> Replaced:
            force = secrets.in_force(conn)
            if force is None or vault.knows(force):
                raise errors.MasterKeyError(
                    "The master key in force is at hand: nothing is lost.",
                    remedy="For a new one: `counterfoil keys rotate`.",
                )
            first, lost = self.give_up(conn, force, vault, audit)
            audit.append(conn, NO_ENTITY, "master key replaced", {"key": first.hex(), "grants": len(lost)})
            return Replaced(first.hex(), len(lost))

        return await self._database.run(replace)

    def adopt(self, conn: Connection, vault: Vault, audit: AuditLog) -> None:
        """A copied database goes on under this environment's own key, in the transaction that adopts it.

        What the original's key sealed cannot be opened here and is given up: the audit chains begin anew behind a mark.
        """
        force = secrets.in_force(conn)
        if force is not None and not vault.knows(force):
            self.give_up(conn, force, vault, audit)

    def give_up(self, conn: Connection, force: bytes, vault: Vault, audit: AuditLog) -> tuple[bytes, set[str]]:
        """Put our key in force instead of `force`, and drop what it does not open; → its fingerprint, the lost grants."""
        first = self._source.load()[0].fingerprint
        secrets.put_in_force(conn, first, before=force)
        others = secrets.under_other_keys(conn, first, ENTRIES_MAX)
        gone = [entry for entry in others if not vault.knows(sealing.fingerprint_of(entry.sealed))]
        secrets.drop_unreadable(conn, gone)
        lost = _lose(conn, gone, self._database.now(conn), self._public_url)
        audit.begin_anew(conn)
        return first, lost


def _another_than(old: MasterKey) -> MasterKey:
    new = MasterKey.random()
    while new.fingerprint == old.fingerprint:  # once in four thousand million rotations
        new = MasterKey.random()
    return new


def _wrap(conn: Connection, batch: list[Entry], sealer: Sealer, before: Sealer) -> tuple[int, set[Entry]]:
    """Wrap entries anew; → how many, and those that the old key does not open: they stay as they are."""
    done, unreadable = 0, set[Entry]()
    for entry in batch:
        try:
            sealed = sealer.rewrapped(before, entry.sealed, *entry.ids)
        except errors.MasterKeyError:
            unreadable.add(entry)
        else:
            done += secrets.rewrap(conn, entry, sealed)
    return done, unreadable


def _lose(conn: Connection, gone: list[Entry], now: datetime.datetime, public_url: str | None) -> set[str]:
    """Mark the consents whose tokens cannot be opened any more; → which."""
    lost = {entry.key for entry in gone if entry.kind == "grant"}
    for grant_id in sorted(lost):
        grants.give_up(conn, grant_id, why=GONE)
        losing.tell(conn, grant_id, GONE, now, public_url)
    for entry in gone:
        if entry.kind == "spare" and entry.key not in lost:
            grants.drop_spare(conn, entry.key)
    return lost
