"""For how long nothing but failures came, counted on a clock that nobody sets.

Called by hearing. A wall clock that is put back must not silence the alarm, nor one that is put forward sound it. Several
processes share one row of the tables; each goes on from what it finds there.
"""

import datetime
from typing import Final

import msgspec

from counterfoil.model.ports import Clock
from counterfoil.store import inbox_counts
from counterfoil.store.database import Connection

APART_MAX: Final = datetime.timedelta(seconds=60)  # of an instant and the wall clock; more: the clock was set meanwhile


class Span(msgspec.Struct, frozen=True):
    """Failures that are not written yet: the first one's instant, and the first and the last on the steady clock."""

    since: datetime.datetime
    first_s: float
    last_s: float


class _Anchor(msgspec.Struct, frozen=True):
    """What this process wrote last: whose row, and what the row's seconds were at which second of the steady clock."""

    since: datetime.datetime
    base_s: float
    at_s: float


class Failing:
    """Keeps the row for one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._anchor: _Anchor | None = None

    def recovered(self) -> None:
        """A request was taken."""
        self._anchor = None

    def write(self, conn: Connection, span: Span) -> None:
        """Go on with the row, or begin it. Safe to repeat."""
        row = inbox_counts.failing_now(conn)
        anchor = self._anchored(row, span)
        lasted_s = max(row.lasted_s if row else 0, anchor.base_s + span.last_s - anchor.at_s)
        ago = datetime.timedelta(seconds=self._clock.elapsed_s() - span.last_s + lasted_s)
        began = self._clock.now() - ago  # by the wall clock of now
        since = began if abs(began - anchor.since) > APART_MAX else anchor.since
        inbox_counts.failing(conn, since, round(lasted_s), self._clock.now())
        self._anchor = msgspec.structs.replace(anchor, since=since)

    def _anchored(self, row: inbox_counts.Failing | None, span: Span) -> _Anchor:
        """From where this process counts: another process's row has only the wall clock for what lies between."""
        if row is None:
            return _Anchor(span.since, 0.0, span.first_s)
        if self._anchor is not None and self._anchor.since == row.since:
            return self._anchor
        between = max(0.0, (span.since - row.last).total_seconds())
        return _Anchor(row.since, row.lasted_s + between, span.first_s)
