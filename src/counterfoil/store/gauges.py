"""What is measured of the database as a whole, for the service: numbers and the user's own keys, no content.

Called by service, every few seconds at most; each function is one read of a few milliseconds.
"""

import sqlalchemy as sa

from counterfoil.store import schema

b, c, g = schema.bindings.c, schema.connections.c, schema.grants.c


def unreached(connection: sa.Connection, client_id: str) -> list[str]:
    """The bound entities whose organisation no living consent reaches through its own grant; by name."""
    alive = (
        sa.select(c.tenant_id)
        .join(schema.grants, g.id == c.grant_id)
        .where(g.client_id == client_id, g.lost.is_(None), c.tenant_id == b.tenant_id, c.grant_id == b.grant_id)
    )
    query = sa.select(b.entity).where(~sa.exists(alive.correlate(schema.bindings))).order_by(b.entity)
    return list(connection.execute(query).scalars())
