"""An overpayment or prepayment in each form that Xero shows it in (facts 5.12): single, in a refund, inside an invoice.

Called by `overpayments`, `prepayments`, `balances` and `payment_wire`. The forms of lists are those of `document_wire`.
"""

from decimal import Decimal

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import document_wire
from counterfoil.sandbox.tables import Row

ORDER = (
    "OverpaymentID", "PrepaymentID", "ID", "Type", "Reference", "InvoiceNumber", "CurrencyRate", "RemainingCredit",
    "Allocations", "Payments", "HasAttachments", "Contact", "DateString", "Date", "BrandingThemeID", "Status",
    "LineAmountTypes", "LineItems", "SubTotal", "TotalTax", "Total", "UpdatedDateUTC", "UpdatedDateUTCString",
    "CurrencyCode",
)  # fmt: skip


def single(books: Books, row: Row, *, four_places: bool) -> Row:
    """Fetched by id: the full contact, lines with tracking ids."""
    return document_wire.with_everything(books, row, dict(row), four_places=four_places)


def applied(id_key: str, row: Row, amount: Decimal) -> Row:
    """Inside an invoice that this credit took `amount` off."""
    return {
        id_key: row[id_key],
        "ID": row[id_key],
        "AppliedAmount": amount,
        "DateString": row["DateString"],
        "Date": row["Date"],
        "LineItems": [],
        "Total": row["Total"],
    }
