"""`plan`: what a run would do with each record, to the cent, writing nothing to Xero and nothing of records to us.

Called by cli/plan and the library. It decides with the very function that `run` uses (posting/planning). Reading costs
calls as intake says; with `offline` none, on what was read last.
"""

import contextlib
import math
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from counterfoil import flows
from counterfoil.app import pausing
from counterfoil.app.intake import Intake
from counterfoil.app.reports import PlanLine, PlanReport
from counterfoil.app.usage import for_its_flow
from counterfoil.model.prepared import Prepared
from counterfoil.posting import changing, customers, kinds, planning
from counterfoil.posting.plans import Planned
from counterfoil.settings import FlowSettings

SIGNS = {
    "create": "+",
    "going": "+",
    "same": "=",
    "adopt": "⇄",
    "hold": "!",
    "later": "!",
    "change": "!",
    "update": "~",
    "reissue": "~",
    "accept": "=",
    "older": "=",
    "remapped": "=",
    "withdraw": "=",
    "refuse": "×",
    "refused": "×",
}
# Requests that a batch of changes costs, at the least: a credit note and its allocation may take the place of a void.
WRITES = {changing.UPDATE: 1, changing.REISSUE: 2}


@for_its_flow
async def preview(
    books: Any, flow: FlowSettings, source: Path | None, *, offline: bool, remap: bool = False, again: bool = False
) -> PlanReport:
    """The plan of one flow. Raises InputError as the source does; Reconnect and RunAgain become held records."""
    intake = Intake(books, flow, flows.kind(flow.kind), offline=offline)
    plan = await intake.plan(remap=remap, again=again)
    lines: list[PlanLine] = []
    at: dict[str, int] = {}
    writes = _Writes()
    async with contextlib.aclosing(intake.batches(source or flow.source.file(flow.table))) as batches:
        async for items in batches:
            planned = await books.database.read(lambda conn, items=items: planning.decide_batch(conn, plan, items))
            for one in planned:
                if one.twin and one.item.external_id in at:
                    _take_back(lines, at[one.item.external_id], one)
                elif one.item.external_id:
                    at.setdefault(one.item.external_id, len(lines))
                lines.append(_line(one))
                writes.add(one)
    totals, creates = _totals(lines)
    batch = books.rules.batch
    calls = sum(math.ceil(count / batch) for count in creates.values()) + writes.calls(batch)
    seconds = calls / books.settings.xero.calls_per_minute * 60
    stops = tuple(f"{entity}: {error}" for entity, error in sorted(intake.blocked.items()))
    code = min((error.exit_code for error in intake.blocked.values()), default=0)
    notices = tuple(said for entity in sorted(intake.notices) for said in intake.notices[entity])
    paused = pausing.concerning(await pausing.standing(books), flow.table, intake.bindings)
    return PlanReport(
        flow.table, len(lines), tuple(lines), totals, writes.customers, calls, seconds, stops, code, notices,
        tuple(one.said for one in paused),
    )  # fmt: skip


class _Writes:
    """What a run would send beside new documents: customers, payments of new sales, and changes; entity by entity."""

    def __init__(self) -> None:
        self._customers: dict[str, set[str]] = defaultdict(set)
        self._payments: Counter[str] = Counter()
        self._changes: Counter[tuple[str | None, str]] = Counter()

    @property
    def customers(self) -> int:
        """How many customers are made."""
        return sum(map(len, self._customers.values()))

    def add(self, one: Planned) -> None:
        """Count one record."""
        prepared, action = one.item.prepared, one.decision.action
        self._changes[one.item.entity, action] += action in WRITES
        if (made := customers.made(one)) is not None:
            self._customers[made[0]].add(made[1])
        if prepared is not None and action == "create" and prepared.limited is None:
            self._payments[prepared.entity] += len(prepared.payments)

    def calls(self, batch: int) -> int:
        """The requests for all of it, at the least."""
        counts = [*map(len, self._customers.values()), *self._payments.values()]
        changes = sum(WRITES[what] * math.ceil(count / batch) for (_of, what), count in self._changes.items() if count)
        return sum(math.ceil(count / batch) for count in counts) + changes


def _line(one: Planned) -> PlanLine:
    prepared, finding = one.item.prepared, one.decision.finding
    existing = one.existing
    sign = SIGNS[one.decision.action]
    return PlanLine(
        sign,
        one.item.entity,
        one.item.external_id,
        one.item.source,
        prepared.number if prepared else (existing.number if existing else None),
        _total(prepared) if prepared else None,
        prepared.predicted.currency if prepared else None,
        finding.reason if finding else _noted(one),
        finding.remedy if finding else None,
    )


def _total(prepared: Prepared) -> Decimal:
    """What the document adds to what customers owe: a credit note takes from it."""
    total = prepared.predicted.total
    return total if prepared.kind == kinds.INVOICE.name else -total


def _noted(one: Planned) -> str | None:
    """What is done to make the record fit, and what is strange about it, though it is posted."""
    prepared = one.item.prepared
    if prepared is None or one.decision.action not in ("create", "adopt"):
        return None
    return " ".join((*prepared.predicted.notes, *(warning.reason for warning in prepared.warnings))) or None


def _take_back(lines: list[PlanLine], index: int, second: Planned) -> None:
    """The first of two contradicting records is not sent either."""
    first, finding = lines[index], second.decision.finding
    if first.sign == "+" and finding is not None:
        lines[index] = msgspec.structs.replace(first, sign="!", reason=finding.reason, remedy=finding.remedy)


def _totals(lines: list[PlanLine]) -> tuple[dict[str, dict[str, Decimal]], dict[str, int]]:
    totals: dict[str, dict[str, Decimal]] = {}
    creates: dict[str, int] = {}
    for line in lines:
        if line.sign == "+" and line.entity and line.total is not None and line.currency:
            of = totals.setdefault(line.entity, {})
            of[line.currency] = of.get(line.currency, Decimal(0)) + line.total
            creates[line.entity] = creates.get(line.entity, 0) + 1
    return totals, creates
