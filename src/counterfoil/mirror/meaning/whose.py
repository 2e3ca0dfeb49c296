"""Whose doing what the mirror saw is: ours, with the posting and its revision, or somebody else's.

Called by recording, in the mirror's transaction: a handful of queries for all documents of it, none where nothing of ours is
among them. A document is found as ours by its id, and before its outcome is written down by its marker (a contact by its
number). A payment or a credit of ours that settles an invoice is our doing on the invoice as well.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil.mirror.meaning import ours
from counterfoil.model.observed import Observed
from counterfoil.store import own_writes
from counterfoil.store.database import Connection
from counterfoil.store.own_writes import Owned, Write

Marker = Callable[[str | None, str | None], str | None]
_WRITTEN: Final = frozenset({"Contacts", "CreditNotes", "Invoices", "Payments"})


def told(conn: Connection, seen: Sequence[Observed], find_marker: Marker) -> list[Observed]:
    """The same looks, of one tenant and resource, each with our posting and revision where it is our doing."""
    if not seen or seen[0].resource not in _WRITTEN:
        return list(seen)
    tenant, resource = seen[0].tenant_id, seen[0].resource
    owned = _owned(conn, seen, find_marker)
    writes = own_writes.writes(conn, {one.id for found in owned.values() for one in found})
    told_upto = own_writes.claimed(conn, tenant, resource, list(owned)) if writes else {}
    open_to = {
        document_id: [
            w for one in found for w in writes.get(one.id, ()) if w.request_id > told_upto.get(document_id, 0)
        ]
        for document_id, found in owned.items()
    }
    sent = own_writes.elements(conn, [one for listed in open_to.values() for one in listed])
    found, upto = [], dict[str, int]()
    for look in seen:
        mine = open_to.get(look.document_id, [])
        own = _written(conn, look, [(one, sent[one]) for one in reversed(mine) if one in sent], owned)
        past = [one.request_id for one in mine if not one.open or one is own]
        if past:
            upto[look.document_id] = max(past)
        found.append(
            look if own is None else msgspec.structs.replace(look, posting=own.posting_id, revision=own.revision)
        )
    own_writes.claim(conn, tenant, resource, upto)
    return [one if one.revision is not None else _by_settling(conn, one, owned) for one in found]


def _written(
    conn: Connection, look: Observed, sent: Sequence[tuple[Write, Mapping[str, Any]]], owned: Mapping[str, list[Owned]]
) -> Write | None:
    """Which of our writes made the difference; a new document may be settled already, by what is ours too."""
    own = next((one for one, element in sent if ours.is_written(look, element)), None)
    if own is None and look.before is None:
        own = next((one for one, element in sent if ours.is_written(look, element, settled=True)), None)
        if own is not None and not _settled(conn, look, owned):
            return None
    return own


def _owned(conn: Connection, seen: Sequence[Observed], find_marker: Marker) -> dict[str, list[Owned]]:
    """Our postings of these documents, by document."""
    tenant, resource = seen[0].tenant_id, seen[0].resource
    found = own_writes.by_document(conn, tenant, resource, [look.document_id for look in seen])
    new = {
        look.document_id: look.after
        for look in seen
        if look.document_id not in found and look.before is None and look.after
    }
    if resource == "Contacts":
        numbers = {each: str(after["ContactNumber"]) for each, after in new.items() if after.get("ContactNumber")}
        known = own_writes.by_number(conn, tenant, set(numbers.values()))
    else:
        marks = {each: find_marker(after.get("Url"), after.get("Reference")) for each, after in new.items()}
        numbers = {each: mark for each, mark in marks.items() if mark is not None}
        known = own_writes.by_marker(conn, tenant, resource, set(numbers.values()))
    return found | {each: [known[text]] for each, text in numbers.items() if text in known}


def _by_settling(conn: Connection, look: Observed, owned: Mapping[str, list[Owned]]) -> Observed:
    """A look at a document that only payments and credits changed: ours when each of them is ours."""
    by = _settled(conn, look, owned) if ours.is_settled(look) else []
    if not by:
        return look
    newest = max(by, key=lambda one: one.id)
    return msgspec.structs.replace(look, posting=newest.id, revision=newest.revision)


def _settled(conn: Connection, look: Observed, owned: Mapping[str, list[Owned]]) -> list[Owned]:
    """Our payments and credits by which the document is settled otherwise now; none: one of them is not ours."""
    by: list[Owned] = []
    if look.resource not in ("CreditNotes", "Invoices"):
        return by
    for name, find in (("Payments", _payments), ("CreditNotes", _credits), ("Allocations", _allocations)):
        came, went = ours.moved(look, name)
        for members, is_new in ((came, True), (went, False)):
            if members:
                of_ours = find(conn, look, members, owned, is_new=is_new)
                if of_ours is None:
                    return []
                by += of_ours
    return by


def _payments(
    conn: Connection,
    look: Observed,
    members: Sequence[Mapping[str, Any]],
    _owned: Mapping[str, list[Owned]],
    *,
    is_new: bool,
) -> list[Owned] | None:
    """Our payments; None: one is not ours. One that went is ours when we asked for its deletion."""
    ids = [str(one.get("PaymentID")) for one in members]
    found = own_writes.by_document(conn, look.tenant_id, "Payments", ids)
    if not found.keys() >= set(ids):
        return None
    listed = [found[one][0] for one in ids]
    if is_new:
        return (
            listed
            if all(own.total == _amount(one, "Amount") for own, one in zip(listed, members, strict=True))
            else None
        )
    asked = own_writes.writes(conn, [one.id for one in listed])
    return listed if all(any(_is_change(w) for w in asked.get(one.id, ())) for one in listed) else None


def _credits(
    conn: Connection,
    look: Observed,
    members: Sequence[Mapping[str, Any]],
    _owned: Mapping[str, list[Owned]],
    *,
    is_new: bool,
) -> list[Owned] | None:
    """Allocations of our credit notes to the invoice; None: one is not ours. We take none back."""
    ids = [str(one.get("CreditNoteID")) for one in members]
    notes = own_writes.by_document(conn, look.tenant_id, "CreditNotes", ids)
    if not is_new or not notes.keys() >= set(ids):
        return None
    beneath = own_writes.under(conn, look.tenant_id, "Allocations", {notes[one][0].id for one in ids})
    return _of_amounts(
        [
            (beneath.get(notes[each][0].id, []), _amount(one, "AppliedAmount"))
            for each, one in zip(ids, members, strict=True)
        ]
    )


def _allocations(
    conn: Connection,
    look: Observed,
    members: Sequence[Mapping[str, Any]],
    owned: Mapping[str, list[Owned]],
    *,
    is_new: bool,
) -> list[Owned] | None:
    """The same, seen from the credit note."""
    notes = owned.get(look.document_id)
    if not is_new or not notes:
        return None
    beneath = own_writes.under(conn, look.tenant_id, "Allocations", {notes[0].id}).get(notes[0].id, [])
    return _of_amounts([(beneath, _amount(one, "Amount")) for one in members])


def _of_amounts(wanted: Sequence[tuple[Sequence[Owned], Decimal | None]]) -> list[Owned] | None:
    found = [next((own for own in some if own.total == amount), None) for some, amount in wanted]
    ours_alone = [one for one in found if one is not None]
    return ours_alone if len(ours_alone) == len(found) else None


def _amount(member: Mapping[str, Any], name: str) -> Decimal | None:
    value = member.get(name)
    return value if isinstance(value, Decimal) else None


def _is_change(write: Write) -> bool:
    return write.method == "POST"
