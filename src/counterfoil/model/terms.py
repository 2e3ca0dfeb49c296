"""Payment terms: from a document's date to its due date.

Called by ledger, checks.days and posting/planning. Implements Xero's four PaymentTermTypes (facts, Appendix B). Assumed, because Xero does not say:
a day that a month does not have is that month's last day.
"""

import calendar
import datetime
from typing import Annotated, Any, Final, Literal

import msgspec

TermsType = Literal["DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH", "OFCURRENTMONTH", "OFFOLLOWINGMONTH"]
TYPES: Final = ("DAYSAFTERBILLDATE", "DAYSAFTERBILLMONTH", "OFCURRENTMONTH", "OFFOLLOWINGMONTH")
DAYS_MAX: Final = 3_650  # ten years: beyond it, a mistake


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When a document falls due, in Xero's words."""

    day: Annotated[
        int,
        msgspec.Meta(ge=0, le=DAYS_MAX, description="Days to wait, or the day of the month, as `type` says."),
    ]
    type: Annotated[TermsType, msgspec.Meta(description="What `day` counts; Xero's own words.")] = "DAYSAFTERBILLDATE"


def due_date(date: datetime.date, terms: Terms) -> datetime.date:
    """The day on which a document of `date` falls due under `terms`. Raises OverflowError past the year 9999."""
    if terms.type == "DAYSAFTERBILLDATE":
        return date + datetime.timedelta(days=terms.day)
    if terms.type == "DAYSAFTERBILLMONTH":
        return _day_of_month(date, months=0, day=31) + datetime.timedelta(days=terms.day)
    return _day_of_month(date, months=0 if terms.type == "OFCURRENTMONTH" else 1, day=terms.day)


def of(day: Any, type: Any) -> Terms | None:
    """Xero's Day and Type; None when either is missing, and for a type or a number of days that we do not know."""
    if type not in TYPES or not isinstance(day, int) or not 0 <= day <= DAYS_MAX:
        return None
    return Terms(day=day, type=type)


def from_wire(value: Any) -> Terms | None:
    """Xero's {"Day": 14, "Type": "DAYSAFTERBILLDATE"}; None for {} (unset) and for a type that we do not know."""
    return of(value.get("Day"), value.get("Type")) if isinstance(value, dict) else None


def _day_of_month(date: datetime.date, *, months: int, day: int) -> datetime.date:
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    if year > datetime.MAXYEAR:
        raise OverflowError("date value out of range")
    last = calendar.monthrange(year, month + 1)[1]
    return datetime.date(year, month + 1, min(max(day, 1), last))
