"""What this month's calls and data come to, as `status` shows it: a table, the price, the caps, what would save some."""

from typing import TYPE_CHECKING

from counterfoil.cli import table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counterfoil.app.advice import Advice
    from counterfoil.app.costs import Costs, Price, Share
    from counterfoil.app.forecasting import Forecast


def show(screen: Screen, costs: "Costs", advice: "Sequence[Advice]") -> None:
    """Nothing, while nothing was ever called."""
    if costs.since is None:
        return
    screen.line()
    screen.line(f"Calls and data of {costs.month} (UTC), counted since {costs.since}:")
    heads = ["", "CALLS TODAY", "OF THE DAY", "CALLS", "READ TODAY", "READ"]
    rows = [[one.name or "none bound", *_row(one)] for one in costs.entities]
    rows += [[f"flow {one.name}" if one.name else "no one flow", *_row(one)] for one in costs.flows]
    screen.table(heads, rows, right=range(1, len(heads)))
    for text in (_forecast(costs), _price(costs), *costs.near):
        if text:
            screen.line(text)
    if costs.refused_today or costs.failed_today:
        screen.line(f"Today {costs.refused_today:,} calls were refused as too many, {costs.failed_today:,} failed.")
    for one in advice:
        screen.line(f"To save: {table.harmless(one.text)}")


def _row(one: "Share") -> list[str]:
    from counterfoil.app.costs import size

    percent = "" if one.day_percent is None else f"{one.day_percent} %"
    return [f"{one.calls_today:,}", percent, f"{one.calls_month:,}", size(one.bytes_today), size(one.bytes_month)]


def _forecast(costs: "Costs") -> str:
    from counterfoil.app.costs import size

    said = f"This month so far: {costs.calls.so_far:,} calls, {size(costs.reads.so_far)} read"
    if costs.calls.at_end is None or costs.reads.at_end is None:
        return f"{said}; what it will be is told after a whole day."
    return f"{said}; at its end {costs.calls.at_end:,} calls, {size(costs.reads.at_end)}{_roughly(costs.calls)}."


def _roughly(forecast: "Forecast") -> str:
    return f" (roughly, from {table.count(forecast.days, 'whole day')})" if forecast.is_rough else ""


def _price(costs: "Costs") -> str:
    price = costs.price_at_end or costs.price
    if price is None:
        return costs.price_note
    included = "" if costs.included_bytes is None else f" with {costs.included_bytes // 1024**3} GiB"
    when = "this month" if costs.price_at_end else "so far"
    custom = "" if costs.fits is None else f"Tier {costs.tier}{included}: "
    return f"{custom}{_amount(price)} {when}. {costs.price_note}"


def _amount(price: "Price") -> str:
    least = table.money(price.least, price.currency)
    return (
        least
        if price.least == price.most
        else f"{least}, {table.money(price.most, price.currency)} if answers to writes count"
    )
