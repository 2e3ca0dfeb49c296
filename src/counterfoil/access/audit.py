"""The audit log: binds, refusals, consents, approvals, corrections and writes, in one keyed hash chain per entity.

Called by consent, bindings, posting and app, always inside the transaction that does the act. It holds ids and keyed
hashes, never names or tokens. Someone with the database but without the master key can neither rewrite a chain nor take
its last entries off unseen; to notice that a whole database was put back to an earlier day, compare a chain's head with
one printed earlier (access/verifying). Design §3.2.
"""

import datetime
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from counterfoil.access.vault import MasterKey
from counterfoil.access.verifying import BROKEN, FIRST, Chain, Verifier
from counterfoil.store import audit as rows
from counterfoil.store.audit import Connection, Entry, Head

NO_ENTITY: Final = ""  # the chain of acts that concern no entity
EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
IDS_MAX: Final = 200  # ids in one entry; the count beside them is always whole


class AuditLog:
    """Appends to the chains. `actor`: who acts, as text; `now`: the time that goes into the entries."""

    def __init__(self, master: MasterKey, actor: str, now: Callable[[], datetime.datetime]) -> None:
        self._master = master
        self._actor = actor
        self._now = now
        self._keys: dict[str, bytes] = {}

    def append(self, conn: Connection, entity: str, act: str, data: Mapping[str, Any]) -> None:
        """Write one act, in the caller's transaction. `act`: "bound", "consented", …; `data`: ids, states, counts.

        A transaction that writes to several chains uses `append_all`, or does so by entity: two that hold each other's
        would wait for ever.
        """
        rows.hold(conn, entity)
        head, last_seq = rows.head(conn, entity)
        if head is None and last_seq is None:
            self._add(conn, entity, 1, FIRST, act, data)
        elif head is not None and head.seq == last_seq and self.is_sealed(head):
            self._add(conn, entity, head.seq + 1, head.hash, act, data)
        else:
            # Going on in silence would seal what somebody did to the end of the chain.
            told = {"last": last_seq, "sealed": None if head is None else head.seq}
            seq = max(told["last"] or 0, told["sealed"] or 0) + 1
            broken = self._add(conn, entity, seq, FIRST if head is None else head.hash, BROKEN, told)
            self._add(conn, entity, seq + 1, broken, act, data)

    def append_all(self, conn: Connection, acts: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
        """Write several acts, each (entity, act, data), by entity."""
        for entity, act, data in sorted(acts, key=lambda one: one[0]):
            self.append(conn, entity, act, data)

    def _add(self, conn: Connection, entity: str, seq: int, previous: str, act: str, data: Mapping[str, Any]) -> str:
        at = self._now().astimezone(datetime.UTC)
        encoded = msgspec.json.encode(data, order="sorted")
        microseconds = (at - EPOCH) // datetime.timedelta(microseconds=1)
        made = self.hash_of(entity, [previous, entity, seq, microseconds, self._actor, act, encoded.decode()])
        rows.add(conn, Entry(entity, seq, at, self._actor, act, encoded, previous, made), self._seal(entity, seq, made))
        return made

    def verify(self, conn: Connection, entity: str) -> Chain:
        """Recompute a whole chain in one transaction: for a chain that is short. Costs a read of all its entries."""
        verifier = Verifier(self, entity)
        while not verifier.step(conn):
            pass
        return verifier.found()

    def keyed_hash(self, text: str) -> str:
        """Stands for a name in `data`: the same for the same name, nothing to anybody without the key."""
        return hmac.new(self._key("audit names v1"), text.encode(), hashlib.sha256).hexdigest()[:32]

    def hash_of(self, entity: str, fields: list[Any]) -> str:
        """The hash of one entry's fields: previous, entity, seq, microseconds, actor, act, data as text."""
        return self._mac(f"audit chain v1 {entity}", fields)

    def is_sealed(self, head: Head) -> bool:
        """Whether we wrote where this chain ends. False too for values that we never write."""
        try:
            return hmac.compare_digest(str(head.seal).encode(), self._seal(head.entity, head.seq, head.hash).encode())
        except (TypeError, ValueError):
            return False

    def _seal(self, entity: str, seq: Any, entry_hash: Any) -> str:
        return self._mac(f"audit head v1 {entity}", [entity, seq, entry_hash])

    def _mac(self, purpose: str, fields: list[Any]) -> str:
        return hmac.new(self._key(purpose), msgspec.json.encode(fields), hashlib.sha256).hexdigest()

    def _key(self, purpose: str) -> bytes:
        if purpose not in self._keys:
            self._keys[purpose] = self._master.derive(purpose)
        return self._keys[purpose]


def some(ids: Iterable[int]) -> dict[str, Any]:
    """Ids for an entry, at most IDS_MAX of them, and how many they are."""
    known = sorted(ids)
    return {"count": len(known), "ids": known[:IDS_MAX]}
