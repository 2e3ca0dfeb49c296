"""Verifying a chain of the audit log, a batch at a time: whatever was changed, taken out, put in or moved is named.

Called by audit and app/auditing. A `Verifier` is told the rows in order and keeps only the last hash, so a chain of any
length takes the same memory. What a key cannot show is that a whole database was put back to an earlier day: for that it
looks for heads that were printed or exported before. Design §3.2.
"""

import hmac
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, Protocol

import msgspec

from counterfoil.store import audit as rows
from counterfoil.store.audit import Connection, Head, Raw

FIRST: Final = "0" * 64  # what stands before the first entry; the head of a chain without entries
BEGAN_ANEW: Final = "chain begun anew"  # the act whose entry is the first that the present key proves
BROKEN: Final = "chain broken"  # our own act: the chain did not end where its seal says when something was to be added
HEAD_MIN: Final = 16  # hex digits of a head that a person may give: as many as a screen shows


class Keyed(Protocol):
    """What has the key."""

    def hash_of(self, entity: str, fields: list[Any]) -> str:
        """The hash of one entry's fields: previous, entity, seq, microseconds, actor, act, data as text."""
        ...

    def is_sealed(self, head: Head) -> bool:
        """Whether we wrote where this chain ends."""
        ...


Keys = Callable[[Connection], Keyed | None]


class Chain(msgspec.Struct, frozen=True):
    """What verifying found. `broken_at`: the first entry that is not what was written; None: whole. `why`: a sentence.

    `missing_heads`: heads that were printed once and that no entry has. `unproved`: how many entries, from the first, were
    made with a key that is lost; only their order was looked at.
    """

    entity: str
    length: int
    head: str
    broken_at: int | None
    why: str = ""
    missing_heads: tuple[str, ...] = ()
    unproved: int = 0

    @property
    def is_whole(self) -> bool:
        """True when every entry stands as it was written, and every head that was looked for is one of them."""
        return self.broken_at is None and not self.missing_heads


class Verifier:
    """One chain on its way. `heads`: hashes, or their first HEAD_MIN digits or more, that one of the entries must have.

    `keys`: gives the key that is in force, as the audit log does.
    """

    def __init__(self, keys: Keys, entity: str, heads: Collection[str] = (), *, batch: int = rows.BATCH) -> None:
        self._keys = keys
        self._keyed: Keyed | None = None
        self._unproved: int | None = None
        self._entity = entity
        self._wanted = {head for head in heads if not FIRST.startswith(head)}
        self._batch = batch
        self._previous = FIRST
        self._broken: tuple[int, str] | None = None
        self._at_seal: str | None = None
        self.length = 0

    def step(self, conn: Connection) -> bool:
        """Read and check the next batch; → whether it was the last one. One short read. Raises MasterKeyError."""
        if not self._entity.isprintable():
            self._break(1, "its entity is no name that we ever wrote.")
            return True
        self._keyed = self._keys(conn)
        if self._unproved is None:
            self._unproved = max(0, (rows.last_of(conn, self._entity, BEGAN_ANEW) or 0) - 1)
        head = rows.raw_head(conn, self._entity)  # before the rows: one that is added meanwhile proves itself
        batch = rows.raw_after(conn, self._entity, self.length or None, self._batch)
        self._take(batch, head)
        if self._broken is not None or len(batch) < self._batch:
            self._end(conn, head)
            return True
        return False

    def found(self) -> Chain:
        """What was found; after the last step."""
        at, why = self._broken or (None, "")
        return Chain(
            self._entity, self.length, self._previous, at, why, tuple(sorted(self._wanted)), self._unproved or 0
        )

    def _take(self, batch: Sequence[Raw], head: Head | None) -> None:
        if head is not None and head.seq == self.length:
            self._at_seal = self._previous
        for one in batch:
            expected = self.length + 1
            if not _is_number(one.seq) or one.seq != expected:
                self._break(expected, _misplaced(one.seq, expected))
            elif not self._is_ours(one):
                self._break(expected, f"entry {expected} is not as it was written.")
            elif one.act == BROKEN:
                self._break(expected, f"entries before entry {expected} were taken away or added when it was written.")
            else:
                self.length = expected
                self._previous = one.hash
                if head is not None and head.seq == expected:
                    self._at_seal = one.hash
                if self._wanted:
                    self._wanted = {wanted for wanted in self._wanted if not one.hash.startswith(wanted)}
                continue
            return

    def _is_ours(self, one: Raw) -> bool:
        if not isinstance(one.data, bytes) or not _is_number(one.at) or not isinstance(one.hash, str):
            return False
        try:
            if one.seq <= (self._unproved or 0):
                return bool(one.previous == self._previous)
            fields = [one.previous, one.entity, one.seq, one.at, one.actor, one.act, one.data.decode()]
            made = "" if self._keyed is None else self._keyed.hash_of(self._entity, fields)
            return one.previous == self._previous and hmac.compare_digest(one.hash.encode(), made.encode())
        except (TypeError, ValueError):  # bytes that are no text, values that we never write
            return False

    def _end(self, conn: Connection, head: Head | None) -> None:
        """The last row is taken: does the chain end where its seal says?"""
        if self._broken is not None:
            return
        if head is None:
            if self.length or self._entity in rows.entities(conn):
                self._break(self.length + 1, _unsealed(self.length))
        elif self._keyed is None or not self._keyed.is_sealed(head):
            self._break(self.length + 1, "where the chain ends was changed: its seal is not ours.")
        elif head.seq > self.length:
            gone = (
                "its last entry is" if head.seq == self.length + 1 else f"its last {head.seq - self.length} entries are"
            )
            self._break(self.length + 1, f"{gone} missing.")
        elif head.hash != self._at_seal:
            self._break(head.seq, f"entry {head.seq} is not the one that the chain ended with.")
        elif rows.count(conn, self._entity, self.length) != self.length:
            self._break(self.length + 1, "an entry stands in it twice.")

    def _break(self, at: int, why: str) -> None:
        self._broken = (at, why[0].upper() + why[1:])


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _misplaced(seq: Any, expected: int) -> str:
    if _is_number(seq) and seq > expected:
        return f"entry {expected} is missing." if seq == expected + 1 else f"entries {expected}–{seq - 1} are missing."
    return f"an entry stands before entry {expected} that was not written there."


def _unsealed(length: int) -> str:
    if not length:
        return "the chain is missing as a whole, though there is a binding or a consent."
    return "what says where the chain ends is missing, and maybe entries with it."
