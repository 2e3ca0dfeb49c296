"""Postings that wait for another one: a document for its customer, a payment or an allocation for its document.

Called by posting/. What is ready to be sent, what is held with the one before it, and what is freed with it.
"""

import datetime
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from counterfoil.store import pauses, postings, schema
from counterfoil.store.postings import Brief
from counterfoil.store.prepared import Among, Prepared

p = schema.postings.c


def _ready(*more: sa.ColumnElement[bool]) -> Prepared:
    return Prepared(
        sa.select(*postings.BRIEF)
        .outerjoin(postings.before, postings.before.c.id == p.after_id)
        .where(
            p.tenant_id == sa.bindparam("tenant_id"),
            p.entity == sa.bindparam("entity"),
            p.resource == sa.bindparam("resource"),
            p.state == "planned",
            p.action.is_(None),
            p.own_number == sa.bindparam("own_number"),
            sa.not_(pauses.is_paused),
            sa.or_(
                p.after_id.is_(None),
                sa.and_(
                    postings.before.c.state == "posted",
                    postings.before.c.cause.is_(None),
                    postings.before.c.tenant_id == p.tenant_id,  # a document's id means nothing to another organisation
                ),
            ),
            *more,
        )
        .order_by(p.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


_READY, _READY_BUT = _ready(), _ready(postings.without("closed"))


def ready(
    connection: sa.Connection, entity: str, tenant_id: str, resource: str, *, own_number: bool, most: int,
    closed: Collection[str] = (),
) -> list[Brief]:  # fmt: skip
    """Planned postings of an entity for one tenant whose predecessor (a contact, the document before) is posted, oldest first.

    What another entity once planned for this tenant is never among them: the tenant is no longer its own. Nor are those of
    `closed` flows, and the contacts that only such flows wait for.
    """
    given = {"entity": entity, "tenant_id": tenant_id, "resource": resource, "own_number": own_number, "most": most}
    if closed:
        return _READY_BUT.rows(connection, Brief, closed=closed, **given)
    return _READY.rows(connection, Brief, **given)


def waits_for_a_window(connection: sa.Connection, entity: str, tenant_id: str, closed: Collection[str]) -> bool:
    """Whether something of these flows, which may send nothing now, is planned for an entity's tenant."""
    mine = sa.exists().where(
        p.tenant_id == tenant_id, p.entity == entity, p.state == "planned", p.flow_id.in_(sorted(closed))
    )
    return bool(closed) and bool(connection.execute(sa.select(mine)).scalar_one())


def hold_followers(connection: sa.Connection, before_ids: Sequence[int], now: datetime.datetime) -> int:
    """Hold what waits for a posting that was held or rejected, with that one's cause; visibly, and only its own chain."""
    held = 0
    for parent in postings.many(connection, before_ids).values():
        statement = (
            sa.update(schema.postings)
            .where(p.after_id == parent.id, p.state == "planned")
            .values(
                state=sa.case((p.action.is_(None), "held"), else_="posted"),  # the document of a change stands
                cause=f"waits:{parent.cause}",
                reason=f"Waits for {parent.kind} {parent.external_id}: {parent.reason}",
                remedy=parent.remedy,
                changed_at=now,
            )
        )
        held += connection.execute(statement).rowcount
    return held


_FREE_FOLLOWERS = Prepared(
    sa.update(schema.postings)
    .where(
        Among(p.after_id, "before_ids"),
        sa.or_(p.state == "held", sa.and_(p.state == "posted", p.action.is_not(None))),
        p.cause.startswith("waits:", autoescape=True),
    )
    .values(state="planned", cause=None, reason=None, remedy=None, changed_at=sa.bindparam("now"))
)


def free_followers(connection: sa.Connection, before_ids: Sequence[int], now: datetime.datetime) -> int:
    """Plan again what was held only because it waited for these."""
    return _FREE_FOLLOWERS.run(connection, before_ids=before_ids, now=now) if before_ids else 0
