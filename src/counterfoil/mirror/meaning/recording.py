"""What the mirror saw is named and kept, in the mirror's own transaction. Called by mirror, last in its transaction."""

from counterfoil.mirror.meaning import naming
from counterfoil.model.observed import Observed
from counterfoil.store import happenings
from counterfoil.store.database import Connection


def record(conn: Connection, *seen: Observed) -> list[str]:
    """Name and keep what these looks saw happen, in their order; → the ids of the changes that are new. Idempotent."""
    return happenings.record(conn, [one for look in seen for one in naming.changes(look)])
