"""Records become decisions: read what is known of a batch, and decide each record (posting/deciding).

Called by app for `plan` (decides only) and, with posting/applying, for `run` (decides and applies in one transaction
per batch). Batches keep the memory small and each write transaction short.
"""

import datetime
import itertools
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from counterfoil.model import terms
from counterfoil.model.binding import Binding
from counterfoil.model.checks import days
from counterfoil.model.fixes import Fixed
from counterfoil.model.prepared import ContactWanted, Finding, Prepared
from counterfoil.model.terms import Terms
from counterfoil.posting import deciding, identity, kinds
from counterfoil.posting.deciding import ContactDecision, Decision
from counterfoil.store import contact_links, documents, postings
from counterfoil.store.database import Connection
from counterfoil.store.documents import fold

BATCH = 200  # records per transaction


class Claim(msgspec.Struct, frozen=True):
    """What a record that did not pass its checks says of itself, so that what waits can be shown with its money."""

    date: datetime.date
    currency: str | None
    total: Decimal | None


class Item(msgspec.Struct, frozen=True):
    """One record of the source, checked: `prepared`, or the findings that say why not. `n` counts the source's records."""

    n: int
    source: str
    content: bytes  # the record as the source gave it
    content_hash: str
    record_hash: str
    external_id: str | None
    entity: str | None
    prepared: Prepared | None
    findings: tuple[Finding, ...] = ()
    claim: Claim | None = None
    blocked: str = ""  # nothing can be said of it now: "later" (run again) or "person" (consent, binding, going live)
    fixed: tuple[Fixed, ...] = ()  # what stored corrections did to it


class Planned(msgspec.Struct, frozen=True):
    """An item and its fate."""

    item: Item
    decision: Decision
    contact: ContactDecision | None = None
    existing: postings.Posting | None = None
    twin: str | None = None  # the source of a record with the same external id and other content


class Plan(msgspec.Struct):
    """What stays the same while a source is planned."""

    flow: str
    flow_id: str
    on_namesake: str
    bindings: dict[str, Binding]
    seen: dict[str, tuple[str, str]] = {}  # external id → (record hash, source), of this source alone
    new_contacts: set[tuple[str, str]] = set()
    adopted: dict[str, str] = {}  # document id → external id of the record that adopts it in this run


class Writing(msgspec.Struct, frozen=True):
    """One transaction that writes a batch down."""

    connection: Connection
    plan: Plan
    run_id: int
    now: datetime.datetime


def decide_batch(connection: Connection, plan: Plan, items: Sequence[Item]) -> list[Planned]:
    """Every item's fate, in order; nothing is written."""
    good = [item for item in items if item.prepared is not None]
    ids = [item.external_id for item in items if item.external_id]
    existing = postings.by_external_id(connection, plan.flow_id, kinds.INVOICE.name, "", ids)
    known = {entity: _Known(connection, plan, entity, [i.prepared for i in good if i.prepared and i.prepared.entity == entity])
             for entity in {i.prepared.entity for i in good if i.prepared}}  # fmt: skip
    return [_decide_one(plan, item, existing.get(item.external_id or ""), known) for item in items]


def _decide_one(plan: Plan, item: Item, existing: postings.Posting | None, known: dict[str, "_Known"]) -> Planned:
    prepared = item.prepared
    if item.blocked:
        action = "later" if item.blocked == "later" else "hold"
        return Planned(item, Decision(action, item.findings[0]), existing=existing)
    earlier = _seen_before(plan, item)
    if earlier is not None:
        return Planned(
            item, earlier, existing=existing, twin=plan.seen[item.external_id or ""][1] if earlier.finding else None
        )
    if prepared is None:
        if all(finding.cause == "before-start" for finding in item.findings) or _is_posted(item, existing):
            return Planned(item, deciding.SAME, existing=existing)
        return Planned(item, Decision("refuse", item.findings[0]), existing=existing)
    binding = plan.bindings.get(prepared.entity)
    if binding is None:
        return Planned(item, Decision("hold", _unbound(prepared.entity)), existing=existing)
    here = known[prepared.entity]
    contact = here.contact(prepared.contact, plan)
    settled = days.with_contact_terms(prepared, here.terms(contact))
    if isinstance(settled, Finding):
        decision = deciding.SAME if _is_posted(item, existing) else Decision("refuse", settled)
        return Planned(item, decision, contact, existing)
    prepared, item = settled, msgspec.structs.replace(item, prepared=settled)
    mark = identity.marker(plan.flow_id, kinds.INVOICE.name, prepared.external_id, existing.issue if existing else 1)
    numbered = here.by_number.get(fold(prepared.number or ""), [])
    same_number = [document for document in numbered if document.marker != mark]
    decision = deciding.decide(prepared, item.record_hash, existing, here.by_marker.get(mark, []), same_number, contact)
    if decision.action == "create" and (waits := _stopped(prepared)) is not None:
        decision = waits
    other = _other_owner(plan, here, prepared.external_id, existing, decision, same_number)
    return Planned(item, Decision("refuse", other) if other else decision, contact, existing)


def _stopped(prepared: Prepared) -> Decision | None:
    """Why a document that could be made is not made now."""
    if prepared.payments and "Payments" not in kinds.BY_RESOURCE:
        reason = "`payments`: payments are not posted yet."
        return Decision("refuse", Finding("not-posted-yet", reason, "Leave `payments` out for now.", "payments"))
    return Decision("hold", prepared.hold) if prepared.hold is not None else None


def _is_posted(item: Item, existing: postings.Posting | None) -> bool:
    """Posted long ago with this very content: what its checks would say today (a lock, an archived account) is late."""
    return existing is not None and existing.state == "posted" and existing.record_hash == item.record_hash


def _other_owner(
    plan: Plan,
    here: "_Known",
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


class _Known:
    """What the mirror and our postings know that touches these records of one entity."""

    def __init__(self, connection: Connection, plan: Plan, entity: str, prepared: Sequence[Prepared]) -> None:
        self.entity = entity
        self.by_marker: dict[str, list[documents.Document]] = {}
        self.by_number: dict[str, list[documents.Document]] = {}
        self.owners: dict[str, postings.Posting] = {}
        self._made: dict[str, ContactDecision] = {}
        binding = plan.bindings.get(entity)
        if binding is None:
            return
        tenant, resource = binding.tenant_id, kinds.INVOICE.resource
        marks = [identity.marker(plan.flow_id, kinds.INVOICE.name, p.external_id, 1) for p in prepared]
        for document in documents.documents_by(connection, tenant, resource, "marker", marks):
            self.by_marker.setdefault(document.marker or "", []).append(document)
        numbers = [fold(p.number) for p in prepared if p.number]
        for document in documents.documents_by(connection, tenant, resource, "number_key", numbers):
            self.by_number.setdefault(document.number_key or "", []).append(document)
        groups = (*self.by_number.values(), *self.by_marker.values())
        found = [document.document_id for group in groups for document in group]
        self.owners = postings.by_document(connection, tenant, resource, found)
        wanted = {p.contact.external_id: p.contact for p in prepared}
        names = [fold(contact.name) for contact in wanted.values()]
        self._ours = postings.by_external_id(connection, "", kinds.CONTACT.name, entity, list(wanted))
        self._rivals = postings.by_name_key(connection, entity, names)
        self._said = contact_links.of(connection, entity, list(wanted))
        meant = [one.contact_id for one in self._said.values() if one.contact_id]
        self._linked = {
            contact.contact_id: _merged(connection, tenant, contact)
            for contact in documents.contacts_by(connection, tenant, "contact_id", meant)
        }
        self._by_number: dict[str, list[documents.KnownContact]] = {}
        for contact in documents.contacts_by(connection, tenant, "number", list(wanted)):
            self._by_number.setdefault(contact.number or "", []).append(_merged(connection, tenant, contact))
        self._by_name: dict[str, list[documents.KnownContact]] = {}
        for contact in documents.contacts_by(connection, tenant, "name_key", names):
            self._by_name.setdefault(contact.name_key, []).append(contact)
        made = [posting.document_id for posting in self._ours.values() if posting.document_id]
        self._by_id = {
            contact.contact_id: _merged(connection, tenant, contact)
            for contact in documents.contacts_by(connection, tenant, "contact_id", made)
        }
        at_xero = itertools.chain(
            self._by_id.values(), self._linked.values(), *self._by_number.values(), *self._by_name.values()
        )
        self._terms = {c.contact_id: terms.of(c.terms_day, c.terms_type) for c in at_xero}
        self._names_taken: dict[str, str] = {}

    def contact(self, wanted: ContactWanted, plan: Plan) -> ContactDecision:
        """The fate of this customer; asked again, the same."""
        made = self._made.get(wanted.external_id)
        if made is None:
            key = fold(wanted.name)
            said = self._said.get(wanted.external_id)
            policy = "new" if said is not None and said.decision == "new" else plan.on_namesake
            ours = self._ours.get(wanted.external_id)
            linked = self._linked.get(said.contact_id or "") if said is not None else None
            made = deciding.as_a_person_said(wanted, ours, said, linked) or deciding.decide_contact(
                wanted,
                ours,
                self._by_number.get(wanted.external_id, ()),
                self._by_name.get(key, ()),
                self._rivals.get(key, ()),
                policy,
            )
            if (
                made.action == "create"
                and self._names_taken.setdefault(fold(made.name), wanted.external_id) != wanted.external_id
            ):
                made = deciding.namesake_here(wanted, policy)
            if made.action == "known":
                made = deciding.where_it_went(made, wanted, self._by_id.get(made.contact_id or ""))
            if made.action == "create":
                plan.new_contacts.add((self.entity, wanted.external_id))
            self._made[wanted.external_id] = made
        return made

    def terms(self, contact: ContactDecision) -> Terms | None:
        """The customer's own payment terms in Xero; None: it has none, or is not there yet."""
        return self._terms.get(contact.contact_id or "")


def _merged(connection: Connection, tenant_id: str, contact: documents.KnownContact) -> documents.KnownContact:
    """The contact that this one was merged into, followed to its end (bounded: merges do not run in circles)."""
    for _ in range(10):
        if not contact.merged_to:
            break
        target = documents.contacts_by(connection, tenant_id, "contact_id", [contact.merged_to])
        if not target:
            break
        contact = target[0]
    return contact
