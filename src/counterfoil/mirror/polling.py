"""When each resource is asked for next: often where something happened lately, seldom where nothing does.

Called by app (the service). Pure: readings, a day's calls and an instant in, instants out. Totals per organisation and day, when
nothing happens: at most 1,200 calls where the tier gives 5,000 a day, at most 300 where it gives 1,000 (design §3.5; tiers:
xero-facts §2.4); with much happening never more than SHARE percent of the day. The weekly walk comes on top: 1 call per 1,000 documents.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from counterfoil.mirror.described import BY_NAME
from counterfoil.store.mirrored import Reading

DAY: Final = datetime.timedelta(days=1)
HOUR: Final = datetime.timedelta(hours=1)
WEEK: Final = datetime.timedelta(days=7)
SHARE: Final = 70  # percent of a day's calls; posting has its reserves besides (xero/pacing)
SMALL_DAY: Final = 1_000  # calls: the starter tier


class Pace(msgspec.Struct, frozen=True):
    """How long until the next look: after a change within the hour, within the day, and otherwise."""

    hour: datetime.timedelta
    day: datetime.timedelta
    idle: datetime.timedelta


USUAL: Final = Pace(datetime.timedelta(minutes=2), datetime.timedelta(minutes=4), datetime.timedelta(minutes=15))
SMALL: Final = Pace(datetime.timedelta(minutes=10), datetime.timedelta(minutes=25), datetime.timedelta(minutes=60))


def due(
    names: Sequence[str], readings: Mapping[str, Reading], calls_per_day: int, now: datetime.datetime
) -> dict[str, datetime.datetime]:
    """When each of these resources is to be caught up next; what was never read is due now. In the order of `names`."""
    waits = {name: _wait(name, readings.get(name), calls_per_day, now) for name in names}
    planned = sum(-(-DAY // wait) for wait in waits.values())
    most = max(1, calls_per_day * SHARE // 100)
    stretched = max(planned, most)
    found = {}
    for name, wait in waits.items():
        last = _last(readings.get(name), now)
        found[name] = now if last is None else last + wait * stretched // most
    return found


def walk_due(name: str, reading: Reading | None, now: datetime.datetime) -> bool:
    """Whether all of a paged resource is to be looked at again: a week after the last time that all of it was read.

    Also when that was in the future, by a clock that was put back since.
    """
    if reading is None or reading.since is None or BY_NAME[name].page_size is None:
        return False
    listed = reading.listed_at
    return listed is None or now - listed >= WEEK or listed - now >= HOUR  # an hour: machines may differ


def _wait(name: str, reading: Reading | None, calls_per_day: int, now: datetime.datetime) -> datetime.timedelta:
    if BY_NAME[name].is_setting:
        return DAY
    pace = SMALL if calls_per_day <= SMALL_DAY else USUAL
    changed = None if reading is None else reading.changed_at
    if changed is None or now - changed >= DAY or changed - now >= HOUR:  # a clock was put back
        return pace.idle
    return pace.hour if now - changed < HOUR else pace.day


def _last(reading: Reading | None, now: datetime.datetime) -> datetime.datetime | None:
    """When it was caught up last; None: never, or an unfinished reading waits, or the clock was put back."""
    if reading is None or reading.caught_up_at is None or reading.began_at is not None:
        return None
    return reading.caught_up_at if reading.caught_up_at <= now else None
