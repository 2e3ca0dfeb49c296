"""What the service knows of itself: what is in flight, what was swept when, what fails, which flow runs next.

Called by the works (through Shift), by the door (`/readyz`, metrics) and cli/serve. Kept in memory and never asked of the
database, so that looking costs nothing and answers while the database does not.
"""

import datetime
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from counterfoil.app import places
from counterfoil.model.lanes import Lane
from counterfoil.model.ports import Clock
from counterfoil.runtime.port import Due, Failure, Work
from counterfoil.store.schedules import Turn

TROUBLED: Final = 3  # failures of a piece in a row, after which a person is told
SAID_MAX: Final = 500


class Piece(msgspec.Struct, frozen=True):
    """A piece of work that failed, and did not succeed since. `key` None: the search for work of the kind."""

    kind: str
    key: str | None
    failures: int  # in a row
    error: str
    again_at: datetime.datetime


class Read(msgspec.Struct, frozen=True):
    """How far a source that is being read is: records planned; `percent` of it read, None: of no known size.

    `passed`: so many of the records were planned before a restart.
    """

    run: int
    records: int
    percent: int | None
    since: datetime.datetime
    passed: int = 0

    @staticmethod
    def of(turn: Turn) -> "Read | None":
        """What a flow's turn tells; None: nobody reads it now."""
        place = places.under_way(turn)
        return None if place is None else Read(place.run, place.records, place.percent, place.since, place.passed)


class Scheduled(msgspec.Struct, frozen=True):
    """A flow with a schedule. `next` None: `why` says what is missing. Instants in UTC; `zone`: the clock it goes by."""

    flow: str
    flow_id: str
    schedule: str
    zone: str | None
    window: str | None
    lane: Lane
    last: datetime.datetime | None
    next: datetime.datetime | None
    running: bool
    said: str | None  # how the last run ended
    why: str | None
    reading: Read | None = None


class Health(msgspec.Struct, frozen=True):
    """One process of the service. `ready`: every kind of work was looked for since it started, and the last look succeeded.

    `in_flight`: how many pieces run now, `running` their names, "kind:key". `sweeps`: by kind, when work of it was looked for
    last. `failures`: how often each piece that fails has failed in a row, by its name; `troubles` says more of each. `done`:
    pieces of work so far.
    """

    kind: str
    started: datetime.datetime
    ready: bool
    stopping: bool
    in_flight: int
    running: tuple[str, ...]
    sweeps: dict[str, datetime.datetime]
    failures: dict[str, int]
    troubles: tuple[Piece, ...]
    schedules: tuple[Scheduled, ...]
    done: int


class Pulse:
    """Collects it."""

    def __init__(self, clock: Clock, kind: str) -> None:
        self._clock = clock
        self._kind = kind
        self._started = clock.now()
        self._kinds: set[str] = set()
        self._in_flight: dict[str, int] = {}
        self._sweeps: dict[str, datetime.datetime] = {}
        self._failures: dict[tuple[str, str | None], Piece] = {}
        self._done = 0
        self.stopping = False
        self.schedules: tuple[Scheduled, ...] = ()

    def watched(self, work: Work, succeeded: Callable[[str], None]) -> Work:
        """The same work, and what it does is known here. `succeeded` hears the name of each piece that was done."""
        self._kinds.add(work.kind)

        async def handle(key: str) -> datetime.datetime | None:
            name = f"{work.kind}:{key}"
            self._in_flight[name] = self._in_flight.get(name, 0) + 1
            try:
                again = await work.handle(key)
            finally:
                self._in_flight[name] -= 1
                if not self._in_flight[name]:
                    del self._in_flight[name]
            self._done += 1
            self._failures.pop((work.kind, key), None)
            succeeded(name)
            return again

        async def find() -> Sequence[Due]:
            found = await work.find()
            self._sweeps[work.kind] = self._clock.now()
            self._failures.pop((work.kind, None), None)
            succeeded(f"{work.kind}:")
            return found

        return msgspec.structs.replace(work, handle=handle, find=find)

    def failed(self, failure: Failure) -> Piece:
        """Remember a failure; → it, with how often that piece failed in a row."""
        key = (failure.kind, failure.key)
        before = self._failures.get(key)
        count = max(failure.count, before.failures + 1 if before else 1)
        said = f"{failure.error}"[:SAID_MAX] or type(failure.error).__name__
        self._failures[key] = piece = Piece(failure.kind, failure.key, count, said, failure.again_at)
        return piece

    def health(self) -> Health:
        """As it is now."""
        swept = bool(self._kinds) and self._kinds <= self._sweeps.keys()
        return Health(
            kind=self._kind, started=self._started, stopping=self.stopping,
            ready=swept and not self.stopping and not any(key is None for _kind, key in self._failures),
            in_flight=sum(self._in_flight.values()), running=tuple(sorted(self._in_flight)), sweeps=dict(self._sweeps),
            failures={f"{one.kind}:{one.key or ''}": one.failures for one in self._failures.values()},
            troubles=tuple(self._failures.values()), schedules=self.schedules, done=self._done,
        )  # fmt: skip
