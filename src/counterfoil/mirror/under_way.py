"""One reading of a resource while it is under way, and what it came to. Called by mirroring; app reads what was caught."""

from collections.abc import Callable, Sequence

import msgspec

from counterfoil.mirror.described import Described
from counterfoil.mirror.reading import Seen, Stamp
from counterfoil.model.observed import Observed
from counterfoil.store.mirrored import Reading
from counterfoil.xero.client import XeroClient

Progress = Callable[[int], None]


class Caught(msgspec.Struct):
    """What one catch-up did. `read`: rows that came; the others: documents that are not as they were."""

    resource: str
    read: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    first: bool = False

    def add(self, observed: Sequence[Observed]) -> None:
        """Count what an answer changed."""
        self.created += sum(one.before is None and one.after is not None for one in observed)
        self.updated += sum(one.before is not None and one.after is not None for one in observed)
        self.deleted += sum(one.after is None for one in observed)

    @property
    def changed(self) -> int:
        """How many documents are not as they were."""
        return self.created + self.updated + self.deleted


class Open(msgspec.Struct):
    """One reading under way. `state` is kept with each page of a catch-up (`keeps`), so that it can go on."""

    client: XeroClient
    one: Described
    lane: str
    state: Reading
    caught: Caught
    progress: Progress
    snapshot: bool = False
    keeps: bool = False
    began_at: Stamp = None
    seen: set[str] = set()
    repairs: bool = False  # nothing that is held is believed
    again: bool = False  # a repair reads for the second time what it did not believe at the first
    doubted: dict[str, Stamp] = {}  # what is held newer than it is shown: what is shown twice is so
    unknown: dict[str, Seen] = {}  # shown by a summary alone: read whole, so that what is told of it says everything

    @property
    def tenant(self) -> str:
        """Whose."""
        return self.client.binding.tenant_id
