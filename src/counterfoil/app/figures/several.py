"""The same figure of one entity or of all that are bound, each by itself: what stops one stops no other.

Called by cli. No call to Xero.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec

from counterfoil import errors
from counterfoil.app import syncing

T = TypeVar("T")


class Told(msgspec.Struct, Generic[T], frozen=True):
    """A figure of one entity, or why there is none."""

    entity: str
    figure: T | None
    error: errors.CounterfoilError | None


async def told(books: Any, entity: str | None, ask: Callable[[str], Awaitable[T]]) -> list[Told[T]]:
    """What `ask` says of each, in the configuration's order; None: of all that are bound.

    Of one entity raises what `ask` raises; of all NoBinding when none is bound. ConfigurationError for one that there is not.
    """
    found: list[Told[T]] = []
    for one in await syncing.entities(books, entity):
        try:
            found.append(Told(one, await ask(one), None))
        except errors.NotRead as error:
            if entity is not None:
                raise
            found.append(Told(one, None, error))
    return found
