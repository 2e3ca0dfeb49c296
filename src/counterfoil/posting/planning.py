"""Records become decisions: read what is known of a batch (posting/remembering, known), and decide each (posting/deciding).

Called by app for `plan` (decides only) and, with posting/applying, for `run` (decides and applies in one transaction
per batch). Batches keep the memory small and each write transaction short.
"""

from collections.abc import Sequence

import msgspec

from counterfoil.model import modes
from counterfoil.model.binding import Binding
from counterfoil.model.checks import days, unseen
from counterfoil.model.prepared import Finding, Prepared
from counterfoil.posting import changing, deciding, erased, identity, kinds, lookalikes, parts, remembering, stranded
from counterfoil.posting.deciding import Decision
from counterfoil.posting.deciding_contacts import ContactDecision
from counterfoil.posting.known import Known, Past, numbered
from counterfoil.posting.plans import LIMIT_FIRST, Item, Plan, Planned
from counterfoil.store import documents, postings
from counterfoil.store.database import Connection
from counterfoil.store.documents import fold
from counterfoil.store.problems import STANDS_TWICE


def decide_batch(connection: Connection, plan: Plan, items: Sequence[Item]) -> list[Planned]:
    """Every item's fate, in order; nothing is written."""
    items = erased.veiled(connection, plan.flow_id, plan.keyed, items)
    past = remembering.past(connection, plan, items)
    wanted: dict[str, list[Prepared]] = {}
    for item in items:
        if item.prepared is not None:
            wanted.setdefault(item.prepared.entity, []).append(item.prepared)
    known = {entity: Known(connection, plan, entity, those, past) for entity, those in wanted.items()}
    sales = parts.known(connection, plan.flow_id, items)
    decided = [_kept_apart(plan, _decide_one(plan, item, past, known), sales) for item in items]
    return [_with_chain(one, past) for one in decided] if past.chains else decided


def _with_chain(one: Planned, past: Past) -> Planned:
    chain = past.chains.get(one.existing.id) if one.existing is not None else None
    return one if chain is None else msgspec.structs.replace(one, chain=chain)


def _kept_apart(plan: Plan, one: Planned, sales: parts.Sales) -> Planned:
    """A document of many sales, held where one of them is in another document, or no longer in the source."""
    item, existing = one.item, one.existing
    skipped = existing is not None and existing.skipped is not None and one.decision.action == "same"
    if not item.parts or item.external_id is None or skipped or one.decision.action not in parts.CONCERNS:
        return one
    if (moved := parts.moved(sales, item.external_id, item.parts)) is not None:
        return msgspec.structs.replace(one, decision=Decision("hold", moved))
    gone = None if plan.complete else parts.gone(sales, item.external_id, item.parts)
    return one if gone is None else msgspec.structs.replace(one, decision=Decision("change", gone))


def _decide_one(plan: Plan, item: Item, past: Past, known: dict[str, Known]) -> Planned:
    existing = past.existing.get(item.external_id or "")
    if item.prepared is not None:
        issue = past.issues.get(item.prepared.external_id, 1)
        if issue > 1:
            item = msgspec.structs.replace(item, prepared=numbered(item.prepared, issue))
    prepared = item.prepared
    if item.erased:
        return Planned(item, erased.decided(item, existing), existing=existing)
    if item.blocked:
        action = "later" if item.blocked == "later" else "hold"
        return Planned(item, Decision(action, item.findings[0]), existing=existing)
    earlier = _seen_before(plan, item)
    if earlier is not None:
        return Planned(
            item, earlier, existing=existing, twin=plan.seen[item.external_id or ""][1] if earlier.finding else None
        )
    bound = plan.bindings.get(item.entity or "")
    if existing is not None and bound is not None and stranded.is_elsewhere(existing, bound):
        return Planned(item, _elsewhere(item, existing, bound), existing=existing)
    if prepared is None:
        if all(finding.cause == "before-start" for finding in item.findings) or _is_posted(plan, item, existing):
            return Planned(item, deciding.SAME, existing=existing)
        return Planned(item, Decision("refuse", item.findings[0]), existing=existing)
    binding = plan.bindings.get(prepared.entity)
    if binding is None:
        return Planned(item, Decision("hold", _unbound(prepared.entity)), existing=existing)
    here = known[prepared.entity]
    contact = here.contact(prepared.contact, plan)
    settled = days.with_contact_terms(prepared, here.terms(contact))
    if isinstance(settled, Finding):
        decision = deciding.SAME if _is_posted(plan, item, existing) else Decision("refuse", settled)
        return Planned(item, decision, contact, existing)
    if settled is not prepared:
        prepared, item = settled, msgspec.structs.replace(item, prepared=settled)
    if existing is not None and changing.concerns(existing) and not _anew(plan, item, existing):
        return Planned(item, _decide_change(plan, item, existing, contact, here, past), contact, existing)
    issue = past.issues.get(prepared.external_id, 1)
    mark = identity.marker(plan.flow_id, prepared.kind, prepared.external_id, issue)
    same_numbered = here.by_number.get((kinds.BY_NAME[prepared.kind].resource, fold(prepared.number or "")), [])
    same_number = [document for document in same_numbered if document.marker != mark]
    anew = None if existing is not None and _remade(prepared, existing, past) else existing
    decision = deciding.decide(prepared, item.record_hash, anew, here.by_marker.get(mark, []), same_number, contact)
    if decision.action == "going" and existing is not None and existing.state == "planned" and _is_stopped(prepared):
        decision = Decision("hold", prepared.hold)
    is_first, is_new = decision.action == "create" and issue == 1, contact.action == "create"
    if is_first and (illegal := unseen.found(prepared, item.parts, is_new=is_new)) is not None:
        decision = Decision("refuse", illegal)
    elif decision.action == "create" and (waits := _stopped(item, existing)) is not None:
        decision = waits
    elif decision.action == "create" and (crossed := _crossed(plan, here, prepared, issue)) is not None:
        decision = Decision("hold", crossed)
    elif decision.action == "create" and (alike := here.look_alike(prepared, contact, existing)) is not None:
        decision = Decision("hold", lookalikes.finding(alike))
    other = _other_owner(plan, here, prepared.external_id, existing, decision, same_number)
    decision = Decision("refuse", other) if other else decision
    if decision.action == "create" and plan.room is not None:
        decision = Decision("hold", _first_run_is_full()) if plan.room <= 0 else decision
        plan.room -= 1
    return Planned(item, decision, contact, existing, issue=issue)


def _elsewhere(item: Item, existing: postings.Posting, bound: Binding) -> Decision:
    """The fate of a record whose posting belongs to the organisation that its entity was bound to before."""
    if existing.record_hash == item.record_hash and (existing.state == "posted" or existing.skipped is not None):
        return deciding.SAME
    if existing.state in ("sending", "uncertain") and existing.record_hash == item.record_hash:
        return Decision("going")
    moved = stranded.finding(bound, f"another organisation ({existing.tenant_id})")
    return Decision("change" if changing.concerns(existing) else "hold", moved)


def _crossed(plan: Plan, here: Known, prepared: Prepared, issue: int) -> Finding | None:
    """Of an empty database: Xero has a document of the record, of the other kind, made when its total had another sign."""
    if not plan.credits:
        return None
    other = next(kind for kind in kinds.RECORDS if kind != prepared.kind)
    mark = identity.marker(plan.flow_id, other, prepared.external_id, issue)
    living = [one for one in here.by_marker.get(mark, ()) if one.status not in deciding.GONE]
    return deciding.crossed(living[0], prepared.kind) if living else None


def _remade(prepared: Prepared, existing: postings.Posting, past: Past) -> bool:
    """It is still to be sent, with another status than the entity's mode gives it now."""
    status = past.statuses.get(existing.id)
    return bool(status) and status != prepared.predicted.status and existing.entity == prepared.entity


def _is_stopped(prepared: Prepared) -> bool:
    """Nothing at all is written to its entity's organisation now."""
    return prepared.hold is not None and prepared.hold.cause == modes.READ_ONLY_CAUSE


def _anew(plan: Plan, item: Item, existing: postings.Posting) -> bool:
    """It was taken back before it was sent, and is wanted again."""
    return changing.renewed(existing, item.record_hash, item.content_hash, plan.policy(existing.entity))


def _decide_change(
    plan: Plan,
    item: Item,
    existing: postings.Posting,
    contact: ContactDecision,
    here: Known,
    past: Past,
) -> Decision:
    """The fate of a record whose document Xero has."""
    assert item.prepared is not None
    said = changing.Said(item.prepared, item.record_hash, item.content_hash, contact.contact_id)
    document = here.by_id.get(existing.document_id or "")
    policy = plan.policy(existing.entity)
    refused, base = past.refused.get(existing.id), past.bases.get(existing.id)
    is_credited = existing.id in past.chains and past.chains[existing.id].is_sent
    decision = changing.decide(said, existing, base, document, policy, refused, credited=is_credited)
    plan.remapped += decision.action == "remapped"
    plan.older += decision.action == "older"
    stopped = contact.finding or item.prepared.hold or item.prepared.limited
    if decision.action in (changing.UPDATE, changing.REISSUE) and stopped is not None:
        return Decision("change", stopped)
    if decision.action == "change" and _says_why(decision, item.prepared):
        return Decision("change", item.prepared.hold)
    return decision


def _says_why(decision: Decision, prepared: Prepared) -> bool:
    """A record that is another one now only since its rows stand twice is told as that."""
    held, found = prepared.hold, decision.finding
    return held is not None and held.cause == STANDS_TWICE and found is not None and found.cause == changing.CHANGED


def _first_run_is_full() -> Finding:
    return Finding(
        LIMIT_FIRST,
        "The first run of this flow posts no more than `limit_first` documents.",
        "Look at the first ones in Xero, then run again: the rest is posted.",
    )


def _stopped(item: Item, existing: postings.Posting | None) -> Decision | None:
    """Why a document that could be made is not made now; what a person said yes to, of this very content, stops nothing."""
    hold = item.prepared.hold if item.prepared is not None else None
    same = existing is not None and existing.record_hash == item.record_hash
    if hold is None or (
        hold.cause == STANDS_TWICE and same and existing is not None and existing.accepted == hold.cause
    ):
        return None
    return Decision("hold", hold)


def _is_posted(plan: Plan, item: Item, existing: postings.Posting | None) -> bool:
    """Posted long ago with this very content: what its checks would say today is late.

    A lock, an archived account; or, of the same rows, an undone fix or another mapping, which only `remap` asks about.
    """
    if existing is None or existing.state != "posted":
        return False
    same_rows = existing.rows_hash == item.content_hash and not plan.remap
    return same_rows or existing.record_hash == item.record_hash


def _other_owner(
    plan: Plan,
    here: Known,
    external_id: str,
    existing: postings.Posting | None,
    decision: Decision,
    same_number: Sequence[documents.Document],
) -> Finding | None:
    """A document belongs to one posting: who has the one that this record would adopt, or whose number it bears."""
    taken = decision.finding is not None and decision.finding.cause == deciding.NUMBER_TAKEN
    adopted = decision.document if decision.action == "adopt" else None
    wanted = [adopted] if adopted else same_number if taken else []
    owner = next((here.owners[d.document_id] for d in wanted if d.document_id in here.owners), None)
    if owner is not None and (existing is None or owner.id != existing.id):
        return deciding.taken_by_posting(owner)
    if adopted is not None and plan.adopted.setdefault(adopted.document_id, external_id) != external_id:
        return deciding.taken_by_record(adopted, plan.adopted[adopted.document_id])
    return None


def _seen_before(plan: Plan, item: Item) -> Decision | None:
    """The fate of a record whose external id this source had before: the same again, or a contradiction."""
    if item.external_id is None:
        return None
    first_hash, first_source = plan.seen.setdefault(item.external_id, (item.record_hash, item.source))
    if first_source == item.source:
        return None
    if first_hash == item.record_hash:
        return deciding.SAME
    return Decision("hold", _twins(item.external_id, first_source, item.source))


def _twins(external_id: str, first: str, second: str) -> Finding:
    return Finding(
        "twice-with-different-content",
        f"{external_id} stands in {first} and, with other content, in {second}.",
        "Keep the right one in the source and run again; neither was sent.",
        "external_id",
        external_id,
    )


def _unbound(entity: str) -> Finding:
    return Finding(
        "not-bound",
        f"Entity {entity} is bound to no organisation.",
        f"Bind it: counterfoil entities bind {entity} TENANT.",
        "entity",
        entity,
    )
