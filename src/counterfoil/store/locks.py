"""Named locks for the length of a transaction, where read-then-write must not be interleaved.

Called by audit, grants and bindings. SQLite needs none: a write transaction there excludes every other one.
"""

import sqlalchemy as sa


def hold(conn: sa.Connection, name: str) -> None:
    """Wait until no other transaction holds `name`, and hold it until this one ends."""
    if conn.dialect.name == "postgresql":
        conn.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))
