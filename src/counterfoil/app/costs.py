"""What this month costs at Xero, and will: use against the tier's volume, caps and price; and the cheapest tier for it.

Called by standing, and watching once a day. Prices are those of model/tiers; usage is what the meter kept. Whether answers to
writes are charged for is not known (facts §11.12), so a price is a pair: without them, and with them. No call to Xero.
"""

import datetime
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from counterfoil.access import caps
from counterfoil.app import forecasting, usage
from counterfoil.app.forecasting import Forecast
from counterfoil.app.usage import Usage
from counterfoil.model import tiers
from counterfoil.store import bindings, grants, notices
from counterfoil.store import usage as stored
from counterfoil.store.database import Connection

CAP: Final = "cap"  # a kind of notice; here its subject is the client id's egress
NEAR: Final = 80  # per cent of what a tier includes
HEADROOM: Final = 125  # per cent of the busiest day's calls, which a tier is to have room for


class Price(msgspec.Struct, frozen=True):
    """A month's price: `least` when only reads are charged for, `most` when answers to writes are too."""

    least: Decimal
    most: Decimal
    currency: str


class Share(msgspec.Struct, frozen=True):
    """What one entity (all flows) or one flow (all entities) used: today and this month, both UTC. Bytes are of reads."""

    name: str
    calls_today: int
    calls_month: int
    bytes_today: int
    bytes_month: int
    day_percent: int | None = None  # of the calls that Xero allows an organisation a day; None: of a flow


class Costs(msgspec.Struct, frozen=True):
    """This month (UTC) as far as this installation counted it, from `since` on (None: nothing yet).

    `calls`, `reads`, `writes`: calls, bytes of reads and of answers to writes, with their forecasts. `price`: so far and
    `price_at_end`; None: on application, or too early to say. `price_note`: what the price is or leaves out. `fits`: the
    cheapest tier for this use, None for a custom connection, which is in none. `near`: the caps that are nearly reached, in
    sentences.
    """

    month: str
    since: datetime.date | None
    tier: str
    connections: int
    connections_max: int | None
    calls: Forecast
    reads: Forecast
    writes: Forecast
    included_bytes: int | None
    price: Price | None
    price_at_end: Price | None
    price_note: str
    fits: str | None
    fits_price: Decimal | None
    near: tuple[str, ...]
    entities: tuple[Share, ...]
    flows: tuple[Share, ...]
    failed_today: int = 0
    refused_today: int = 0
    prices_read_on: datetime.date = tiers.READ_ON


async def costs(books: Any, rows: Sequence[Usage] | None = None) -> Costs:
    """What this month costs. `rows`: what `used` gave, if it was asked already. Raises StoreError."""
    today = books.clock.now().date()
    rows = await used(books) if rows is None else rows
    client_id = books.settings.xero.client_id
    first, connected, countries = await books.database.read(lambda conn: _known(conn, client_id))
    return _costs(books.settings.xero, rows, first, today, connected, countries)


async def used(books: Any) -> list[Usage]:
    """All usage that this month's costs and their forecast stand on. Raises StoreError."""
    today = books.clock.now().date()
    since = min(today.replace(day=1), today - forecasting.LOOKED_BACK)
    return await usage.usage(books, since)


def _known(conn: Connection, client_id: str) -> tuple[datetime.date | None, int, list[str]]:
    live = {grant.id for grant in grants.usable(conn, client_id)}
    connected = {one.tenant_id for one in grants.connections(conn) if one.grant_id in live}
    bound = bindings.everything(conn)
    countries = [one.fingerprint.country for one in bound]
    return stored.first_day(conn), len(connected | {one.tenant_id for one in bound}), countries


def _costs(
    xero: Any, rows: Sequence[Usage], first: datetime.date | None, today: datetime.date, connected: int,
    countries: Sequence[str],
) -> Costs:  # fmt: skip
    tier = tiers.BY_NAME[xero.tier]
    calls = _forecast(rows, lambda one: one.calls if one.tenant_id else 0, first, today)
    reads = _forecast(rows, lambda one: one.read_bytes if one.is_egress else 0, first, today)
    writes = _forecast(rows, lambda one: one.write_bytes if one.is_egress else 0, first, today)
    of_today = [one for one in rows if one.day == today]
    month = [one for one in rows if (one.day.year, one.day.month) == (today.year, today.month)]
    told: dict[str, Any] = {
        "month": f"{today:%Y-%m}", "since": max(first, today.replace(day=1)) if first else None, "tier": tier.name,
        "connections": connected, "calls": calls, "reads": reads, "writes": writes,
        "entities": _shares(month, today, lambda one: one.entity, tier.calls_per_day),
        "flows": _shares(month, today, lambda one: one.flow, None),
        "failed_today": sum(one.failed for one in of_today), "refused_today": sum(one.refused for one in of_today),
    }  # fmt: skip
    if xero.kind == "custom":
        price, note = _custom(countries)
        return Costs(
            **told, connections_max=None, included_bytes=None, price=price, price_at_end=price, price_note=note,
            fits=None, fits_price=None, near=(),
        )  # fmt: skip
    likely = reads.at_end if reads.at_end is not None else reads.so_far
    fits = tiers.fitting(connected, busiest(rows) * HEADROOM // 100, likely)
    return Costs(
        **told, connections_max=tier.connections, included_bytes=tier.included_bytes,
        price=_price(tier, reads.so_far, writes.so_far), price_at_end=_at_end(tier, reads, writes), price_note=_note(tier, is_live=xero.is_live),
        fits=fits.name, fits_price=fits.price(likely), near=_near(tier, connected, likely),
    )  # fmt: skip


def _forecast(
    rows: Sequence[Usage], amount: Callable[[Usage], int], first: datetime.date | None, today: datetime.date
) -> Forecast:
    by_day: dict[datetime.date, int] = {}
    for one in rows:
        by_day[one.day] = by_day.get(one.day, 0) + amount(one)
    return forecasting.of_month(by_day, first, today)


def busiest(rows: Sequence[Usage]) -> int:
    """The calls of the busiest organisation on its busiest day."""
    found: dict[tuple[str, datetime.date], int] = {}
    for one in rows:
        if one.tenant_id:
            found[one.tenant_id, one.day] = found.get((one.tenant_id, one.day), 0) + one.calls
    return max(found.values(), default=0)


def _shares(
    month: Sequence[Usage], today: datetime.date, name: Callable[[Usage], str | None], most: int | None
) -> tuple[Share, ...]:
    by_name: dict[str, list[Usage]] = {}
    for one in month:
        if one.tenant_id:
            by_name.setdefault(name(one) or "", []).append(one)
    return tuple(_share(key, by_name[key], today, most) for key in sorted(by_name))


def _share(name: str, rows: Sequence[Usage], today: datetime.date, most: int | None) -> Share:
    now = [one for one in rows if one.day == today]
    calls = sum(one.calls for one in now)
    return Share(
        name, calls, sum(one.calls for one in rows), _egress(now), _egress(rows),
        None if most is None or not name else calls * 100 // most,
    )  # fmt: skip


def _egress(rows: Sequence[Usage]) -> int:
    return sum(one.read_bytes for one in rows if one.is_egress)


def _price(tier: tiers.Tier, reads: int, writes: int) -> Price | None:
    least, most = tier.price(reads), tier.price(reads + writes)
    return None if least is None or most is None else Price(least, most, tiers.CURRENCY)


def _at_end(tier: tiers.Tier, reads: Forecast, writes: Forecast) -> Price | None:
    if reads.at_end is None or writes.at_end is None:
        return None
    return _price(tier, reads.at_end, writes.at_end)


def _note(tier: tiers.Tier, *, is_live: bool) -> str:
    if tier.fee is None:
        return "Xero gives the price of this tier on application."
    said = "Without tax, for the whole app: what other installations with its client id draw is not in it."
    return said if is_live else f"{said} This is no Xero that charges: it would be so there."


def _custom(countries: Sequence[str]) -> tuple[Price | None, str]:
    """A custom connection has one organisation, whose country says what it costs."""
    known = tiers.CUSTOM.get(countries[0]) if len(countries) == 1 else None
    if known is None:
        return None, "A custom connection is in no tier; Xero charges for it by organisation and country."
    amount, currency, tax = known
    return Price(
        amount, amount, currency
    ), f"A custom connection, {tax}: in no tier, and its egress is not charged for."


def _near(tier: tiers.Tier, connected: int, egress_bytes: int) -> tuple[str, ...]:
    cap = caps.of(tier.name, connected)
    near = [f"{cap.message} {cap.remedy}"] if cap.is_near else []
    return (*near, said) if (said := _volume_near(tier, egress_bytes)) else tuple(near)


def _volume_near(tier: tiers.Tier, egress_bytes: int) -> str:
    included = tier.included_bytes
    if included is None or tier.over is None or egress_bytes * 100 < included * NEAR:
        return ""
    return (
        f"This month comes to {size(egress_bytes)} of the {tier.included_gib} GiB that the {tier.name} tier includes; "
        f"each GiB over it costs {tier.over} {tiers.CURRENCY}."
    )


async def tell_near(books: Any) -> None:
    """Tell whom it concerns that the month's egress is nearly what the tier includes, or that it no longer is."""
    found = await costs(books)
    likely = found.reads.at_end if found.reads.at_end is not None else found.reads.so_far
    said = _volume_near(tiers.BY_NAME[found.tier], likely) if found.fits else ""
    subject = f"{books.settings.xero.client_id}/egress"

    def tell(conn: Connection) -> None:
        now = books.database.now(conn)
        if said:
            notices.tell(
                conn, CAP, subject, message=said, remedy="See `counterfoil status` for what draws it.", now=now
            )
        else:
            notices.over(conn, CAP, subject, now=now)

    await books.database.run(tell)


def size(amount: int) -> str:
    """Bytes for people: "820 B", "12.4 KiB", "3.1 MiB", "9.60 GiB"."""
    if amount < 1024:
        return f"{amount} B"
    if amount < 1024**2:
        return f"{Decimal(amount) / 1024:,.1f} KiB"
    if amount < tiers.GIB:
        return f"{Decimal(amount) / 1024**2:,.1f} MiB"
    return f"{Decimal(amount) / tiers.GIB:,.2f} GiB"
