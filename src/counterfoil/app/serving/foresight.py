"""What `serve` would do: when each flow runs next, and what its run would plan now; writes nothing to Xero nor to schedules.

Called by cli/serve for `--dry-run`. Costs the calls of `plan` for each flow whose source is another one than last time.
"""

from typing import Any, Literal

import msgspec

from counterfoil import errors
from counterfoil.app.reports import PlanReport
from counterfoil.app.serving import flow_runs, open_postings, source_look
from counterfoil.app.serving.health import Scheduled
from counterfoil.store import open_work, schedules


class Foreseen(msgspec.Struct, frozen=True):
    """One flow. `source`: as it was, another one, being written, or missing; `plan` None: nothing to plan, or `why` not."""

    schedule: Scheduled
    source: Literal["same", "new", "growing", "missing"]
    plan: dict[str, int] | None
    why: str | None


class Foresight(msgspec.Struct, frozen=True):
    """All of it. `open`: entities with postings that would be finished at once."""

    flows: tuple[Foreseen, ...]
    open: tuple[str, ...]


async def foresee(books: Any) -> Foresight:
    """Look at every flow with a schedule. Raises StoreError."""
    found = [await _one(books, one) for one in await flow_runs.overview(books)]
    left = await books.database.read(lambda conn: open_work.entities(conn, open_postings.RESOURCES, {}))
    return Foresight(tuple(found), tuple(left))


async def _one(books: Any, scheduled: Scheduled) -> Foreseen:
    flow = books.flows[scheduled.flow]
    turn = await books.database.read(lambda conn: schedules.get(conn, flow.id))
    settings = source_look.settings_of(flow, books.settings.entities)
    looked = await source_look.look(books.clock, flow.source.path, settings, turn.source if turn else None)
    if looked.growing:
        return Foreseen(scheduled, "growing", None, "It is being written.")
    if looked.same:
        return Foreseen(scheduled, "same", None, None)
    if looked.seen is None:
        return Foreseen(scheduled, "missing", None, f"There is no file {flow.source.path}.")
    try:
        report = await books.plan(flow.table)
    except errors.CounterfoilError as error:
        return Foreseen(scheduled, "new", None, str(error))
    return Foreseen(scheduled, "new", _counts(report), "; ".join(report.stops) or None)


def _counts(report: PlanReport) -> dict[str, int]:
    signs = {"create": "+", "change": "~", "same": "=", "adopt": "⇄", "held": "!", "refused": "×"}
    return {
        "records": report.records,
        **{name: report.count(sign) for name, sign in signs.items()},
        "calls": report.calls,
    }
