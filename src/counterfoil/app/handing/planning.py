"""Plan records that were handed over and wait: in the order in which they came, each request by itself.

Called by taking, and by app/serving for what a killed process left or what Xero could not be asked about. Two requests with the
same record plan it once. In one process one flow is planned at a time, so that many small requests share what is read from
Xero; two processes at once do no harm: a posting is there once. Calls: as a run's plan costs.
"""

import asyncio
import copy
import datetime
import itertools
import weakref
from collections.abc import Sequence
from typing import Any, Final

from counterfoil import flows
from counterfoil.app import troubles
from counterfoil.app.intake import Intake
from counterfoil.app.running import Runner
from counterfoil.model.prepared import Finding
from counterfoil.posting.plans import BATCH, Item
from counterfoil.settings import FlowSettings
from counterfoil.sources import Row
from counterfoil.store import handed, postings, runs
from counterfoil.store.database import Connection, Database
from counterfoil.store.handed import Handed

AT_ONCE: Final = 2_000  # records that are looked at together: two whole requests at least
KEPT: Final = datetime.timedelta(days=1)  # what became of a record is known so long
DROPPED_AT_ONCE: Final = 500
TAKEN: Final = "taken-by-another"
_TURNS: weakref.WeakKeyDictionary[Database, dict[str, asyncio.Lock]] = weakref.WeakKeyDictionary()


async def plan(books: Any, flow: FlowSettings) -> bool:
    """Plan what waits of a flow; → whether something has to go on waiting, since Xero cannot be asked now."""
    turn = _TURNS.setdefault(books.database, {}).setdefault(flow.id, asyncio.Lock())
    async with turn:
        waits, after = False, 0
        while True:
            found = await books.database.read(lambda conn, after=after: handed.waiting(conn, flow.id, after, AT_ONCE))
            if not found:
                break
            intake = Intake(books, flow, flows.kind(flow.kind), late=True)
            for _request, rows in itertools.groupby(found, key=lambda one: one.request):
                waits |= await _plan_request(books, flow, intake, list(rows))
            after = found[-1].id
        before = books.clock.now() - KEPT
        while (
            await books.database.run(lambda conn: handed.drop_ended(conn, before, DROPPED_AT_ONCE)) == DROPPED_AT_ONCE
        ):
            pass  # in small transactions: others write between them
    return waits


async def _plan_request(books: Any, flow: FlowSettings, intake: Intake, rows: Sequence[Handed]) -> bool:
    """What came in one request; → whether some of it has to go on waiting."""
    rows = await _without_others(books, flow, rows)
    items: list[Item] = []
    by_n: dict[int, Handed] = {}
    for first in range(0, len(rows), BATCH):
        batch = rows[first : first + BATCH]
        made = [Row(one.source, one.record or b"", one.content_hash) for one in batch]
        items += await intake.rows(made, first)
        by_n |= {first + at: one for at, one in enumerate(batch)}
    ready = [one for one in items if one.blocked != "later"]
    if ready:
        own = copy.copy(books)  # the run is in the name of whoever handed it over
        own.actor = rows[0].actor

        def done(conn: Connection, run_id: int, batch: Sequence[Item]) -> None:
            _end(conn, flow, run_id, batch, by_n, books.database.now(conn))

        await Runner(own).handed(flow, intake, ready, f"{len(ready):,} records over HTTP", done)
        for entity in sorted({one.entity for one in ready if one.entity}):
            await books.wake("postings", entity)
    return len(ready) < len(items)


async def _without_others(books: Any, flow: FlowSettings, rows: Sequence[Handed]) -> Sequence[Handed]:
    """Less those whose external id is that of another company's record, which the key is not for: that one stays as it is."""
    limited = [one for one in rows if one.entities is not None and one.external_id]
    if not limited:
        return rows

    def work(conn: Connection) -> set[int]:
        there = postings.of_records(conn, flow.id, [one.external_id or "" for one in limited])
        out = {
            one.id for one in limited
            if (found := there.get(one.external_id or "")) is not None and found.entity not in (one.entities or ())
        }  # fmt: skip
        now = books.database.now(conn)
        for one in limited:
            if one.id in out:
                handed.end(conn, one.id, {"ended_as": "refused", **_told(_taken(one))}, now)
        return out

    out = await books.database.run(work)
    return [one for one in rows if one.id not in out]


def _taken(one: Handed) -> Finding:
    return Finding(
        TAKEN,
        f"External id {one.external_id} belongs to a record that this key is not for.",
        "Give the record an external id of its own.",
        "external_id",
    )


def _end(
    conn: Connection, flow: FlowSettings, run_id: int, items: Sequence[Item], by_n: dict[int, Handed],
    now: datetime.datetime,
) -> None:  # fmt: skip
    """In the transaction that planned them: what became of each."""
    seen = runs.planned(conn, run_id, [one.n for one in items])
    for item in items:
        posting_id, outcome = seen[item.n]
        values: dict[str, Any] = {"posting_id": posting_id, "ended_as": outcome}
        values |= {"external_id": item.external_id, "entity": item.entity}
        if posting_id is None:
            values |= _told(_finding(conn, flow, item))
        elif item.findings:
            values["field"] = item.findings[0].field
        handed.end(conn, by_n[item.n].id, values, now)


def _finding(conn: Connection, flow: FlowSettings, item: Item) -> Finding | None:
    """Why a record has no posting."""
    if item.findings:
        return item.findings[0]
    bad = runs.bad_row(conn, flow.id, item.content_hash, item.source)
    return None if bad is None else Finding(bad.cause, bad.reason, bad.remedy, troubles.field_of(bad.reason))


def _told(finding: Finding | None) -> dict[str, Any]:
    if finding is None:
        return {}
    return {"cause": finding.cause, "reason": finding.reason, "remedy": finding.remedy, "field": finding.field}
