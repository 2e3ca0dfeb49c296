"""PurchaseOrders: PUT creates, POST creates or updates by id or number, always listed in pages (facts 5.18, 4.7).

Called through `resources`. POST of a number that a live order has changes that order without a word; of a deleted one it
is refused. Unit prices have four places.
"""

from collections.abc import Iterable
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.resources import (
    branding_themes,
    contact_rules,
    contact_wire,
    contacts,
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

PLURAL: Final = "PurchaseOrders"
ORDER: Final = (
    "PurchaseOrderID", "PurchaseOrderNumber", "DateString", "Date", "DeliveryDateString", "DeliveryDate",
    "ExpectedArrivalDateString", "ExpectedArrivalDate", "DeliveryAddress", "AttentionTo", "Telephone",
    "DeliveryInstructions", "HasErrors", "IsDiscounted", "TotalDiscount", "SentToContact", "Reference", "Type",
    "CurrencyRate", "CurrencyCode", "Contact", "BrandingThemeID", "Status", "LineAmountTypes", "LineItems", "SubTotal",
    "TotalTax", "Total", "UpdatedDateUTC", "HasAttachments",
)  # fmt: skip
LIVE: Final = frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "BILLED"})
TAKEN: Final = "Order number must be unique"
GONE: Final = ["PurchaseOrder status change is invalid", "Deleted PurchaseOrders cannot be updated"]
NOT_FOR_CREATION: Final = "PurchaseOrder status change is invalid"
NOT_SENT: Final = "Only AUTHORISED and BILLED purchase orders may have SentToContact updated."
LENGTHS: Final = {"PurchaseOrderNumber": 255, "Reference": 4000, "DeliveryInstructions": 500}
_TEXTS: Final = (
    "PurchaseOrderNumber",
    "Reference",
    "DeliveryAddress",
    "AttentionTo",
    "Telephone",
    "DeliveryInstructions",
)
_DAYS: Final = ("Date", "DeliveryDate", "ExpectedArrivalDate")
SHAPE: Final = shape.Shape(
    PurchaseOrderID=shape.guid,
    Contact=shape.object_of(contact_rules.SHAPE),
    LineItems=shape.array_of(document_lines.SHAPE),
    LineAmountTypes=shape.enum("LineAmountType", "Exclusive", "Inclusive", "NoTax"),
    BrandingThemeID=shape.guid,
    CurrencyCode=shape.text,
    CurrencyRate=shape.decimal,
    Status=shape.enum("PurchaseOrderStatus", *sorted(LIVE), "DELETED"),
    SentToContact=shape.boolean,
    **dict.fromkeys(_TEXTS, shape.text),
    **dict.fromkeys(_DAYS, shape.day),
)
_COPIED: Final = (*_TEXTS, "LineAmountTypes", "BrandingThemeID", "Status")


def _created(call: Call, posted: Row) -> Outcome:
    today = call.books.today(call.world.clock.now())
    base: Row = {
        "PurchaseOrderID": call.world.ids.guid(),
        "DateString": wire.day_string(today),
        "Date": wire.day(today),
        "HasErrors": False,
        "IsDiscounted": False,
        "TotalDiscount": ordering.nothing(),
        "SentToContact": False,
        "Type": "PURCHASEORDER",
        "BrandingThemeID": branding_themes.id_of(call.books.tenant_id),
        "Status": "DRAFT",
        "LineAmountTypes": "Exclusive",
        "HasAttachments": False,
    }
    errors = [] if posted.get("Status", "DRAFT") in LIVE - {"BILLED"} else [NOT_FOR_CREATION]
    number = posted.get("PurchaseOrderNumber")
    if number and call.books.table(PLURAL).first("number", fold(number)) is not None:
        errors.append(TAKEN)
    outcome = _applied(call, base, posted, errors)
    if not outcome.errors:
        history.made(call, base["PurchaseOrderID"])
    return outcome


def _saved(call: Call, posted: Row) -> Outcome:
    table = call.books.table(PLURAL)
    named = table.first("number", fold(posted.get("PurchaseOrderNumber")))
    before = table.get(posted["PurchaseOrderID"]) if "PurchaseOrderID" in posted else named
    if before is None:
        return _created(call, posted)
    errors = list(GONE) if before["Status"] == "DELETED" else []
    if named is not None and named is not before:
        errors.append(TAKEN)
    outcome = _applied(call, before, posted, errors)
    if not outcome.errors:
        history.added(call, before["PurchaseOrderID"], "Edited", outcome.element["PurchaseOrderNumber"])
    return outcome


def _applied(call: Call, before: Row, posted: Row, errors: list[str]) -> Outcome:
    row: Row = {**before, **{key: posted[key] for key in _COPIED if key in posted}}
    for key in _DAYS:
        if key in posted:
            row |= {f"{key}String": wire.day_string(posted[key]), key: wire.day(posted[key])}
    warnings: list[str] = []
    if not errors and row["Status"] != "DELETED":
        if "Contact" in posted and contacts.matched(call.books, posted["Contact"]) is None:
            posted = {key: value for key, value in posted.items() if key != "Contact"}  # an order makes no contact
            row.pop("Contact", None)
        strict = row["Status"] in {"AUTHORISED", "BILLED"}
        contact, errors, warnings = ordering.filled(call, row, posted, strict=strict, sale=False, places=4)
        errors += ordering.too_long(row, LENGTHS)
        if contact is not None:
            row["Contact"] = contact_wire.embedded(contact)
        if posted.get("SentToContact", row["SentToContact"]) != row["SentToContact"]:
            errors += [] if strict else [NOT_SENT]
            row["SentToContact"] = posted["SentToContact"]
    if errors:
        own_id = before["PurchaseOrderID"] if "UpdatedDateUTC" in before else wire.ZERO_GUID
        contact_sent = posted.get("Contact", row.get("Contact", {}))
        shown = {**row, "PurchaseOrderID": own_id, "Contact": contact_sent, "HasErrors": True}
        return Outcome({key: wire.tidy(shown[key]) for key in ORDER if key in shown}, errors)
    row["IsDiscounted"] = bool(row["TotalDiscount"])
    if not row.get("PurchaseOrderNumber"):
        row["PurchaseOrderNumber"] = ordering.next_number(call, PLURAL, "purchase order", "PO")
    row["UpdatedDateUTC"] = wire.stamp(call.world.clock.now())
    row = {key: row[key] for key in ORDER if key in row}
    call.books.table(PLURAL).put(row["PurchaseOrderID"], row)
    return Outcome(_shown(call, row), [], warnings)


def _shown(call: Call, row: Row) -> Row:
    return document_wire.with_everything(call.books, row, dict(row), four_places=True)


def _chosen(call: Call) -> Iterable[Row]:
    rows = list(call.books.table(PLURAL))
    status = call.query.get("status", "").upper()
    if status:
        rows = [row for row in rows if row["Status"] == status]
    return ordering.between(call, rows, "Date", "datefrom", "dateto")


COLLECTION = Collection(
    plural=PLURAL,
    singular="PurchaseOrder",
    id_key="PurchaseOrderID",
    shape=SHAPE,
    single=_shown,
    listed=_shown,
    created=_created,
    saved=_saved,
    chosen=_chosen,
    number_index="number",
    always_pages=True,
)
RESOURCE = Resource(PLURAL, "PurchaseOrder", "accounting.invoices", COLLECTION.handle)
