"""The audit log: binds, refusals, consents, approvals, corrections and writes, in one keyed hash chain per entity.

Called by consent, bindings, posting and app, always inside the transaction that does the act. It holds ids and keyed
hashes, never names or tokens. Someone with the database but without the master key can neither rewrite a chain nor take
its last entries off unseen, unless they kept an earlier copy of the row that says where it ends (or of the database): to
notice that a chain was put back to an earlier day, compare its head with one printed earlier (access/verifying). The chains' key is a root secret of its own, which survives a new master key. When
even that is lost for good, each chain goes on behind a mark (`begin_anew`): what stands before the mark still hangs
together, but is no longer proved. Design §3.2.
"""

import datetime
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from counterfoil.access import roots
from counterfoil.access.master_key import MasterKey
from counterfoil.access.vault import Vault
from counterfoil.access.verifying import BEGAN_ANEW, BROKEN, FIRST, Chain, Verifier
from counterfoil.store import audit as rows
from counterfoil.store.audit import Connection, Entry, Head

NO_ENTITY: Final = ""  # the chain of acts that concern no entity
EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
IDS_MAX: Final = 200  # ids in one entry; the count beside them is always whole


class AuditLog:
    """Appends to the chains. `actor`: who acts, as text; `now`: the time that goes into the entries."""

    def __init__(self, vault: Vault, actor: str, now: Callable[[], datetime.datetime]) -> None:
        self._roots = roots.Roots(vault)
        self._actor = actor
        self._now = now
        self._keys: _Keys | None = None

    def append(self, conn: Connection, entity: str, act: str, data: Mapping[str, Any]) -> None:
        """Write one act, in the caller's transaction. `act`: "bound", "consented", …; `data`: ids, states, counts.

        A transaction that writes to several chains uses `append_all`, or does so by entity: two that hold each other's
        would wait for ever.
        """
        keys = self._writing(conn)
        rows.hold(conn, entity)
        head, last_seq = rows.head(conn, entity)
        if head is None and last_seq is None:
            self._add(conn, keys, entity, 1, FIRST, act, data)
        elif head is not None and head.seq == last_seq and keys.is_sealed(head):
            self._add(conn, keys, entity, head.seq + 1, head.hash, act, data)
        else:
            # Going on in silence would seal what somebody did to the end of the chain.
            sealed = None if head is None else head.seq
            told = {"last": last_seq, "sealed": sealed if isinstance(sealed, int) else None}
            seq, previous = _end(head, last_seq)
            broken = self._add(conn, keys, entity, seq + 1, previous, BROKEN, told)
            self._add(conn, keys, entity, seq + 2, broken, act, data)

    def append_all(self, conn: Connection, acts: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
        """Write several acts, each (entity, act, data), by entity."""
        for entity, act, data in sorted(acts, key=lambda one: one[0]):
            self.append(conn, entity, act, data)

    def begin_anew(self, conn: Connection) -> None:
        """Mark in every chain that its key was lost: what follows hangs on a new one. In the transaction that drops it."""
        keys = self._writing(conn)
        for entity in rows.chains(conn):
            rows.hold(conn, entity)
            seq, previous = _end(*rows.head(conn, entity))
            self._add(conn, keys, entity, seq + 1, previous, BEGAN_ANEW, {})

    def verify(self, conn: Connection, entity: str) -> Chain:
        """Recompute a whole chain in one transaction: for a chain that is short. Costs a read of all its entries.

        Raises MasterKeyError when its root cannot be opened.
        """
        verifier = Verifier(self.keys, entity)
        while not verifier.step(conn):
            pass
        return verifier.found()

    def ends_well(self, conn: Connection, entity: str) -> bool:
        """Whether a chain ends where its seal says; what stands before is not looked at. Raises MasterKeyError."""
        head, last_seq = rows.head(conn, entity)
        keys = self.keys(conn)
        return head is not None and head.seq == last_seq and keys is not None and keys.is_sealed(head)

    def keyed_hash(self, conn: Connection, text: str) -> str:
        """Stands for a name in `data`: the same for the same name, nothing to anybody without the key."""
        return self._writing(conn).name(text)

    def keyed(self, conn: Connection) -> Callable[[str], str]:
        """The same as a function of the name alone, for copies of the database: their key may be sealed with an older one."""
        return self._writing(conn).name

    def keys(self, conn: Connection) -> "_Keys | None":
        """What entries are hashed with; None when nothing was ever written. Raises MasterKeyError."""
        return self._of(self._roots.known(conn, roots.AUDIT))

    def _writing(self, conn: Connection) -> "_Keys":
        found = self._of(self._roots.of(conn, roots.AUDIT))
        assert found is not None
        return found

    def _of(self, root: MasterKey | None) -> "_Keys | None":
        if root is None:
            return None
        if self._keys is None or self._keys.root is not root:
            self._keys = _Keys(root)
        return self._keys

    def _add(
        self, conn: Connection, keys: "_Keys", entity: str, seq: int, previous: str, act: str, data: Mapping[str, Any]
    ) -> str:
        at = self._now().astimezone(datetime.UTC)
        encoded = msgspec.json.encode(data, order="sorted")
        microseconds = (at - EPOCH) // datetime.timedelta(microseconds=1)
        made = keys.hash_of(entity, [previous, entity, seq, microseconds, self._actor, act, encoded.decode()])
        seal = keys.seal(entity, seq, made)
        rows.add(conn, Entry(entity, seq, at, self._actor, act, encoded, previous, made), seal)
        return made


class _Keys:
    """The keys of one root: one per chain, each derived once."""

    def __init__(self, root: MasterKey) -> None:
        self.root = root
        self._derived: dict[str, bytes] = {}

    def hash_of(self, entity: str, fields: list[Any]) -> str:
        """The hash of one entry's fields: previous, entity, seq, microseconds, actor, act, data as text."""
        return self._mac(f"audit chain v1 {entity}", fields)

    def seal(self, entity: str, seq: Any, entry_hash: Any) -> str:
        """What says that a chain ends there."""
        return self._mac(f"audit head v1 {entity}", [entity, seq, entry_hash])

    def is_sealed(self, head: Head) -> bool:
        """Whether we wrote where this chain ends. False too for values that we never write."""
        try:
            return hmac.compare_digest(str(head.seal).encode(), self.seal(head.entity, head.seq, head.hash).encode())
        except (TypeError, ValueError):
            return False

    def name(self, text: str) -> str:
        """A name's hash."""
        return hmac.new(self._key("audit names v1"), text.encode(), hashlib.sha256).hexdigest()[:32]

    def _mac(self, purpose: str, fields: list[Any]) -> str:
        return hmac.digest(self._key(purpose), msgspec.json.encode(fields), "sha256").hex()

    def _key(self, purpose: str) -> bytes:
        if purpose not in self._derived:
            self._derived[purpose] = self.root.derive(purpose)
        return self._derived[purpose]


def _end(head: Head | None, last_seq: int | None) -> tuple[int, str]:
    """The number that no entry may have again, and the hash to go on from, whatever somebody made of the chain's end."""
    seq, made = (0, FIRST) if head is None else (head.seq, head.hash)
    known = [one for one in (last_seq, seq) if isinstance(one, int) and one < rows.SEQ_MAX]
    return max(known, default=0), made if isinstance(made, str) and made.isascii() else FIRST


def some(ids: Iterable[int]) -> dict[str, Any]:
    """Ids for an entry, at most IDS_MAX of them, and how many they are."""
    known = sorted(ids)
    return {"count": len(known), "ids": known[:IDS_MAX]}
