"""`counterfoil estimate FILE…`: calls, hours, data and tier of files, before there is any connection.

No call, no consent, no database: a stream of any length in bounded memory.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from counterfoil.cli import session, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.estimating import Estimate

app = session.app()


@app.command()
def estimate(
    context: typer.Context,
    files: list[Path] = typer.Argument(metavar="FILE", help="Records (JSON Lines), or rows that a flow maps."),
    flow: str | None = typer.Option(None, help="The table of [flows] that maps them; default: the only one that fits."),
    times: int = typer.Option(1, min=1, max=100_000, help="How many such loads a month has, for the price."),
) -> None:
    """What files would cost at Xero: calls, hours, data and tier, before any connection."""
    import asyncio

    from counterfoil import settings
    from counterfoil.app import estimating_files
    from counterfoil.app.running import Stage
    from counterfoil.cli import progress
    from counterfoil.runtime.clock import SystemClock
    from counterfoil.sources.files import total_bytes

    now = session.of(context)
    loaded = settings.load(now.config, now.switches.env) if now.config.exists() else None
    size = sum(total_bytes(path) or 0 for path in files)
    with progress.bar(json=now.json) as take:
        found = asyncio.run(
            estimating_files.estimate(
                files, loaded, SystemClock(), flow=flow, times=times,
                progress=lambda read: take(Stage("reading", min(read, size), size)),
            )
        )  # fmt: skip
    now.screen.value(found)
    _show(now.screen, found)
    now.screen.next("counterfoil connect" if loaded else "counterfoil init")


def _show(screen: Screen, found: "Estimate") -> None:
    from counterfoil.app.costs import size

    refused = f", {found.refused:,} of them would be refused" if found.refused else ""
    screen.line(f"{table.count(found.records, 'record')}{refused}.")
    heads = ("ENTITY", "DOCUMENTS", "CUSTOMERS", "PAYMENTS", "CALLS", "TIME", "READ", "ANSWERS TO WRITES")
    rows = [
        [
            one.entity, f"{one.documents:,}", f"{one.contacts:,}", f"{one.payments:,}", f"{one.calls:,}", lasting(one.seconds),
            size(one.read_bytes), size(one.write_bytes),
        ]
        for one in found.entities
    ]  # fmt: skip
    screen.table(heads, rows, right=range(1, len(heads)))
    screen.line()
    days = f", over {found.days:,} days of Xero's daily limit" if found.days > 1 else ""
    screen.line(
        f"The first load: {table.count(found.calls, 'call')}, {lasting(found.seconds)}{days}; "
        f"{size(found.read_bytes)} read, {size(found.write_bytes)} in answers to writes."
    )
    often = "once" if found.times == 1 else f"{found.times:,} times"
    screen.line(f"Tier {found.tier} takes it; a month with it {often}: {_price(found)}.")
    for said in found.assumed:
        screen.line(f"Assumed: {table.harmless(said)}")


def _price(found: "Estimate") -> str:
    if found.price_least is None:
        return "a price on application"
    least = table.money(found.price_least, found.currency)
    most = table.money(found.price_most, found.currency)
    return f"{least} without tax" if least == most else f"{least} without tax, {most} if answers to writes count"


def lasting(seconds: int) -> str:
    """As people say it: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds} s"
    minutes = -(-seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
