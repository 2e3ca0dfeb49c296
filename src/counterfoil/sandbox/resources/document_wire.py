"""What invoices and credit notes share in every form that Xero shows them in (facts Appendix C).

Called by `invoice_wire`, `credit_note_wire` and the files that save documents. A stored row is the paged form, with unit
prices of four places and tracking options with their ids.
"""

from decimal import ROUND_HALF_UP, Decimal

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import contact_wire
from counterfoil.sandbox.tables import Row

LINE_ORDER = (
    "ItemCode", "Description", "UnitAmount", "TaxType", "TaxAmount", "LineAmount", "AccountCode", "Item", "Tracking", "Quantity",
    "DiscountRate", "DiscountAmount", "LineItemID", "AccountID",
)  # fmt: skip

_CENT = Decimal("0.01")
_ZERO = Decimal(0)
_REFUSED_DROPS = frozenset(
    {
        "InvoiceNumber", "CreditNoteNumber", "Reference", "Url", "AmountDue", "AmountPaid", "AmountCredited",
        "RemainingCredit", "SentToContact", "CurrencyRate", "HasAttachments", "UpdatedDateUTCString", "UpdatedDateUTC",
        "BrandingThemeID",
    }
)  # fmt: skip


def four_places(call: Call) -> bool:
    """Whether unit prices have four places: unitdp=4."""
    return call.query.get("unitdp") == "4"


def form(call: Call) -> str:
    """The name of the form that `paged` and `unpaged` show here; they look at nothing else but the row."""
    return "four places" if four_places(call) else "two places"


def applied_amount(row: Row) -> Decimal:
    """What payments and credits took off an invoice, or allocations and refunds off a credit note."""
    if "AmountPaid" in row:
        amount: Decimal = row["AmountPaid"] + row["AmountCredited"]
        return amount
    return sum((part["Amount"] for part in (*row["Allocations"], *row["Payments"])), _ZERO)


def paged(row: Row, *, four_places: bool) -> Row:
    """In a paged list: full lines, the contact's id and name."""
    return row | {"LineItems": [_listed_line(line, four_places) for line in row["LineItems"]]}


def unpaged(row: Row) -> Row:
    """In a list without `page`: no lines."""
    return row | {"LineItems": []}


def with_everything(books: Books, row: Row, shown: Row, *, four_places: bool) -> Row:
    """`shown` with the full contact, and lines with tracking ids: single documents and write answers."""
    shown["Contact"] = books.table("Contacts").derived(row["Contact"]["ContactID"], contact_wire.written)
    shown["LineItems"] = [
        _with_places({**line, "ValidationErrors": []}, four_places=four_places) for line in row["LineItems"]
    ]
    return shown


def refused(attempted: Row, id_key: str, id: str, order: tuple[str, ...]) -> Row:
    """What is echoed beside validation errors: the state that was asked for, without numbers and stamps."""
    kept = {key: attempted[key] for key in order if key in attempted and key not in _REFUSED_DROPS}
    contact = attempted.get("Contact", {})
    kept |= {id_key: id, "HasErrors": True}
    kept["Contact"] = {
        **{key: contact[key] for key in ("ContactID", "ContactNumber", "Name") if key in contact},
        "Addresses": [],
        "Phones": [],
        "ContactGroups": [],
        "ContactPersons": [],
        "HasValidationErrors": False,
        "ValidationErrors": [],
    }
    return {key: kept[key] for key in order if key in kept}


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
    return _with_places(shown, four_places=four_places)


def _with_places(line: Row, *, four_places: bool) -> Row:
    """Unit prices have two places unless unitdp=4 asks for four."""
    unit_amount = line.get("UnitAmount")
    if unit_amount is not None and not four_places and unit_amount.as_tuple().exponent < -2:
        line["UnitAmount"] = wire.number(unit_amount.quantize(_CENT, ROUND_HALF_UP))
    return line
