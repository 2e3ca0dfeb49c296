"""What is sealed, and under which master key: the fingerprint in force, the root secrets, and every sealed entry.

Called by access (vault, roots, rotation). Nothing here can open anything. The fingerprint in force stands in `meta`;
whoever seals reads it in the transaction that stores the sealed bytes, which keeps it unchanged until that commits: so
once another key is in force, nothing is sealed under the one before any more.
"""

from collections.abc import Collection
from typing import Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import locks, schema
from counterfoil.store.meta import get_meta, set_meta
from counterfoil.store.prepared import Prepared

Connection: TypeAlias = sa.Connection
IN_FORCE: Final = "master_key"
FINGERPRINT_AT: Final = 2  # SQL counts from 1; before it stands the entry's form (access/sealing) …
FINGERPRINT_BYTES: Final = 4  # … and so long it is

_m, _s = schema.meta.c, schema.secrets
_FOR_SHARE = Prepared(sa.select(_m.value).where(_m.key == IN_FORCE).with_for_update(read=True))
_ROOT = Prepared(sa.select(_s.c.id, _s.c.secret).where(_s.c.purpose == sa.bindparam("purpose")))

# Every column that holds sealed bytes: name, column, key column, first id (see Vault.seal). A test walks the schema.
_SEALED: Final = {
    "grant": (schema.grants.c.secret, schema.grants.c.id, "grant"),
    "spare": (schema.grants.c.spare, schema.grants.c.id, "grant"),
    "secret": (_s.c.secret, _s.c.purpose, "secret"),
    "question": (schema.questions.c.secret, schema.questions.c.id, "question"),
}


class Entry(msgspec.Struct, frozen=True):
    """One sealed entry. `kind` and `key` say where it stands, `ids` what it was sealed with."""

    kind: str
    key: str
    ids: tuple[str, str]
    sealed: bytes

    def __repr__(self) -> str:
        return f"<Entry {self.kind} {self.key}>"


def in_force(conn: Connection) -> bytes | None:
    """The fingerprint of the key that seals; None before anything was sealed. Stays so until this transaction ends."""
    found = _FOR_SHARE.first(conn)
    return bytes.fromhex(found) if found else None


def put_in_force(conn: Connection, fingerprint: bytes, *, before: bytes | None) -> bool:
    """Let another key seal from now on. False: it is not `before` that was in force; then nothing changed."""
    locks.hold(conn, "master key")
    if before is None:
        if get_meta(conn, IN_FORCE) is not None:
            return False
        set_meta(conn, IN_FORCE, fingerprint.hex())
        return True
    mine = (_m.key == IN_FORCE) & (_m.value == before.hex())
    return conn.execute(sa.update(schema.meta).where(mine).values(value=fingerprint.hex())).rowcount == 1


def under_other_keys(conn: Connection, fingerprint: bytes, most: int, leave: Collection[Entry] = ()) -> list[Entry]:
    """Entries that another key sealed, at most so many beyond those to leave alone."""
    left = {(entry.kind, entry.key, entry.sealed) for entry in leave}
    found: list[Entry] = []
    for kind, (column, key, first) in _SEALED.items():
        other = sa.func.substr(column, FINGERPRINT_AT, len(fingerprint)) != fingerprint
        rows = conn.execute(sa.select(key, column).where(other).order_by(key).limit(most + len(left)))
        found += [Entry(kind, row[0], (first, row[0]), row[1]) for row in rows if (kind, row[0], row[1]) not in left]
    return found[:most]


def counts(conn: Connection) -> dict[str, int]:
    """How many entries each key sealed, by its fingerprint."""
    found: dict[str, int] = {}
    for column, _key, _first in _SEALED.values():
        mark = sa.func.substr(column, FINGERPRINT_AT, FINGERPRINT_BYTES)
        for fingerprint, count in conn.execute(
            sa.select(mark, sa.func.count()).where(column.is_not(None)).group_by(mark)
        ):
            found[bytes(fingerprint).hex()] = found.get(bytes(fingerprint).hex(), 0) + count
    return dict(sorted(found.items()))


def rewrap(conn: Connection, entry: Entry, sealed: bytes) -> bool:
    """Put newly wrapped bytes in the entry's place, if it still holds the old ones."""
    column, key, _first = _SEALED[entry.kind]
    same = (key == entry.key) & (column == entry.sealed)
    return conn.execute(sa.update(column.table).where(same).values({column.name: sealed})).rowcount == 1


def root(conn: Connection, purpose: str) -> tuple[str, bytes] | None:
    """A root secret as (id, sealed); None when it was never made."""
    found = _ROOT.tuples(conn, purpose=purpose)
    return (found[0][0], found[0][1]) if found else None


def hold_root(conn: Connection, purpose: str) -> None:
    """Nobody else makes this root until this transaction ends: for looking first and making then."""
    locks.hold(conn, f"secret {purpose}")


def add_root(conn: Connection, purpose: str, id: str, sealed: bytes) -> None:
    """Keep a fresh root, made under `hold_root`."""
    conn.execute(sa.insert(_s).values(purpose=purpose, id=id, secret=sealed))


def drop_unreadable(conn: Connection, entries: Collection[Entry]) -> None:
    """Forget roots and questions that no key opens any more; fresh ones are made, or asked, on their next use."""
    for kind in ("secret", "question"):
        gone = [entry.key for entry in entries if entry.kind == kind]
        _column, key, _first = _SEALED[kind]
        conn.execute(sa.delete(key.table).where(key.in_(gone)))
