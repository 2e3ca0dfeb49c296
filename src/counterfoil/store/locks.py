"""Named locks for the length of a transaction, where read-then-write must not be interleaved.

Called by audit, grants, bindings, mirror and posting. SQLite needs none: a write transaction there excludes every other one.
Who holds several takes them in this order: tenants (sorted), then any other.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from counterfoil.store.prepared import Prepared

_HOLD = Prepared(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(sa.bindparam("name", type_=sa.Text)))))


def hold(conn: sa.Connection, name: str) -> None:
    """Wait until no other transaction holds `name`, and hold it until this one ends."""
    if conn.dialect.name == "postgresql":
        _HOLD.tuples(conn, name=name)


def hold_tenants(conn: sa.Connection, tenant_ids: Iterable[str]) -> None:
    """Nobody else plans, freezes, begins or records anything of these tenants until this transaction ends.

    Each transition reads what others may be about to change (a contact's state, an open request) and then writes.
    """
    for tenant_id in sorted(set(tenant_ids)):
        hold(conn, f"tenant {tenant_id}")
