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
from counterfoil.posting import changing, deciding, identity, kinds, lookalikes
from counterfoil.posting.changing import Policy
from counterfoil.posting.deciding import ContactDecision, Decision
from counterfoil.store import changes, contact_links, documents, postings
from counterfoil.store.database import Connection
from counterfoil.store.documents import fold
from counterfoil.store.problems import LOOK_ALIKE

BATCH = 200  # records per transaction
ISSUES_MAX = 20  # documents made for one record, one after the other, that an empty database looks for


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
    issue: int = 1  # counts the documents that were made for this record, one after the other


class Plan(msgspec.Struct):
    """What stays the same while a source is planned."""

    flow: str
    flow_id: str
    on_namesake: str
    bindings: dict[str, Binding]
    seen: dict[str, tuple[str, str]] = {}  # external id → (record hash, source), of this source alone
    new_contacts: set[tuple[str, str]] = set()
    adopted: dict[str, str] = {}  # document id → external id of the record that adopts it in this run
<<<<<<< /tmp/eng/src/counterfoil/posting/planning.py
    on_change: str = "hold"
    complete: bool = False
    remap: bool = False
    again: bool = False
    closed: dict[str, datetime.date] = {}  # entity → nothing up to this day of its books may move
    remapped: int = 0  # records left alone since only the mapping changed
    older: int = 0  # records left alone since a later version is posted

    def policy(self, entity: str) -> Policy:
        """How changes are treated."""
        return Policy(self.on_change, self.complete, self.remap, self.again, self.closed.get(entity))
=======
    room: int | None = None  # documents that may still be made in a flow's first run (`limit_first`); None: any number
>>>>>>> /work/main/src/counterfoil/posting/planning.py


class Writing(msgspec.Struct, frozen=True):
    """One transaction that writes a batch down."""

    connection: Connection
    plan: Plan
    run_id: int
    now: datetime.datetime


class _Past(msgspec.Struct, frozen=True):
    """What we have of a batch's records: their newest postings and issues, and what Xero was sent of those that differ."""

    existing: dict[str, postings.Posting]
    issues: dict[str, int]
    bases: dict[int, changes.Content]

    def has_document(self, external_id: str) -> bool:
        """Xero has a document of this record."""
        posting = self.existing.get(external_id)
        return posting is not None and posting.document_id is not None


def decide_batch(connection: Connection, plan: Plan, items: Sequence[Item]) -> list[Planned]:
    """Every item's fate, in order; nothing is written."""
    past = _past(connection, plan, items)
    wanted: dict[str, list[Prepared]] = {}
    for item in items:
        if item.prepared is not None:
            wanted.setdefault(item.prepared.entity, []).append(item.prepared)
    known = {entity: _Known(connection, plan, entity, those, past) for entity, those in wanted.items()}
    return [_decide_one(plan, item, past, known) for item in items]


def _past(connection: Connection, plan: Plan, items: Sequence[Item]) -> _Past:
    ids = [item.external_id for item in items if item.external_id]
    existing = postings.by_external_id(connection, plan.flow_id, kinds.INVOICE.name, "", ids)
    issues = {external_id: posting.issue for external_id, posting in existing.items()}
    differing: list[int] = []
    for item in items:
        posting = existing.get(item.external_id or "")
        if posting is None or item.prepared is None:
            continue
        if _made_anew(plan, item, posting):
            issues[posting.external_id] += 1
            del existing[posting.external_id]
        elif posting.document_id is not None and posting.record_hash != item.record_hash:
            differing.append(posting.id)
    return _Past(existing, issues, changes.posted(connection, differing))


def _made_anew(plan: Plan, item: Item, posting: postings.Posting) -> bool:
    """A document was taken back, and the record is to have a new one."""
    policy = plan.policy(posting.entity)
    renewed = changing.renewed(posting, item.record_hash, item.content_hash, policy)
    return renewed and posting.document_id is not None and posting.entity == item.entity


def _numbered(item: Item, issue: int) -> Item:
    """The item of a document that is not the first of its record: it has the number with the issue behind it."""
    prepared = item.prepared
    if prepared is None or prepared.number is None or issue == 1:
        return item
    number = _number(prepared.number, issue)
    element = {**prepared.element, "InvoiceNumber": number}
    return msgspec.structs.replace(item, prepared=msgspec.structs.replace(prepared, number=number, element=element))


def _number(number: str, issue: int) -> str:
    return number if issue == 1 else identity.reissued(number, issue)


def _decide_one(plan: Plan, item: Item, past: _Past, known: dict[str, "_Known"]) -> Planned:
    existing = past.existing.get(item.external_id or "")
    item = _numbered(item, past.issues.get(item.external_id or "", 1))
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
    if existing is not None and changing.concerns(existing) and not _anew(plan, item, existing):
        return Planned(item, _decide_change(plan, item, existing, contact, here, past), contact, existing)
    issue = past.issues.get(prepared.external_id, 1)
    mark = identity.marker(plan.flow_id, kinds.INVOICE.name, prepared.external_id, issue)
    numbered = here.by_number.get(fold(prepared.number or ""), [])
    same_number = [document for document in numbered if document.marker != mark]
    decision = deciding.decide(prepared, item.record_hash, existing, here.by_marker.get(mark, []), same_number, contact)
    if decision.action == "create" and (waits := _stopped(prepared)) is not None:
        decision = waits
    elif decision.action == "create" and (alike := here.look_alike(prepared, contact, existing)) is not None:
        decision = Decision("hold", lookalikes.finding(alike))
    other = _other_owner(plan, here, prepared.external_id, existing, decision, same_number)
<<<<<<< /tmp/eng/src/counterfoil/posting/planning.py
    return Planned(item, Decision("refuse", other) if other else decision, contact, existing, issue=issue)


def _anew(plan: Plan, item: Item, existing: postings.Posting) -> bool:
    """It was taken back before it was sent, and is wanted again."""
    return changing.renewed(existing, item.record_hash, item.content_hash, plan.policy(existing.entity))


def _decide_change(
    plan: Plan,
    item: Item,
    existing: postings.Posting,
    contact: ContactDecision,
    here: "_Known",
    past: _Past,
) -> Decision:
    """The fate of a record whose document Xero has."""
    assert item.prepared is not None
    said = changing.Said(item.prepared, item.record_hash, item.content_hash, contact.contact_id)
    document = here.by_id.get(existing.document_id or "")
    policy = plan.policy(existing.entity)
    decision = changing.decide(said, existing, past.bases.get(existing.id), document, policy)
    plan.remapped += decision.action == "remapped"
    plan.older += decision.action == "older"
    stopped = contact.finding or item.prepared.hold
    if decision.action in (changing.UPDATE, changing.REISSUE) and stopped is not None:
        return Decision("change", stopped)
    return decision
=======
    decision = Decision("refuse", other) if other else decision
    if decision.action == "create" and plan.room is not None:
        decision = Decision("hold", _first_run_is_full()) if plan.room <= 0 else decision
        plan.room -= 1
    return Planned(item, decision, contact, existing)


def _first_run_is_full() -> Finding:
    return Finding(
        "limit-first",
        "The first run of this flow posts no more than `limit_first` documents.",
        "Look at the first ones in Xero, then run again: the rest is posted.",
    )
>>>>>>> /work/main/src/counterfoil/posting/planning.py


def _stopped(prepared: Prepared) -> Decision | None:
    """Why a document that could be made is not made now."""
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

    def __init__(
        self, connection: Connection, plan: Plan, entity: str, prepared: Sequence[Prepared], past: _Past
    ) -> None:
        self.entity = entity
        self.by_marker: dict[str, list[documents.Document]] = {}
        self.by_number: dict[str, list[documents.Document]] = {}
        self.by_id: dict[str, documents.Document] = {}
        self.owners: dict[str, postings.Posting] = {}
        self._made: dict[str, ContactDecision] = {}
        binding = plan.bindings.get(entity)
        if binding is None:
            return
        tenant, resource = binding.tenant_id, kinds.INVOICE.resource
        issues = past.issues
        wanted_issues = {p.external_id: issues.get(p.external_id, 1) for p in prepared}
        self._find_marked(connection, plan, tenant, wanted_issues, issues)
        numbers = [fold(_number(p.number, issues.get(p.external_id, 1))) for p in prepared if p.number]
        for document in documents.documents_by(connection, tenant, resource, "number_key", numbers):
            self.by_number.setdefault(document.number_key or "", []).append(document)
        self.by_id = {document.document_id: document for group in self.by_marker.values() for document in group}
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
        days_of = [
            (self.contact(p.contact, plan).contact_id, p.predicted.date)
            for p in prepared
            if not past.has_document(p.external_id)
        ]
        self._alike = lookalikes.of(connection, tenant, resource, [(of, day) for of, day in days_of if of is not None])

    def _find_marked(
        self, connection: Connection, plan: Plan, tenant: str, wanted: dict[str, int], issues: dict[str, int]
    ) -> None:
        """Documents by their mark. What was voided may have a later issue, which an empty database knows nothing of."""
        known = set(issues)
        for _ in range(ISSUES_MAX):
            marks = {identity.marker(plan.flow_id, kinds.INVOICE.name, of, issue): of for of, issue in wanted.items()}
            found = documents.documents_by(connection, tenant, kinds.INVOICE.resource, "marker", list(marks))
            for document in found:
                self.by_marker.setdefault(document.marker or "", []).append(document)
            issues.update({marks[document.marker or ""]: wanted[marks[document.marker or ""]] for document in found})
            living = {marks[document.marker or ""] for document in found if document.status not in deciding.GONE}
            wanted = {of: wanted[of] + 1 for of in {marks[one.marker or ""] for one in found} - living - known}
            if not wanted:
                return

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

    def look_alike(
        self, prepared: Prepared, contact: ContactDecision, existing: postings.Posting | None
    ) -> documents.Document | None:
        """A document of another hand that may be this sale, unless a person said that it is not."""
        waved = existing is not None and existing.accepted == LOOK_ALIKE
        return None if waved else lookalikes.find(prepared, self._alike.get(contact.contact_id or "", ()))

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
