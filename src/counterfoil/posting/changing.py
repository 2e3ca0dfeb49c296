"""What to do with a record whose document Xero has already: the same, changed, older, undone. Pure.

Called by planning, for `plan` and `run` alike. What Xero has now is not asked here; posting/rewriting compares with it
right before a write. Implements design §3.1 "After the first push".
"""

import datetime

import msgspec

from counterfoil.model.prepared import Finding, Predicted, Prepared
from counterfoil.posting import comparing, deciding, encoding, identity, kinds
from counterfoil.posting.comparing import Comparison
from counterfoil.posting.deciding import GONE, SAME, Decision
from counterfoil.posting.standing import Side
from counterfoil.store.changes import UNDO, Content
from counterfoil.store.credited import Chain
from counterfoil.store.documents import Document
from counterfoil.store.postings import Posting

CHANGED = "changed-after-posting"
VANISHED = "lines-vanished"
UNDONE = "undone"
UPDATE, REISSUE = "update", "reissue"
NOT_THERE_YET = "(a new contact)"
CHANGES_SHOWN_MAX = 12  # fields named in one sentence; more are counted
BY_HAND = "Change the document in Xero by hand and `counterfoil problems skip`, or undo the change in the source."
_predicted = msgspec.json.Decoder(Predicted)


class Policy(msgspec.Struct, frozen=True):
    """How a flow treats changes. `closed`: nothing up to this day of the entity's books may move; None: all open.

    `remap`: a changed mapping counts as a changed record. `again`: what was undone is posted anew. `complete`: the
    source always gives all lines of a record, so a line that vanished was taken away. `lock_date`: what is done about
    closed days.
    """

    on_change: str = "hold"
    complete: bool = False
    remap: bool = False
    again: bool = False
    closed: datetime.date | None = None
    lock_date: str = "hold"

    def may_credit(self, existing: Posting) -> bool:
        """True when an invoice of a closed day may be credited in an open one."""
        moves = self.lock_date == "next-open-day"
        return self.on_change == REISSUE and moves and existing.kind == kinds.INVOICE.name


class Said(msgspec.Struct, frozen=True):
    """What the record says now. `contact_id` None: its contact is still to be made."""

    prepared: Prepared
    record_hash: str
    rows_hash: str
    contact_id: str | None


class Refused(msgspec.Struct, frozen=True):
    """A change that Xero refused: its content, when it was planned the books' last closed day, and the document's stamp."""

    content: Content
    closed: datetime.date | None
    read: datetime.datetime | None


def concerns(existing: Posting | None) -> bool:
    """True when Xero has, or had, a document of this posting, or a person took its run back."""
    return existing is not None and (existing.document_id is not None or is_undone(existing))


def is_undone(existing: Posting) -> bool:
    """A person took it back: it is not made again unasked."""
    return existing.state == "cancelled" and existing.action == UNDO


def renewed(existing: Posting, record_hash: str, rows_hash: str, policy: Policy) -> bool:
    """True when a record that was undone is to be posted anew: asked for, or with a mapping that is to be applied."""
    differs = existing.record_hash != record_hash
    return is_undone(existing) and (policy.again or (policy.remap and differs and existing.rows_hash == rows_hash))


def decide(
    said: Said,
    existing: Posting,
    base: Content | None,
    document: Document | None,
    policy: Policy,
    refused: Refused | None = None,
    *,
    credited: bool = False,
) -> Decision:
    """The fate of the record.

    `base`: what Xero was last sent; `document`: what the mirror last saw of it; `refused`: the change of it that Xero
    refused last, which is not asked again before something is another than it was then; `credited`: its invoice is
    credited already, or may be, so it gets another one whatever it says now.
    """
    if credited and existing.skipped is None and existing.state in ("planned", "posted"):
        return _go_on(said, existing, base)
    same = existing.record_hash == said.record_hash
    if same:
        return Decision("withdraw") if existing.state == "planned" and existing.action != UNDO else SAME
    if existing.entity != said.prepared.entity:
        return Decision("hold", deciding.entity_changed(existing, said.prepared.entity))
    if existing.state in ("sending", "uncertain", "planned") and existing.pending_hash == said.record_hash:
        return Decision("going")
    if existing.state in ("sending", "uncertain"):
        return Decision("change", deciding.changed_in_flight(existing))
    if is_older(said.prepared, existing):
        return Decision("older")
    if existing.rows_hash == said.rows_hash and not policy.remap:
        return Decision("remapped")
    if existing.state != "posted" and existing.action == UNDO:
        return Decision("change", _undone(existing)) if existing.state == "cancelled" else SAME
    if refused is not None and _as_it_was(said, document, policy, refused):
        return Decision("refused", Finding(existing.cause or "", existing.reason or "", existing.remedy or ""))
    return _changed(said, existing, base, document, policy)


def was_refused(existing: Posting, chain: Chain) -> bool:
    """Xero refused the change that waits, or the credit note that has to come before it."""
    by_xero = bool(existing.xero_messages) or (chain.credit is not None and chain.credit.state == "rejected")
    return existing.state == "posted" and existing.action is not None and by_xero


def _as_it_was(said: Said, document: Document | None, policy: Policy, refused: Refused) -> bool:
    """Neither the record, nor what it makes of the configuration, nor the document changed since Xero refused it."""
    content = refused.content
    return (
        content.record_hash == said.record_hash
        and content.action == (UPDATE if policy.on_change == "hold" else policy.on_change)
        and content.element == encoding.encode(said.prepared.element)
        and content.contact_id == said.contact_id
        and refused.closed == policy.closed
        and document is not None
        and document.updated_at == refused.read
    )


def is_older(prepared: Prepared, existing: Posting) -> bool:
    """The source itself says that this is an earlier version than the one that was posted."""
    return prepared.version is not None and existing.version is not None and prepared.version < existing.version


def _go_on(said: Said, existing: Posting, base: Content | None) -> Decision:
    """Its invoice is credited: the way back is closed, so the record gets its new one."""
    if existing.entity != said.prepared.entity:
        return Decision("hold", deciding.entity_changed(existing, said.prepared.entity))
    if existing.state == "planned" and existing.pending_hash == said.record_hash:
        return Decision("going")
    if is_older(said.prepared, existing):
        return Decision("older")
    found = difference(base, said, existing) if base is not None and base.predicted != b"{}" else None
    return Decision(REISSUE, changed(existing, found, said.prepared))


def _changed(
    said: Said, existing: Posting, base: Content | None, document: Document | None, policy: Policy
) -> Decision:
    if base is None or base.predicted == b"{}":
        return Decision("change", changed(existing, None, said.prepared))
    found = difference(base, said, existing)
    if found.element is None and not found.vanished and not is_flipped(said.prepared, existing):
        return Decision("accept")
    finding = changed(existing, found, said.prepared)
    if document is not None and document.status in GONE:
        return Decision("change", deciding.voided(document))
    if existing.how == "named":
        return Decision("change", _not_ours(existing))
    if policy.on_change == "hold":
        return Decision("change", finding)
    if policy.on_change == UPDATE and is_flipped(said.prepared, existing):
        return Decision("change", flipped(existing, said.prepared))
    if found.vanished and not policy.complete:
        return Decision("change", vanished(existing, found.vanished))
    is_closed = existing.date is not None and policy.closed is not None and existing.date <= policy.closed
    if is_closed and not policy.may_credit(existing):
        assert existing.date is not None
        assert policy.closed is not None
        return Decision("change", locked(existing.document_number or "", existing.date, policy.closed))
    if policy.on_change == REISSUE:
        is_paid = document is not None and document.status == "PAID"
        finding = anew(finding, existing, said.prepared, sure=is_paid or is_closed)
    return Decision(policy.on_change, finding)


def difference(base: Content, said: Said, existing: Posting) -> Comparison:
    """What the record changed since it was posted."""
    ours = side(encoding.encode(said.prepared.element), said.prepared.predicted, existing, said.contact_id)
    return comparing.between(of(base, existing), ours)


def of(content: Content, posting: Posting) -> Side:
    """A stored content as one side of a comparison."""
    return side(content.element, _predicted.decode(content.predicted), posting, content.contact_id)


def side(element: bytes, predicted: Predicted, posting: Posting, contact_id: str | None) -> Side:
    """An element as it is sent, the contact and our mark included; a credit note's in our words."""
    if posting.resource == kinds.CREDIT_NOTE.resource:
        built = encoding.decode(element)
        more = {"Contact": {"ContactID": contact_id or NOT_THERE_YET}}
        return Side({**built, **more, "Reference": kinds.marked_reference(built, posting.marker)}, predicted)
    return Side(encoding.decode(kinds.INVOICE.build(element, posting, contact_id or NOT_THERE_YET, "")), predicted)


# ---- findings


def changed(existing: Posting, found: Comparison | None, prepared: Prepared) -> Finding:
    """The record says something else now, field by field."""
    was, now = existing.total, prepared.predicted.total
    told = [f"{one.field}: posted {one.posted}, in the record {one.record}" for one in found.changes] if found else []
    more = f"; and {len(told) - CHANGES_SHOWN_MAX} more" if len(told) > CHANGES_SHOWN_MAX else ""
    fields = f" {'; '.join(told[:CHANGES_SHOWN_MAX])}{more}." if told else ""
    amounts = f" Total then {was} {existing.currency}, now {now} {prepared.predicted.currency}." if was != now else ""
    return Finding(
        CHANGED,
        f"The record changed after it was posted as {existing.document_number or existing.document_id}.{amounts}{fields}",
        f"{BY_HAND} `counterfoil problems retry` writes it to Xero if nobody touched the document.",
    )


def anew(finding: Finding, existing: Posting, prepared: Prepared, *, sure: bool) -> Finding:
    """What a reissue will do, for the plan. `sure`: the document may not be voided; else nobody knows before it is read."""
    old = existing.document_number or existing.document_id
    how = "credited in full" if sure else "voided or deleted, or credited in full if it was paid or sent"
    number = f" as {identity.next_number(prepared.number, existing.issue)}" if prepared.number else ""
    return msgspec.structs.replace(finding, reason=f"{finding.reason} {old} is {how}, and posted anew{number}.")


def is_flipped(prepared: Prepared, existing: Posting) -> bool:
    """A sale became a credit note, or the other way round: no document is changed into that."""
    return prepared.kind != existing.kind


def flipped(existing: Posting, prepared: Prepared) -> Finding:
    """The record's total crossed zero after it was posted."""
    was, now = (kind.replace("_", " ") for kind in (existing.kind, prepared.kind))
    return Finding(
        "kind-changed",
        f"{existing.document_number or existing.document_id} was posted as {was}, and the record is one of {now} now.",
        f'{BY_HAND} on_change = "reissue" ends the one and posts the other.',
    )


def vanished(existing: Posting, lines: tuple[str, ...]) -> Finding:
    """An export that is cut off looks just like lines that were taken away."""
    return Finding(
        VANISHED,
        f"Lines of {existing.document_number or existing.document_id} are no longer in the record: {'; '.join(lines)}.",
        "If they were taken away, `counterfoil problems retry`; if the source always gives all lines, "
        "set complete = true for this flow.",
    )


def locked(number: str, day: datetime.date, closed: datetime.date) -> Finding:
    """The books are closed up to a day on or after the document's."""
    return Finding(
        "locked-document",
        f"{number or 'The document'} is dated {day}, and the books are closed up to {closed}.",
        f"Open the period, or correct it in an open one. {BY_HAND}",
        "date",
        day.isoformat(),
    )


def conflict(number: str, found: Comparison) -> Finding:
    """Changed on both sides: the three values, for a person."""
    told = "; ".join(str(change) for change in found.conflicts[:CHANGES_SHOWN_MAX])
    return Finding(
        "changed-on-both-sides",
        f"{number or 'The document'} was changed in Xero, and the record too. {told}.",
        "Make the two agree, in Xero or in the source, and run again; or `counterfoil problems skip` keeps what Xero has.",
    )


def _undone(existing: Posting) -> Finding:
    return Finding(
        UNDONE,
        f"{existing.external_id} was taken back, and the record is another one now.",
        "`counterfoil run FLOW --again` posts what was taken back under a new number.",
    )


def _not_ours(existing: Posting) -> Finding:
    return Finding(
        CHANGED,
        f"The record changed; {existing.document_number or existing.document_id} was named by a person and is not ours.",
        BY_HAND,
    )
