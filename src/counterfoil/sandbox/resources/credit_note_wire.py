"""A credit note in each form that Xero shows it in (facts 5.9, Appendix C): single, write answer, inside an invoice.

Called by `credit_notes` and `allocations`. The forms of lists are those of `document_wire`.
"""

from decimal import Decimal

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import document_wire
from counterfoil.sandbox.tables import Row

ORDER = (
    "CreditNoteID", "CreditNoteNumber", "SentToContact", "Payments", "ID", "HasErrors", "InvoiceAddresses",
    "CurrencyRate", "Type", "Reference", "RemainingCredit", "Allocations", "HasAttachments", "UpdatedDateUTCString",
    "Contact", "DateString", "Date", "DueDateString", "DueDate", "BrandingThemeID", "Status", "LineAmountTypes",
    "LineItems", "SubTotal", "TotalTax", "Total", "UpdatedDateUTC", "CurrencyCode", "FullyPaidOnDate",
)  # fmt: skip

_WRITTEN_DROPS = frozenset({"HasAttachments", "InvoiceAddresses"})


def single(books: Books, row: Row, *, four_places: bool) -> Row:
    """Fetched by id: the full contact, lines with tracking ids."""
    return document_wire.with_everything(books, row, dict(row), four_places=four_places)


def written(books: Books, row: Row, *, four_places: bool) -> Row:
    """In the answer to a write."""
    shown = {key: value for key, value in row.items() if key not in _WRITTEN_DROPS}
    return document_wire.with_everything(books, row, shown, four_places=four_places)


def refused(attempted: Row, id: str) -> Row:
    """What is echoed beside validation errors."""
    return document_wire.refused({"Type": "ACCRECCREDIT"} | attempted, "CreditNoteID", id, ORDER)


def applied(row: Row, amount: Decimal) -> Row:
    """Inside an invoice that this credit note took `amount` off."""
    return {
        "CreditNoteID": row["CreditNoteID"],
        "CreditNoteNumber": row["CreditNoteNumber"],
        "ID": row["CreditNoteID"],
        "AppliedAmount": amount,
        "DateString": row["DateString"],
        "Date": row["Date"],
        "LineItems": [],
        "Total": row["Total"],
    }
