"""How far a flow's source is read and planned: so that a killed service goes on there, and others can see how far it is.

Called by running, which notes it in the transaction that plans each batch, and by serving, `status`, `runs` and the metrics.
Where the same source (its bytes, the flow's settings, this version) is read again before its run ended, and no other run of
the flow began since, that run goes on: what it planned is passed over unread, and only counted.
"""

import asyncio
import datetime
import functools
from collections.abc import Callable
from typing import Any, Final

import msgspec

from counterfoil import __version__
from counterfoil.posting.plans import Plan
from counterfoil.store import runs, schedules
from counterfoil.store.database import Connection, Database
from counterfoil.store.schedules import Turn

PAGE: Final = 5_000  # records of a run whose names are read at once
NEVER: Final = ""  # the source of a place that is only shown, and never gone on from


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run: `records` are planned, `bytes` of `size` are read. `source`: what it may be gone on from with."""

    source: str
    run: int
    records: int
    bytes: int
    size: int
    since: datetime.datetime
    remapped: int = 0
    passed: int = 0  # records that were planned before a restart

    @property
    def percent(self) -> int | None:
        """How much of the source is read; None: nobody knows how large it is."""
        return min(100, 100 * self.bytes // self.size) if self.size else None


def of(turn: Turn) -> Place | None:
    """Where the reading of a flow's source stands; None: it is not being read."""
    return None if turn.reading is None else msgspec.convert(turn.reading, Place, strict=False)


def under_way(turn: Turn) -> Place | None:
    """The same while somebody reads it."""
    return of(turn) if turn.owner is not None else None


def everywhere(conn: Connection) -> dict[str, Place]:
    """Flow id → the place of each flow whose source is being read."""
    found = {flow_id: under_way(turn) for flow_id, turn in schedules.everything(conn).items()}
    return {flow_id: place for flow_id, place in found.items() if place is not None}


def source(digest: str, settings: str) -> str:
    """What a place is gone on from with: a source of these bytes, made into records by these settings and this version."""
    return f"{digest}:{settings}:{__version__}"


class TurnLost(Exception):
    """Another process took this flow's turn over, and reads its source now."""


class Reading:
    """One reading of a flow's source. `place` None: from the beginning."""

    def __init__(self, database: Database, owner: str, flow_id: str, source: str | None) -> None:
        """`source` None: it cannot be told from another one. `owner`: who has the flow's turn."""
        self._database = database
        self._owner = owner
        self._flow_id = flow_id
        self._source = source or NEVER
        self.place: Place | None = None

    async def find(self) -> Place | None:
        """The place to go on from, if there is one."""

        def look(conn: Connection) -> Place | None:
            turn = schedules.get(conn, self._flow_id)
            found = of(turn) if turn is not None else None
            if found is None or found.source == NEVER or found.source != self._source:
                return None
            latest = runs.latest_of(conn, self._flow_id)
            return found if latest is not None and latest.id == found.run else None

        self.place = await self._database.read(look)
        return self.place

    async def remember(self, plan: Plan, name: str) -> None:
        """Tell the plan what was planned before: a record that stands twice is noticed across the restart.

        A record whose document is to be changed counts with what was posted; at worst its repetition is held as another one.
        """
        assert self.place is not None, "it was found"
        plan.remapped = self.place.remapped
        before = f"{name} (read before a restart)"
        run, last = self.place.run, -1
        while True:
            found, end = await self._database.read(functools.partial(runs.seen, run_id=run, after=last, most=PAGE))
            plan.seen.update({external_id: (digest, before) for external_id, digest in found.items()})
            if end is None:
                break
            last = end
            await asyncio.sleep(0)
        bad = await self._database.read(lambda conn: runs.bad_rows_seen(conn, self._flow_id, run))
        for external_id, digest in bad.items():
            plan.seen.setdefault(external_id, (digest, before))

    def noting(self, run_id: int, plan: Plan, size: int, blocked: Callable[[], Any]) -> "Note":
        """What notes the place in the transaction that plans a batch. Raises TurnLost there: nothing of it is kept."""
        passed = self.place.records if self.place else 0
        since = self.place.since if self.place else self._database.clock.now()

        def note(records: int, bytes_read: int, conn: Connection) -> None:
            place = Place(
                source=NEVER if blocked() else self._source, run=run_id, records=records, bytes=bytes_read, size=size,
                since=since, remapped=plan.remapped, passed=passed,
            )  # fmt: skip
            if not schedules.note_reading(conn, self._flow_id, self._owner, msgspec.to_builtins(place)):
                raise TurnLost

        return note


Note = Callable[[int, int, Connection], None]  # records planned and bytes read with this batch


def nothing(_records: int, _bytes: int, _conn: Connection) -> None:
    """Of a reading that nobody goes on with."""
