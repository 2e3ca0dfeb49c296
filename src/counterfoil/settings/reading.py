"""[flows.NAME.read]: how texts of a source are read as numbers, dates and yes or no. Nothing is guessed.

Called by flows (which compiles the table); mapping/ reads with it. Two date formats that could read one text as two
days are refused here, so that 03/04/2026 has one meaning in a flow.
"""

import datetime
import re
import zoneinfo
from typing import Annotated, Any, Final, Literal

import msgspec

from counterfoil.model import shape
from counterfoil.model.text import Line50, Line255
from counterfoil.settings import tables

ISO_DATE: Final = "%Y-%m-%d"
OF_THE_ORGANISATION: Final = "organisation"
NO_ZONES: Final = frozenset({"localtime", "posixrules", "factory"})  # files beside the time zones that are none
YES: Final = ("yes", "true", "1")
NO: Final = ("no", "false", "0")
FORMATS_MAX: Final = 8
FORMAT_LENGTH_MAX: Final = 50
_DIRECTIVE: Final = re.compile(r"%(.)")
_KNOWN: Final = frozenset("YymdbBHIMSpfzjaA%")
_PROBE: Final = datetime.datetime(2003, 4, 5, 6, 7, 8, tzinfo=datetime.UTC)  # read either way, it is three other days
_DATE_HELP: Final = "How dates are written, such as %d/%m/%Y; several when the source mixes them."


class ReadTable(tables.Table, frozen=True, kw_only=True):
    """[flows.NAME.read] as it is written."""

    decimal: Annotated[Literal[".", ","], msgspec.Meta(description="The decimal sign of numbers.")] = "."
    thousands: Annotated[
        Literal["", ".", ",", " ", "'"], msgspec.Meta(description='Between thousands; "" when nothing stands there.')
    ] = ""
    # No bounds inside this union: msgspec 0.22 frees such a type twice when the interpreter ends. `misfits` has them.
    date: Annotated[str | tuple[str, ...], msgspec.Meta(description=_DATE_HELP)] = ISO_DATE
    timezone: Annotated[
        Line255 | None,
        msgspec.Meta(
            description='Where times without an offset were taken: "UTC", "Europe/Berlin", or "organisation" when they '
            "are the organisation's own."
        ),
    ] = None
    yes: Annotated[tuple[Line50, ...], msgspec.Meta(description="Words that mean yes.")] = YES
    no: Annotated[tuple[Line50, ...], msgspec.Meta(description="Words that mean no.")] = NO
    optional: Annotated[
        tuple[Line255, ...], msgspec.Meta(description="Columns that a row may lack; they are blank then.")
    ] = ()


class ReadSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The same, ready for use: `dates` are strptime formats, `yes` and `no` in lower case.

    `timezone` None: a time without an offset is refused; "organisation": it is the organisation's own time.
    """

    decimal: str = "."
    thousands: str = ""
    dates: tuple[str, ...] = (ISO_DATE,)
    timezone: str | None = None
    yes: frozenset[str] = frozenset(YES)
    no: frozenset[str] = frozenset(NO)
    optional: frozenset[str] = frozenset()


def compiled(table: ReadTable) -> ReadSettings:
    """The table, which has passed `misfits`."""
    return ReadSettings(
        decimal=table.decimal,
        thousands=table.thousands,
        dates=_formats(table.date),
        timezone=table.timezone,
        yes=frozenset(word.casefold() for word in table.yes),
        no=frozenset(word.casefold() for word in table.no),
        optional=frozenset(table.optional),
    )


def misfits(read: Any) -> list[shape.Misfit]:
    """What the declaration alone cannot say: signs that differ, formats that read one way, a time zone that exists."""
    if not isinstance(read, dict):
        return []
    found = []
    if read.get("decimal", ".") == read.get("thousands"):
        found.append(_wrong("thousands", "is the decimal sign as well", "Give another, or leave it out.", read))
    zone = read.get("timezone")
    if isinstance(zone, str) and zone != OF_THE_ORGANISATION and not is_zone(zone):
        rule = 'Such as "UTC", "Europe/Berlin" or "organisation".'
        found.append(_wrong("timezone", "is no time zone", rule, read))
    formats = read.get("date", ISO_DATE)
    if isinstance(formats, str | list) and all(isinstance(one, str) for one in formats):
        found += _format_misfits(_formats(formats), read)
    both = {str(word).casefold() for word in _listed(read, "yes", YES)} & {
        str(word).casefold() for word in _listed(read, "no", NO)
    }
    if both:
        found.append(_wrong("no", f"shares {', '.join(sorted(both))} with `yes`", "A word means one thing.", read))
    return found


def _format_misfits(formats: tuple[str, ...], read: dict[str, Any]) -> list[shape.Misfit]:
    if not 1 <= len(formats) <= FORMATS_MAX:
        return [_wrong("date", f"must give 1 to {FORMATS_MAX} formats", "Such as %d/%m/%Y.", read)]
    for one in formats:
        reason = _unusable(one)
        if reason:
            return [_wrong("date", reason, "Such as %d/%m/%Y or %Y-%m-%d %H:%M:%S %z.", read, one)]
        times = set(_DIRECTIVE.findall(one)) & set("HIMS")
        if times and "%z" not in one and read.get("timezone") is None:
            rule = 'Give `timezone`, such as "UTC", or "organisation" when the times are its own.'
            return [_wrong("date", "has a time, but nothing says in which time zone", rule, read, one)]
    for one in formats:
        for other in (*formats, ISO_DATE):  # ISO is always read too: it can be read in one way only
            if one != other and _reads_differently(one, other):
                rule = "Keep one of them; ask whoever writes the file which day comes first."
                return [_wrong("date", f"could be read as {one} or as {other}", rule, read)]
    return []


def _unusable(one: str) -> str:
    """Why a format cannot be used, "" when it can."""
    if not 0 < len(one) <= FORMAT_LENGTH_MAX:
        return f"must have 1 to {FORMAT_LENGTH_MAX} characters"
    used = _DIRECTIVE.findall(one)
    strange = [directive for directive in used if directive not in _KNOWN]
    if strange:
        return f"has %{strange[0]}, which is not known or depends on the machine's language"
    day = {"d"} <= set(used) and set(used) & set("mbB")
    if not (day or "j" in used) or not set(used) & set("Yy"):
        return "does not give a day, a month and a year"
    try:
        _strptime(_PROBE.strftime(one), one)
    except (ValueError, re.error):
        return "cannot be read back"
    return ""


def _reads_differently(one: str, other: str) -> bool:
    text = _PROBE.strftime(one)
    try:
        return _strptime(text, other).date() != _PROBE.date()
    except ValueError:
        return False


def _strptime(text: str, one: str) -> datetime.datetime:
    return datetime.datetime.strptime(text, one)  # noqa: DTZ007 - only its day is looked at


def _formats(date: Any) -> tuple[str, ...]:
    return (date,) if isinstance(date, str) else tuple(date)


def _listed(read: dict[str, Any], key: str, default: tuple[str, ...]) -> tuple[Any, ...]:
    given = read.get(key, default)
    return tuple(given) if isinstance(given, list | tuple) else ()


def is_zone(name: str) -> bool:
    """Whether it is an IANA time zone; what the machine's own clock is set to has a file beside them, and is none."""
    try:
        return zoneinfo.ZoneInfo(name) is not None and name.casefold() not in NO_ZONES
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _wrong(key: str, reason: str, rule: str, read: dict[str, Any], value: Any = None) -> shape.Misfit:
    return shape.Misfit((key,), "wrong-value", reason, rule, shape.shown(value if value is not None else read.get(key)))
