"""The numbers that advice is read from: usage of the last whole day, runs of the last 24 hours, prices of the month.

Called by standing. No call to Xero.
"""

import datetime
from collections.abc import Sequence
from typing import Any, Final

from counterfoil.app.advice import FlowRuns, Numbers, Reading
from counterfoil.app.costs import Costs
from counterfoil.app.forecasting import DAY
from counterfoil.app.usage import Usage
from counterfoil.model import tiers
from counterfoil.store import runs

KEEPING_UP: Final = "sync"  # the lane in which changes are asked for
NEW: Final = ("posted", "updated", "adopted", "rejected", "held", "uncertain", "planned")  # what a run may find
RUNS_READ_MAX: Final = 10_000  # of a day; of more the newest speak for all


async def gathered(books: Any, rows: Sequence[Usage], costs: Costs) -> Numbers:
    """The numbers of now. `rows`: what `costs` was made of."""
    now = books.clock.now()
    day = _day_to_read(rows, costs, now.date())
    of_day = [one for one in rows if one.day == day and one.tenant_id]
    flows = await books.database.read(lambda conn: runs.ended_since(conn, now - DAY, RUNS_READ_MAX))
    tier = tiers.BY_NAME[costs.tier]
    return Numbers(
        day_limit=tier.calls_per_day,
        calls=sum(one.calls for one in of_day),
        refused=sum(one.refused for one in of_day),
        days=_by_entity(of_day),
        readings=_readings(of_day),
        flows=_flows(books, flows),
        tier=costs.tier,
        tier_price_at_end=costs.price_at_end.least if costs.price_at_end else None,
        fits=costs.fits,
        fits_price=costs.fits_price,
        currency=tiers.CURRENCY,
        days_counted=costs.calls.days,
        connections=costs.connections,
        connections_max=costs.connections_max,
    )


def _day_to_read(rows: Sequence[Usage], costs: Costs, today: datetime.date) -> datetime.date:
    """Yesterday, if it was counted as a whole and today has not more already."""
    before = today - DAY
    totals = {day: sum(one.calls for one in rows if one.day == day) for day in (before, today)}
    return before if costs.calls.days and totals[before] >= totals[today] else today


def _by_entity(rows: Sequence[Usage]) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for one in rows:
        name = one.entity or one.tenant_id
        found[name] = found.get(name, 0) + one.calls
    return tuple(sorted(found.items()))


def _readings(rows: Sequence[Usage]) -> tuple[Reading, ...]:
    found: dict[tuple[str, str], int] = {}
    for one in rows:
        if one.lane == KEEPING_UP and one.read_bytes:
            key = (one.entity or one.tenant_id, one.resource)
            found[key] = found.get(key, 0) + one.calls
    return tuple(Reading(*key, calls) for key, calls in sorted(found.items()))


def _flows(books: Any, ended: Sequence[runs.Run]) -> tuple[FlowRuns, ...]:
    by_flow: dict[str, list[runs.Run]] = {}
    for run in ended:
        if run.flow_id is not None and run.command == "run":
            by_flow.setdefault(run.flow_id, []).append(run)
    return tuple(_flow(books.flow_name(flow_id), of) for flow_id, of in sorted(by_flow.items()))


def _flow(name: str, of: Sequence[runs.Run]) -> FlowRuns:
    idle = [run for run in of if not any((run.counts or {}).get(outcome) for outcome in NEW)]
    return FlowRuns(name, len(of), len(idle), sum((run.counts or {}).get("api_calls", 0) for run in idle))
