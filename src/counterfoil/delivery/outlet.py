"""Where changes go: what every sink of [feeds.NAME] and every handler looks like to the engine.

Implemented by delivery/to_webhook, the other sinks and handlers; called by carrying. An outlet keeps no state that matters: it
may be made anew at any time, in any process. The engine calls it for one feed in one process at a time, but for what may have
arrived before a process died: every outlet is handed a change at least once, and the same change has the same id.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from counterfoil.model.change import Change


class Outlet(Protocol):
    """One target of one feed."""

    @property
    def most(self) -> int:
        """How many changes it takes at one go, at least 1."""
        ...

    async def hand_over(self, changes: Sequence[Change]) -> None:
        """Hand over 1 to `most` changes, all or none; of each document in its order. Returns when the target has them for good.

        Raises outcome.NotDelivered (tried again later), NeverDelivered (a dead letter at once) or Unsubscribed (the feed ends).
        Of several changes that fail together for a reason of one of them, the engine hands each over alone. Whatever else is
        raised counts as NotDelivered for a reason of the change itself. May be cancelled at any time.
        """
        ...

    async def close(self) -> None:
        """Let go of what is held open. It may be used again after that."""
        ...


@runtime_checkable
class Fillable(Outlet, Protocol):
    """A target that can take today's documents as well, in any order and beside the engine: it keeps what is newer."""

    async def fill(self, changes: Sequence[Change], *, anew: bool = False) -> int:
        """Write what these say unless the target has it newer; → how many were written. `anew`: whatever it has. Raises as hand_over."""
        ...

    async def look(self) -> str:
        """What the target lacks, with what its owner may do about it; "": nothing. Writes nothing. Raises NotDelivered."""
        ...
