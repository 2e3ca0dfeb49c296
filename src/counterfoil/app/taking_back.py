"""`undo RUN`: what taking a run back would do, with what its organisations have now.

Called by running, cli/undo and the library. Writes nothing. Cost: as posting/undoing says, and reading settings once per
entity.
"""

import datetime
from collections.abc import Collection
from typing import Any

from counterfoil import errors
from counterfoil.mirror import reference
from counterfoil.model.checks import days
from counterfoil.model.ledger import Ledger
from counterfoil.posting import undoing
from counterfoil.posting.undoing import UndoPlan
from counterfoil.store import runs

Closed = dict[str, datetime.date]


async def plan(books: Any, run_id: int) -> tuple[UndoPlan, Closed]:
    """What would happen to each document of the run, and per entity the last day that may not move.

    Raises NotFound, Reconnect, RunAgain.
    """
    known = await books.database.read(lambda conn: runs.get(conn, run_id))
    if known is None:
        raise errors.NotFound(f"There is no run {run_id}.", remedy="`counterfoil runs` lists them.")
    entities = await books.database.read(lambda conn: runs.entities(conn, run_id))
    days_closed = await _closed(books, entities)
    return await undoing.plan(books.database, run_id, books.client, books.catch_up, days_closed), days_closed


async def _closed(books: Any, entities: Collection[str]) -> Closed:
    """Per entity the last day of its books that may not move; none for entities whose days are all open."""
    found = {}
    for entity in sorted(entities):
        wire = await reference.load(await books.client(entity), books.database, lane=books.lane)
        settings = books.settings.entities[entity]
        ledger = Ledger.from_wire(wire["Organisation"][0], (), (), (), (), settings)
        if (day := days.closed_through(ledger)) is not None:
            found[entity] = day
    return found
