"""The runs so far as they stand now: one that others still post for, or that is reading, is counted at the moment of asking.

Called by cli/runs. From our own tables; no call. Only the newest scheduled run of each flow costs a count.
"""

from typing import Any

import msgspec

from counterfoil.app import places
from counterfoil.store import runs, schedules
from counterfoil.store.database import Connection
from counterfoil.store.runs import Run


class Recent(Run, frozen=True):
    """A run. `running`: its source is being read now, or what it planned is still on its way."""

    running: bool = False


async def recent(books: Any, most: int) -> list[Recent]:
    """The newest runs first."""

    def look(conn: Connection) -> list[Recent]:
        open_now = {turn.run_id for turn in schedules.everything(conn).values()}
        open_now |= {place.run for place in places.everywhere(conn).values()}
        return [_of(conn, run, run.id in open_now) for run in runs.latest(conn, most)]

    found: list[Recent] = await books.database.read(look)
    return found


def _of(conn: Connection, run: Run, running: bool) -> Recent:
    counts = (run.counts or {}) | runs.counts(conn, run.id) if running else run.counts
    return Recent(**msgspec.structs.asdict(run) | {"counts": counts}, running=running)
