"""Which organisation each entity is, and how old its mirror is, from our own tables; no call to Xero.

Called by service/api.
"""

import datetime
from collections.abc import Sequence
from typing import Any

import msgspec

from counterfoil.app import needs
from counterfoil.mirror import described
from counterfoil.store import bindings, mirrored


class ResourceState(msgspec.Struct, frozen=True):
    """How far one resource was read. `resource`: as addresses spell it. `lag_s` None: it was never caught up."""

    resource: str
    as_of: datetime.datetime | None
    lag_s: float | None
    is_complete: bool


class EntityState(msgspec.Struct, frozen=True):
    """One entity; what is known of its organisation is None until it is bound."""

    entity: str
    organisation: str | None
    tenant_id: str | None
    base_currency: str | None
    country: str | None
    timezone: str | None
    is_demo: bool | None
    stopped: str | None
    resources: tuple[ResourceState, ...]


async def states(books: Any, entities: Sequence[str]) -> list[EntityState]:
    """These entities, in this order."""
    bound = {one.entity: one for one in await books.database.read(bindings.everything)}
    readings = await books.database.read(mirrored.readings)
    now = books.clock.now()
    names = needs.mirrored(books)
    found = []
    for entity in entities:
        one = bound.get(entity)
        if one is None:
            found.append(EntityState(entity, None, None, None, None, None, None, None, ()))
            continue
        own = {reading.resource: reading for reading in readings if reading.tenant_id == one.tenant_id}
        told = tuple(state(name, own[name], now) for name in described.NAMES if name in own and name in names)
        of = one.fingerprint
        found.append(
            EntityState(
                entity,
                of.name,
                one.tenant_id,
                of.base_currency,
                of.country,
                one.timezone,
                one.is_demo,
                one.stopped,
                told,
            )
        )
    return found


def state(name: str, reading: mirrored.Reading, now: datetime.datetime) -> ResourceState:
    """How far a resource was read. `name`: Xero's spelling."""
    at = reading.caught_up_at
    lag_s = None if at is None else max(0.0, round((now - at).total_seconds(), 1))
    return ResourceState(slug(name), at, lag_s, reading.since is not None)


def slug(name: str) -> str:
    """A resource as addresses spell it: "BankTransactions" is "bank-transactions"."""
    return "".join(f"-{one.lower()}" if one.isupper() and place else one.lower() for place, one in enumerate(name))
