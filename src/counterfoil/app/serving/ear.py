"""The ear of a service for the commands beside it: one of them did something, and work is looked for at once.

Called by serving. Costs one short read of our own tables each LOOK_S, on whatever database; what is missed is found by the search
that comes anyway.
"""

import contextlib
from collections.abc import Callable
from typing import Any, Final

from counterfoil import errors
from counterfoil.runtime import keeping
from counterfoil.store import services

LOOK_S: Final = 1.0


async def listen(books: Any, heard: Callable[[], None]) -> None:
    """Call `heard` whenever a command has said something, until cancelled."""
    known: str | None = None

    async def look() -> None:
        nonlocal known
        with contextlib.suppress(errors.StoreError):  # the works meet the same, and tell of it
            said = await books.database.read(services.nudged)
            if said != known:
                known = said
                heard()

    await look()
    await keeping.keep("the ear for commands", books.clock, LOOK_S, look)
