"""Quotes: PUT creates, POST creates or updates by id or number; an envelope and dates of their own (facts 5.17, 3.3).

Called through `resources`. Dates have no offset, LineAmountTypes are upper case whatever is sent, a line's tax type is
not taken from its account, and pages come without a pagination object.
"""

from collections.abc import Iterable
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Answer, Call
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.resources import branding_themes, contact_rules, document_lines, history, ordering, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "Quotes"
ORDER: Final = (
    "QuoteID", "QuoteNumber", "Reference", "Terms", "Contact", "LineItems", "Date", "DateString", "ExpiryDate",
    "ExpiryDateString", "Status", "CurrencyRate", "CurrencyCode", "SubTotal", "TotalTax", "Total", "TotalDiscount",
    "Title", "Summary", "BrandingThemeID", "UpdatedDateUTC", "LineAmountTypes",
)  # fmt: skip
LINE_ORDER: Final = (
    "LineItemID", "AccountCode", "Description", "UnitAmount", "DiscountRate", "DiscountAmount", "LineAmount", "ItemCode",
    "Quantity", "TaxAmount", "TaxType", "Tracking",
)  # fmt: skip
NEXT: Final = {
    "DRAFT": {"DRAFT", "SENT", "DELETED"},
    "SENT": {"SENT", "ACCEPTED", "DECLINED", "DELETED"},
    "DECLINED": {"DECLINED", "SENT", "DELETED"},
    "ACCEPTED": {"ACCEPTED", "INVOICED", "SENT", "DELETED"},
    "INVOICED": {"INVOICED", "SENT", "DELETED"},
    "DELETED": set[str](),
}
LENGTHS: Final = {"QuoteNumber": 255, "Reference": 4000, "Terms": 4000, "Title": 100, "Summary": 3000}
NO_DATE: Final = "The Date field is mandatory"
TAKEN: Final = "Quote number must be unique"
NOT_FOR_MODIFICATION: Final = "Quote not of valid status for modification"
TRACKED_BY_ID: Final = "The tracking of a quote is named by TrackingOptionID."  # facts 5.5; the words are ours
NOT_EDITABLE: Final = "Only draft and sent quotes can be edited"
_TEXTS: Final = tuple(LENGTHS)
SHAPE: Final = shape.Shape(
    QuoteID=shape.guid,
    Contact=shape.object_of(contact_rules.SHAPE),
    LineItems=shape.array_of(document_lines.SHAPE),
    LineAmountTypes=shape.enum("LineAmountType", "EXCLUSIVE", "INCLUSIVE", "NOTAX"),
    Date=shape.day,
    ExpiryDate=shape.day,
    Status=shape.enum("QuoteStatus", *NEXT),
    CurrencyCode=shape.text,
    CurrencyRate=shape.decimal,
    BrandingThemeID=shape.guid,
    **dict.fromkeys(_TEXTS, shape.text),
)
_COPIED: Final = (*_TEXTS, "LineAmountTypes", "BrandingThemeID", "Status")
_ALWAYS_EDITABLE: Final = frozenset(
    {"QuoteID", "QuoteNumber", "Status", "Contact", "Terms", "Summary", "Title", "Reference"}
)


def _created(call: Call, posted: Row) -> Outcome:
    base: Row = {
        "QuoteID": call.world.ids.guid(),
        "Status": "DRAFT",
        "LineAmountTypes": "EXCLUSIVE",
        "BrandingThemeID": branding_themes.id_of(call.books.tenant_id),
    }
    errors = [] if posted.get("Status", "DRAFT") in NEXT["DRAFT"] - {"DELETED"} else [NOT_FOR_MODIFICATION]
    if "Date" not in posted:
        errors.append(NO_DATE)
    if call.books.table(PLURAL).first("number", fold(posted.get("QuoteNumber"))) is not None:
        errors.append(TAKEN)
    outcome = _applied(call, base, posted, errors)
    if not outcome.errors:
        history.made(call, base["QuoteID"])
    return outcome


def _saved(call: Call, posted: Row) -> Outcome:
    table = call.books.table(PLURAL)
    named = table.first("number", fold(posted.get("QuoteNumber")))
    before = table.get(posted["QuoteID"]) if "QuoteID" in posted else named
    if before is None:
        return _created(call, posted)
    asked = posted.get("Status", before["Status"])
    errors = [] if asked in NEXT[before["Status"]] else [NOT_FOR_MODIFICATION]
    if before["Status"] not in {"DRAFT", "SENT"} and asked != "SENT" and _changes(before, posted):
        errors.append(NOT_EDITABLE)
    if named is not None and named is not before:
        errors.append(TAKEN)
    outcome = _applied(call, before, posted, errors)
    if not outcome.errors:
        history.added(call, before["QuoteID"], "Edited", before["QuoteNumber"])
    return outcome


def _changes(before: Row, posted: Row) -> bool:
    """Whether something is sent anew that is fixed once a quote is answered; what is sent as it is does not count."""
    day = {key: wire.day(posted[key]).replace("+0000", "") for key in ("Date", "ExpiryDate") if key in posted}
    return any((day | posted | day).get(key) != before.get(key) for key in posted.keys() - _ALWAYS_EDITABLE)


def _applied(call: Call, before: Row, posted: Row, errors: list[str]) -> Outcome:
    row: Row = {**before, **{key: posted[key] for key in _COPIED if key in posted}}
    for key in ("Date", "ExpiryDate"):
        if key in posted:
            row |= {key: wire.day(posted[key]).replace("+0000", ""), f"{key}String": wire.day_string(posted[key])}
    warnings: list[str] = []
    tracked = (one for line in posted.get("LineItems", []) for one in line.get("Tracking", []))
    if any("TrackingOptionID" not in one for one in tracked):
        errors = [*errors, TRACKED_BY_ID]
    if not errors and row["Status"] != "DELETED":
        sources = posted.get("LineItems") or before.get("LineItems", [])
        sent = {**posted, "LineItems": _untaxed(before, sources)} if "LineItems" in posted else posted
        contact, errors, warnings = ordering.filled(call, row, sent, strict=False, sale=True)
        for line, source in zip(row.get("LineItems", []), sources, strict=False):
            if not _tax_type(before, source):
                line.pop("TaxType", None)
        errors += ordering.too_long(row, LENGTHS)
        if contact is not None:
            shown = ("ContactID", "Name", "EmailAddress")
            row["Contact"] = {key: contact.get(key, "") for key in shown}
    if errors:
        own_id = before["QuoteID"] if "UpdatedDateUTC" in before else wire.ZERO_GUID
        shown_row = {**row, "QuoteID": own_id, "Contact": posted.get("Contact", row.get("Contact", {}))}
        return Outcome({key: wire.tidy(shown_row[key]) for key in ORDER if key in shown_row}, errors)
    row["LineItems"] = [_line(line) for line in row["LineItems"]]
    if not row.get("QuoteNumber"):
        row["QuoteNumber"] = ordering.next_number(call, PLURAL, "quote", "QU")
    row["UpdatedDateUTC"] = wire.envelope_time(call.world.clock.now())
    row = {key: row[key] for key in ORDER if key in row}
    call.books.table(PLURAL).put(row["QuoteID"], row)
    return Outcome(dict(row), [], warnings)


def _untaxed(before: Row, lines: list[Row]) -> list[Row]:
    """A line without a tax type bears none: the account's is not taken."""
    return [line if _tax_type(before, line) else {**line, "TaxAmount": ordering.nothing()} for line in lines]


def _tax_type(before: Row, line: Row) -> str | None:
    """The tax type that a line was sent with, now or when it was made."""
    stored = (one for one in before.get("LineItems", []) if one["LineItemID"] == line.get("LineItemID"))
    known: Row = next(stored, {})
    tax_type: str | None = line.get("TaxType") or known.get("TaxType")
    return tax_type


def _line(line: Row) -> Row:
    return {key: line[key] for key in LINE_ORDER if key in line}


def _chosen(call: Call) -> Iterable[Row]:
    rows = list(call.books.table(PLURAL))
    status, number = call.query.get("status", "").upper(), call.query.get("quotenumber", "").casefold()
    rows = [row for row in rows if status in {"", row["Status"]} and number in row["QuoteNumber"].casefold()]
    contact = call.query.get("contactid", "").lower()
    rows = [row for row in rows if not contact or row["Contact"]["ContactID"] == contact]
    rows = ordering.between(call, rows, "Date", "datefrom", "dateto")
    return ordering.between(call, rows, "ExpiryDate", "expirydatefrom", "expirydateto")


def _handle(call: Call) -> Answer:
    """As any collection, in the envelope that quotes have."""
    answer = COLLECTION.handle(call)
    if answer.document is None or PLURAL not in answer.document:
        return answer
    document = {key: value for key, value in answer.document.items() if key != "pagination"}
    document = {"SummarizeErrors": call.flag("summarizeerrors", absent=True), **document}
    return Answer(answer.status, wire.pretty(document), "application/json", answer.headers, PLURAL, document)


COLLECTION = Collection(
    plural=PLURAL,
    singular="Quote",
    id_key="QuoteID",
    shape=SHAPE,
    created=_created,
    saved=_saved,
    chosen=_chosen,
)
RESOURCE = Resource(PLURAL, "Quote", "accounting.invoices", _handle)
