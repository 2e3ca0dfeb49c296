"""When an invoice may be made or changed: statuses, lock dates, payments, numbers, links (facts 5.0, 5.8).

Called by `invoices`. Pure functions of rows; each returns Xero's messages, [] = allowed.
"""

from datetime import date
from urllib.parse import urlsplit

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books, fold
from counterfoil.sandbox.resources import invoice_wire
from counterfoil.sandbox.tables import Row

NOT_FOR_CREATION = "Invoice not of valid status for creation"
NOT_FOR_MODIFICATION = "Invoice not of valid status for modification"
NOT_UNIQUE = "Invoice # must be unique."
HAS_PAYMENT = "This document cannot be edited as it has a payment or credit note allocated to it."

CREATION = frozenset({"DRAFT", "SUBMITTED", "AUTHORISED"})
STRICT = frozenset({"SUBMITTED", "AUTHORISED"})
NEXT = {
    "DRAFT": frozenset({"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"}),
    "SUBMITTED": frozenset({"SUBMITTED", "AUTHORISED", "DRAFT", "DELETED"}),
    "AUTHORISED": frozenset({"AUTHORISED", "VOIDED"}),
    "PAID": frozenset({"PAID"}),
    "VOIDED": frozenset[str](),
    "DELETED": frozenset[str](),
}
LENGTH_MAX = 255
URL_MAX = 500

# With a payment on it, these stay editable; of a line only description, account and tracking.
_FIXED_WHEN_PAID = ("Type", "Date", "CurrencyCode", "CurrencyRate", "LineAmountTypes", "SubTotal", "TotalTax", "Total")
_LOCKS = (("PeriodLockDate", "period lock date"), ("EndOfYearLockDate", "end of year lock date"))


def transition(before: Row, asked: str | None) -> list[str]:
    """Whether the stored invoice may be saved, with this status if one was sent."""
    status = before["Status"]
    if (
        invoice_wire.applied_amount(before)
        and asked in {"VOIDED", "DRAFT", "SUBMITTED", "AUTHORISED"}
        and asked != status
    ):
        return [
            f"The status {asked} cannot be applied to the invoice because it has payments or credit notes allocated to it."
        ]
    return [] if (asked or status) in NEXT[status] else [NOT_FOR_MODIFICATION]


def locked(books: Books, *days: date) -> list[str]:
    """Whether one of these dates is on or before a lock date of the organisation."""
    organisation = books.organisation
    for key, name in _LOCKS:
        if key in organisation:
            lock = wire.day_of(organisation[key])
            if any(day <= lock for day in days):
                shown = f"{lock.day} {lock:%B %Y}"
                return [f"The document date cannot be before the {name}, currently set at {shown}"]
    return []


def paid_edit(before: Row, after: Row) -> list[str]:
    """What a payment or credit forbids to change."""
    if not invoice_wire.applied_amount(before):
        return []
    moved = any(before.get(key) != after.get(key) for key in _FIXED_WHEN_PAID)
    amounts = [[line.get("LineAmount") for line in row["LineItems"]] for row in (before, after)]
    return [HAS_PAYMENT] if moved or amounts[0] != amounts[1] else []


def number(books: Books, text: str, own_id: str | None) -> list[str]:
    """Whether this number is free. Numbers of voided and deleted invoices stay taken."""
    if len(text) > LENGTH_MAX:
        return [f"The InvoiceNumber must not be longer than {LENGTH_MAX} characters."]
    holders = books.table("Invoices").find("number", fold(text))
    return [NOT_UNIQUE] if any(holder["InvoiceID"] != own_id for holder in holders) else []


def link(text: str) -> list[str]:
    """A web address that is not one of Xero's."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc or len(text) > URL_MAX:
        return ["The Url must be a complete http or https address."]
    host = (parts.hostname or "").lower()
    if host == "xero.com" or host.endswith(".xero.com"):
        return ["The Url must not contain a xero domain."]
    return []
