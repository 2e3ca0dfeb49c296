"""`sync`: bring the mirror up to date, or read all of it again and say what was not as Xero has it.

Called by cli/sync and the service (`catch_up`). One resource after the other, so that its calls and bytes can be told; each
entity by itself: one whose organisation is offline or whose day is used up keeps no other from its turn. Safe to kill and
repeat. Cost: 1 call per resource when nothing changed, else 1 per 1,000 documents.
"""

import datetime
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec

from counterfoil import errors
from counterfoil.app import bank_balances, feeding, followed, kept_changes, missed_answers, needs, overdue, watching
from counterfoil.mirror import described, polling
from counterfoil.mirror.mirroring import Mirror
from counterfoil.mirror.under_way import Caught
from counterfoil.model import spelling
from counterfoil.model.lanes import Lane
from counterfoil.posting import identity
from counterfoil.store import bindings, mirrored

How = Literal["catch_up", "repair", "walk"]
Progress = Callable[[str, str, int], None]  # entity, resource, rows that came
WORST_FIRST: Final = (2, 3, 4)  # exit codes: what needs a person before what only needs time


class Synced(msgspec.Struct, frozen=True):
    """One resource of an entity. `read`: rows that came. `lag_s`: since it was last caught up; None: never yet."""

    entity: str
    resource: str
    documents: int
    read: int
    created: int
    updated: int
    deleted: int
    first: bool
    lag_s: float | None
    calls: int
    bytes: int
    error: str | None = None
    remedy: str | None = None
    code: str | None = None
    exit_code: int = 0


class Report(msgspec.Struct, frozen=True):
    """What one `sync` did. `repaired`: documents that were not as Xero has them, of a `full` one."""

    full: bool
    resources: tuple[Synced, ...]
    repaired: int
    api_calls: int
    egress_bytes: int
    elapsed_s: float
    drift: tuple[
        mirrored.Drift, ...
    ] = ()  # what Xero sends and had not published when this was written: kept all the same

    @property
    def exit_code(self) -> int:
        """0, or what stopped a part of it."""
        codes = {one.exit_code for one in self.resources}
        return next((code for code in WORST_FIRST if code in codes), 1 if codes - {0} else 0)


class Lag(msgspec.Struct, frozen=True):
    """How old an entity's mirror is: its oldest resource's last catch-up, and how many were never read."""

    entity: str
    resources: int
    unread: int
    oldest: datetime.datetime | None


def mirror(books: Any) -> Mirror:
    """The mirror of these books; what it sees is named and kept in the transaction that writes it."""
    return Mirror(books.database, identity.find_marker, kept_changes.recorder(books.settings))


def _nobody(_entity: str, _resource: str, _rows: int) -> None:
    """Nobody watches."""


async def catch_up(
    books: Any, entity: str, resource: str, *, how: How = "catch_up", lane: Lane = "sync",
    progress: Callable[[int], None] | None = None,
) -> Caught:  # fmt: skip
    """Bring one resource of an entity up to date; `how`: as mirror/mirroring says. Safe to kill and repeat.

    Raises NoBinding, WrongLedger, MissingScope before the first call, and what a GET raises.
    """
    await watching.sure_of(books, entity)
    bound = await books.binding(entity)
    if bound.stopped is not None:
        raise errors.WrongLedger(bound.stopped, remedy=f"See `counterfoil entities verify {entity}`.")
    await needs.check_copy(books, resource, bound)
    client = await books.client(entity)
    copy = mirror(books)
    work = {"catch_up": copy.catch_up, "repair": copy.repair, "walk": copy.walk}[how]
    return await work(client, resource, lane=lane, progress=progress or (lambda _rows: None))


async def kept(books: Any) -> dict[str, tuple[str, ...]]:
    """The resources that the service keeps up, by bound entity: those that the configuration names, else what feeds are about and what was once read.

    So nobody who only posts pays for reads. No call.
    """
    bound = await books.database.read(bindings.everything)
    readings = {(one.tenant_id, one.resource) for one in await books.database.read(mirrored.readings)}
    names, is_chosen = needs.mirrored(books), books.settings.mirror.resources is not None
    found = {
        one.entity: tuple(
            name
            for name in names
            if is_chosen or (one.tenant_id, name) in readings or followed.wants(books, one.entity, name)
        )
        for one in bound
    }
    return {entity: resources for entity, resources in found.items() if resources and entity in books.settings.entities}


async def due(books: Any, entity: str, names: Sequence[str], now: datetime.datetime) -> dict[str, datetime.datetime]:
    """When each of these resources of an entity is to be caught up next. No call."""
    return polling.due(names, await _readings(books, entity), books.settings.pacing.day_limit, now)


async def walks_due(books: Any, entity: str, names: Sequence[str], now: datetime.datetime) -> list[str]:
    """Which of them are to be walked through, as they are once a week. No call."""
    readings = await _readings(books, entity)
    return [name for name in names if polling.walk_due(name, readings.get(name), now)]


async def unread(books: Any, entity: str, names: Sequence[str]) -> frozenset[str]:
    """Which of them were never read to their end. No call."""
    readings = await _readings(books, entity)
    return frozenset(name for name in names if name not in readings or readings[name].since is None)


async def _readings(books: Any, entity: str) -> dict[str, mirrored.Reading]:
    tenant = await _tenant(books, entity)
    return {one.resource: one for one in await books.database.read(mirrored.readings) if one.tenant_id == tenant}


async def sync(
    books: Any, entity: str | None = None, resource: str | None = None, *, full: bool = False,
    progress: Progress = _nobody,
) -> Report:  # fmt: skip
    """Every bound entity and kept resource, or one of them. What stops one resource stands in its row.

    Raises ConfigurationError for an entity or a resource that there is not, NoBinding when nothing is bound.
    """
    started_s = books.clock.elapsed_s()
    before = books.counts()
    rows: list[Synced] = []
    for one in await entities(books, entity):
        rows += await _one_entity(books, one, _resources(books, resource), full=full, progress=progress)
        if resource is None and not _is_stopped(rows):
            rows += await _balances(books, one, full=full)
        await overdue.sweep(books, one, always=True)
    await missed_answers.settle(books)
    if any(row.created + row.updated + row.deleted for row in rows):
        await books.wake(feeding.WORK, feeding.EVERYBODY)
    calls, received = _less(books.counts(), before)
    repaired = sum(row.created + row.updated + row.deleted for row in rows if full and not row.first)
    drift = tuple(await books.database.read(mirrored.drifts))
    return Report(full, tuple(rows), repaired, calls, received, round(books.clock.elapsed_s() - started_s, 3), drift)


async def lags(books: Any) -> tuple[Lag, ...]:
    """How old the mirror of each bound entity is; entities of which nothing was ever read are left out. No call."""
    bound = await books.database.read(bindings.everything)
    readings = {(one.tenant_id, one.resource): one for one in await books.database.read(mirrored.readings)}
    names = needs.mirrored(books)
    found = []
    for binding in bound:
        own = [readings.get((binding.tenant_id, name)) for name in names]
        done = [one.caught_up_at for one in own if one is not None and one.caught_up_at is not None]
        if done:
            found.append(Lag(binding.entity, len(names), len(names) - len(done), min(done)))
    return tuple(found)


async def entities(books: Any, wanted: str | None) -> Sequence[str]:
    """The entity that is wanted, or all that are bound. Raises ConfigurationError, NoBinding. No call."""
    known = books.settings.entities
    if wanted is not None:
        if wanted not in known:
            raise errors.ConfigurationError(
                f"There is no entity {wanted!r}.", remedy=spelling.suggestion(wanted, known)
            )
        return [wanted]
    bound = {one.entity for one in await books.database.read(bindings.everything)}
    found = [entity for entity in known if entity in bound]
    if not found:
        raise errors.NoBinding(
            "No entity is bound to an organisation yet.",
            remedy="Run `counterfoil connect`, then `counterfoil entities bind`.",
        )
    return found


def _resources(books: Any, wanted: str | None) -> Sequence[str]:
    if wanted is None:
        return needs.mirrored(books)
    found = next((name for name in described.NAMES if name.casefold() == wanted.casefold()), None)
    if found is None:
        raise errors.ConfigurationError(
            f"There is no resource {wanted!r} to mirror.", remedy=spelling.suggestion(wanted, described.NAMES)
        )
    return [found]


async def _one_entity(books: Any, entity: str, names: Sequence[str], *, full: bool, progress: Progress) -> list[Synced]:
    rows: list[Synced] = []
    for name in names:
        row = await _one(books, entity, name, full=full, progress=progress)
        rows.append(row)
        if _is_stopped(rows):
            return rows  # what stopped it would stop the next one too
    return rows


def _is_stopped(rows: Sequence[Synced]) -> bool:
    return bool(rows) and rows[-1].error is not None and rows[-1].code != errors.MissingScope.code


async def _balances(books: Any, entity: str, *, full: bool) -> list[Synced]:
    """The balances of bank accounts, where the entity asks for them and they are due; `full`: in any case."""
    due = await bank_balances.due(books, entity)
    if due is None:
        return []
    before, tenant, read = books.counts(), await _tenant(books, entity), 0
    is_first = await bank_balances.held(books, tenant) is None
    problem: errors.CounterfoilError | None = None
    if full or due <= books.clock.now():
        try:
            read = len((await bank_balances.read(books, entity)).amounts)
        except (errors.RunAgain, errors.Reconnect, errors.Refused, errors.NotFound) as error:
            problem = error
    held = await bank_balances.held(books, tenant)
    calls, received = _less(books.counts(), before)
    return [
        Synced(
            entity, bank_balances.RESOURCE, 0 if held is None else len(held.amounts), read, 0, 0, 0, is_first,
            None if held is None else bank_balances.lag_s(held, books.clock.now()), calls, received,
            error=problem.message if problem else None, remedy=problem.remedy if problem else None,
            code=problem.code if problem else None, exit_code=problem.exit_code if problem else 0,
        )
    ]  # fmt: skip


async def _one(books: Any, entity: str, name: str, *, full: bool, progress: Progress) -> Synced:
    before = books.counts()
    how: How = "repair" if full else "catch_up"
    caught, problem = Caught(name), None
    try:
        caught = await catch_up(books, entity, name, how=how, progress=lambda rows: progress(entity, name, rows))
    except (errors.RunAgain, errors.Reconnect, errors.Refused, errors.NotFound) as error:
        problem = error
    tenant = await _tenant(books, entity)
    state = await books.database.read(lambda conn: mirrored.reading(conn, tenant, name))
    count = await books.database.read(lambda conn: mirrored.count(conn, tenant, name))
    calls, received = _less(books.counts(), before)
    lag_s = None
    if state.caught_up_at is not None:
        lag_s = max(0.0, round((books.clock.now() - state.caught_up_at).total_seconds(), 1))
    return Synced(
        entity, name, count, caught.read, caught.created, caught.updated, caught.deleted, caught.first, lag_s,
        calls, received,
        error=problem.message if problem else None, remedy=problem.remedy if problem else None,
        code=problem.code if problem else None, exit_code=problem.exit_code if problem else 0,
    )  # fmt: skip


async def _tenant(books: Any, entity: str) -> str:
    bound = await books.database.read(lambda conn: bindings.get(conn, entity))
    return "" if bound is None else bound.tenant_id


def _less(now: tuple[int, int], before: tuple[int, int]) -> tuple[int, int]:
    return now[0] - before[0], now[1] - before[1]
