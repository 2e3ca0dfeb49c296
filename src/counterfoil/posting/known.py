"""What the mirror and our postings know of a batch's records: documents, numbers, customers, earlier issues.

Called by planning, once per batch and entity, so that each question is one query. No call to Xero.
"""

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from counterfoil.model import terms
from counterfoil.model.binding import Binding
from counterfoil.model.prepared import ContactWanted, Prepared
from counterfoil.model.terms import Terms
from counterfoil.posting import deciding, deciding_contacts, identity, kinds, lookalikes
from counterfoil.posting.changing import Refused
from counterfoil.posting.deciding_contacts import ContactDecision
from counterfoil.store import changes, contact_links, customers, documents, postings
from counterfoil.store.credited import Chain
from counterfoil.store.database import Connection
from counterfoil.store.documents import fold
from counterfoil.store.problems import LOOK_ALIKE

ISSUES_MAX = 20  # documents made for one record, one after the other, that an empty database looks for


class Asked(Protocol):
    """What has to be known of a plan."""

    flow_id: str
    on_namesake: str
    bindings: dict[str, Binding]
    credits: bool


class Past(msgspec.Struct, frozen=True):
    """What we have of a batch's records: their newest postings and issues, what Xero was sent of those that differ.

    And the changes of theirs that it refused, and by posting id what credits their invoices.
    """

    existing: dict[str, postings.Posting]
    issues: dict[str, int]
    bases: dict[int, changes.Content]
    refused: dict[int, Refused]
    chains: Mapping[int, Chain] = {}
    statuses: Mapping[int, str] = {}  # by posting id: what those that are still to be sent will be

    def has_document(self, external_id: str) -> bool:
        """Xero has a document of this record."""
        posting = self.existing.get(external_id)
        return posting is not None and posting.document_id is not None


def numbered(prepared: Prepared, issue: int) -> Prepared:
    """A document that is not the first of its record has the number with the issue behind it."""
    if prepared.number is None or issue == 1:
        return prepared
    number = number_of(prepared.number, issue)
    return msgspec.structs.replace(prepared, number=number, element={**prepared.element, "InvoiceNumber": number})


def number_of(number: str, issue: int) -> str:
    """Xero never frees a number again: those after the first get "-2", "-3"."""
    return number if issue == 1 else identity.reissued(number, issue)


class Known:
    """What the mirror and our postings know that touches these records of one entity."""

    def __init__(
        self, connection: Connection, plan: Asked, entity: str, prepared: Sequence[Prepared], past: Past
    ) -> None:
        self.entity = entity
        self.by_marker: dict[str, list[documents.Document]] = {}
        self.by_number: dict[tuple[str, str], list[documents.Document]] = {}  # by resource and number
        self.by_id: dict[str, documents.Document] = {}
        self.owners: dict[str, postings.Posting] = {}
        self._made: dict[str, ContactDecision] = {}
        binding = plan.bindings.get(entity)
        if binding is None:
            return
        tenant = binding.tenant_id
        issues = past.issues
        wanted_issues = {p.external_id: issues.get(p.external_id, 1) for p in prepared}
        self._find_marked(connection, plan, tenant, wanted_issues, issues)
        by_kind = {kind: [p for p in prepared if p.kind == kind] for kind in kinds.RECORDS}
        for kind, those in by_kind.items():
            resource = kinds.BY_NAME[kind].resource
            numbers = [fold(number_of(p.number, issues.get(p.external_id, 1))) for p in those if p.number]
            for document in documents.documents_by(connection, tenant, resource, "number_key", numbers):
                self.by_number.setdefault((resource, document.number_key or ""), []).append(document)
        self.by_id = {document.document_id: document for group in self.by_marker.values() for document in group}
        groups = (*self.by_number.values(), *self.by_marker.values())
        found = [document for group in groups for document in group]
        for resource in dict.fromkeys(document.resource for document in found):
            ids = [document.document_id for document in found if document.resource == resource]
            self.owners |= postings.by_document(connection, tenant, resource, ids)
        wanted = {p.contact.external_id: p.contact for p in prepared}
        names = [fold(contact.name) for contact in wanted.values()]
        self._ours = customers.of_tenant(connection, entity, tenant, list(wanted))
        self._rivals = {
            name: [one for one in rivals if one.tenant_id == tenant]
            for name, rivals in postings.by_name_key(connection, entity, names).items()
        }
        self._said = contact_links.of(connection, entity, list(wanted))
        meant = [one.contact_id for one in self._said.values() if one.contact_id]
        self._linked = {
            contact.contact_id: merged(connection, tenant, contact)
            for contact in documents.contacts_by(connection, tenant, "contact_id", meant)
        }
        self._by_number: dict[str, list[documents.KnownContact]] = {}
        for contact in documents.contacts_by(connection, tenant, "number", list(wanted)):
            self._by_number.setdefault(contact.number or "", []).append(merged(connection, tenant, contact))
        self._by_name: dict[str, list[documents.KnownContact]] = {}
        for contact in documents.contacts_by(connection, tenant, "name_key", names):
            self._by_name.setdefault(contact.name_key, []).append(contact)
        made = [posting.document_id for posting in self._ours.values() if posting.document_id]
        self._by_id = {
            contact.contact_id: merged(connection, tenant, contact)
            for contact in documents.contacts_by(connection, tenant, "contact_id", made)
        }
        at_xero = itertools.chain(
            self._by_id.values(), self._linked.values(), *self._by_number.values(), *self._by_name.values()
        )
        self._terms = {c.contact_id: terms.of(c.terms_day, c.terms_type) for c in at_xero}
        self._names_taken: dict[str, str] = {}
        self._alike: dict[str, lookalikes.ByContact] = {}
        for kind, those in by_kind.items():
            days_of = [
                (self.contact(p.contact, plan).contact_id, p.predicted.date)
                for p in those
                if not past.has_document(p.external_id)
            ]
            dated = [(of, day) for of, day in days_of if of is not None]
            self._alike[kind] = lookalikes.of(connection, tenant, kinds.BY_NAME[kind].resource, dated)

    def _find_marked(
        self, connection: Connection, plan: Asked, tenant: str, wanted: dict[str, int], issues: dict[str, int]
    ) -> None:
        """Documents by their mark. What was ended or credited has a later issue, which an empty database knows nothing of."""
        known = set(issues)
        for _ in range(ISSUES_MAX):
            found = self._marked(connection, plan, tenant, wanted)
            credited = self._credited(connection, plan, tenant, wanted.keys() - known, wanted)
            issues.update({of: wanted[of] for of in found})
            issues.update({of: wanted[of] + 1 for of in credited})
            wanted = {of: wanted[of] + 1 for of in found - known}
            if not wanted:
                return

    def _marked(self, connection: Connection, plan: Asked, tenant: str, wanted: dict[str, int]) -> set[str]:
        """The records, by external id, of whose wanted issue there is a document; it is remembered by its mark."""
        there: set[str] = set()
        for kind in kinds.RECORDS[: 2 if plan.credits else 1]:
            marks = {identity.marker(plan.flow_id, kind, of, issue): of for of, issue in wanted.items()}
            resource = kinds.BY_NAME[kind].resource
            for document in documents.documents_by(connection, tenant, resource, "marker", list(marks)):
                self.by_marker.setdefault(document.marker or "", []).append(document)
                there.add(marks[document.marker or ""])
        return there

    def _credited(
        self, connection: Connection, plan: Asked, tenant: str, those: Collection[str], wanted: dict[str, int]
    ) -> set[str]:
        """Of these records the ones whose wanted issue is credited by a living credit note of ours."""
        if not plan.credits or not those:
            return set()
        marks = {identity.marker(plan.flow_id, kinds.CREDIT, of, wanted[of]): of for of in those}
        notes = documents.documents_by(connection, tenant, kinds.CREDIT_NOTE.resource, "marker", list(marks))
        return {marks[one.marker or ""] for one in notes if one.status not in deciding.GONE}

    def contact(self, wanted: ContactWanted, plan: Asked) -> ContactDecision:
        """The fate of this customer; asked again, the same."""
        made = self._made.get(wanted.external_id)
        if made is None:
            key = fold(wanted.name)
            said = self._said.get(wanted.external_id)
            policy = "new" if said is not None and said.decision == "new" else plan.on_namesake
            ours = self._ours.get(wanted.external_id)
            linked = self._linked.get(said.contact_id or "") if said is not None else None
            made = deciding_contacts.as_a_person_said(wanted, ours, said, linked) or deciding_contacts.decide_contact(
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
                made = deciding_contacts.namesake_here(wanted, policy)
            if made.action == "known":
                made = deciding_contacts.where_it_went(made, wanted, self._by_id.get(made.contact_id or ""))
            self._made[wanted.external_id] = made
        return made

    def look_alike(
        self, prepared: Prepared, contact: ContactDecision, existing: postings.Posting | None
    ) -> documents.Document | None:
        """A document of another hand that may be this sale, unless a person said that it is not."""
        waved = existing is not None and existing.accepted == LOOK_ALIKE
        return (
            None if waved else lookalikes.find(prepared, self._alike[prepared.kind].get(contact.contact_id or "", ()))
        )

    def terms(self, contact: ContactDecision) -> Terms | None:
        """The customer's own payment terms in Xero; None: it has none, or is not there yet."""
        return self._terms.get(contact.contact_id or "")


def merged(connection: Connection, tenant_id: str, contact: documents.KnownContact) -> documents.KnownContact:
    """The contact that this one was merged into, followed to its end (bounded: merges do not run in circles)."""
    for _ in range(10):
        if not contact.merged_to:
            break
        target = documents.contacts_by(connection, tenant_id, "contact_id", [contact.merged_to])
        if not target:
            break
        contact = target[0]
    return contact
