"""`status`: where things stand, from our own tables.

Called by cli/status and by `counterfoil` without arguments.
"""

import datetime
from typing import Any

import msgspec

from counterfoil import errors
from counterfoil.access.bindings import DISCONNECTED
from counterfoil.app import advice, auditing, costs, feeding, needs, numbers, pausing, syncing, troubles
from counterfoil.app.advice import Advice
from counterfoil.app.budgets import TenantBudget, budgets
from counterfoil.app.costs import Costs
from counterfoil.app.feeding import Stands
from counterfoil.app.progress import Progress, progress
from counterfoil.app.serving.flow_runs import overview
from counterfoil.app.serving.health import Scheduled
from counterfoil.model.notices import COUNTED
from counterfoil.store import inbox_counts, notices, runs, services, stories
from counterfoil.store.inbox_counts import Heard
from counterfoil.store.messages import Trouble
from counterfoil.store.services import Service


class EntityStanding(msgspec.Struct, frozen=True):
    """One entity: its organisation, whether writes are stopped, and its postings by state."""

    entity: str
    organisation: str | None  # None: not bound
    stopped: str | None
    postings: dict[str, int]
    mode: str = "normal"


class FlowStanding(msgspec.Struct, frozen=True):
    """One flow and its last run."""

    flow: str
    last_run: datetime.datetime | None
    counts: dict[str, Any] | None


class Told(msgspec.Struct, frozen=True):
    """Something that somebody must know, for as long as it stands."""

    kind: str
    entity: str | None
    message: str
    remedy: str
    since: datetime.datetime
    link: str | None = None


class Standing(msgspec.Struct, frozen=True):
    """Everything that `status` shows."""

    connected: bool
    entities: tuple[EntityStanding, ...]
    flows: tuple[FlowStanding, ...]
    problems: int
    audit: tuple[auditing.HeadOf, ...]  # where each chain of the audit log ends: kept elsewhere, it notices a rollback
    next: str
    notices: tuple[Told, ...] = ()
    pauses: tuple[pausing.Standing, ...] = ()
    failing: tuple[Trouble, ...] = ()  # targets of [[notify]] that messages do not get to
    costs: Costs | None = None  # what this month's calls and data cost
    advice: tuple[Advice, ...] = ()  # what would save some, worst first
    services: tuple[Service, ...] = ()  # processes of `serve` and `worker` that are alive
    schedules: tuple[Scheduled, ...] = ()  # flows that `serve` runs by itself
    progress: tuple[Progress, ...] = ()  # what is still on its way to Xero
    lacking: tuple[Told, ...] = ()  # flows and copies that a consent does not cover, per entity
    budgets: tuple[TenantBudget, ...] = ()  # what each organisation's limits still hold
    mirror: tuple[syncing.Lag, ...] = ()  # how old the copy of each ledger is
    webhooks: Heard | None = None  # of Xero's webhooks; None: no request ever came
    feeds: tuple[Stands, ...] = ()  # who is handed changes; handlers once they were served


async def standing(books: Any) -> Standing:
    """Where things stand, and what to type next."""
    counts = await books.database.read(stories.state_counts)
    entities = []
    for entity, of in books.settings.entities.items():
        try:
            binding = await books.binding(entity)
        except errors.NoBinding:
            entities.append(EntityStanding(entity, None, None, counts.get(entity, {}), of.mode))
            continue
        entities.append(
            EntityStanding(entity, binding.fingerprint.name, binding.stopped, counts.get(entity, {}), of.mode)
        )
    flows = []
    for flow in books.flows.values():
        last = await books.database.read(lambda conn, flow=flow: runs.latest_of(conn, flow.id))
        flows.append(FlowStanding(flow.table, last.started if last else None, last.counts if last else None))
    problems = await troubles.all_problems(books)
    connected = bool(await books.known_connections())
    told = tuple(
        Told(one.kind, one.entity, one.message, one.remedy, one.first_at, one.link)
        for one in await books.database.read(notices.standing)
        if one.kind not in (*COUNTED, needs.KIND)  # as the states and problems above say, and what is lacking now
    )
    now = books.clock.now()
    lacking = tuple(
        Told(one.kind, one.entity, one.message, one.remedy, now, one.link)
        for one in (*needs.causes(books, await needs.lacking(books)), *await needs.copies_lacking(books))
    )
    following = _next(connected, entities, flows, len(problems))
    if lacking or any(one.kind == DISCONNECTED for one in told):
        following = "counterfoil connect"
    failing, heads = tuple(await books.notifying.failing()), await auditing.heads(books)
    cost, saved = await _costs(books)
    paused = await pausing.standing(books)
    alive = tuple(one for one in await books.database.read(services.everything) if one.is_alive(now))
    timed, under_way = tuple(await overview(books)), tuple(await progress(books))
    if alive and following == "counterfoil finish":
        following = "counterfoil status"  # the service does it
    return Standing(
        connected,
        tuple(entities),
        tuple(flows),
        len(problems),
        heads,
        following,
        told,
        paused,
        failing,
        cost,
        saved,
        alive,
        timed,
        under_way,
        lacking,
        tuple(await budgets(books)),
        await syncing.lags(books),
        await _heard(books),
        await feeding.served(books),
    )


async def _heard(books: Any) -> Heard | None:
    heard: Heard = await books.database.read(inbox_counts.heard)
    return heard if heard.last else None


async def _costs(books: Any) -> tuple[Costs, tuple[Advice, ...]]:
    rows = await costs.used(books)
    cost = await costs.costs(books, rows)
    return cost, advice.recommend(await numbers.gathered(books, rows, cost))


def _next(connected: bool, entities: list[EntityStanding], flows: list[FlowStanding], problems: int) -> str:
    if not connected:
        return "counterfoil connect"
    if any(entity.organisation is None for entity in entities):
        return "counterfoil entities bind"
    if any(state in entity.postings for entity in entities for state in ("planned", "sending", "uncertain")):
        return "counterfoil finish"
    if problems:
        return "counterfoil problems"
    return f"counterfoil plan {flows[0].flow}" if flows else "add a [flows.NAME] table to the configuration"
