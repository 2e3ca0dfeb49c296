"""What a report is asked for: dates, periods, tracking; and the years of the organisation. Called by every report.

Refusals are 400 with one message; what Xero's own say is not known.
"""

import calendar
from datetime import date, timedelta
from typing import Final, NamedTuple, NoReturn
from uuid import UUID

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Call, Refusal
from counterfoil.sandbox.books import Books

PERIODS_MAX: Final = 11
FIRST_YEAR: Final = 1900  # so that every comparison and financial year around a date is in the calendar
LAST_YEAR: Final = 9000
MONTHS: Final = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


class Period(NamedTuple):
    """From and to, both included."""

    start: date
    end: date


def refuse(message: str) -> NoReturn:
    """400 for the whole report."""
    raise Refusal(answers.validation([{"ValidationErrors": [{"Message": message}]}]))


def today(call: Call) -> date:
    """The date where the organisation is."""
    return call.books.today(call.world.clock.now())


def day(call: Call, name: str, otherwise: date) -> date:
    """A date parameter, YYYY-MM-DD."""
    given = call.query.get(name)
    if not given:
        return otherwise
    try:
        asked = date.fromisoformat(given[:10])
    except ValueError:
        refuse(f"The parameter {name} must be a date such as 2026-11-30.")
    if not FIRST_YEAR <= asked.year <= LAST_YEAR:
        refuse(f"The parameter {name} must be a date between {FIRST_YEAR} and {LAST_YEAR}.")
    return asked


def guid(call: Call, name: str) -> str | None:
    """An id parameter in lower case."""
    given = call.query.get(name)
    if not given:
        return None
    try:
        return str(UUID(given))
    except ValueError:
        refuse(f"The parameter {name} must be a GUID.")


def month(day: date) -> Period:
    """The calendar month of a date."""
    return Period(day.replace(day=1), month_end(day))


def month_end(day: date) -> date:
    """The last day of its month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def back(day: date, months: int) -> date:
    """The same day so many months earlier, or the last one that month has."""
    year, index = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, index + 1, min(day.day, calendar.monthrange(year, index + 1)[1]))


def steps(call: Call) -> list[int]:
    """How many months back each column of a comparison is, the asked one (0) first."""
    given = call.query.get("periods", "0")
    if given not in {str(number) for number in range(PERIODS_MAX + 1)}:
        refuse(f"The parameter periods must be a number from 1 to {PERIODS_MAX}.")
    frame = call.query.get("timeframe", "MONTH").upper()
    if frame not in MONTHS:
        refuse(f"The parameter timeframe must be one of {', '.join(MONTHS)}.")
    return [number * MONTHS[frame] for number in range(int(given) + 1)]


def year_start(books: Books, day: date) -> date:
    """The first day of the financial year that a date is in."""
    organisation = books.organisation
    end_month, end_day = organisation["FinancialYearEndMonth"], organisation["FinancialYearEndDay"]

    def ends(year: int) -> date:
        return date(year, end_month, min(end_day, calendar.monthrange(year, end_month)[1]))

    end = ends(day.year)
    return (ends(day.year - 1) if day <= end else end) + timedelta(days=1)
