"""The port: kinds of work, wake-ups and the loop that carries them out.

Implemented by embedded (one process) and distributed (many, on Postgres); one conformance suite holds both to the same
behaviour. The database is the truth and a wake-up only a hint: it may be lost, late or doubled. So a kind of work says
how all of it is found in the tables, and its handler may be called for nothing. Design §3, §3.6.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from counterfoil.model.lanes import Lane
from counterfoil.model.ports import Clock

BOUND_S: Final = 600.0  # no handler runs longer; it is short, idempotent and goes on where it was cut off
SWEEP_BOUND_S: Final = 60.0  # nor does a search for work
BACKOFF_MAX_S: Final = 900.0


class Pace(msgspec.Struct, frozen=True):
    """The times of a runtime, in seconds; tests shorten them."""

    sweep_s: float = 30.0  # work whose wake-up was lost, or whose worker died, is found within twice this time
    grace_s: float = 10.0  # what is in flight when the process is asked to stop may take so long
    backoff_s: float = 5.0  # after the first failure of a piece of work; doubled with each in a row
    alive_s: float = 10.0  # how often a worker says that it lives; after three times in silence it is dead

    def wait_s(self, failures: int) -> float:
        """How long a piece of work that failed `failures` times in a row (from 1) waits."""
        return float(min(self.backoff_s * 2.0 ** min(failures - 1, 30), BACKOFF_MAX_S))


class Due(msgspec.Struct, frozen=True):
    """One piece of work that a sweep found. `not_before` None: now."""

    key: str
    not_before: datetime.datetime | None = None
    lane: Lane = "sync"


class Work(msgspec.Struct, frozen=True):
    """A kind of work, such as finishing the postings of an entity.

    `handle(key)` does it, as far as it can now, and answers when to come again: None when there is nothing to wait for.
    It is idempotent, safe to cancel, and safe to run in two processes at once. `find()` reads all open work of the kind from the
    tables. Whatever `handle` raises is told and tried again, later each time; it keeps nobody else from running.
    """

    kind: str
    handle: Callable[[str], Awaitable[datetime.datetime | None]]
    find: Callable[[], Awaitable[Sequence[Due]]]
    bound_s: float = BOUND_S


class Failure(msgspec.Struct, frozen=True):
    """A handler raised, or took longer than its bound. `count`: in a row. `key` None: the sweep of the kind failed."""

    kind: str
    key: str | None
    error: BaseException
    count: int
    again_at: datetime.datetime


async def until(asked: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Wait so long, or until somebody asks, whose wish is then taken."""
    waits: set[asyncio.Task[Any]] = {asyncio.create_task(clock.sleep(seconds)), asyncio.create_task(asked.wait())}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
    asked.clear()


class Runtime(Protocol):
    """What runs when."""

    def register(self, work: Work) -> None:
        """Make a kind of work known, before `run`. Raises ValueError for a kind that is known already."""
        ...

    async def wake(
        self, kind: str, key: str, *, not_before: datetime.datetime | None = None, lane: Lane = "sync"
    ) -> None:
        """Hint that a piece of work is due now, or then. Twice is as good as once; the earlier time counts."""
        ...

    def look(self) -> None:
        """Hint that somebody elsewhere did something: every kind of work is searched for now. While it does not run, it is lost."""
        ...

    async def run(self, stopping: asyncio.Event) -> None:
        """Carry work out until `stopping` is set; then finish what is in flight, for at most `grace_s`."""
        ...
