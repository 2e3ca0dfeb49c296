"""An invoice in each form that Xero shows it in (facts 5.8, Appendix C): summary, single, write answer, in a payment.

Called by `invoices` and `payment_wire`. The forms of lists are those of `document_wire`.
"""

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import document_wire
from counterfoil.sandbox.tables import Row

# RoundingAmount and EnteredTotal are not in the published schema; facts 4.6 name them.
ORDER = (
    "Type", "InvoiceID", "InvoiceNumber", "Reference", "Url", "Payments", "CreditNotes", "Prepayments", "Overpayments",
    "AmountDue", "AmountPaid", "AmountCredited", "ExpectedPaymentDateString", "ExpectedPaymentDate",
    "PlannedPaymentDateString", "PlannedPaymentDate", "SentToContact", "CurrencyRate", "IsDiscounted", "HasAttachments",
    "InvoiceAddresses", "HasErrors", "InvoicePaymentServices", "UpdatedDateUTCString", "Contact", "DateString", "Date",
    "DueDateString", "DueDate", "BrandingThemeID", "Status", "LineAmountTypes", "LineItems", "SubTotal", "TotalTax",
    "Total", "RoundingAmount", "EnteredTotal", "TotalDiscount", "UpdatedDateUTC", "CurrencyCode", "FullyPaidOnDate",
)  # fmt: skip

_SUMMARY_DROPS = frozenset({"Payments", "LineItems", "HasAttachments"})
_WRITTEN_DROPS = frozenset({"Payments", "CreditNotes", "AmountCredited", "HasAttachments", "InvoiceAddresses"})


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
    return document_wire.with_everything(books, row, shown, four_places=four_places)


def written(books: Books, row: Row, *, four_places: bool) -> Row:
    """In the answer to a write. The answer to a void still shows what was due."""
    shown = {key: value for key, value in row.items() if key not in _WRITTEN_DROPS}
    shown = document_wire.with_everything(books, row, shown, four_places=four_places)
    if row["Status"] == "VOIDED":
        shown["AmountDue"] = row["Total"]
    return shown


def refused(attempted: Row, id: str) -> Row:
    """What is echoed beside validation errors."""
    return document_wire.refused({"Type": "ACCREC"} | attempted, "InvoiceID", id, ORDER)
