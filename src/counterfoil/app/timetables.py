"""When flows run by themselves and when they may: `every`, `cron`, `window`, `lane`, on the organisation's own clock.

Called by compiling (which reads them, so that a mistake is told with its line), by serving, and by app for the windows of
whatever posts. The clock is the flow's `timezone`, else the entity's, else that of the organisation as it was bound.
"""

import datetime
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from counterfoil import errors
from counterfoil.model import time_zones
from counterfoil.model.lanes import LANES, Lane
from counterfoil.posting.rules import Closed
from counterfoil.runtime import schedules, windows
from counterfoil.runtime.schedules import Schedule
from counterfoil.runtime.windows import Window
from counterfoil.settings import FlowSettings, Settings
from counterfoil.store import bindings, runs
from counterfoil.store.database import Connection

UTC = "UTC"  # stands in where only the form is looked at


class Timetable(msgspec.Struct, frozen=True, kw_only=True):
    """What a flow says of time. `zone`: as the configuration has it; None: the organisation's."""

    table: str
    flow_id: str
    entity: str | None = None
    every: str | None = None
    cron: str | None = None
    window: str | None = None
    lane: Lane | None = None
    zone: str | None = None

    @property
    def text(self) -> str | None:
        """The schedule as it is written; None: it runs on demand."""
        return self.every or self.cron

    @property
    def needs_zone(self) -> bool:
        """Whether the hands of a clock matter to it."""
        return self.cron is not None or self.window is not None

    def schedule(self, zone: str) -> Schedule | None:
        """When it runs, on that clock; None: on demand."""
        if self.every is not None:
            return schedules.every(self.every)
        return None if self.cron is None else schedules.cron(self.cron, zone)

    def opening(self, zone: str) -> Window | None:
        """The hours in which it may run, on that clock; None: all."""
        return None if self.window is None else windows.window(self.window, zone)


def read(flows: Mapping[str, FlowSettings], loaded: Settings, problems: list[str]) -> dict[str, Timetable]:
    """Every flow's timetable; what is wrong with one is added to `problems`, with its line."""
    found: dict[str, Timetable] = {}
    for table, flow in flows.items():
        written = loaded.entities[flow.entity].timezone if flow.entity in loaded.entities else None
        one = Timetable(
            table=table, flow_id=flow.id, entity=flow.entity, every=flow.every, cron=flow.cron, window=flow.window,
            lane=flow.lane, zone=flow.timezone or written,
        )  # fmt: skip
        found[table] = one
        for key, reading in (("every", one.schedule), ("cron", one.schedule), ("window", one.opening)):
            if getattr(one, key) is None:
                continue
            try:
                reading(UTC)
            except ValueError as error:
                at = flow.place(key)
                problems.append(
                    f"{at}: [flows.{table}] `{key}` is {getattr(one, key)!r}, which cannot be read: {error}."
                )
    return found


def zone_of(conn: Connection, one: Timetable) -> str | None:
    """The IANA name of the clock that a flow goes by; None: its organisation is not bound, or Xero's name is not known."""
    if one.zone is not None or one.entity is None:
        return one.zone or UTC
    bound = bindings.get(conn, one.entity)
    found = None if bound is None else time_zones.zone(bound.timezone)
    return None if found is None else found.key


def unknown_zone(one: Timetable) -> errors.ConfigurationError:
    """The refusal of a flow whose clock nobody knows."""
    return errors.ConfigurationError(
        f"[flows.{one.table}] has hours, and the time zone of {one.entity}'s organisation is not known.",
        remedy=f'Bind it (`counterfoil entities bind`), or write timezone = "Europe/London" into [entities.{one.entity}].',
    )


def closed(conn: Connection, timetables: Mapping[str, Timetable], entity: str, now: datetime.datetime) -> Closed:
    """The flows that may send nothing to an entity's organisation now: outside their window, or with an unknown clock."""
    flow_ids: set[str] = set()
    opens: list[datetime.datetime] = []
    for one in timetables.values():
        if one.window is None or one.entity not in (None, entity):
            continue
        zone = zone_of(conn, one)
        window = one.opening(zone) if zone is not None else None
        if window is None or not window.is_open(now):
            flow_ids.add(one.flow_id)
        if window is not None and not window.is_open(now):
            opens.append(window.opens_at(now))
    return Closed(frozenset(flow_ids), min(opens, default=None))


async def lane(books: Any, entity: str, usual: Lane) -> Lane:
    """The lane in which an entity's open postings are sent."""
    if all(one.lane is None for one in books.timetables.values()):
        return usual
    flow_ids = await books.database.read(lambda conn: runs.open_flows(conn, entity))
    return lane_of(books.timetables, flow_ids, usual)


def lane_of(timetables: Mapping[str, Timetable], flow_ids: Collection[str], usual: Lane) -> Lane:
    """The first lane that any of these flows asks for; `usual` where none says."""
    lanes = [one.lane or usual for one in timetables.values() if one.flow_id in flow_ids]
    return min(lanes, key=LANES.index, default=usual)
