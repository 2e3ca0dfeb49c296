"""Who names what the mirror sees, and what is kept of a first load.

Called by syncing and overdue. Makes no call and reads nothing.
"""

from collections.abc import Sequence
from typing import Any

from counterfoil.mirror import applying
from counterfoil.mirror.meaning import recording
from counterfoil.model.observed import Observed
from counterfoil.posting import identity
from counterfoil.store.database import Connection


def wants_snapshots(settings: Any) -> bool:
    """Whether a feed or the handlers ask for what did not just happen: what a first load brings."""
    return settings.handlers.snapshot or any(feed.values.get("snapshot") is True for feed in settings.feeds.values())


def recorder(settings: Any) -> applying.Record:
    """Who names the changes. What a first load brings is kept when a feed or the handlers ask for it: `snapshot = true`."""
    snapshots = wants_snapshots(settings)

    def record_all(conn: Connection, seen: Sequence[Observed]) -> None:
        recording.record(conn, seen, snapshots=snapshots, find_marker=identity.find_marker)

    return record_all
