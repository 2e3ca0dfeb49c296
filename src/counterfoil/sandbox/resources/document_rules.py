"""When an invoice or credit note may be made or changed: statuses, locks, payments, numbers, links (facts 5.0, 5.8).

Called by `document_writing`, `payments` and `allocations`. Pure functions of rows; each returns Xero's messages, [] =
allowed. The facts give the sentences for invoices and say that credit notes share those about states.
"""

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books, fold
from counterfoil.sandbox.resources import document_wire
from counterfoil.sandbox.resources.document_kinds import Kind, is_sale
from counterfoil.sandbox.tables import Row

NOT_FOR_CREATION = "Invoice not of valid status for creation"
NOT_FOR_MODIFICATION = "Invoice not of valid status for modification"
HAS_PAYMENT = "This document cannot be edited as it has a payment or credit note allocated to it."

CREATION = frozenset({"DRAFT", "SUBMITTED", "AUTHORISED"})
STRICT = frozenset({"SUBMITTED", "AUTHORISED"})
APPROVED = frozenset({"AUTHORISED", "PAID"})
ENDED = frozenset({"VOIDED", "DELETED"})
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

# With a payment on it, everything else stays editable; of a line only description, account and tracking.
_FIXED_WHEN_PAID = frozenset(
    {
        "Type", "Date", "ExpectedPaymentDate", "PlannedPaymentDate", "CurrencyCode", "CurrencyRate", "LineAmountTypes",
        "SubTotal", "TotalTax", "Total",
    }
)  # fmt: skip
_LINE_FREE_WHEN_PAID = frozenset({"Description", "AccountCode", "AccountID", "Tracking"})
_LOCKS = (("PeriodLockDate", "period lock date"), ("EndOfYearLockDate", "end of year lock date"))


def transition(before: Row, asked: str | None) -> list[str]:
    """Whether the stored document may be saved, with this status if one was sent."""
    status = before["Status"]
    if (
        document_wire.applied_amount(before)
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
    """What a payment or credit forbids to change; with a credit on it the contact too."""
    if not document_wire.applied_amount(before):
        return []
    fixed = _FIXED_WHEN_PAID if is_sale(before) else _FIXED_WHEN_PAID - {"PlannedPaymentDate"}
    moved = any(before.get(key) != after.get(key) for key in fixed)
    credited = before.get("AmountCredited", Decimal(1))  # a credit note's contact stays, too: the facts are silent
    rehomed = bool(credited) and before["Contact"]["ContactID"] != after["Contact"]["ContactID"]
    if moved or rehomed or _fixed_lines(before) != _fixed_lines(after):
        return [HAS_PAYMENT]
    return []


def _fixed_lines(row: Row) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key not in _LINE_FREE_WHEN_PAID} for line in row["LineItems"]]


def number(books: Books, kind: Kind, text: str, own_id: str | None) -> list[str]:
    """Whether a customer's document may have this number. Numbers of voided and deleted ones stay taken."""
    if len(text) > LENGTH_MAX:
        return [f"The {kind.number_key} must not be longer than {LENGTH_MAX} characters."]
    holders = [row for row in books.table(kind.plural).find("number", fold(text)) if is_sale(row)]
    return [kind.not_unique] if any(holder[kind.id_key] != own_id for holder in holders) else []


def link(text: str) -> list[str]:
    """A web address that is not one of Xero's."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc or len(text) > URL_MAX:
        return ["The Url must be a complete http or https address."]
    host = (parts.hostname or "").lower()
    if host == "xero.com" or host.endswith(".xero.com"):
        return ["The Url must not contain a xero domain."]
    return []
