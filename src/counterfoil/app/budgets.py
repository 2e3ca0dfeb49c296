"""Xero's limits of an installation: the pacing built from its configuration, and what each organisation's still hold.

Called by app, which builds the pacing and its clients here, cli (status, doctor) and service (metrics). What is read comes from the
budgets that all processes share and costs no call to Xero.
"""

import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from counterfoil import settings
from counterfoil.model import time_zones
from counterfoil.model.binding import Binding
from counterfoil.model.ports import Clock
from counterfoil.runtime import windows
from counterfoil.store import bindings, grants, limits
from counterfoil.store.database import Database
from counterfoil.xero.client import XeroClient
from counterfoil.xero.pacing import Pacer, limits_of
from counterfoil.xero.places import SECOND, Limits

if TYPE_CHECKING:
    from counterfoil.app import Books

RAPID_TIERS: Final = frozenset({"plus", "advanced", "enterprise"})
RAPID_S: Final = 1_800.0  # how long a new connection has Rapid Sync (facts §2.1)
RAPID_MARGIN_S: Final = 60.0  # we stop so long before, since Xero's clock is not ours
ZONE_CHECKED: Final = "UTC"  # only to read the hours before an organisation is known


def check(loaded: settings.Settings) -> None:
    """Raises ConfigurationError, with the line, for hours of bulk work that cannot be read."""
    pacing = loaded.pacing
    if pacing.bulk_window is not None:
        try:
            windows.window(pacing.bulk_window, ZONE_CHECKED)
        except ValueError as mistake:
            raise settings.misplaced_window(pacing, str(mistake)) from None


def pacer(loaded: settings.Settings, clock: Clock, database: Database) -> Pacer:
    """The pacing of an installation, with its lanes. Raises ConfigurationError as `check`."""
    return Pacer(clock, limits.beside(database), limits=limits_for(loaded))


def limits_for(loaded: settings.Settings) -> Limits:
    """Xero's limits by the app's tier, and what each lane leaves of them. Raises as `check`."""
    check(loaded)
    pacing = loaded.pacing
    return msgspec.structs.replace(
        limits_of(loaded.xero.calls_per_minute, loaded.posting.request_timeout_s + loaded.posting.quiet_s),
        day=pacing.day_limit,
        minute_kept=pacing.minute_kept,
        slots_kept=pacing.slots_kept,
        day_kept=pacing.day_kept,
        offline=round(pacing.offline_s * SECOND),
    )


async def take_over(books: "Books", found: Limits) -> None:
    """Pace by another configuration, which is in force already; each organisation's hours are told anew."""
    books.pacer.take_over(found)
    for binding in await books.database.read(bindings.everything):
        if binding.entity in books.settings.entities:
            await client(books, binding)


async def client(books: "Books", binding: Binding) -> XeroClient:
    """The client of a bound organisation; its hours for bulk work and a Rapid Sync that lasts are told to the pacing."""
    hours = books.settings.pacing.bulk_window
    if hours is not None:
        zone = zone_of(books, binding)
        books.pacer.bulk_hours(binding.tenant_id, windows.window(hours, zone) if zone else None)
    if books.settings.xero.tier in RAPID_TIERS:
        rows = await books.database.read(grants.connections)
        since = next((row.since for row in rows if row.tenant_id == binding.tenant_id), None)
        if since is not None:
            passed_s = (books.clock.now() - since).total_seconds()
            if passed_s >= 0:
                books.pacer.lift(binding.tenant_id, RAPID_S - RAPID_MARGIN_S - passed_s)
    return books.access.client(binding)


def zone_of(books: "Books", binding: Binding) -> str | None:
    """The organisation's time zone by its IANA name; None: Xero's name for it is not known, and none is configured."""
    entity = books.settings.entities.get(binding.entity)
    if entity is not None and entity.timezone:
        return entity.timezone
    found = time_zones.zone(binding.timezone)
    return None if found is None else found.key


def is_without_hours(books: "Books", binding: Binding) -> bool:
    """Whether `bulk_window` does not hold an organisation's bulk work, since its time zone is not known."""
    return books.settings.pacing.bulk_window is not None and zone_of(books, binding) is None


class Waits(msgspec.Struct, frozen=True):
    """Why calls to one of an organisation's APIs wait. `api`: "" for all of them; `why`: for people."""

    api: str
    why: str
    until: datetime.datetime


class TenantBudget(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation's budgets now. Instants are UTC; None: nobody knows (yet)."""

    entity: str
    tenant_id: str
    organisation: str
    minute_used: int
    minute_limit: int
    slots_used: int
    slots_limit: int
    day_used: int | None  # by everybody who calls with this app, as Xero said
    day_left: int | None
    day_limit: int
    day_resets_at: datetime.datetime | None  # by then at the latest
    day_runs_out_at: datetime.datetime | None  # at the pace of the last hour; None: it lasts
    rapid_until: datetime.datetime | None = None  # Rapid Sync: the minute and the day do not count
    waits: tuple[Waits, ...] = ()
    without_hours: bool = False  # `bulk_window` does not hold bulk work there, since nobody knows its clock


async def budgets(books: "Books") -> list[TenantBudget]:
    """The budgets of every bound organisation, by entity. No call to Xero. Raises StoreError."""
    bound = await books.database.read(bindings.everything)
    standings = await books.pacer.standings([binding.tenant_id for binding in bound])
    found = []
    for binding in bound:
        one = standings[binding.tenant_id]
        found.append(
            TenantBudget(
                entity=binding.entity,
                tenant_id=binding.tenant_id,
                organisation=binding.fingerprint.name,
                minute_used=one.minute_used,
                minute_limit=one.minute_limit,
                slots_used=one.slots_used,
                slots_limit=one.slots_limit,
                day_used=None if one.day_left is None else max(0, one.day_limit - one.day_left),
                day_left=one.day_left,
                day_limit=one.day_limit,
                day_resets_at=one.day_resets_at,
                day_runs_out_at=one.day_runs_out_at,
                rapid_until=one.rapid_until,
                waits=tuple(Waits(wait.api, wait.why, wait.until) for wait in one.waits),
                without_hours=is_without_hours(books, binding),
            )
        )
    return found
