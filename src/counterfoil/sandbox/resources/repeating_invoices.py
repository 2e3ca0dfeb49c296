"""RepeatingInvoices: templates of sales invoices with a schedule; made, and deleted by POST Status DELETED (facts 5.19).

Called through `resources`. Nothing but the status of one can change. No invoices are made from them: a sandbox has no
night in which Xero would.
"""

from datetime import date, timedelta
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.resources import (
    branding_themes,
    contact_rules,
    contact_wire,
    document_lines,
    document_wire,
    history,
    ordering,
    shape,
)
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "RepeatingInvoices"
ORDER: Final = (
    "Schedule", "RepeatingInvoiceID", "Type", "Reference", "HasAttachments", "ApprovedForSending", "SendCopy",
    "MarkAsSent", "IncludePDF", "ID", "Contact", "BrandingThemeID", "Status", "LineAmountTypes", "LineItems", "SubTotal",
    "TotalTax", "Total", "CurrencyCode",
)  # fmt: skip
ONLY_SALES: Final = "Only repeating sales invoices can be created"
ONLY_DELETED: Final = "A repeating invoice cannot be changed, it can only be deleted."
NO_SCHEDULE: Final = "A repeating invoice needs a Schedule with Period, Unit, DueDate, DueDateType and StartDate"
BAD_PERIOD: Final = "The Period must be a whole number from 1 to 999"
PERIOD_MAX: Final = 999
_NEEDED: Final = frozenset({"Period", "Unit", "DueDate", "DueDateType", "StartDate"})
_SWITCHES: Final = ("ApprovedForSending", "SendCopy", "MarkAsSent", "IncludePDF")
_SCHEDULE: Final = shape.Shape(
    Period=shape.whole,
    Unit=shape.enum("ScheduleUnit", "WEEKLY", "MONTHLY"),
    DueDate=shape.whole,
    DueDateType=shape.enum(
        "DueDateType",
        "DAYSAFTERBILLDATE",
        "DAYSAFTERBILLMONTH",
        "DAYSAFTERINVOICEDATE",
        "DAYSAFTERINVOICEMONTH",
        "OFCURRENTMONTH",
        "OFFOLLOWINGMONTH",
    ),
    StartDate=shape.day,
    NextScheduledDate=shape.day,
    EndDate=shape.day,
)
SHAPE: Final = shape.Shape(
    RepeatingInvoiceID=shape.guid,
    Type=shape.enum("InvoiceType", "ACCREC", "ACCPAY"),
    Contact=shape.object_of(contact_rules.SHAPE),
    Schedule=shape.object_of(_SCHEDULE),
    LineItems=shape.array_of(document_lines.SHAPE),
    LineAmountTypes=shape.enum("LineAmountType", "Exclusive", "Inclusive", "NoTax"),
    Reference=shape.text,
    BrandingThemeID=shape.guid,
    CurrencyCode=shape.text,
    Status=shape.enum("RepeatingInvoiceStatus", "DRAFT", "AUTHORISED", "DELETED"),
    **dict.fromkeys(_SWITCHES, shape.boolean),
)
_COPIED: Final = ("Type", "Reference", "BrandingThemeID", "LineAmountTypes", "Status", *_SWITCHES)


def _created(call: Call, posted: Row) -> Outcome:
    own_id = call.world.ids.guid()
    row: Row = {
        "RepeatingInvoiceID": own_id,
        "ID": own_id,
        "Reference": "",
        "HasAttachments": False,
        **dict.fromkeys(_SWITCHES, False),
        "BrandingThemeID": branding_themes.id_of(call.books.tenant_id),
        "Status": "DRAFT",
        "LineAmountTypes": "Exclusive",
        **{key: posted[key] for key in _COPIED if key in posted},
    }
    errors = [] if posted.get("Type") == "ACCREC" else [ONLY_SALES]
    if row["Status"] == "DELETED":
        errors.append(ONLY_DELETED)
    schedule = posted.get("Schedule", {})
    if not 1 <= schedule.get("Period", 1) <= PERIOD_MAX:
        errors.append(BAD_PERIOD)
    elif schedule.keys() >= _NEEDED:
        row["Schedule"] = _scheduled(schedule, call.books.today(call.world.clock.now()))
    else:
        errors.append(NO_SCHEDULE)
    contact, more, warnings = ordering.filled(call, row, posted, strict=row["Status"] == "AUTHORISED", sale=True)
    errors += more
    if errors:
        shown = {**row, **wire.tidy(posted), "RepeatingInvoiceID": wire.ZERO_GUID, "ID": wire.ZERO_GUID}
        return Outcome({key: wire.tidy(shown[key]) for key in ORDER if key in shown}, errors)
    row["Contact"] = contact_wire.embedded(contact or {})
    row = {key: row[key] for key in ORDER if key in row}
    call.books.table(PLURAL).put(own_id, row)
    history.made(call, own_id)
    return Outcome(_shown(row), [], warnings)


def _scheduled(sent: Row, today: date) -> Row:
    """The schedule with the next date on or after today."""
    period, day = sent["Period"], sent["StartDate"]
    while day < today:
        day = day + timedelta(weeks=period) if sent["Unit"] == "WEEKLY" else _months_on(day, period)
    schedule: Row = {
        "Period": period,
        "Unit": sent["Unit"],
        "DueDate": sent["DueDate"],
        "DueDateType": sent["DueDateType"],
        "StartDate": wire.day(sent["StartDate"]),
    }
    if "EndDate" in sent:
        schedule["EndDate"] = wire.day(sent["EndDate"])
    return schedule | {"NextScheduledDate": wire.day(day)}


def _months_on(day: date, months: int) -> date:
    year, index = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (date(year + (index == 11), (index + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, index + 1, min(day.day, last))


def _saved(call: Call, posted: Row) -> Outcome:
    before = call.books.table(PLURAL).get(posted.get("RepeatingInvoiceID", ""))
    if before is None:
        return _created(call, posted)
    if posted.get("Status") != "DELETED" or before["Status"] == "DELETED":
        return Outcome({**before, "Status": posted.get("Status", before["Status"])}, [ONLY_DELETED])
    row = {**before, "Status": "DELETED"}
    call.books.table(PLURAL).put(row["RepeatingInvoiceID"], row)
    history.added(call, row["RepeatingInvoiceID"], "Deleted", row["Reference"])
    return Outcome(_shown(row))


def _shown(row: Row) -> Row:
    return document_wire.paged(row, four_places=False)


COLLECTION = Collection(
    plural=PLURAL,
    singular="RepeatingInvoice",
    id_key="RepeatingInvoiceID",
    shape=SHAPE,
    single=lambda _, row: _shown(row),
    listed=lambda _, row: _shown(row),
    created=_created,
    saved=_saved,
    has_pages=False,
    stamp_key="",
)
RESOURCE = Resource(PLURAL, "RepeatingInvoice", "accounting.invoices", COLLECTION.handle)
