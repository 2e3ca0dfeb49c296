"""Postings whose entity was bound to another organisation since: held and named, never sent elsewhere, free when it is back.

Called by app/running before an entity's postings are finished, and by app/connecting after a bind. A posting remembers the
organisation that it was planned for (design §3.1, 2; §3.2): sending checks it in the transaction of each attempt, and
freezing never takes what belongs to another entity or organisation. What is done here is that a person is told.
"""

import msgspec

from counterfoil.model.binding import Binding
from counterfoil.model.prepared import Finding
from counterfoil.posting import recording
from counterfoil.posting.rules import Rules
from counterfoil.store import locks, problems, requests, stranded
from counterfoil.store.database import Connection, Database
from counterfoil.store.postings import Posting
from counterfoil.store.stranded import NOT_BOUND, OTHER_ORGANISATION

NEW_ONE = "To post the same records into the new organisation, give the flow a new id and skip these."


class Settled(msgspec.Struct, frozen=True):
    """How many postings are held now since they belong elsewhere, and how many go on since they belong here."""

    held: int = 0
    freed: int = 0


async def settle(database: Database, bound: Binding, rules: Rules) -> Settled:
    """Hold what the entity planned for other organisations; plan again what was held for the one that it has. Idempotent."""
    return await database.run(lambda conn: _settle(conn, database, bound, rules))


def _settle(connection: Connection, database: Database, bound: Binding, rules: Rules) -> Settled:
    held = 0
    others = stranded.tenants(connection, bound.entity, bound.tenant_id)
    locks.hold_tenants(connection, [bound.tenant_id, *others])
    freed = problems.retry(connection, stranded.held_for(connection, bound.entity, bound.tenant_id))
    now = database.now(connection)
    for tenant_id in others:
        for request in requests.open_of(connection, tenant_id):
            if request.entity != bound.entity or (request.lease_until is not None and request.lease_until > now):
                continue  # somebody is sending it right now, and writes down what becomes of it
            if request.attempts == 0:
                recording.abandon(connection, request, now)
            elif request.state == "open":
                recording.unclear(connection, request, "the process that sent it ended.", rules, now)
        name = stranded.organisation(connection, tenant_id)
        planned, uncertain = finding(bound, name), uncertain_there(bound, name)
        held += stranded.hold(connection, bound.entity, tenant_id, planned.reason, planned.remedy, now)
        held += stranded.name(connection, bound.entity, tenant_id, uncertain.reason, uncertain.remedy, now)
    return Settled(held, freed)


def finding(bound: Binding, was: str) -> Finding:
    """Why a posting waits: `was` is the organisation that it was planned for, by name or tenant id."""
    return Finding(
        OTHER_ORGANISATION,
        f"It was planned for {was}, and {bound.entity} is bound to {bound.fingerprint.name} now.",
        f"If that was a mistake, bind {bound.entity} to {was} again: it goes on by itself. {NEW_ONE}",
        "entity",
        bound.entity,
    )


def uncertain_there(bound: Binding, was: str) -> Finding:
    """Why nobody knows what became of a posting."""
    return Finding(
        OTHER_ORGANISATION,
        f"It was sent to {was} without a clear answer, and {bound.entity} is bound to {bound.fingerprint.name} now.",
        f"Bind {bound.entity} to {was} again and run `counterfoil finish`: it looks. Do not type it in by hand before.",
    )


def is_elsewhere(existing: Posting | None, bound: Binding | None) -> bool:
    """The record was planned for, or posted to, another organisation than its entity has now."""
    if existing is None or bound is None or existing.entity != bound.entity:
        return False
    return existing.tenant_id != bound.tenant_id


def not_bound(entity: str, *, elsewhere: bool) -> Finding:
    """Nothing was sent: the entity was bound to something else, or to nothing, at the last moment."""
    if elsewhere:
        return Finding(
            OTHER_ORGANISATION,
            f"Entity {entity} is bound to another organisation than this was planned for.",
            f"If that was a mistake, bind {entity} to the former one again: it goes on by itself. {NEW_ONE}",
        )
    return Finding(
        NOT_BOUND,
        f"Entity {entity} is no longer bound to the organisation that this was planned for.",
        f"Bind it again: counterfoil entities bind {entity} TENANT. It then goes on by itself.",
    )
