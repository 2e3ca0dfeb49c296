"""Payments that come with a sale: postings of their own, in a chain behind the invoice.

Called by applying, inside its transaction (`write`), and by finishing (PaymentLooker, `verify`). A payment's identity is
the record's external id, a slash and its own; its mark stands at the end of its Reference. It is looked for through its
document, by the payments that the document shows (design §3.1; facts §5.8, §5.10). A failed one blocks only itself.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil.model import modes
from counterfoil.model.checks import unseen
from counterfoil.model.prepared import Finding, PaymentWanted
from counterfoil.posting import encoding, identity, kinds, stranded
from counterfoil.posting.plans import Planned, Writing
from counterfoil.store import postings
from counterfoil.store.changes import UNDO
from counterfoil.store.postings import Posting

UNSENT = ("planned", "held", "rejected")
CHANGED = "payment-changed"


def write(writing: Writing, planned: Sequence[Planned], ids: Mapping[str, int]) -> None:
    """Write the payments of these records. `ids`: external id → the posting of the record's document."""
    wanted = {
        payment.external_id: (one, payment)
        for one in planned
        if one.item.prepared is not None and not one.twin and one.item.external_id in ids and not _taken_back(one)
        if not stranded.is_elsewhere(one.existing, writing.plan.bindings.get(one.item.prepared.entity))
        for payment in one.item.prepared.payments
    }
    if not wanted:
        return
    known = postings.by_external_id(writing.connection, writing.plan.flow_id, kinds.PAYMENT.name, "", list(wanted))
    fresh: list[tuple[Planned, PaymentWanted]] = []
    for external_id, (one, payment) in wanted.items():
        existing = known.get(external_id)
        if existing is None or (existing.issue < one.issue and one.existing is None):
            fresh.append((one, payment))
        else:
            _seen(writing, existing, payment)
            _follow_mode(writing, existing, one)
    _insert(writing, fresh, ids)


def _taken_back(one: Planned) -> bool:
    return one.existing is not None and one.existing.state == "cancelled" and one.decision.action != "create"


def _insert(writing: Writing, fresh: Sequence[tuple[Planned, PaymentWanted]], ids: Mapping[str, int]) -> None:
    rows = [_row(writing, one, payment, ids[one.item.external_id or ""]) for one, payment in fresh]
    inserted = postings.insert(writing.connection, rows)
    contents = [
        postings.revision_row(
            posting_id=inserted[kinds.PAYMENT.name, "", payment.external_id], n=1, record=encoding.encode(payment.element),
            record_hash=_hash(payment), element=encoding.encode(payment.element), predicted=_predicted(payment),
            source=one.item.source, at=writing.now, rows_hash=one.item.content_hash, run_id=writing.run_id,
            after_id=ids[one.item.external_id or ""],
        )
        for one, payment in fresh
        if (kinds.PAYMENT.name, "", payment.external_id) in inserted
    ]  # fmt: skip
    postings.add_revisions(writing.connection, contents)


def _row(writing: Writing, one: Planned, payment: PaymentWanted, after_id: int) -> dict[str, Any]:
    prepared, flow_id = one.item.prepared, writing.plan.flow_id
    assert prepared is not None
    binding = writing.plan.bindings[prepared.entity]
    issue = one.existing.issue if one.existing is not None else one.issue
    return postings.row(
        flow_id=flow_id, kind=kinds.PAYMENT.name, external_id=payment.external_id, scope="", entity=prepared.entity,
        tenant_id=binding.tenant_id, resource=kinds.PAYMENT.resource, issue=issue,
        marker=identity.marker(flow_id, kinds.PAYMENT.name, payment.external_id, issue), record_hash=_hash(payment),
        source=one.item.source, after_id=after_id, own_number=False, date=payment.date,
        currency=prepared.predicted.currency, total=payment.amount, rows_hash=one.item.content_hash,
        planned_at=writing.now, changed_at=writing.now, run_id=writing.run_id, last_run_id=writing.run_id,
        **_state(one, payment),
    )  # fmt: skip


def _state(one: Planned, payment: PaymentWanted) -> dict[str, Any]:
    """A payment waits for its document; if that one needs a person, the payment says so too."""
    finding, prepared = one.decision.finding, one.item.prepared
    stop = None if prepared is None else unseen.of_payment(prepared, payment) or prepared.limited
    if one.decision.action not in ("hold", "refuse") or finding is None:
        return {"state": "planned"} if stop is None else _held(stop)
    cause = finding.cause.removeprefix("waits:")
    reason = f"Waits for {one.item.external_id}: {finding.reason}"
    return {"state": "held", "cause": f"waits:{cause}", "reason": reason, "remedy": finding.remedy}


def _held(finding: Finding) -> dict[str, Any]:
    return {"state": "held", "cause": finding.cause, "reason": finding.reason, "remedy": finding.remedy}


def _follow_mode(writing: Writing, existing: Posting, one: Planned) -> None:
    """A payment that is not sent yet waits while its entity gets drafts alone, and no longer."""
    limited = one.item.prepared.limited if one.item.prepared is not None else None
    values: dict[str, Any] = {}
    if limited is not None and existing.state == "planned" and existing.action is None:
        values = _held(limited)
    elif limited is None and existing.state == "held" and existing.cause == modes.DRAFT_ONLY_CAUSE:
        values = {"state": "planned", "cause": None, "reason": None, "remedy": None}
    if values:
        values |= {"last_run_id": writing.run_id, "changed_at": writing.now}
        postings.update(writing.connection, existing.id, (existing.state,), values)


def _seen(writing: Writing, existing: Posting, payment: PaymentWanted) -> None:
    """A payment is never changed at Xero: what was not sent yet is replaced, what was sent is held if it differs."""
    if existing.record_hash == _hash(payment) or existing.state == "cancelled" or existing.action == UNDO:
        return
    if existing.state in UNSENT:
        n = existing.revision + 1
        values: dict[str, Any] = {
            "revision": n, "record_hash": _hash(payment), "date": payment.date, "total": payment.amount,
            "last_run_id": writing.run_id, "changed_at": writing.now,
        }  # fmt: skip
        if existing.state == "rejected":
            values |= {"state": "planned", "cause": None, "reason": None, "remedy": None, "xero_messages": None}
        if postings.update(writing.connection, existing.id, UNSENT, values):
            content = postings.revision_row(
                posting_id=existing.id, n=n, record=encoding.encode(payment.element), record_hash=_hash(payment),
                element=encoding.encode(payment.element), predicted=_predicted(payment), source=existing.source,
                at=writing.now, run_id=writing.run_id, after_id=existing.after_id,
            )  # fmt: skip
            postings.add_revisions(writing.connection, [content])
        return
    if existing.skipped is not None and existing.pending_hash == _hash(payment):
        return
    finding = _changed(existing, payment)
    values = {
        "cause": finding.cause, "reason": finding.reason, "remedy": finding.remedy, "pending_hash": _hash(payment),
        "skipped": None, "last_run_id": writing.run_id, "changed_at": writing.now,
    }  # fmt: skip
    postings.update(writing.connection, existing.id, ("posted",), values)


def _changed(existing: Posting, payment: PaymentWanted) -> Finding:
    return Finding(
        CHANGED,
        f"Payment {existing.external_id} was made with {existing.total} on {existing.date}; "
        f"the record now says {payment.amount} on {payment.date}.",
        "Delete the payment in Xero and enter the right one, then `counterfoil problems skip`.",
    )


def _hash(payment: PaymentWanted) -> str:
    return hashlib.sha256(encoding.encode(payment.element)).hexdigest()


def _predicted(payment: PaymentWanted) -> bytes:
    return encoding.encode({"amount": payment.amount, "date": payment.date.isoformat()})
