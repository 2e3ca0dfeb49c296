"""Take what a program hands over: who may, for which entities; kept before anybody is told, then planned.

Called by the service's API. What is refused here is refused record by record, and the good ones go on: what is no record, and
what is for an entity that the key is not for. The rest is on disk before it is planned, so that a process that is killed
loses nothing: the service plans what waits. Calls: as a run's plan costs, shared by all who hand over at the same time.
"""

import asyncio
import logging
import secrets
from typing import Any, Final

import msgspec

from counterfoil import errors, flows
from counterfoil.app import room
from counterfoil.app.api_keys import Caller
from counterfoil.app.handing import planning, reading
from counterfoil.app.handing.reading import Given
from counterfoil.app.intake import Intake
from counterfoil.model.prepared import Finding
from counterfoil.settings import FlowSettings
from counterfoil.store import handed
from counterfoil.store.database import Connection

WAITING_MAX: Final = 10_000  # records of a flow that wait to be planned
PLAN_S: Final = 30.0  # how long an answer waits for the plan; the service goes on with it
KIND: Final = "records"  # of the service's work that does so

_log = logging.getLogger("counterfoil.api")


class Taken(msgspec.Struct, frozen=True):
    """What a request brought. `refused`: why a record was not even kept, by its place; `waits`: why what was kept is not planned."""

    request: str
    given: tuple[Given, ...]
    refused: dict[int, Finding]
    waits: Finding | None = None


async def take(books: Any, flow: FlowSettings, body: bytes, caller: Caller, *, lines: bool = False) -> Taken:
    """Keep the records of a body and plan them. Safe to repeat. What is kept is not refused any more, whatever its plan meets.

    Raises InputError for a body that holds none, NoRoom when the disk is short, RunAgain when too many wait already.
    """
    if flow.post == "daily":
        raise errors.InputError(
            f"Flow {flow.table} makes one document per day of its source's rows; records cannot be handed to it.",
            remedy='Write them to its source, or hand them to a flow with post = "each".',
        )
    given = reading.read(flow, books.mapped.get(flow.table), body, lines=lines)
    if (short := room.short(books)) is not None:
        raise short
    intake = Intake(books, flow, flows.kind(flow.kind), late=True)
    refused = {one.n: finding for one in given if (finding := _refusal(books, flow, intake, caller, one)) is not None}
    good = [one for one in given if one.n not in refused]
    request, waits = secrets.token_hex(8), None
    if good:
        await books.database.run(lambda conn: _keep(books, conn, flow, intake, caller, request, good))
        waits = await _plan(books, flow)
    return Taken(request, tuple(given), refused, waits)


async def _plan(books: Any, flow: FlowSettings) -> Finding | None:
    """Plan what waits, as long as somebody waits for it; → what is in the way. What is left then the service does."""
    why = None
    try:
        async with asyncio.timeout(PLAN_S):
            await planning.plan(books, flow)
            return None
    except TimeoutError:
        pass
    except errors.CounterfoilError as error:  # it is on disk: who sent it hears that, and not that it was refused
        _log.warning("records that were taken cannot be planned now: %s", error.code, exc_info=error)
        why = Finding(error.code, error.message, error.remedy)
    await books.wake(KIND, flow.id)
    return why


def _refusal(books: Any, flow: FlowSettings, intake: Intake, caller: Caller, one: Given) -> Finding | None:
    if one.row is None:
        return one.finding
    if caller.entities is None:
        return None
    entity = intake.checking.identified(one.row.raw)[1] or flow.entity
    if entity is None:
        return Finding("no-entity", "It does not say for which company it is.", "Give `entity`.", "entity")
    if not caller.sees(entity) or entity not in books.settings.entities:
        return Finding(
            "not-yours", f"This key is not for entity {entity}.", "Use a key that is for it.", "entity", entity
        )
    return None


def _keep(
    books: Any, conn: Connection, flow: FlowSettings, intake: Intake, caller: Caller, request: str, good: list[Given]
) -> None:  # fmt: skip
    if handed.count(conn, flow.id) + len(good) > WAITING_MAX:
        raise errors.RunAgain(
            f"{WAITING_MAX:,} records of flow {flow.table} wait to be planned already.",
            remedy="Send them again later: nothing of this request was kept.",
        )
    now, only = books.database.now(conn), sorted(caller.entities) if caller.entities is not None else None
    rows = []
    for one in good:
        assert one.row is not None, "what is none was refused"
        external_id, entity = intake.checking.identified(one.row.raw)
        rows.append({
            "request": request, "flow_id": flow.id, "actor": str(caller.actor), "entities": only, "n": one.n,
            "source": one.row.source, "content_hash": one.row.hash, "record": one.row.raw, "external_id": external_id,
            "entity": entity or flow.entity, "received_at": now,
        })  # fmt: skip
    handed.add(conn, rows)
