"""What the mirror saw is named and kept, in the mirror's own transaction. Called by mirror, last in its transaction.

Of a first load, which brings years of documents of which nothing happened just now, `created` is kept only for somebody who
asks for it (`snapshots`): else it would double the database and take ten times as long. What a repair or a walk finds
is kept always, marked as a snapshot: it is little, and it is news.
"""

from collections.abc import Sequence

from counterfoil.mirror.meaning import naming, whose
from counterfoil.model.observed import Observed
from counterfoil.store import happenings, mirrored
from counterfoil.store.database import Connection


def record(
    conn: Connection, seen: Sequence[Observed], *, snapshots: bool = True, find_marker: whose.Marker | None = None
) -> list[str]:
    """Name and keep what these looks saw happen, in their order; → the ids of the changes that are new. Idempotent.

    `seen`: of one tenant and resource, as an answer brings them. `snapshots`: also what a first load brings.
    `find_marker` reads our mark from (Url, Reference); None: nothing is looked up as ours.
    """
    wanted = seen if snapshots else [one for one in seen if not _is_as_found(one)]
    if len(wanted) < len(seen):
        first = mirrored.reading(conn, seen[0].tenant_id, seen[0].resource).since is None
        wanted = wanted if first else seen
    if find_marker is not None:
        wanted = whose.told(conn, wanted, find_marker)
    return happenings.record(conn, [one for look in wanted for one in naming.changes(look)])


def _is_as_found(one: Observed) -> bool:
    return one.snapshot and one.before is None
