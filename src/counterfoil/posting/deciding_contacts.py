"""Who a record's customer is at Xero: our own map, then the contact number, then a namesake, then a new contact. Pure.

Called by planning (known) and looking. Documents carry the ContactID only; what Xero knows of a contact is never changed.
Design §5.4.
"""

from collections.abc import Sequence

import msgspec

from counterfoil.model.prepared import ContactWanted, Finding
from counterfoil.store.contact_links import Link
from counterfoil.store.documents import KnownContact, fold
from counterfoil.store.postings import Posting


class ContactDecision(msgspec.Struct, frozen=True):
    """One customer's fate.

    `action`: known (posted before) | moved (posted before, merged since) | link (exists at Xero) | create | going | hold.
    """

    action: str
    contact_id: str | None = None
    name: str = ""
    finding: Finding | None = None


def decide_contact(
    wanted: ContactWanted,
    existing: Posting | None,
    by_number: Sequence[KnownContact],
    by_name: Sequence[KnownContact],
    rivals: Sequence[Posting],
    on_namesake: str,
) -> ContactDecision:
    """The fate of a customer: our own map, then ContactNumber, then a namesake, then a new contact (design §5.4).

    `by_number`, `by_name`: contacts at Xero with its number, with its folded name. `rivals`: our other contact postings
    of that name. Documents carry the ContactID only; what Xero knows of the contact is never changed.
    """
    if existing is not None:
        if existing.state == "posted" and existing.cause is not None:
            finding = Finding(existing.cause, existing.reason or "", existing.remedy or "")
            return ContactDecision("hold", existing.document_id, wanted.name, finding)
        if existing.state == "posted":
            return ContactDecision("known", existing.document_id, wanted.name)
        if existing.state in ("planned", "sending", "uncertain"):
            return ContactDecision("going", None, wanted.name)
    if by_number:
        return _linked_by_number(wanted, by_number[0])
    strangers = [contact for contact in by_name if contact.status == "ACTIVE"]
    others = [posting for posting in rivals if posting.external_id != wanted.external_id]
    if not strangers and not others:
        return ContactDecision("create", None, wanted.name)
    if on_namesake == "new":
        return ContactDecision("create", None, f"{wanted.name} ({wanted.external_id})")
    free = [contact for contact in strangers if not contact.number]
    if on_namesake == "link" and len(free) == 1 and not others:
        return ContactDecision("link", free[0].contact_id, wanted.name)
    return ContactDecision("hold", finding=namesake(wanted.external_id))


def as_a_person_said(
    wanted: ContactWanted, existing: Posting | None, said: Link | None, linked: KnownContact | None
) -> ContactDecision | None:
    """The fate that a person gave a customer (store/contact_links); None: nobody did, or it is on its way already.

    `linked`: the contact that it was linked to, merges followed. "new" is a policy for its namesakes, and no fate yet.
    """
    if said is None or said.decision == "new":
        return None
    if existing is not None and existing.state in ("planned", "sending", "uncertain"):
        return None
    if said.decision == "hold":
        return ContactDecision("hold", finding=held_by_a_person(wanted.external_id, said.actor))
    if linked is None:
        return ContactDecision("hold", finding=archived(wanted.external_id, "gone"))
    if linked.status != "ACTIVE":
        return ContactDecision("hold", finding=archived(wanted.external_id, linked.status))
    if existing is None or existing.state != "posted":
        return ContactDecision("link", linked.contact_id, wanted.name)
    if existing.cause is not None or existing.document_id == linked.contact_id:
        return None
    return ContactDecision("moved", linked.contact_id, wanted.name)


def held_by_a_person(external_id: str, actor: str) -> Finding:
    """Somebody said that this customer waits."""
    return Finding(
        "contact-held",
        f"Customer {external_id} waits: {actor} said so.",
        "Decide: `counterfoil problems fix` with --use link or --use new, or `counterfoil contacts match`.",
        "contact.external_id",
        external_id,
    )


def where_it_went(known: ContactDecision, wanted: ContactWanted, contact: KnownContact | None) -> ContactDecision:
    """A customer that we posted before, now that people may have merged or archived it. `contact`: the merge's winner."""
    if contact is None:
        return known
    if contact.status != "ACTIVE":
        return ContactDecision("hold", known.contact_id, wanted.name, archived(wanted.external_id, contact.status))
    if contact.contact_id == known.contact_id:
        return known
    return ContactDecision("moved", contact.contact_id, wanted.name)


def _linked_by_number(wanted: ContactWanted, contact: KnownContact) -> ContactDecision:
    if contact.status != "ACTIVE":
        return ContactDecision("hold", finding=archived(wanted.external_id, contact.status))
    same_name = contact.name_key == fold(wanted.name)
    same_email = bool(wanted.email) and contact.email_key == fold(wanted.email or "")
    if same_name or same_email:
        return ContactDecision("link", contact.contact_id, wanted.name)
    return ContactDecision("hold", finding=number_differs(wanted.external_id))


def namesake_here(wanted: ContactWanted, on_namesake: str) -> ContactDecision:
    """Two new customers of one name in one source: Xero takes only one of them."""
    if on_namesake == "new":
        return ContactDecision("create", None, f"{wanted.name} ({wanted.external_id})")
    return ContactDecision("hold", finding=namesake(wanted.external_id))


def archived(external_id: str, status: str) -> Finding:
    """The contact is there, and may not be used."""
    return Finding(
        "contact-archived",
        f"The contact with number {external_id} is {status.lower()} in Xero.",
        "Restore it in Xero (Contacts, Archived), then run again.",
        "contact.external_id",
        external_id,
    )


def number_differs(external_id: str) -> Finding:
    """The contact number belongs to somebody else."""
    return Finding(
        "contact-number-differs",
        f"Contact number {external_id} belongs to a contact in Xero with another name and another e-mail.",
        "Correct the name or the contact number, in Xero or in the source.",
        "contact.external_id",
        external_id,
    )


def namesake(external_id: str) -> Finding:
    """A contact of that name exists, and nothing says that it is the same customer."""
    return Finding(
        "contact-namesake",
        f"A contact named like customer {external_id} exists in Xero without that contact number.",
        "Say who is who: `counterfoil contacts match` for all of them, or `counterfoil problems fix` with --use link or --use "
        'new; on_namesake = "link" or "new" decides for the flow.',
        "contact.name",
        external_id,
    )
