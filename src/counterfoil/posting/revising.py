"""Write down what was decided of a record whose document Xero has: a change planned or held, or only that it was seen.

Called by applying, inside its transaction. The posted revision is never replaced here: the record's new content becomes
the pending revision, and the posting changes when Xero is known to have it (posting/concluding).
"""

from typing import Any

import msgspec

from counterfoil.posting import changing, credit_chain, encoding
from counterfoil.posting.plans import Planned, Writing
from counterfoil.store import changes, parts, postings
from counterfoil.store.changes import UNDO
from counterfoil.store.postings import Posting

ABOUT_THE_DOCUMENT = ("stored-otherwise", "adopted-with-difference")  # causes of posted ones that a record cannot cure
NO_CAUSE: dict[str, Any] = {"cause": None, "reason": None, "remedy": None, "xero_messages": None}
NO_CHANGE: dict[str, Any] = {"action": None, "pending_revision": None, "pending_hash": None}
SETTLED = ("same", "accept", "withdraw")
STILL_CREDITED = (
    changing.REISSUE,
    "going",
    "older",
    "remapped",
    "later",
    "refused",
)  # what leaves a planned credit note planned


def write(writing: Writing, one: Planned, existing: Posting, contact_id: int | None) -> None:
    """Write one record's fate. `contact_id`: the posting of its contact, None when it has none yet."""
    seen: dict[str, Any] = {"last_run_id": writing.run_id}
    action = one.decision.action
    if one.chain.unsent and not one.chain.is_sent and action not in STILL_CREDITED:
        credit_chain.drop(writing.connection, one.chain, writing.now)
    if action in (changing.UPDATE, changing.REISSUE):
        seen |= _planned(writing, one, existing, action, contact_id)
    elif action == "change" and not one.twin:
        seen |= _held(writing, one, existing, contact_id)
    elif action in SETTLED and one.contact is not None:
        seen |= _settled(writing, one, existing, action)
    elif (
        action != "refused"
        and one.decision.finding is not None
        and not one.item.blocked
        and existing.state in ("posted", "planned")
    ):
        seen |= _troubled(writing, one, existing)
    postings.update(writing.connection, existing.id, (existing.state,), seen)


def _planned(writing: Writing, one: Planned, existing: Posting, action: str, contact_id: int | None) -> dict[str, Any]:
    """The change goes to Xero as soon as it was compared with what stands there."""
    n = _revise(writing, one, existing, action, contact_id)
    return {
        "state": "planned", "action": action, "pending_revision": n, "pending_hash": one.item.record_hash, **NO_CAUSE,
        "after_id": contact_id, "skipped": None, "looks": 0, "changed_at": writing.now,
    }  # fmt: skip


def _held(writing: Writing, one: Planned, existing: Posting, contact_id: int | None) -> dict[str, Any]:
    """The document stays as it is; the change's content is kept, so that a person can say yes to it."""
    values = _problem(writing, one) | {"skipped": None}
    if existing.state in ("sending", "uncertain"):
        return {}
    if existing.state == "cancelled":
        return values
    values |= {"state": "posted", "pending_hash": one.item.record_hash}
    document = one.decision.document
    prepared = one.item.prepared
    if contact_id is None or prepared is None or document is not None or existing.how == "named":
        return values | ({} if one.chain.is_sent else {"action": None, "pending_revision": None})
    if changing.is_flipped(prepared, existing) and not one.chain.is_sent:  # no word of a person's makes one the other
        return values | {"action": None, "pending_revision": None}
    action = changing.REISSUE if one.chain.is_sent else changing.UPDATE
    n = _revise(writing, one, existing, action, contact_id)
    return values | {"action": action, "pending_revision": n}


def _settled(writing: Writing, one: Planned, existing: Posting, action: str) -> dict[str, Any]:
    """The record says what was posted, or nothing that Xero has differs: what was wrong with the record is over."""
    item = one.item
    assert item.prepared is not None
    values: dict[str, Any] = {}
    if (existing.record_hash, existing.rows_hash) != (item.record_hash, item.content_hash):
        values |= {"record_hash": item.record_hash, "rows_hash": item.content_hash}
    if existing.version != item.prepared.version:
        values["version"] = item.prepared.version
    if action == "accept":
        values["skipped"] = None
    if item.parts:  # other sales may add up to the same document
        parts.replace(writing.connection, existing.id, existing.revision, item.parts)
    if existing.action == UNDO or existing.state not in ("posted", "planned"):
        return values
    if action == "withdraw":
        values["state"] = "posted"
    if existing.cause is not None and existing.cause not in ABOUT_THE_DOCUMENT:
        values |= {**NO_CAUSE, "changed_at": writing.now}
    waited = (existing.action, existing.pending_revision, existing.pending_hash) != (None, None, None)
    return values | NO_CHANGE if waited else values


def _troubled(writing: Writing, one: Planned, existing: Posting) -> dict[str, Any]:
    """The record can no longer be read as one; what Xero has stays, and a change that waited is taken back."""
    values = _problem(writing, one)
    if one.chain.is_sent:
        values |= {"state": "posted"}  # its invoice is credited: what was planned for it goes on when it can be read
    elif existing.action != UNDO:
        values |= {"state": "posted", "action": None, "pending_revision": None}
    if not one.twin:  # a skip accepts this content, and speaks for no other
        values |= {"pending_hash": one.item.record_hash, "skipped": None}
    return values


def _problem(writing: Writing, one: Planned) -> dict[str, Any]:
    finding = one.decision.finding
    assert finding is not None
    return {
        "cause": finding.cause, "reason": finding.reason, "remedy": finding.remedy, "xero_messages": None,
        "changed_at": writing.now,
    }  # fmt: skip


def _revise(writing: Writing, one: Planned, existing: Posting, action: str, contact_id: int | None) -> int:
    """Keep the content of the change; → its revision number. The same content in the same books is the same revision."""
    pending = changes.pending(writing.connection, [existing.id]).get(existing.id)
    same = pending is not None and (pending.record_hash, pending.action) == (one.item.record_hash, action)
    if pending is not None and one.item.prepared is not None:  # the same record under another configuration
        same = same and pending.element == encoding.encode(one.item.prepared.element)
    closed = writing.plan.closed.get(existing.entity)
    same = same and changes.closed_of(writing.connection, [existing.id]).get(existing.id) == closed
    if pending is not None and same and pending.after_id == contact_id and one.decision.finding is not None:
        return pending.n
    n = changes.next_revision(writing.connection, existing.id)
    row = revision(writing, existing.id, n, one, contact_id) | {"action": action, "closed": closed}
    postings.add_revisions(writing.connection, [row])
    parts.add(writing.connection, [(existing.id, n, one.item.parts)])
    return n


def revision(writing: Writing, posting_id: int, n: int, one: Planned, contact_id: int | None) -> dict[str, Any]:
    """One revision's row: the record as the source gave it, what Xero is sent, what we expect Xero to make of it."""
    item, prepared = one.item, one.item.prepared
    return postings.revision_row(
        posting_id=posting_id, n=n, record=item.content, record_hash=item.record_hash,
        element=encoding.encode(prepared.element) if prepared else b"{}",
        predicted=msgspec.json.encode(prepared.predicted) if prepared else b"{}", source=item.source,
        at=writing.now, rows_hash=item.content_hash, version=prepared.version if prepared else None,
        run_id=writing.run_id, after_id=contact_id, mapped=item.mapped,
    )  # fmt: skip
