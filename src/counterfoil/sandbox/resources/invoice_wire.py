"""An invoice in each form that Xero shows it in (facts 5.8, Appendix C): paged, unpaged, summary, single, write answer.

Called by `invoices`. A stored row is the paged form with unit prices of four places and tracking options with their ids.
"""

from decimal import ROUND_HALF_UP, Decimal

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import contact_wire
from counterfoil.sandbox.tables import Row

ORDER = (
    "Type", "InvoiceID", "InvoiceNumber", "Reference", "Url", "Payments", "CreditNotes", "Prepayments", "Overpayments",
    "AmountDue", "AmountPaid", "AmountCredited", "ExpectedPaymentDateString", "ExpectedPaymentDate",
    "PlannedPaymentDateString", "PlannedPaymentDate", "SentToContact", "CurrencyRate", "IsDiscounted", "HasAttachments",
    "InvoiceAddresses", "HasErrors", "InvoicePaymentServices", "UpdatedDateUTCString", "Contact", "DateString", "Date",
    "DueDateString", "DueDate", "BrandingThemeID", "Status", "LineAmountTypes", "LineItems", "SubTotal", "TotalTax",
    "Total", "TotalDiscount", "UpdatedDateUTC", "CurrencyCode", "FullyPaidOnDate",
)  # fmt: skip
LINE_ORDER = (
    "ItemCode", "Description", "UnitAmount", "TaxType", "TaxAmount", "LineAmount", "AccountCode", "Tracking", "Quantity",
    "DiscountRate", "DiscountAmount", "LineItemID", "AccountID",
)  # fmt: skip

_CENT = Decimal("0.01")
_SUMMARY_DROPS = frozenset({"Payments", "LineItems", "HasAttachments"})
_WRITTEN_DROPS = frozenset({"Payments", "CreditNotes", "AmountCredited", "HasAttachments", "InvoiceAddresses"})
_REFUSED_DROPS = frozenset(
    {
        "InvoiceNumber", "Reference", "Url", "AmountDue", "AmountPaid", "AmountCredited", "SentToContact",
        "CurrencyRate", "HasAttachments", "UpdatedDateUTCString", "UpdatedDateUTC", "BrandingThemeID",
    }
)  # fmt: skip


def four_places(call: Call) -> bool:
    """Whether unit prices have four places: unitdp=4."""
    return call.query.get("unitdp") == "4"


def paged(row: Row, *, four_places: bool) -> Row:
    """In a paged list: full lines, the contact's id and name."""
    return row | {"LineItems": [_listed_line(line, four_places) for line in row["LineItems"]]}


def unpaged(row: Row) -> Row:
    """In a list without `page`: no lines."""
    return row | {"LineItems": []}


def summary(row: Row) -> Row:
    """With summaryOnly."""
    return {key: value for key, value in row.items() if key not in _SUMMARY_DROPS}


def single(books: Books, row: Row, *, four_places: bool) -> Row:
    """Fetched by id or number: the full contact, lines with tracking ids, empty lists of payments left out."""
    shown: Row = {}
    for key, value in row.items():
        if key in ("Payments", "CreditNotes") and not value:
            continue
        if key == "InvoiceAddresses":
            continue
        shown[key] = value
        if key == "HasAttachments":
            shown["Attachments"] = []
    shown["Contact"] = _full_contact(books, row)
    shown["LineItems"] = [_written_line(line, four_places) for line in row["LineItems"]]
    return shown


def written(books: Books, row: Row, *, four_places: bool) -> Row:
    """In the answer to a write. The answer to a void still shows what was due."""
    shown = {key: value for key, value in row.items() if key not in _WRITTEN_DROPS}
    shown["Contact"] = _full_contact(books, row)
    shown["LineItems"] = [_written_line(line, four_places) for line in row["LineItems"]]
    if row["Status"] == "VOIDED":
        shown["AmountDue"] = row["Total"]
    return shown


def refused(attempted: Row, id: str) -> Row:
    """What is echoed beside validation errors: the state that was asked for, without numbers and stamps."""
    shown = {"Type": attempted.get("Type", "ACCREC"), "InvoiceID": id} | {
        key: attempted[key] for key in ORDER[2:] if key in attempted and key not in _REFUSED_DROPS
    }
    contact = attempted.get("Contact", {})
    shown["Contact"] = {
        **{key: contact[key] for key in ("ContactID", "ContactNumber", "Name") if key in contact},
        "Addresses": [],
        "Phones": [],
        "ContactGroups": [],
        "ContactPersons": [],
        "HasValidationErrors": False,
        "ValidationErrors": [],
    }
    return {key: shown[key] for key in ("Type", "InvoiceID", *ORDER[2:]) if key in shown} | {"HasErrors": True}


def _full_contact(books: Books, row: Row) -> Row:
    return contact_wire.written(books.table("Contacts").rows[row["Contact"]["ContactID"]])


def _listed_line(line: Row, four_places: bool) -> Row:
    shown = dict(line)
    if line["Tracking"]:
        shown["Tracking"] = [
            {
                "Name": tracked["Name"],
                "Option": tracked["Option"],
                "TrackingCategoryID": tracked["TrackingCategoryID"],
                "Options": [],
            }
            for tracked in line["Tracking"]
        ]
    return _with_places(shown, four_places)


def _written_line(line: Row, four_places: bool) -> Row:
    return _with_places({**line, "ValidationErrors": []}, four_places)


def _with_places(line: Row, four_places: bool) -> Row:
    """Unit prices have two places unless unitdp=4 asks for four."""
    unit_amount = line.get("UnitAmount")
    if unit_amount is not None and not four_places and unit_amount.as_tuple().exponent < -2:
        line["UnitAmount"] = wire.number(unit_amount.quantize(_CENT, ROUND_HALF_UP))
    return line


def applied_amount(row: Row) -> Decimal:
    """What payments and credits took off."""
    amount: Decimal = row["AmountPaid"] + row["AmountCredited"]
    return amount
