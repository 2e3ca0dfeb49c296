"""A cell's text as a number, a day or yes or no, exactly as [flows.NAME.read] says. Nothing is guessed.

Called by values and functions. Pure. `1.234,56` where the decimal sign is a point is a misreading, not 1.234; a day
that two ways of writing could give is refused when the configuration is loaded (settings/reading).
"""

import datetime
import re
import zoneinfo
from decimal import Decimal
from typing import Final

import msgspec

from counterfoil.model import shape, time_zones
from counterfoil.settings import ReadSettings

AMOUNT_LENGTH_MAX: Final = 70
DAYS_CACHED_MAX: Final = 4096  # distinct texts remembered; an export repeats the same few hundred days
_SEPARATORS: Final = {"": "", " ": "[ \u00a0\u202f]", "'": "['\u2019]"}
_ISO_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:[.,][0-9]{1,9})? ?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_HAS_TIME: Final = re.compile(r"%[HIMSp]")


class Misread(msgspec.Struct, frozen=True):
    """Why a text is not what it should be: `reason` continues a sentence, `remedy` is one."""

    cause: str
    reason: str
    remedy: str


class Reader:
    """Reads texts for one flow, and writes numbers as its source would."""

    def __init__(self, read: ReadSettings, table: str) -> None:
        self._read = read
        self._at = f"[flows.{table}.read]"
        separator = _SEPARATORS.get(read.thousands, re.escape(read.thousands))
        whole = rf"[0-9]{{1,3}}(?:{separator}[0-9]{{3}})+|[0-9]+" if separator else "[0-9]+"
        sign = re.escape(read.decimal)
        self._amount = re.compile(rf"([-+\u2212]?)(?:({whole})(?:{sign}([0-9]+))?|{sign}([0-9]+))")
        self._days: dict[tuple[str, str | None], datetime.date | Misread] = {}

    def amount(self, text: str) -> Decimal | Misread:
        """The number that `text` says."""
        match = self._amount.fullmatch(text.strip()) if len(text) <= AMOUNT_LENGTH_MAX else None
        if match is None:
            return Misread("not-a-number", "is not a number", self._amount_remedy(text))
        sign, whole, fraction, alone = match.groups()
        digits = "".join(filter(str.isdigit, whole)) if whole else "0"
        minus = "" if sign in {"", "+"} else "-"
        return Decimal(f"{minus}{digits}.{fraction or alone or ''}")

    def written(self, amount: Decimal) -> str:
        """`amount` as the source would write it, without thousands separators: `amount()` reads it back."""
        text = format(amount, "f")
        return text if self._read.decimal == "." else text.replace(".", self._read.decimal)

    def day(self, text: str, zone: datetime.tzinfo | None) -> datetime.date | Misread:
        """The day that `text` says: an instant's is the day in `zone`, the organisation's; None: not known."""
        key = (text, str(zone) if zone is not None else None)
        found = self._days.get(key)
        if found is None:
            if len(self._days) >= DAYS_CACHED_MAX:
                self._days.clear()
            found = self._days[key] = self._day(text.strip(), zone)
        return found

    def day_by(self, text: str, written: str) -> datetime.date | Misread:
        """The day that `text` says when it is written as the strptime format `written`, which has no time."""
        try:
            return datetime.datetime.strptime(text.strip(), written).date()  # noqa: DTZ007 - a day, not an instant
        except ValueError:
            return Misread("not-a-date", f"is no day written as {written}", "Correct it, or the format.")

    def yes_no(self, text: str) -> bool | Misread:
        """Whether `text` is one of the words for yes, or one of those for no."""
        word = text.strip().casefold()
        if word in self._read.yes:
            return True
        if word in self._read.no:
            return False
        known = ", ".join(sorted(self._read.yes | self._read.no))
        return Misread(
            "not-yes-or-no", "is neither yes nor no", f"Known words: {known}. Add it to {self._at} yes or no."
        )

    def _day(self, text: str, zone: datetime.tzinfo | None) -> datetime.date | Misread:
        for written in self._read.dates:
            try:
                found = datetime.datetime.strptime(text, written)  # noqa: DTZ007 - _day_of gives it its zone
            except ValueError:
                continue
            return self._day_of(found, zone) if _HAS_TIME.search(written) else found.date()
        return self._iso_day(text, zone)

    def _iso_day(self, text: str, zone: datetime.tzinfo | None) -> datetime.date | Misread:
        """ISO can be read in one way only, so it is read whatever the formats are."""
        misread = Misread("not-a-date", f"is no date as {self._formats()} writes it", self._date_remedy(text))
        try:
            if _ISO_DAY.fullmatch(text):
                return datetime.date.fromisoformat(text)
            match = _ISO_INSTANT.fullmatch(text)
            if match is None:
                return misread
            day, time, offset = match.groups()
            return self._day_of(datetime.datetime.fromisoformat(f"{day}T{time}{offset or ''}"), zone)
        except ValueError:
            return misread

    def _day_of(self, found: datetime.datetime, zone: datetime.tzinfo | None) -> datetime.date | Misread:
        own = self._read.timezone
        if found.tzinfo is None:
            if own == "organisation":
                return found.date()
            if own is None:
                remedy = f'Give timezone in {self._at}, such as "UTC", or "organisation" when the times are its own.'
                return Misread("time-zone-missing", "has a time, but nothing says in which time zone", remedy)
            found = found.replace(tzinfo=zoneinfo.ZoneInfo(own))
        if zone is None:
            remedy = "Run `counterfoil connect` and bind the entity, so that the organisation's time zone is known."
            return Misread(time_zones.UNKNOWN, "is an instant, but the organisation's time zone is not known", remedy)
        try:
            return found.astimezone(zone).date()
        except OverflowError:
            return Misread("not-a-date", "is outside the calendar", "Correct it where the row comes from.")

    def _formats(self) -> str:
        return " or ".join(self._read.dates)

    def _date_remedy(self, text: str) -> str:
        if re.fullmatch(r"[0-9]{1,2}([/.-])[0-9]{1,2}\1[0-9]{4}", text):
            mark = text.lstrip("0123456789")[0]
            day_first, month_first = f"%d{mark}%m{mark}%Y", f"%m{mark}%d{mark}%Y"
            return (
                f'Correct it, or say in {self._at} which comes first: date = "{day_first}" for the day, '
                f'date = "{month_first}" for the month.'
            )
        return f"Correct it, or give date in {self._at} as the source writes it."

    def _amount_remedy(self, text: str) -> str:
        if not text.strip():
            return "Fill the cell, or use =blank(…) to say what a blank one means."
        thousands = f'thousands = "{self._read.thousands}"' if self._read.thousands else "no thousands separator"
        return f'{self._at} says decimal = "{self._read.decimal}" and {thousands}. Correct the cell, or what it says.'


def shown(text: str) -> str:
    """A cell's text as a message shows it."""
    return shape.shown(text) if text else "(blank)"
