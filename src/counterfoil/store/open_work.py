"""Which entities have postings that are not at their end, asked again and again: by an index, whatever was posted before.

Called by app/serving.
"""

import datetime
from collections.abc import Collection, Mapping

import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.prepared import Among, Prepared
from counterfoil.store.runs import OPEN

p = schema.postings.c
_OPEN = sa.and_(  # as the index postings_open has it
    p.tenant_id == sa.bindparam("tenant_id"),
    Among(p.resource, "resources"),
    sa.or_(*(p.state == state for state in OPEN)),
    p.entity == sa.bindparam("entity"),
)
_ANY = Prepared(sa.select(p.id).where(_OPEN).limit(1))
_NEWER = Prepared(sa.select(p.id).where(_OPEN, p.changed_at > sa.bindparam("since", type_=p.changed_at.type)).limit(1))
_BOUND = Prepared(sa.select(schema.bindings.c.entity, schema.bindings.c.tenant_id).order_by(schema.bindings.c.entity))


def entities(
    conn: sa.Connection, resources: Collection[str], waiting: Mapping[str, datetime.datetime]
) -> dict[str, bool]:
    """Bound entities with open postings of their tenant → whether they wait. `resources`: all that there are.

    `waiting`: since when an entity is known to wait; one of which something was planned or tried since does not any more.
    """
    found: dict[str, bool] = {}
    for entity, tenant_id in _BOUND.tuples(conn):
        mine = {"entity": entity, "tenant_id": tenant_id, "resources": resources}
        if not _ANY.tuples(conn, **mine):
            continue
        since = waiting.get(entity)
        newer = since is not None and _NEWER.tuples(conn, since=since, **mine)
        found[entity] = since is not None and not newer
    return found


def of_run(conn: sa.Connection, run_id: int) -> bool:
    """Whether something that a run saw is not at its end."""
    records = schema.run_records.c
    mine = sa.exists().where(records.run_id == run_id, records.posting_id == p.id, p.state.in_(OPEN))
    return bool(conn.execute(sa.select(mine)).scalar_one())
