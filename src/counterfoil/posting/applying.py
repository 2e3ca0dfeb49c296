"""Write a batch of decisions down: postings, revisions, rows that nothing could be made of, and what the run saw.

Called by app for `run`, inside the transaction in which posting/planning decided. Content that was sent is never
replaced here; content that was not is, by a new revision.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from counterfoil.model.prepared import Finding
from counterfoil.posting import changing, credit_chain, customers, deciding, identity, kinds, payments, revising
from counterfoil.posting.customers import Key
from counterfoil.posting.plans import Planned, Writing
from counterfoil.store import credited, fixes, followers, parts, postings, runs
from counterfoil.store.changes import UNDO
from counterfoil.store.postings import row
from counterfoil.store.stranded import OTHER_ORGANISATION

SETTLED = ("posted", "sending", "uncertain")  # Xero has it, or may have it: its content stays
REPLACEABLE = ("planned", "rejected", "held", "cancelled")
UNSENT = ("planned", "rejected", "held")
UNCHANGED = ("same", "accept", "older", "remapped", "withdraw")
CHANGES = (changing.UPDATE, changing.REISSUE)


def apply_batch(writing: Writing, planned: Sequence[Planned]) -> None:
    """Write down what posting/planning decided for these records."""
    contact_ids = customers.write(writing, planned)
    new = _write_new(writing, planned, contact_ids)
    seen: list[dict[str, Any]] = []
    for one in planned:
        posting_id = one.existing.id if one.existing else new.get(one.item.external_id or "")
        outcome = _outcome(one, posting_id)
        if one.existing is not None:
            _write_known(writing, one, one.existing, contact_ids)
        elif posting_id is None and outcome in ("rejected", "held"):
            _write_bad_row(writing, one)
        seen.append({"run_id": writing.run_id, "n": one.item.n, "posting_id": posting_id, "outcome": outcome})
    taken_back = _hold_twins(writing, planned)
    ids = new | {one.existing.external_id: one.existing.id for one in planned if one.existing is not None}
    payments.write(writing, planned, ids)
    runs.add_records(writing.connection, seen)
    runs.hold_changes(writing.connection, writing.run_id, taken_back)


def _outcome(one: Planned, posting_id: int | None) -> str | None:
    """The outcome decided here; None: the posting's own state tells at the end."""
    action = one.decision.action
    if action in UNCHANGED:
        return "unchanged"
    if action in CHANGES or (action == "going" and one.existing is not None and one.existing.action in CHANGES):
        return runs.CHANGE
    if action == "later":
        if one.existing is not None and one.existing.state == "posted":
            return "unchanged"  # done before this run; what cannot be asked now changes nothing
        return None if posting_id else "planned"
    if action == "refused":
        return "rejected"
    if action == "change" or (action == "hold" and one.twin):
        return "held"
    known = one.existing
    settled = known is not None and (
        known.state in SETTLED or changing.concerns(known) or known.entity != one.item.entity
    )
    if action in ("refuse", "hold") and (posting_id is None or settled):
        return "rejected" if action == "refuse" else "held"
    return None


def _write_new(writing: Writing, planned: Sequence[Planned], contact_ids: dict[Key, int]) -> dict[str, int]:
    """Postings of records that had none; → external id → posting id."""
    by_id = {
        one.item.external_id: one
        for one in planned
        if one.existing is None and not one.twin and one.item.external_id and one.decision.action != "same"
        if not one.item.blocked
        and one.item.entity in writing.plan.bindings  # a posting needs a tenant; what has none is kept as a bad row
    }
    rows = [_document_row(writing, one, contact_ids) for one in by_id.values()]
    inserted = postings.insert(writing.connection, rows)
    created = {external_id: posting_id for (_kind, _scope, external_id), posting_id in inserted.items()}
    contents = [
        revising.revision(writing, posting_id, 1, one, contact_of(one, contact_ids))
        for external_id, posting_id in created.items()
        for one in (by_id[external_id],)
    ]
    postings.add_revisions(writing.connection, contents)
    made = ((posting_id, 1, by_id[external_id].item.fixed) for external_id, posting_id in created.items())
    fixes.note(writing.connection, made)
    parts.add(writing.connection, ((made_id, 1, by_id[name].item.parts) for name, made_id in created.items()))
    missing = [external_id for external_id in by_id if external_id not in created]
    if missing:  # another process planned the same records a moment ago
        others = postings.of_records(writing.connection, writing.plan.flow_id, missing)
        created.update({external_id: posting.id for external_id, posting in others.items()})
    return created


def _document_row(writing: Writing, one: Planned, contact_ids: dict[Key, int]) -> dict[str, Any]:
    item, flow_id = one.item, writing.plan.flow_id
    assert item.external_id is not None
    assert item.entity is not None
    binding, kind = writing.plan.bindings[item.entity], kind_of(one)
    return row(
        flow_id=flow_id, kind=kind.name, external_id=item.external_id, scope="", entity=item.entity,
        tenant_id=binding.tenant_id, resource=kind.resource,
        issue=one.issue, marker=identity.marker(flow_id, kind.name, item.external_id, one.issue),
        planned_at=writing.now, run_id=writing.run_id, **_content(writing, one, contact_ids),
    )  # fmt: skip


def kind_of(one: Planned) -> kinds.Kind:
    """What the record becomes; one that could not be checked counts as a sale."""
    return kinds.INVOICE if one.item.prepared is None else kinds.BY_NAME[one.item.prepared.kind]


def _content(writing: Writing, one: Planned, contact_ids: dict[Key, int]) -> dict[str, Any]:
    """The columns that follow a record's content and fate."""
    item, decision, prepared = one.item, one.decision, one.item.prepared
    finding = decision.finding
    state = {"create": "planned", "adopt": "posted", "hold": "held", "refuse": "rejected"}[decision.action]
    values: dict[str, Any] = {
        "state": state, "how": None, "record_hash": item.record_hash, "source": item.source,
        "cause": finding.cause if finding else None, "reason": finding.reason if finding else None,
        "remedy": finding.remedy if finding else None, "xero_messages": None, "skipped": None,
        "last_run_id": writing.run_id, "changed_at": writing.now, "own_number": bool(prepared and prepared.number),
        "after_id": None, "number": None, "date": None, "currency": None, "sub_total": None, "total_tax": None,
        "total": None, "document_id": None, "document_number": None, "action": None, "rows_hash": item.content_hash,
        "version": prepared.version if prepared else None,
    }  # fmt: skip
    if prepared is None:
        return values | (msgspec.structs.asdict(item.claim) if item.claim else {})
    predicted = prepared.predicted
    values |= {
        "after_id": contact_of(one, contact_ids), "number": prepared.number,
        "date": predicted.date, "currency": predicted.currency, "sub_total": predicted.sub_total,
        "total_tax": predicted.total_tax, "total": predicted.total,
    }  # fmt: skip
    if decision.action == "adopt":
        values |= _adopted(one)
    waits = one.contact.finding if one.contact and one.contact.action == "hold" else None
    if waits is not None and waits == finding:
        values["cause"] = f"waits:{waits.cause}"
    return values


def contact_of(one: Planned, contact_ids: dict[Key, int]) -> int | None:
    """The posting of the record's contact; None: it has none."""
    prepared = one.item.prepared
    return contact_ids.get((prepared.entity, prepared.contact.external_id)) if prepared else None


def _adopted(one: Planned) -> dict[str, Any]:
    document, prepared = one.decision.document, one.item.prepared
    assert document is not None
    assert prepared is not None
    values: dict[str, Any] = {"how": "adopted", "document_id": document.document_id, "document_number": document.number}
    if document.total != prepared.predicted.total:
        values |= {
            "cause": "adopted-with-difference",
            "reason": f"Found in Xero as {document.number}: total there {document.total}, in the record {prepared.predicted.total}.",
            "remedy": "Compare the two, correct one of them by hand, then `counterfoil problems skip`.",
        }
    return values


def _write_known(writing: Writing, one: Planned, existing: postings.Posting, contact_ids: dict[Key, int]) -> None:
    """A record whose posting exists: replace content that was never sent, note a change, or only that it was seen."""
    if changing.concerns(existing):
        revising.write(writing, one, existing, contact_of(one, contact_ids))
        return
    checked = not one.item.blocked and one.decision.action not in ("same", "going") and not one.twin
    finding = one.decision.finding
    moved = finding is not None and finding.cause in (deciding.ENTITY_CHANGED, OTHER_ORGANISATION)
    replaceable = existing.state in REPLACEABLE and checked and not moved
    if replaceable and one.item.entity == existing.entity:
        values = _content(writing, one, contact_ids) | {"revision": existing.revision + 1}
        kind = kind_of(one)
        if kind.name != existing.kind:  # its total crossed zero before it was sent
            mark = identity.marker(writing.plan.flow_id, kind.name, existing.external_id, existing.issue)
            values |= {"kind": kind.name, "resource": kind.resource, "marker": mark}
        if postings.update(writing.connection, existing.id, REPLACEABLE, values):
            contact_id = contact_of(one, contact_ids)
            revision = revising.revision(writing, existing.id, existing.revision + 1, one, contact_id)
            postings.add_revisions(writing.connection, [revision])
            fixes.note(writing.connection, [(existing.id, existing.revision + 1, one.item.fixed)])
            parts.add(writing.connection, [(existing.id, existing.revision + 1, one.item.parts)])
        return
    seen: dict[str, Any] = {"last_run_id": writing.run_id}
    if finding is not None and moved and existing.state in UNSENT:
        seen |= {"state": "held", **_problem(writing, finding)}
    postings.update(writing.connection, existing.id, (existing.state,), seen)


def _problem(writing: Writing, finding: Finding) -> dict[str, Any]:
    return {
        "cause": finding.cause,
        "reason": finding.reason,
        "remedy": finding.remedy,
        "changed_at": writing.now,
    }


def _write_bad_row(writing: Writing, one: Planned) -> None:
    finding = one.decision.finding
    assert finding is not None
    bad = {
        "flow": writing.plan.flow, "flow_id": writing.plan.flow_id, "entity": one.item.entity,
        "external_id": one.item.external_id, "source": one.item.source, "content_hash": one.item.content_hash,
        "cause": finding.cause, "reason": finding.reason, "remedy": finding.remedy, "last_run_id": writing.run_id,
        "record": one.item.content,
    }  # fmt: skip
    runs.add_bad_rows(writing.connection, [bad])


def _hold_twins(writing: Writing, planned: Sequence[Planned]) -> list[int]:
    """The first of two contradicting records was planned before the second was read: take it back before it is sent.

    → the postings whose change was taken back; what Xero has of them stands.
    """
    twins = {one.item.external_id: one for one in planned if one.twin and one.item.external_id}
    if not twins:
        return []
    changes: list[int] = []
    found = postings.of_records(writing.connection, writing.plan.flow_id, list(twins))
    for external_id, posting in found.items():
        finding = twins[external_id].decision.finding
        assert finding is not None
        values = {
            "state": "held", "cause": finding.cause, "reason": finding.reason, "remedy": finding.remedy,
            "record_hash": "", "changed_at": writing.now,
        }  # fmt: skip
        if posting.action == UNDO:
            continue  # a person's word stands; the record's content has no part in it
        if posting.action == changing.REISSUE:
            chain = credited.of(writing.connection, [posting]).get(posting.id, credited.NONE)
            if chain.is_sent:
                continue  # its invoice is credited: it gets another one, with what the record said last
            credit_chain.drop(writing.connection, chain, writing.now)
        if posting.action is not None:
            values |= {"state": "posted", "record_hash": posting.record_hash, "action": None, "pending_revision": None}
        if postings.update(writing.connection, posting.id, ("planned",), values):
            followers.hold_followers(writing.connection, [posting.id], writing.now)
            changes += [posting.id] if posting.action is not None else []
    return changes
