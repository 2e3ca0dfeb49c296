"""What figures stand on: which resources were read and when, the organisation's own day, and documents in small lots.

Called by owed and cash. A resource that was never read whole refuses the figure: a sum that lacks a part of the ledger is
no sum. Memory: one lot of documents; other work gets its turn between two.
"""

import datetime
import zoneinfo
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.model import spelling, time_zones
from counterfoil.model.binding import Binding
from counterfoil.store import mirrored
from counterfoil.store.mirrored import Reading

DAYS_FROM_TODAY_MAX: Final = 36_525  # of a day that is asked for: a century
AT_ONCE: Final = 500  # documents of one read: a few milliseconds, for which others wait


class Fresh(msgspec.Struct, frozen=True):
    """How old what is known of one resource is, by our clock."""

    resource: str
    caught_up_at: datetime.datetime
    lag_s: float


class Basis(msgspec.Struct, frozen=True):
    """What a figure stands on.

    `as_of`: when the resource that was caught up longest ago was; what happened at Xero since may be missing, and what
    moved between two resources between their readings may be half in it. `today` on the calendar of `timezone`; where Xero's
    name for that is not known, UTC stands in and `timezone` is null. `on`: the day to which ages are counted, `today` where
    nobody asked for another. `base_currency`: the organisation's.
    """

    entity: str
    as_of: datetime.datetime
    today: datetime.date
    on: datetime.date
    timezone: str | None
    base_currency: str
    resources: tuple[Fresh, ...]


async def basis(
    books: Any, entity: str, names: Sequence[str], on: datetime.date | None = None
) -> tuple[Basis, Binding]:  # fmt: skip
    """What a figure of these resources stands on. `on` None: the organisation's today. No call.

    Raises NotFound for an entity that the configuration has not, NoBinding, NotRead when one of them was never read whole,
    InputError for a day that is DAYS_FROM_TODAY_MAX away.
    """
    bound = await _binding(books, entity)
    readings = {one.resource: one for one in await books.database.read(mirrored.readings) if _is_of(one, bound)}
    missing = [name for name in names if name not in readings or readings[name].since is None]
    if missing:
        several = len(missing) > 1
        raise errors.NotRead(
            f"{_joined(missing)} of {entity} {'were' if several else 'was'} never read.",
            remedy=f"Run `counterfoil sync {entity}`. What that leaves out is named in [mirror] resources first, and "
            "`counterfoil connect` asks for its scope.",
            resources=tuple(missing),
        )
    now = books.clock.now()
    clock = zone(books, entity, bound)
    fresh = tuple(_fresh(readings[name], now) for name in names)
    today = now.astimezone(clock or datetime.UTC).date()
    if on is not None and abs((on - today).days) > DAYS_FROM_TODAY_MAX:
        raise errors.InputError(f"{on} is too far from today.", remedy="Ask for a day of this century.", field="on")
    return Basis(
        entity, min(one.caught_up_at for one in fresh), today, on or today,
        clock.key if clock is not None else None, bound.fingerprint.base_currency, fresh,
    ), bound  # fmt: skip


async def _binding(books: Any, entity: str) -> Binding:
    if entity not in books.settings.entities:
        raise errors.NotFound(
            f"There is no entity {entity!r}.", remedy=spelling.suggestion(entity, books.settings.entities)
        )
    found: Binding = await books.binding(entity)
    return found


def _is_of(one: Reading, bound: Binding) -> bool:
    return one.tenant_id == bound.tenant_id


def zone(books: Any, entity: str, bound: Binding) -> zoneinfo.ZoneInfo | None:
    """The calendar of an entity's organisation; None: Xero's name for it is not known, and UTC stands in."""
    written = books.settings.entities[entity].timezone
    return zoneinfo.ZoneInfo(written) if written else time_zones.zone(bound.timezone)


def _fresh(one: Reading, now: datetime.datetime) -> Fresh:
    assert one.caught_up_at is not None, "what was read whole says when"
    lag = max(now - one.caught_up_at, datetime.timedelta())
    return Fresh(one.resource, one.caught_up_at, round(lag.total_seconds(), 1))


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


async def lots(books: Any, tenant_id: str, resource: str) -> AsyncIterator[Sequence[tuple[str, bytes]]]:
    """(id, JSON) of a resource's documents that are in force, in lots, by id: each once, as it is when its turn comes."""
    after = ""
    while True:
        rows: list[tuple[str, bytes]] = await books.database.read(
            lambda conn, after=after: mirrored.in_force(conn, tenant_id, resource, after=after, most=AT_ONCE)
        )
        if rows:
            yield rows
        if len(rows) < AT_ONCE:
            return
        after = rows[-1][0]


def unreadable(resource: str, cause: msgspec.MsgspecError) -> errors.StoreError:
    """A document of the copy that nobody can read: a mistake of the copy, not of who asked."""
    told = str(cause).partition("\n")[0]
    return errors.StoreError(
        f"The copy's {resource} cannot be read: {told}.", remedy="Run `counterfoil sync --full`, which reads them anew."
    )
