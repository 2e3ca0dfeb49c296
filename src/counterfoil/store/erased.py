"""Of whom nothing may be written again: the register of erased contacts, customers, records and document numbers.

Called by mirror/veiling and posting/erased, which ask it before they write, and by app/privacy, which adds to it. It holds
ids and keyed hashes, never a name. Nothing is ever taken out of it but by hand.
"""

import datetime
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.documents import upsert
from counterfoil.store.prepared import Among, Prepared

CONTACT: Final = "contact"  # a ContactID of a tenant
NUMBER: Final = "number"  # a document of a tenant whose own number is a word of the person's
CUSTOMER: Final = "customer"  # the keyed hash of a customer's external id, of an entity
RECORD: Final = "record"  # that of a record's own external id where it is a word of the person's, of a flow
PARTED: Final = "erased"  # in `drops`: a posting whose text is gone
STAND_IN: Final = "erased-"  # what such an external id begins with afterwards; the keyed hash follows

e, d = schema.erased.c, schema.drops.c


class Entry(msgspec.Struct, frozen=True, order=True):
    """One row of `erased`."""

    what: str
    owner: str
    key: str


class Known(NamedTuple):
    """What of a tenant's documents is veiled: those of these contacts, and of these documents the number too."""

    contacts: frozenset[str]
    numbers: frozenset[str]


NOBODY: Final = Known(frozenset(), frozenset())
_ANY: Final = Prepared(sa.select(sa.literal_column("1")).select_from(schema.erased).limit(1))
_EVERYTHING: Final = Prepared(sa.select(e.what, e.owner, e.key))
_OF_TENANT: Final = Prepared(
    sa.select(e.what, e.key).where(e.owner == sa.bindparam("owner"), sa.or_(e.what == CONTACT, e.what == NUMBER))
)
_KEYED: Final = Prepared(sa.select(e.owner, e.key).where(e.what == sa.bindparam("what"), Among(e.key, "keys")))
_PARTED: Final = Prepared(sa.select(d.id).where(d.what == sa.literal_column(f"'{PARTED}'"), Among(d.id, "ids")))


def is_any(conn: sa.Connection) -> bool:
    """Whether anybody was ever erased: nothing else is asked while nobody was."""
    return _ANY.first(conn) is not None


def of_tenant(conn: sa.Connection, tenant_id: str) -> Known:
    """The erased contacts of a tenant."""
    found = _OF_TENANT.tuples(conn, owner=tenant_id)
    if not found:
        return NOBODY
    return Known(
        frozenset(key for what, key in found if what == CONTACT),
        frozenset(key for what, key in found if what == NUMBER),
    )


def keyed(conn: sa.Connection, what: str, keys: Collection[str]) -> set[tuple[str, str]]:
    """Which of these keyed hashes are known, each with its owner."""
    return set(_KEYED.tuples(conn, what=what, keys=keys)) if keys else set()


def parted(conn: sa.Connection, posting_ids: Collection[int]) -> set[int]:
    """Which of these postings have lost their text."""
    return {row[0] for row in _PARTED.tuples(conn, ids=posting_ids)} if posting_ids else set()


def everything(conn: sa.Connection) -> set[Entry]:
    """The whole register."""
    return set(_EVERYTHING.rows(conn, Entry))


def add(conn: sa.Connection, entries: Iterable[Entry], now: datetime.datetime) -> None:
    """Write entries; those that are there stay."""
    upsert(conn, schema.erased, [msgspec.structs.asdict(one) | {"at": now} for one in sorted(set(entries))])


def customer(external_id: str) -> str:
    """What is hashed of a customer's external id."""
    return f"{CUSTOMER}\n{external_id}"


def record(external_id: str) -> str:
    """What is hashed of a record's external id."""
    return f"{RECORD}\n{external_id}"
