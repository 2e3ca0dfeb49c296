"""A handler as an outlet: the user's function is called with one change, in a thread of its own, and is given so long.

Called by the engine. The service's own event loop never runs a line of it: one that blocks, async or not, holds up nobody. A thread
cannot be ended from outside: while one still runs, its handler is called no more, and that is a failed attempt too.
"""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Sequence
from typing import Final

from counterfoil.delivery import handlers
from counterfoil.delivery.aside import aside
from counterfoil.delivery.handlers import Handler
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.model.change import Change

_RUNS: Final[dict[str, threading.Lock]] = {}  # by handler: an outlet that is made anew does not call what still runs


class HandlerOutlet:
    """Implements outlet.Outlet: one change is one call."""

    most = 1

    def __init__(self, handler: Handler, within_s: float) -> None:
        self._handler = handler
        self._within_s = within_s
        self._runs = _RUNS.setdefault(handler.id, threading.Lock())  # held while it runs, also beyond its time

    async def hand_over(self, changes: Sequence[Change]) -> None:
        """Call it. Raises NotDelivered when it raises, or is not done in time."""
        (change,) = changes
        name = self._handler.id
        if not self._runs.acquire(blocking=False):
            raise NotDelivered(f"{name} still runs since it was called last", target_is_down=False)
        try:
            async with asyncio.timeout(self._within_s):
                await aside(lambda: self._call(change))
        except TimeoutError:
            said = f"{name} was not done within {self._within_s:.0f} s"
            raise NotDelivered(said, may_have_arrived=True, target_is_down=False) from None
        except RuntimeError as cause:  # the thread was never begun: what runs in it raises nothing but NotDelivered
            self._runs.release()
            raise NotDelivered(f"{name} was not called: {cause}") from cause

    def _call(self, change: Change) -> None:
        """In the thread."""
        try:
            if inspect.isawaitable(found := self._handler.function(change)):
                asyncio.run(self._awaited(found))
        except BaseException as error:  # noqa: BLE001 - also SystemExit: a handler ends itself, never the service
            said = f"{self._handler.id} raised {type(error).__name__} at {handlers.place_of(error)}"
            raise NotDelivered(said, may_have_arrived=True, target_is_down=False) from None
        finally:
            self._runs.release()

    async def _awaited(self, found: Awaitable[object]) -> None:
        """An async one is told when its time is over, so that it can end."""
        async with asyncio.timeout(self._within_s):
            await found

    async def close(self) -> None:
        """Nothing is held."""
