"""What to do with one record, given what we have, what Xero has and what the record says. Pure.

Called by planning for `plan` and for `run` alike, so that `plan` predicts what `run` does. Nothing here reads a clock or
a database: everything known is handed in.
"""

from collections.abc import Sequence

import msgspec

from counterfoil.model.prepared import Finding, Predicted, Prepared
from counterfoil.posting.deciding_contacts import ContactDecision
from counterfoil.store.documents import Document
from counterfoil.store.postings import Posting

GONE = ("VOIDED", "DELETED")
NUMBER_TAKEN = "number-taken"
ENTITY_CHANGED = "entity-changed"


class Decision(msgspec.Struct, frozen=True):
    """One record's fate.

    `action`: create | adopt | same | going (already on its way) | later (Xero cannot be asked now) | hold | refuse; of a
    record whose document Xero has (posting/changing): change (it stays as it is, for a person) | update | reissue |
    accept (nothing that Xero has differs) | older | remapped (only the mapping changed) | withdraw (changed back) |
    refused (Xero refused that very change, and nothing is another since).
    """

    action: str
    finding: Finding | None = None
    document: Document | None = None


SAME = Decision("same")
CREATE = Decision("create")


def decide(
    prepared: Prepared,
    record_hash: str,
    existing: Posting | None,
    ours: Sequence[Document],
    same_number: Sequence[Document],
    contact: ContactDecision,
) -> Decision:
    """The fate of a record that passed its checks. `ours`: documents with our marker; `same_number`: with its number."""
    if existing is not None:
        return _decide_known(prepared, record_hash, existing, ours, same_number, contact)
    return _decide_new(prepared, ours, same_number, contact)


def _decide_known(
    prepared: Prepared,
    record_hash: str,
    existing: Posting,
    ours: Sequence[Document],
    same_number: Sequence[Document],
    contact: ContactDecision,
) -> Decision:
    same = existing.record_hash == record_hash
    if existing.skipped is not None and same:
        return SAME
    if existing.entity != prepared.entity:
        return Decision("hold", entity_changed(existing, prepared.entity))
    if existing.state == "posted":
        return SAME  # what its record says now is decided where its document is known (posting/changing)
    if existing.state in ("sending", "uncertain"):
        return Decision("going") if same else Decision("change", changed_in_flight(existing))
    if existing.state == "planned" and same:
        return Decision("going")
    refused_by_xero = existing.state == "rejected" and bool(existing.xero_messages)
    needs_a_person = existing.state == "held" and existing.cause == "voided-by-a-person"
    if same and (refused_by_xero or needs_a_person):
        cause = existing.cause or "refused"
        return Decision(
            "refuse" if refused_by_xero else "hold", Finding(cause, existing.reason or "", existing.remedy or "")
        )
    return _decide_new(prepared, ours, same_number, contact)


def _decide_new(
    prepared: Prepared, ours: Sequence[Document], same_number: Sequence[Document], contact: ContactDecision
) -> Decision:
    if ours:
        return adopt_or_hold(ours)
    if same_number:
        return _number_taken(prepared, same_number, contact)
    if contact.action == "hold":
        assert contact.finding is not None
        return Decision("hold", contact.finding)
    return CREATE


def adopt_or_hold(ours: Sequence[Document]) -> Decision:
    """A document carries our marker: it is ours, whatever its number is now."""
    living = [document for document in ours if document.status not in GONE]
    if len(living) == 1:
        return Decision("adopt", document=living[0])
    if len(living) > 1:
        numbers = ", ".join(document.number or document.document_id for document in living)
        return Decision(
            "hold", Finding("marked-twice", f"Two documents carry our mark: {numbers}.", "Void one of them in Xero.")
        )
    return Decision("hold", voided(ours[0]), document=ours[0])


def voided(document: Document) -> Finding:
    """Ours, but a person voided or deleted it: never made again by itself."""
    return Finding(
        "voided-by-a-person",
        f"{document.number or 'The document'} was {document.status.lower()} in Xero by a person.",
        "If that is right, `counterfoil problems skip`; if not, post it under a new external_id.",
    )


def crossed(document: Document, kind: str) -> Finding:
    """The record was of another kind when its document was made, and no posting here remembers it."""
    return Finding(
        "kind-changed",
        f"{document.number or 'A document'} in Xero was made of this record when its total had another sign; now it is "
        f"one of {kind.replace('_', ' ')}.",
        "Void it in Xero and post the record under a new external_id, or `counterfoil problems skip`.",
    )


def _number_taken(prepared: Prepared, found: Sequence[Document], contact: ContactDecision) -> Decision:
    """A document of the same number exists and does not carry our marker."""
    document = found[0]
    if any(other.marker for other in found):
        other = next(other for other in found if other.marker)
        return Decision("refuse", taken_by_ours(prepared.number or "", other))
    agrees = (
        len(found) == 1 and contact.contact_id is not None and proves(prepared.predicted, contact.contact_id, document)
    )
    if agrees and document.status not in GONE:
        return Decision("adopt", document=document)
    return Decision("hold", taken_by_stranger(document))


def taken_by_ours(number: str, document: Document) -> Finding:
    """The number belongs to another posting of ours."""
    return Finding(
        NUMBER_TAKEN,
        f"Number {number or document.number} is taken by another posting's document (mark {document.marker}).",
        "Give the record another number.",
        "number",
        number,
    )


def taken_by_posting(owner: Posting) -> Finding:
    """The number belongs to the document of another posting of ours."""
    return Finding(
        NUMBER_TAKEN,
        f"Number {owner.document_number or owner.number} is taken by {owner.external_id} ({owner.source or 'another flow'}).",
        "Give the record another number.",
        "number",
        owner.document_number or owner.number or "",
    )


def taken_by_record(document: Document, external_id: str) -> Finding:
    """Another record of this run adopts the document."""
    return Finding(
        NUMBER_TAKEN,
        f"Number {document.number} is taken by {external_id}.",
        "Give the record another number.",
        "number",
        document.number or "",
    )


def taken_by_stranger(document: Document) -> Finding:
    """The number belongs to a document that is not ours, and differs."""
    return Finding(
        NUMBER_TAKEN,
        f"Number {document.number} is taken by a document that is not ours: {document.status}, {document.date}, "
        f"{document.total or 0:.2f} {document.currency}.",
        "Give the record another number, or rename the document in Xero.",
        "number",
        document.number or "",
    )


def proves(predicted: Predicted, contact_id: str, document: Document) -> bool:
    """The proof without a marker: contact, date, currency and total agree."""
    return (
        document.contact_id == contact_id
        and document.date == predicted.date
        and document.currency == predicted.currency
        and document.total == predicted.total
    )


def entity_changed(existing: Posting, entity: str) -> Finding:
    """A record turned up for another entity than its posting was planned for."""
    verb = "posted to" if existing.state == "posted" else "planned for"
    return Finding(
        ENTITY_CHANGED,
        f"{existing.external_id} was {verb} {existing.entity} and now names {entity}.",
        f"Give it {existing.entity} again, or another external_id.",
        "entity",
        entity,
    )


def changed_in_flight(existing: Posting) -> Finding:
    """The record changed before its first content was known to be there."""
    return Finding(
        "changed-in-flight",
        f"The record changed while {existing.external_id} was on its way to Xero.",
        "Run again when `counterfoil finish` has brought it to its end.",
    )
