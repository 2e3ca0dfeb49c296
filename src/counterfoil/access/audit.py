"""The audit log: binds, refusals, consents and writes, in one keyed hash chain per entity.

Called by consent, bindings and posting, always inside the transaction that does the act. It holds ids and keyed
hashes, never names or tokens. Someone with the database but without the master key cannot rewrite a chain unseen; to
notice that a chain was cut short, compare its head with one printed earlier. The chains' key is a root secret of its own,
which survives a new master key. When even that is lost for good, each chain goes on behind a mark (`begin_anew`): what
stands before the mark still hangs together, but is no longer proved. Design §3.2.
"""

import datetime
import getpass
import hashlib
import hmac
import socket
from collections.abc import Callable
from typing import Any, Final

import msgspec

from counterfoil.access import roots
from counterfoil.access.master_key import MasterKey
from counterfoil.access.vault import Vault
from counterfoil.store import audit as rows
from counterfoil.store.audit import Connection, Entry

NO_ENTITY: Final = ""  # the chain of acts that concern no entity
FIRST: Final = "0" * 64
BEGAN_ANEW: Final = "chain begun anew"  # the act whose entry is the first that the present root proves
EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Chain(msgspec.Struct, frozen=True):
    """What verifying found. `broken_at`: the first entry that is not what was written; None: whole.

    `unproved`: how many entries, from the first, were made with a key that is lost; only their order was looked at.
    """

    entity: str
    length: int
    head: str
    broken_at: int | None
    unproved: int = 0


def actor() -> str:
    """Who runs this process: "user@host"."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


class AuditLog:
    """Appends to and verifies the chains. `now` is the time that goes into the entries."""

    def __init__(self, vault: Vault, actor: str, now: Callable[[], datetime.datetime]) -> None:
        self._roots = roots.Roots(vault)
        self._actor = actor
        self._now = now

    def append(self, conn: Connection, entity: str, act: str, data: dict[str, Any]) -> None:
        """Write one act, in the caller's transaction. `act`: "bound", "consented", …; `data`: ids, states, counts."""
        before = rows.last(conn, entity)
        at = self._now().astimezone(datetime.UTC)
        entry = Entry(
            entity=entity,
            seq=1 if before is None else before.seq + 1,
            at=at,
            actor=self._actor,
            act=act,
            data=msgspec.json.encode(data, order="sorted"),
            previous=FIRST if before is None else before.hash,
            hash="",
        )
        rows.add(conn, msgspec.structs.replace(entry, hash=_hash(self._root(conn), entry)))

    def begin_anew(self, conn: Connection) -> None:
        """Mark in every chain that its key was lost: what follows hangs on a new one. In the transaction that drops it."""
        for entity in rows.entities(conn):
            self.append(conn, entity, BEGAN_ANEW, {})

    def verify(self, conn: Connection, entity: str) -> Chain:
        """Recompute a chain. Costs a read of all its entries. Raises MasterKeyError when its root cannot be opened."""
        previous, broken_at = FIRST, None
        entries = rows.chain(conn, entity)
        root = self._roots.known(conn, roots.AUDIT)
        marks = [n for n, entry in enumerate(entries) if entry.act == BEGAN_ANEW]
        unproved = marks[-1] if marks else 0
        for n, entry in enumerate(entries, 1):
            good = entry.seq == n and entry.previous == previous
            if n > unproved:
                good = good and root is not None and hmac.compare_digest(entry.hash, _hash(root, entry))
            if not good:
                broken_at = n
                break
            previous = entry.hash
        return Chain(entity, len(entries), entries[-1].hash if entries else FIRST, broken_at, unproved)

    def keyed_hash(self, conn: Connection, text: str) -> str:
        """Stands for a name in `data`: the same for the same name, nothing to anybody without the key."""
        key = self._root(conn).derive("audit names v1")
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]

    def _root(self, conn: Connection) -> MasterKey:
        return self._roots.of(conn, roots.AUDIT)


def _hash(root: MasterKey, entry: Entry) -> str:
    key = root.derive(f"audit chain v1 {entry.entity}")
    microseconds = (entry.at - EPOCH) // datetime.timedelta(microseconds=1)
    fields = [entry.previous, entry.entity, entry.seq, microseconds, entry.actor, entry.act, entry.data.decode()]
    return hmac.new(key, msgspec.json.encode(fields), hashlib.sha256).hexdigest()
