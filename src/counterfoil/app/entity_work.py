"""Where each entity's work stands: its postings, what needs a person, what holds its writes, how old its mirror is.

Called by service/api. From our own tables; no call to Xero.
"""

import datetime
from collections.abc import Sequence
from typing import Any

import msgspec

from counterfoil.app import pausing, syncing
from counterfoil.store import bindings, problems, stories


class Pause(msgspec.Struct, frozen=True):
    """What holds the writes. `scope`: all, entity or flow; `until` None: until somebody resumes."""

    scope: str
    name: str
    because: str
    since: datetime.datetime
    until: datetime.datetime | None


class EntityWork(msgspec.Struct, frozen=True):
    """One entity. `postings` by state; `stopped`: why Counterfoil itself stopped its writes.

    `mirror_as_of`: when its oldest resource was last caught up; `mirror_unread`: how many were never read.
    """

    entity: str
    bound: bool
    mode: str
    stopped: str | None
    postings: dict[str, int]
    needs_person: int
    mirror_as_of: datetime.datetime | None
    mirror_lag_s: float | None
    mirror_unread: int


class Work(msgspec.Struct, frozen=True):
    """Of these entities, in their order, and the pauses that concern them."""

    entities: list[EntityWork]
    pauses: list[Pause]


async def work(books: Any, entities: Sequence[str], *, flows: bool) -> Work:
    """Where these entities stand. `flows`: pauses of flows are told as well."""
    bound = {one.entity: one for one in await books.database.read(bindings.everything)}
    counts = await books.database.read(stories.state_counts)
    stuck = await books.database.read(problems.stuck_counts)
    lags = {one.entity: one for one in await syncing.lags(books)}
    now = books.clock.now()
    found = []
    for entity in entities:
        one, lag = bound.get(entity), lags.get(entity)
        as_of = lag.oldest if lag else None
        lag_s = None if as_of is None else max(0.0, round((now - as_of).total_seconds(), 1))
        found.append(
            EntityWork(
                entity, one is not None, books.settings.entities[entity].mode, one.stopped if one else None,
                counts.get(entity, {}), stuck.get(entity, 0), as_of, lag_s, lag.unread if lag else 0,
            )
        )  # fmt: skip
    told = [
        Pause(one.scope, one.name, one.because, one.since, one.until)
        for one in await pausing.standing(books)
        if one.scope == "all" or (one.scope == "entity" and one.name in entities) or (one.scope == "flow" and flows)
    ]
    return Work(found, told)
