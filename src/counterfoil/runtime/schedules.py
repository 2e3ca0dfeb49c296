"""When a flow runs by itself: `every = "15m"` or `cron = "0 6 * * 1-5"`. Pure: the present is handed in.

Called by settings' readers in app and by store/schedules' callers. A run that was missed, because nothing ran here or the
one before took too long, happens once, not once for each time that was missed. Cron reads the organisation's own clock, by
Debian cron's rules for summer time: a time that a clock jumps over comes right after the jump, one that comes twice counts once.
"""

import datetime
import re
import zoneinfo
from typing import Final

import cronsim
import msgspec

EVERY_MIN_S: Final = 60
EVERY_MAX_S: Final = 31 * 86_400
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION: Final = re.compile(r"(\d{1,7})([smhd])")
CRON_FIELDS: Final = 5


class Every(msgspec.Struct, frozen=True):
    """Again so many seconds after the last start."""

    seconds: int


class Cron(msgspec.Struct, frozen=True):
    """At the minutes that a cron expression names, on the clock of `zone` (an IANA name)."""

    expression: str
    zone: str


Schedule = Every | Cron


def every(text: str) -> Every:
    """`"90s"`, `"15m"`, `"2h"`, `"1d"` as a schedule. Raises ValueError with the reason, for people."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("a number and s, m, h or d, such as 15m, is expected")
    seconds = int(match[1]) * _UNITS[match[2]]
    if not EVERY_MIN_S <= seconds <= EVERY_MAX_S:
        raise ValueError("from 60s to 31d is possible")
    return Every(seconds)


def cron(expression: str, zone: str) -> Cron:
    """A cron expression of five fields as a schedule. Raises ValueError with the reason, for people."""
    if len(expression.split()) != CRON_FIELDS:
        raise ValueError("five fields are expected: minute, hour, day, month, day of the week")
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    try:
        next(cronsim.CronSim(expression, start))
    except (cronsim.CronSimError, StopIteration) as error:
        raise ValueError(str(error) or "no day ever matches") from None
    return Cron(expression, zone)


def next_after(schedule: Schedule, last: datetime.datetime) -> datetime.datetime:
    """The first time after `last` (aware), in UTC. `last`: the last start, or since when the schedule is known."""
    if isinstance(schedule, Every):
        return last.astimezone(datetime.UTC) + datetime.timedelta(seconds=schedule.seconds)
    local = last.astimezone(zoneinfo.ZoneInfo(schedule.zone))
    found: datetime.datetime = next(cronsim.CronSim(schedule.expression, local))
    return found.astimezone(datetime.UTC)
