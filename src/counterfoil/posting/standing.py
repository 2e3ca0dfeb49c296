"""One invoice as three parties see it, field by field and in comparable values: as posted, as Xero has it, as recorded.

Called by comparing. Pure. Words of a field are a bookkeeper's; wire names stay between here and comparing. Amounts are
Decimals whatever they were written as; dates are days; an absent text is "". Facts §5.8 (Invoices), §4.2 (dates).
"""

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.model import record
from counterfoil.model.prepared import Predicted

HEAD: Mapping[str, str] = {
    "Contact": "contact",
    "InvoiceNumber": "number",
    "Reference": "reference",
    "Date": "date",
    "DueDate": "due date",
    "CurrencyCode": "currency",
    "CurrencyRate": "rate",
    "LineAmountTypes": "amounts",
    "BrandingThemeID": "branding theme",
    "SentToContact": "sent",
    "Status": "status",
}
LINE: Mapping[str, str] = {
    "Description": "description",
    "Quantity": "quantity",
    "UnitAmount": "price",
    "AccountCode": "account",
    "TaxType": "tax",
    "DiscountRate": "discount in per cent",
    "DiscountAmount": "discount",
    "Tracking": "tracking",
    "ItemCode": "item",
    "TaxAmount": "tax amount",
}
AMOUNTS = frozenset({"Quantity", "UnitAmount", "DiscountRate", "DiscountAmount", "TaxAmount", "CurrencyRate"})
DAYS = frozenset({"Date", "DueDate"})
EMPTY = frozenset({"Reference", "Description"})  # absent is ""
NOUGHT = frozenset({"DiscountRate", "DiscountAmount"})  # absent is 0
ID = "LineItemID"


class Side(msgspec.Struct, frozen=True):
    """Our own word: the element as it was or would be sent, contact and mark included, and what Xero makes of it."""

    element: Mapping[str, Any]
    predicted: Predicted

    def head(self, key: str) -> Any:
        """The value of a head field; None: not stated, so it is Xero's business."""
        return _head(self.element, key)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines, each with every field of LINE as it is predicted to be stored."""
        sent = self.element.get("LineItems") or ()
        return [self._line(line, index) for index, line in enumerate(sent)]

    def _line(self, line: Mapping[str, Any], index: int) -> dict[str, Any]:
        values = line_values(line)
        if index < len(self.predicted.lines):
            foreseen = self.predicted.lines[index]
            values["TaxType"] = values["TaxType"] or foreseen.tax_type
            values["TaxAmount"] = foreseen.tax_amount
        return values

    def states_tax(self, index: int) -> bool:
        """True when the line's tax amount was given, not left to Xero to compute."""
        return "TaxAmount" in self.element["LineItems"][index]


def theirs_head(stored: Mapping[str, Any], key: str) -> Any:
    """The value of a head field as Xero has it."""
    return _head(stored, key)


def _head(element: Mapping[str, Any], key: str) -> Any:
    value = element.get(key)
    if key == "Contact":
        return (value or {}).get("ContactID")
    if key == "SentToContact":
        return bool(value)
    return comparable(key, value)


def line_values(line: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of LINE in comparable form; None where it is not there."""
    return {key: comparable(key, line.get(key)) for key in LINE}


def comparable(key: str, value: Any) -> Any:
    """A value without what makes no difference: 2 and 2.00, CRLF and LF, the form of a date."""
    if key == "Tracking":
        return frozenset((str(one.get("Name")), str(one.get("Option"))) for one in value or ())
    if value is None or value == "":
        return "" if key in EMPTY else Decimal(0) if key in NOUGHT else None
    if key in AMOUNTS:
        return Decimal(str(value))
    if key in DAYS:
        return value if isinstance(value, datetime.date) else record.day(str(value))
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip()
    return value


def shown(value: Any) -> str:
    """A value in a sentence."""
    if value is None or value in ("", frozenset()):
        return "nothing"
    if isinstance(value, frozenset):
        return ", ".join(f"{name}: {option}" for name, option in sorted(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, str) else str(value)


def is_paid(stored: Mapping[str, Any]) -> bool:
    """Something was paid on it or credited to it; of a credit note: it is allocated, or was refunded."""
    applied = (stored.get(name) for name in ("AmountPaid", "AmountCredited"))
    listed = (stored.get(name) for name in ("Payments", "CreditNotes", "Prepayments", "Overpayments", "Allocations"))
    return stored.get("Status") == "PAID" or any(Decimal(str(amount or 0)) != 0 for amount in applied) or any(listed)


def ids(stored: Mapping[str, Any]) -> list[str]:
    """The ids of the lines, in Xero's order."""
    lines: Sequence[Mapping[str, Any]] = stored.get("LineItems") or ()
    return [str(line.get(ID)) for line in lines]
