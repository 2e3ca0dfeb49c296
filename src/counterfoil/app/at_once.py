"""The same work for several organisations, at the same time: one that is slow or away holds up no other.

Called by ledgers (their settings), intake (their notices), running (their workers) and watching (the daily look). What one of
them may do without ending the work of the others is caught by `work` itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final, TypeVar

AT_ONCE_MAX: Final = 8  # each may hold a page of a thousand documents
T = TypeVar("T")


async def each(entities: Collection[str], work: Callable[[str], Awaitable[T]]) -> dict[str, T]:
    """What `work` answers for each of them, in the order given, at most AT_ONCE_MAX at once.

    What it raises for one is raised, after the work for the others was cancelled and has ended.
    """
    places = asyncio.Semaphore(AT_ONCE_MAX)

    async def one(entity: str) -> T:
        async with places:
            return await work(entity)

    tasks = [asyncio.ensure_future(one(entity)) for entity in entities]
    try:
        return dict(zip(entities, await asyncio.gather(*tasks), strict=True))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
