"""What a planned change may do, now that the document was read again: write, nothing, or wait for a person. Pure.

Called by rewriting (right before a write) and undoing (to plan). Implements design §3.1 "After the first push": only a
DRAFT or SUBMITTED document, or an AUTHORISED one that is unpaid, unsent and outside closed days; what a person changed
is never overwritten. What may not be changed any more is credited where the flow reissues (posting/crediting).
"""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.model.prepared import Finding
from counterfoil.posting import changing, comparing, crediting, identity, standing
from counterfoil.posting.changing import REISSUE, UPDATE
from counterfoil.posting.comparing import Change
from counterfoil.posting.crediting import Step
from counterfoil.posting.deciding import GONE
from counterfoil.posting.standing import Side
from counterfoil.store import credited
from counterfoil.store.changes import UNDO
from counterfoil.store.credited import Chain
from counterfoil.store.postings import Posting

NOT_TAKEN_BACK = "not-taken-back"
VOID, DELETE = "VOIDED", "DELETED"


class Verdict(msgspec.Struct, frozen=True):
    """`finding`: a person has to look. Else `element` is to be sent, with `total` expected if it is known; None: done.

    Unless `step` comes first, a credit note or what it is allocated with; or the posting `after`, which is on its way.
    """

    element: dict[str, Any] | None = None
    total: Decimal | None = None
    finding: Finding | None = None
    step: Step | None = None
    after: int | None = None

    @property
    def is_done(self) -> bool:
        """Xero has all that is wanted."""
        return (self.element, self.finding, self.step, self.after) == (None, None, None, None)


class Weighed(msgspec.Struct, frozen=True):
    """What a change is weighed with. `ours` is None for what is only taken back; `chain`: what credits the document."""

    posting: Posting
    base: Side
    ours: Side | None
    line_ids: Sequence[str] = ()
    closed: datetime.date | None = None
    chain: Chain = credited.NONE


def weigh(one: Weighed, stored: Mapping[str, Any]) -> Verdict:
    """The verdict on a planned change. `stored`: the document as Xero sent it a moment ago."""
    if one.posting.action == UNDO:
        return _take_back(one, stored)
    if one.posting.action == REISSUE and one.chain.is_sent:
        return _as_verdict(crediting.next_step(one.chain, stored))
    stopped = in_the_way(stored, one.closed)
    if stopped is not None and not crediting.answers(one.posting, stopped):
        return Verdict(finding=stopped)
    assert one.ours is not None
    found = comparing.compare(one.base, stored, one.ours, one.line_ids)
    if found.conflicts:
        return Verdict(finding=changing.conflict(str(stored.get("InvoiceNumber") or ""), found))
    if one.posting.action == UPDATE:
        return Verdict(found.element, None if found.theirs else one.ours.predicted.total)
    theirs = found.theirs if stopped is None else crediting.edits(found.theirs, stored)
    if theirs:
        return Verdict(finding=_would_be_lost(stored, theirs))
    if stopped is not None:
        return _as_verdict(crediting.credit_note(one.posting, stored, one.closed, stopped.reason))
    return Verdict(_ended(stored))


def _as_verdict(found: Step | Finding | int | None) -> Verdict:
    if isinstance(found, Finding):
        return Verdict(finding=found)
    return Verdict(after=found) if isinstance(found, int) else Verdict(step=found)


def _ended(stored: Mapping[str, Any]) -> dict[str, Any]:
    """How a document ends: drafts are deleted, what is in the books is voided (facts §4.8)."""
    status = VOID if stored.get("Status") == "AUTHORISED" else DELETE
    return {"InvoiceID": stored["InvoiceID"], "Status": status}


def in_the_way(stored: Mapping[str, Any], closed: datetime.date | None) -> Finding | None:
    """Why nothing of ours may change this document; None: nothing is in the way."""
    number, status = str(stored.get("InvoiceNumber") or "The document"), stored.get("Status")
    if status in GONE:
        reason = f"{number} was {str(status).lower()} in Xero by a person."
        return Finding("voided-by-a-person", reason, "If that is right, `counterfoil problems skip`.")
    if standing.is_paid(stored):
        return _needs_credit("paid", f"{number} {_applied(stored)}.")
    if status == "AUTHORISED" and stored.get("SentToContact") is True:
        return _needs_credit("sent", f"{number} was sent to the customer.")
    day = standing.theirs_head(stored, "Date")
    if status == "AUTHORISED" and day is not None and closed is not None and day <= closed:
        return changing.locked(number, day, closed)
    return None


def _needs_credit(cause: str, reason: str) -> Finding:
    return Finding(
        f"document-{cause}",
        f"{reason} It is not changed any more.",
        'on_change = "reissue" of the flow credits an invoice and posts a new one; or correct it in Xero by hand and '
        "`counterfoil problems skip`.",
    )


def _applied(stored: Mapping[str, Any]) -> str:
    of_note = stored.get("Type") == "ACCRECCREDIT"
    return "is allocated to an invoice or was refunded" if of_note else "has payments or credit notes"


def _would_be_lost(stored: Mapping[str, Any], theirs: Sequence[Change]) -> Finding:
    told = "; ".join(f"{change.field}: posted {change.posted}, in Xero now {change.xero}" for change in theirs)
    return Finding(
        "changed-by-a-person",
        f"{stored.get('InvoiceNumber')} was changed in Xero, which a new document would lose. {told}.",
        "Change the document in Xero by hand and `counterfoil problems skip`.",
    )


def _take_back(one: Weighed, stored: Mapping[str, Any]) -> Verdict:
    if stored.get("Status") in GONE:
        return Verdict()
    reason = kept_because(one, stored)
    if reason is None:
        return Verdict(_ended(stored))
    remedy = "Void or delete it in Xero by hand if it is wrong; `counterfoil problems skip` keeps it."
    return Verdict(
        finding=Finding(NOT_TAKEN_BACK, f"{stored.get('InvoiceNumber')} was not taken back: {reason}.", remedy)
    )


def kept_because(one: Weighed, stored: Mapping[str, Any]) -> str | None:
    """Why a document is not taken back; None: it can be."""
    if stored.get("Status") in GONE:
        return f"it was {str(stored['Status']).lower()} in Xero already"
    if standing.is_paid(stored):
        return f"it {_applied(stored)}"
    if stored.get("SentToContact") is True:
        return "it was sent to the customer"
    day = standing.theirs_head(stored, "Date")
    if day is not None and one.closed is not None and day <= one.closed:
        return f"it is dated {day}, and the books are closed up to {one.closed}"
    return _touched(one, stored)


def _touched(one: Weighed, stored: Mapping[str, Any]) -> str | None:
    found = comparing.compare(one.base, stored, one.base, one.line_ids)
    told = [f"{change.field} from {change.posted} to {change.xero}" for change in found.theirs]
    if identity.find_marker(stored.get("Url"), stored.get("Reference")) != one.posting.marker:
        told.append("our mark")
    if stored.get("HasAttachments") is True:
        told.append("attachments")
    return f"a person changed it: {'; '.join(told)}" if told else None
