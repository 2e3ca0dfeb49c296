"""Windows: the hours in which bulk work may run, on the organisation's own clock. Pure: the present is handed in.

`"22:00-06:00"` every day, `"sat,sun 00:00-24:00"`, `"mon-fri 20:00-06:00"`; several with a semicolon between. A window belongs to the
day on which it opens. Where a clock jumps over its opening, it opens right after the jump; where an hour comes twice, a window opens
at the first of the two and closes at the last, so that it is never shorter than it says. One that lies wholly in an hour that
is jumped over does not open that day.
"""

import datetime
import re
import zoneinfo
from typing import Final

import msgspec

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WINDOWS_MAX: Final = 20
_PART: Final = re.compile(r"(?:([a-z,-]+)\s+)?(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_DAY: Final = 24 * 60
_NEAR: Final = 1  # what is open at an instant opened on its day or on the one before
_FAR: Final = 15  # a day of the week, and once more where the clock jumped over the first


class _Hours(msgspec.Struct, frozen=True):
    """Minutes of the day; `close` <= `open` reaches into the next day."""

    days: frozenset[int]
    open: int
    close: int


class Window(msgspec.Struct, frozen=True):
    """When work may run. `zone` is an IANA name."""

    hours: tuple[_Hours, ...]
    zone: str

    def is_open(self, now: datetime.datetime) -> bool:
        """True when `now` (aware) lies in it. The instant at which it closes does not."""
        return self.closes_at(now) is not None

    def closes_at(self, now: datetime.datetime) -> datetime.datetime | None:
        """The end, in UTC, of what is open now; None: it is not open. Windows that touch each other are one."""
        end: datetime.datetime | None = None
        at = now
        for _ in range(WINDOWS_MAX):
            later = [close for opens, close in self._around(at, _NEAR) if opens <= at < close]
            if not later:
                break
            end = at = max(later)
        return end

    def opens_at(self, now: datetime.datetime) -> datetime.datetime:
        """The first instant from `now` on at which it is open, in UTC."""
        if self.is_open(now):
            return now.astimezone(datetime.UTC)
        return min(opens for opens, _close in self._around(now, _FAR) if opens > now)

    def _around(self, now: datetime.datetime, days: int) -> list[tuple[datetime.datetime, datetime.datetime]]:
        """What opens from the day before to so many days after, as (opens, closes) in UTC."""
        zone = zoneinfo.ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        found = []
        for offset in range(-1, days + 1):
            day = today + datetime.timedelta(days=offset)
            for one in self.hours:
                if day.weekday() in one.days:
                    close = one.close if one.close > one.open else one.close + _DAY
                    found.append((_instant(day, one.open, zone, fold=0), _instant(day, close, zone, fold=1)))
        return [(opens, closes) for opens, closes in found if closes > opens]  # the clock may jump over all of it


def window(text: str, zone: str) -> Window:
    """A window as people write it. Raises ValueError with the reason, for people."""
    parts = [part.strip().lower() for part in text.split(";") if part.strip()]
    if not 1 <= len(parts) <= WINDOWS_MAX:
        raise ValueError("hours such as 22:00-06:00 are expected")
    return Window(tuple(_hours(part) for part in parts), zone)


def _hours(part: str) -> _Hours:
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError(f"{part[:40]!r} is not like 22:00-06:00 or mon-fri 20:00-06:00")
    opens, closes = _minute(match[2], match[3]), _minute(match[4], match[5])
    if opens in (_DAY, closes):
        raise ValueError(f"{part[:40]!r} never opens; all day is 00:00-24:00")
    return _Hours(_days(match[1]) if match[1] else frozenset(range(7)), opens, closes)


def _minute(hour: str, minute: str) -> int:
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > _DAY:
        raise ValueError(f"{hour}:{minute} is no time of a day")
    return found


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"{part[:20]!r} is no day; mon to sun are")
        start, end = DAYS.index(first), DAYS.index(last if dash else first)
        found.update((start + n) % 7 for n in range((end - start) % 7 + 1))
    return frozenset(found)


def _instant(day: datetime.date, minute: int, zone: zoneinfo.ZoneInfo, *, fold: int) -> datetime.datetime:
    """A wall clock's time in UTC; of a time that the clock jumps over, the moment of the jump."""
    midnight = datetime.datetime.combine(day, datetime.time.min, zone)
    local = (midnight + datetime.timedelta(minutes=minute)).replace(fold=fold)  # on the wall, not in elapsed minutes
    found = local.astimezone(datetime.UTC)
    if found.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return found
    return _jump(local.replace(fold=1).astimezone(datetime.UTC), local.replace(fold=0).astimezone(datetime.UTC), zone)


def _jump(before: datetime.datetime, after: datetime.datetime, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    """The minute, in UTC, at which the clock of `zone` is put forward between the two."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > datetime.timedelta(minutes=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(second=0, microsecond=0)
