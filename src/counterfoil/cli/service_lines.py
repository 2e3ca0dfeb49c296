"""The service, for people: whether it runs, when each flow runs next, how an import stands.

Called by status and serve.
"""

import datetime
import zoneinfo
from collections.abc import Sequence
from typing import TYPE_CHECKING

from counterfoil.cli import table

if TYPE_CHECKING:
    from counterfoil.app.progress import Progress
    from counterfoil.app.serving import Scheduled
    from counterfoil.app.serving.health import Read
    from counterfoil.app.standing import Standing
    from counterfoil.cli.screen import Screen
    from counterfoil.store.inbox_counts import Heard


def show(screen: "Screen", standing: "Standing") -> None:
    """What `status` says of it; nothing where no flow has a schedule and nothing is open."""
    for one in standing.services:
        screen.line(f"{one.kind} runs on {one.host} (process {one.pid}) since {one.started_at:%Y-%m-%d %H:%M} UTC")
    if standing.schedules and not any(one.kind == "serve" for one in standing.services):
        screen.line("Nothing runs by itself now: `counterfoil serve` does not run.")
    schedules(screen, standing.schedules)
    for flow in standing.schedules:
        if flow.reading is not None:
            screen.line(reads(flow.flow, flow.reading))
    for way in standing.progress:
        screen.line(_under_way(way))
    if standing.webhooks is not None:
        screen.line(_webhooks(standing.webhooks))
        if standing.webhooks.waiting and not (standing.mirror or standing.feeds):
            screen.line(
                "  Nothing is kept of what they tell of: `counterfoil sync` begins it, or name it in [mirror] resources."
            )


def _webhooks(heard: "Heard") -> str:
    last = f", last {heard.last_good:%Y-%m-%d %H:%M} UTC" if heard.last_good else ""
    within = heard.arrived.within_s(95)
    lag = f", 95 % within {within:,} s of their write" if within is not None else ""
    waits = f"; {table.count(heard.waiting, 'category', 'categories')} to be looked at" if heard.waiting else ""
    failing = f"; NOTHING TAKEN since {heard.failing_since:%Y-%m-%d %H:%M} UTC" if heard.failing_since else ""
    return f"Xero's webhooks: {table.count(heard.events, 'event')}{last}{lag}{waits}{failing}"


def reads(flow: str, one: "Read") -> str:
    """How far the reading of a flow's source is."""
    percent = "" if one.percent is None else f", {one.percent} % of the source read"
    passed = f" ({one.passed:,} of them before a restart)" if one.passed else ""
    return f"{flow} is being read since {one.since:%H:%M:%S} UTC: {table.count(one.records, 'record')} planned{passed}{percent}"


def _under_way(one: "Progress") -> str:
    pace = "" if one.per_minute is None else f", {one.per_minute:,} a minute"
    window = "" if one.window is None else f", window {one.window}"
    day = "" if one.day_left is None else f" of {one.day_left:,} that are left today"
    waits = "" if one.waits_until is None else f"; waits until {one.waits_until:%Y-%m-%d %H:%M} UTC"
    why = f": {table.harmless(one.why)}" if one.why else ""
    left = "" if one.seconds_left is None else f"; about {_span(one.seconds_left)} to go"
    more = f", and more while {' and '.join(one.reading)} is read" if one.reading else ""
    calls = table.count(one.calls_left, "call")
    return f"{one.entity}: {one.left:,} still to be sent, {calls}{day}{pace}, lane {one.lane}{window}{left}{more}{waits}{why}"


def _span(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} days"


def schedules(screen: "Screen", found: "Sequence[Scheduled]") -> None:
    """When each flow runs next, on its own clock."""
    rows = [
        [one.flow, one.schedule, one.window or "", one.lane, _local(one.last, one.zone), _next(one)] for one in found
    ]
    if rows:
        screen.table(["FLOW", "SCHEDULE", "WINDOW", "LANE", "LAST", "NEXT"], rows)


def _next(one: "Scheduled") -> str:
    return "now" if one.running else _local(one.next, one.zone) if one.next is not None else one.why or ""


def _local(at: datetime.datetime | None, zone: str | None) -> str:
    return "" if at is None else f"{at.astimezone(zoneinfo.ZoneInfo(zone or 'UTC')):%Y-%m-%d %H:%M %Z}"
