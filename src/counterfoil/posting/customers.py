"""Contact postings: the customers that a batch of records needs, made, linked, held or tried again.

Called by applying, inside its transaction. A contact posting is shared by all flows of its entity: its identity is
(entity, external_id) in the entity's organisation, and its external_id becomes Xero's ContactNumber.
"""

from collections.abc import Sequence
from typing import Any

from counterfoil.model.prepared import ContactWanted
from counterfoil.posting import encoding, kinds
from counterfoil.posting.deciding_contacts import ContactDecision
from counterfoil.posting.plans import Planned, Writing
from counterfoil.store import customers as stored
from counterfoil.store import followers, postings
from counterfoil.store.documents import fold

Key = tuple[str, str]  # (entity, external id)
Wanted = dict[Key, tuple[ContactWanted, ContactDecision]]


def write(writing: Writing, planned: Sequence[Planned]) -> dict[Key, int]:
    """Write the contact postings that these records need; → their ids, also of those that existed."""
    wanted = _wanted(planned)
    ids = _existing(writing, wanted)
    missing = {key: both for key, both in wanted.items() if key not in ids}
    issues = _next_issues(writing, missing)
    rows = [_row(writing, key, *both) | {"issue": issues[key]} for key, both in missing.items()]
    created = postings.insert(writing.connection, rows)
    made = {(entity, external_id): posting_id for (_kind, entity, external_id), posting_id in created.items()}
    contents = [_revision(writing, posting_id, 1, *missing[key]) for key, posting_id in made.items()]
    postings.add_revisions(writing.connection, contents)
    return ids | made


def _next_issues(writing: Writing, missing: Wanted) -> dict[Key, int]:
    """1, or one more than in the organisation that the entity was bound to before."""
    found: dict[Key, int] = {}
    for entity in {entity for entity, _external_id in missing}:
        names = [external_id for of, external_id in missing if of == entity]
        newest = stored.issues(writing.connection, entity, names)
        found |= {(entity, name): newest.get(name, 0) + 1 for name in names}
    return found


def _wanted(planned: Sequence[Planned]) -> Wanted:
    return {
        (one.item.prepared.entity, one.item.prepared.contact.external_id): (one.item.prepared.contact, one.contact)
        for one in planned
        if one.contact is not None and one.item.prepared is not None and _needs(one)
    }


def made(one: Planned) -> Key | None:
    """The customer that is made for a record, since Xero has none; None: its customer is there, or nothing needs one."""
    prepared, contact = one.item.prepared, one.contact
    if prepared is None or contact is None or contact.action != "create" or not _needs(one):
        return None
    return prepared.entity, prepared.contact.external_id


NEEDS_A_CONTACT = ("create", "adopt", "hold", "going", "update", "reissue")


def _needs(one: Planned) -> bool:
    """What is held makes no contact, but remembers the one that is there, or why it cannot be told which that is."""
    if one.decision.action == "change":
        return one.contact is not None and one.contact.action in ("known", "moved")
    if one.decision.action == "hold" and one.contact is not None and one.contact.action == "create":
        return False
    return one.decision.action in NEEDS_A_CONTACT


def _existing(writing: Writing, wanted: Wanted) -> dict[Key, int]:
    ids: dict[Key, int] = {}
    for entity in {entity for entity, _external_id in wanted}:
        names = [external_id for of, external_id in wanted if of == entity]
        tenant_id = writing.plan.bindings[entity].tenant_id
        found = stored.of_tenant(writing.connection, entity, tenant_id, names)
        for external_id, posting in found.items():
            ids[entity, external_id] = posting.id
            contact, decision = wanted[entity, external_id]
            if posting.state in ("held", "rejected"):
                _revive(writing, posting, contact, decision)
            elif decision.action == "moved":
                moved = {"document_id": decision.contact_id, "changed_at": writing.now}
                postings.update(writing.connection, posting.id, ("posted",), moved)
    return ids


def _revive(writing: Writing, posting: postings.Posting, contact: ContactWanted, decision: ContactDecision) -> None:
    """A contact that was held is decided again with what is known now; what waited for it goes on."""
    if decision.action == "hold":
        return
    revision = _revision(writing, posting.id, posting.revision + 1, contact, decision)
    values: dict[str, Any] = {
        "state": "planned", "cause": None, "reason": None, "remedy": None, "xero_messages": None,
        "revision": posting.revision + 1, "number": fold(decision.name or contact.name), "changed_at": writing.now,
    }  # fmt: skip
    if decision.action == "link":
        values |= {"state": "posted", "how": "linked", "document_id": decision.contact_id}
    if postings.update(writing.connection, posting.id, ("held", "rejected"), values):
        postings.add_revisions(writing.connection, [revision])
        followers.free_followers(writing.connection, [posting.id], writing.now)


def _row(writing: Writing, key: Key, contact: ContactWanted, decision: ContactDecision) -> dict[str, Any]:
    binding = writing.plan.bindings[key[0]]
    state = {"create": "planned", "going": "planned", "link": "posted", "known": "posted", "hold": "held"}[
        decision.action
    ]
    finding = decision.finding
    return postings.row(
        flow_id="", kind=kinds.CONTACT.name, external_id=contact.external_id, scope=binding.entity, entity=binding.entity,
        tenant_id=binding.tenant_id, resource=kinds.CONTACT.resource, marker="", state=state,
        how="linked" if state == "posted" else None, cause=finding.cause if finding else None,
        reason=finding.reason if finding else None, remedy=finding.remedy if finding else None,
        record_hash="", source="", number=fold(decision.name or contact.name), own_number=True,
        document_id=decision.contact_id, run_id=writing.run_id, last_run_id=writing.run_id,
        planned_at=writing.now, changed_at=writing.now,
    )  # fmt: skip


def _revision(
    writing: Writing, posting_id: int, n: int, contact: ContactWanted, decision: ContactDecision
) -> dict[str, Any]:
    name = decision.name or contact.name
    return postings.revision_row(
        posting_id=posting_id, n=n, record={"external_id": contact.external_id, "name": contact.name}, record_hash="",
        element=encoding.encode({**contact.element, "Name": name}), predicted={"name": name}, source="",
        at=writing.now, run_id=writing.run_id,
    )  # fmt: skip
