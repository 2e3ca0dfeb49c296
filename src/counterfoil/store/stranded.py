"""Open postings of an entity that were planned for another organisation than the one it is bound to now.

Called by posting/stranded, inside its transaction. Nothing here changes a posting's organisation: nothing ever does.
"""

import datetime
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from counterfoil.store import schema

OTHER_ORGANISATION: Final = "other-organisation"
NOT_BOUND: Final = "not-bound"
CAUSES: Final = (OTHER_ORGANISATION, NOT_BOUND, f"waits:{OTHER_ORGANISATION}", f"waits:{NOT_BOUND}")
p = schema.postings.c


def tenants(connection: sa.Connection, entity: str, tenant_id: str) -> list[str]:
    """The other organisations for which the entity has open postings, in order."""
    query = (
        sa.select(p.tenant_id)
        .where(
            p.entity == entity, p.tenant_id != tenant_id, sa.or_(*(p.state == one for one in ("planned", "sending", "uncertain")))
        )
        .distinct()
        .order_by(p.tenant_id)
    )  # fmt: skip
    return list(connection.execute(query).scalars())


def hold(
    connection: sa.Connection, entity: str, tenant_id: str, reason: str, remedy: str, now: datetime.datetime
) -> int:
    """Hold what the entity has planned for this organisation; the document of a change stands as it is. → how many."""
    planned = (p.entity == entity) & (p.tenant_id == tenant_id) & (p.state == "planned")
    values = {"cause": OTHER_ORGANISATION, "reason": reason, "remedy": remedy, "changed_at": now}
    state = sa.case((p.action.is_(None), "held"), else_="posted")
    return connection.execute(sa.update(schema.postings).where(planned).values(state=state, **values)).rowcount


def name(
    connection: sa.Connection, entity: str, tenant_id: str, reason: str, remedy: str, now: datetime.datetime
) -> int:
    """Say of what is uncertain there what a person can do; it stays uncertain. → how many."""
    there = (p.entity == entity) & (p.tenant_id == tenant_id) & (p.state == "uncertain")
    values = {"cause": OTHER_ORGANISATION, "reason": reason, "remedy": remedy, "changed_at": now}
    return connection.execute(sa.update(schema.postings).where(there).values(**values)).rowcount


def held_for(connection: sa.Connection, entity: str, tenant_id: str) -> list[int]:
    """What was held only since the entity was bound elsewhere, or to nothing, and belongs to this organisation."""
    query = sa.select(p.id).where(
        p.entity == entity,
        p.tenant_id == tenant_id,
        sa.or_(*(p.state == one for one in ("held", "posted"))),
        sa.or_(*(p.cause == one for one in CAUSES)),
    )
    return list(connection.execute(query.order_by(p.id)).scalars())


def organisation(connection: sa.Connection, tenant_id: str) -> str:
    """What an organisation was called when it was last seen; its tenant id when nobody knows."""
    known = sa.select(schema.connections.c.name).where(schema.connections.c.tenant_id == tenant_id).limit(1)
    return connection.execute(known).scalar_one_or_none() or tenant_id


def counts(connection: sa.Connection, entities: Sequence[str]) -> dict[str, int]:
    """How many postings of each of these entities are not at their end."""
    query = (
        sa.select(p.entity, sa.func.count())
        .where(p.entity.in_(entities), p.state.in_(("planned", "sending", "uncertain")), p.kind != "contact")
        .group_by(p.entity)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
