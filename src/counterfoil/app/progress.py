"""How a big import stands: what is left, how fast it goes, what Xero's limits and its window leave, and the honest time.

Called by standing (`status`) and by whoever shows an import. From our own tables; no call. The time left is the longest of three:
what the last minutes' pace needs, what a minute's calls allow, and the days that a day's calls need, plus the hours in which
the flows' windows are shut.
"""

import datetime
import math
from typing import Any, Final

import msgspec

from counterfoil.app import places, timetables
from counterfoil.app.budgets import budgets
from counterfoil.app.timetables import Timetable
from counterfoil.model.binding import Binding
from counterfoil.posting import kinds
from counterfoil.runtime.windows import Window
from counterfoil.store import bindings, throughput, waits
from counterfoil.store.database import Connection
from counterfoil.store.throughput import Sent
from counterfoil.store.waits import Wait

LOOK_BACK: Final = datetime.timedelta(minutes=5)
PACE_MIN: Final = 1 / 6  # of a minute: a pace is told from ten seconds at least
DAY_S: Final = 86_400.0
OPENINGS_MAX: Final = 60  # windows are followed so far

Counts = dict[tuple[str, str], int]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """An entity's open postings. `per_minute`: documents and contacts lately, None: none. `seconds_left` None: nobody knows.

    `reading`: flows whose source is still being planned, so that more will come; `seconds_left` counts what is planned.
    `calls_left` to Xero as things stand; `waits_until` and `why`: what it waits for now; `flows`: whose they are.
    """

    entity: str
    left: int
    flows: tuple[str, ...]
    lane: str
    window: str | None
    per_minute: int | None
    calls_left: int
    day_left: int | None  # calls that Xero takes today, as far as is known
    waits_until: datetime.datetime | None
    why: str | None
    seconds_left: int | None
    reading: tuple[str, ...] = ()


class Day(msgspec.Struct, frozen=True):
    """What a day's limit still holds of all that it allows, in calls."""

    left: int
    limit: int


async def progress(books: Any) -> list[Progress]:
    """Every entity with something left, by name. Raises StoreError."""
    days = {one.entity: Day(one.day_left, one.day_limit) for one in await budgets(books) if one.day_left is not None}

    def look(conn: Connection) -> list[Progress]:
        now = books.database.now(conn)
        waiting = waits.of_kind(conn, "postings")
        read = frozenset(places.everywhere(conn))
        found = []
        for bound in bindings.everything(conn):
            counts = throughput.left(conn, bound.tenant_id)
            if counts:
                day = days.get(bound.entity)
                found.append(_one(conn, books, bound, counts, waiting.get(bound.entity), day, now, read))
        return found

    result: list[Progress] = await books.database.read(look)
    return result


def _one(
    conn: Connection, books: Any, bound: Binding, counts: Counts, wait: Wait | None, day: Day | None,
    now: datetime.datetime, read: frozenset[str],
) -> Progress:  # fmt: skip
    flow_ids = {flow_id for flow_id, _resource in counts if flow_id}
    left, calls = sum(counts.values()), calls_for(counts, books.rules.batch)
    per_minute = _pace(throughput.sent_since(conn, bound.tenant_id, now - LOOK_BACK), now)
    until, why = (wait.until, wait.why) if wait is not None and wait.until > now else (None, None)
    seconds = needed_s(calls, left, per_minute, books.settings.xero.calls_per_minute, day)
    timed = [one for one in books.timetables.values() if one.flow_id in flow_ids and one.window is not None]
    window = _window(conn, timed[0]) if timed else None
    total_s: float | None
    if window is not None:
        total_s = in_window_s(window, until or now, seconds, now)
    else:
        total_s = None if timed else ((until or now) - now).total_seconds() + seconds
    return Progress(
        entity=bound.entity, left=left, flows=tuple(sorted(books.flow_name(one) for one in flow_ids)),
        lane=timetables.lane_of(books.timetables, flow_ids, "sync"), window=timed[0].window if timed else None,
        per_minute=per_minute, calls_left=calls, day_left=day.left if day else None, waits_until=until, why=why,
        seconds_left=None if total_s is None else math.ceil(total_s),
        reading=tuple(sorted(books.flow_name(one) for one in flow_ids & read)),
    )  # fmt: skip


def _pace(sent: Sent, now: datetime.datetime) -> int | None:
    """Documents and contacts a minute; None: nothing went lately."""
    if sent.first is None or not sent.items:
        return None
    return max(1, round(sent.items / max((now - sent.first).total_seconds() / 60, PACE_MIN)))


def _window(conn: Connection, one: Timetable) -> Window | None:
    zone = timetables.zone_of(conn, one)
    return None if zone is None else one.opening(zone)


def calls_for(counts: Counts, batch: int) -> int:
    """Calls that so many postings need: full requests, but for allocations, which go one by one."""
    return sum(
        math.ceil(count / (1 if resource == kinds.ALLOCATION.resource else batch))
        for (_flow_id, resource), count in _by_resource(counts).items()
    )


def _by_resource(counts: Counts) -> Counts:
    found: Counts = {}
    for (_flow_id, resource), count in counts.items():
        found["", resource] = found.get(("", resource), 0) + count
    return found


def needed_s(calls: int, left: int, per_minute: int | None, calls_per_minute: int, day: Day | None) -> float:
    """The longest of what the pace, the minute's limit and the day's limit need. Of a day's end nobody knows the hour: a whole day."""
    needed = [60 * calls / calls_per_minute]
    if per_minute is not None:
        needed.append(60 * left / per_minute)
    if day is not None and calls > day.left:
        needed.append(math.ceil((calls - day.left) / max(day.limit, 1)) * DAY_S)
    return max(needed)


def in_window_s(window: Window, begins: datetime.datetime, seconds: float, now: datetime.datetime) -> float:
    """The seconds from `now` until so many seconds of open window have passed from `begins` on; at most OPENINGS_MAX windows on."""
    at, left = begins, seconds
    for _ in range(OPENINGS_MAX):
        at = window.opens_at(at)
        closes = window.closes_at(at)
        assert closes is not None, "it opened just now"
        open_s = (closes - at).total_seconds()
        if left <= open_s:
            return (at - now).total_seconds() + left
        left -= open_s
        at = closes
    return (at - now).total_seconds()
