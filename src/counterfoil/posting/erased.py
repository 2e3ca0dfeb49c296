"""Records of erased customers: what was posted is the same as ever, everything else is held; nothing of their text is kept.

Called by planning, before it looks at a batch, and by claiming before one is frozen. A source may go on giving an erased person's records: their external ids are
recognised by keyed hash, so that nothing is posted twice, and what would be new or changed waits for a person without its text.
"""

import datetime
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from counterfoil.model.prepared import Finding
from counterfoil.posting import recording
from counterfoil.posting.deciding import SAME, Decision
from counterfoil.store import erased as register
from counterfoil.store import postings
from counterfoil.store.database import Connection
from counterfoil.store.postings import Brief

if TYPE_CHECKING:
    from counterfoil.posting.plans import Item

ERASED: Final = "erased-person"
NOTHING: Final = b"null"  # what is kept of such a record
ENDED: Final = ("posted", "cancelled")
Keyed = Callable[[Connection, str], str]
_FOUND = Finding(
    ERASED,
    "The customer of this record was erased: nothing is posted for them any more, and the record is not kept.",
    "Take the record out of the source, then `counterfoil problems skip`. If the person is your customer again, give them "
    "another contact.external_id.",
    "contact.external_id",
)


class _Contact(msgspec.Struct, frozen=True):
    external_id: Any = None


class _Record(msgspec.Struct, frozen=True):
    contact: _Contact | None = None


_RECORD = msgspec.json.Decoder(_Record)


def veiled(connection: Connection, flow_id: str, keyed: Keyed | None, items: Sequence["Item"]) -> Sequence["Item"]:
    """The batch with the records of erased customers marked and emptied; the very same where nobody was erased."""
    if keyed is None or not register.is_any(connection):
        return items
    customers = [_customer(item) for item in items]
    hashes = {one: keyed(connection, register.customer(one)) for one in {*customers} if one is not None}
    ids = {item.external_id for item in items if item.external_id is not None}
    records = {one: keyed(connection, register.record(one)) for one in ids}
    known = register.keyed(connection, register.CUSTOMER, hashes.values())
    anywhere = {key for _entity, key in known}
    renamed = {key for owner, key in register.keyed(connection, register.RECORD, records.values()) if owner == flow_id}
    names = {one: f"{register.STAND_IN}{key}" for one, key in records.items() if key in renamed}
    there = postings.of_records(connection, flow_id, [*ids, *names.values()])
    names = {one: name for one, name in names.items() if one not in there}  # not renamed yet: the erasure is under way
    parted = register.parted(connection, [one.id for one in there.values()])
    found: list[Item] = []
    for item, customer in zip(items, customers, strict=True):
        key = hashes.get(customer or "")
        name = names.get(item.external_id or "", item.external_id)
        existing = there.get(name or "")
        is_theirs = key is not None and ((item.entity, key) in known if item.entity else key in anywhere)
        gone = name != item.external_id or (existing is not None and existing.id in parted)
        found.append(_emptied(item, name) if is_theirs or gone else item)
    return found


def decided(item: "Item", existing: postings.Posting | None) -> Decision:
    """The fate of such a record: the same when it says what it said when it was posted, else it waits."""
    if existing is None:
        return Decision("hold", _FOUND)
    same = existing.record_hash == item.record_hash or existing.rows_hash == item.content_hash
    if same and (existing.state in ENDED or existing.skipped is not None):
        return SAME
    return Decision("change" if existing.document_id is not None else "hold", _FOUND)


def sift(connection: Connection, chosen: list[Brief], now: datetime.datetime) -> list[Brief]:
    """Those that may be sent; an erased person's is held. An older copy that was put back may have had it planned, and Xero not."""
    if not chosen or not register.is_any(connection):
        return chosen
    parted = register.parted(connection, [one.id for one in chosen])
    if parted:
        recording.write_held(connection, dict.fromkeys(parted, _FOUND), "held", now)
    return [one for one in chosen if one.id not in parted]


def _customer(item: "Item") -> str | None:
    if item.prepared is not None:
        return item.prepared.contact.external_id
    try:
        contact = _RECORD.decode(item.mapped or item.content).contact
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return contact.external_id if contact is not None and isinstance(contact.external_id, str) else None


def _emptied(item: "Item", external_id: str | None) -> "Item":
    return msgspec.structs.replace(
        item, external_id=external_id, content=NOTHING, mapped=None, prepared=None, findings=(_FOUND,), claim=None,
        blocked="", fixed=(), parts=(), erased=True,
    )  # fmt: skip
