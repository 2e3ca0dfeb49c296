"""What the documents that are paid or allocated have apart: names on the wire, own numbers, what a new one holds.

Called by `document_writing`, `document_rules`, `balances`, `allocations`, `payments` and `person`, which treat all of a
kind alike through this (facts 5.8, 5.9, 5.12).
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import (
    contact_rules,
    credit_note_wire,
    credit_wire,
    document_lines,
    invoice_wire,
    shape,
)
from counterfoil.sandbox.resources.shape import Reader, Shape
from counterfoil.sandbox.tables import Row

_ZERO = Decimal("0.0")
_OF_CUSTOMERS: Final = frozenset({"ACCREC", "ACCRECCREDIT", "RECEIVE-OVERPAYMENT", "RECEIVE-PREPAYMENT"})


class Written(Protocol):
    """A stored row as the answer to its write shows it."""

    def __call__(self, books: Books, row: Row, *, four_places: bool) -> Row:
        """The shown form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """What payments and allocations are on. `open_key` holds what is left of it: AmountDue or RemainingCredit.

    `number_key` is empty for what has no number.
    """

    plural: str
    singular: str
    id_key: str
    number_key: str
    words: str
    order: tuple[str, ...]
    open_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Payable):
    """A document with a life cycle that an app writes.

    `type` is that of a customer's, which is meant where nobody says; a supplier's has neither unique numbers nor discounts.
    """

    type: str
    shape: Shape
    days: tuple[str, ...]  # members that are calendar dates
    copied: tuple[str, ...]  # members that are stored as they are sent
    start: Row  # what a new one holds besides what every document holds
    written: Written
    refused: Callable[[Row, str], Row]
    counter: str
    number_prefix: str
    not_unique: str
    needs_due_date: bool
    has_discounts: bool


_COMMON: Final[dict[str, Reader]] = {
    "Reference": shape.text,
    "Contact": shape.object_of(contact_rules.SHAPE),
    "Date": shape.day,
    "DueDate": shape.day,
    "LineAmountTypes": shape.enum("LineAmountType", "Exclusive", "Inclusive", "NoTax"),
    "LineItems": shape.array_of(document_lines.SHAPE),
    "BrandingThemeID": shape.guid,
    "CurrencyCode": shape.text,
    "CurrencyRate": shape.decimal,
    "Status": shape.enum("InvoiceStatus", "DRAFT", "SUBMITTED", "DELETED", "AUTHORISED", "PAID", "VOIDED"),
    "SentToContact": shape.boolean,
    "SubTotal": shape.decimal,
    "TotalTax": shape.decimal,
    "Total": shape.decimal,
}
_COPIED: Final = ("Type", "Reference", "BrandingThemeID", "Status", "LineAmountTypes")

INVOICE: Final = Kind(
    plural="Invoices",
    singular="Invoice",
    id_key="InvoiceID",
    number_key="InvoiceNumber",
    words="invoice",
    type="ACCREC",
    shape=shape.Shape(
        Type=shape.enum("InvoiceType", "ACCREC", "ACCPAY"),
        InvoiceID=shape.guid,
        InvoiceNumber=shape.text,
        Url=shape.text,
        ExpectedPaymentDate=shape.day,
        PlannedPaymentDate=shape.day,
        RoundingAmount=shape.decimal,
        EnteredTotal=shape.decimal,
        **_COMMON,
    ),
    days=("Date", "DueDate", "ExpectedPaymentDate", "PlannedPaymentDate"),
    copied=("InvoiceNumber", "Url", *_COPIED),
    start={
        "Payments": [],
        "CreditNotes": [],
        "Prepayments": [],
        "Overpayments": [],
        "AmountPaid": _ZERO,
        "AmountCredited": _ZERO,
        "IsDiscounted": False,
        "InvoicePaymentServices": [],
    },
    order=invoice_wire.ORDER,
    written=invoice_wire.written,
    refused=invoice_wire.refused,
    open_key="AmountDue",
    counter="invoice",
    number_prefix="INV",
    not_unique="Invoice # must be unique.",
    needs_due_date=True,
    has_discounts=True,
)

CREDIT_NOTE: Final = Kind(
    plural="CreditNotes",
    singular="CreditNote",
    id_key="CreditNoteID",
    number_key="CreditNoteNumber",
    words="credit note",
    type="ACCRECCREDIT",
    shape=shape.Shape(
        Type=shape.enum("CreditNoteType", "ACCRECCREDIT", "ACCPAYCREDIT"),
        CreditNoteID=shape.guid,
        CreditNoteNumber=shape.text,
        **_COMMON,
    ),
    days=("Date", "DueDate"),
    copied=("CreditNoteNumber", *_COPIED),
    start={"Payments": [], "Allocations": []},
    order=credit_note_wire.ORDER,
    written=credit_note_wire.written,
    refused=credit_note_wire.refused,
    open_key="RemainingCredit",
    counter="credit note",
    number_prefix="CN",
    # The facts know only the invoice's sentence; this one is by analogy.
    not_unique="Credit Note # must be unique.",
    needs_due_date=False,
    has_discounts=False,
)

OVERPAYMENT: Final = Payable(
    plural="Overpayments",
    singular="Overpayment",
    id_key="OverpaymentID",
    number_key="",
    words="overpayment",
    order=credit_wire.ORDER,
    open_key="RemainingCredit",
)
PREPAYMENT: Final = Payable(
    plural="Prepayments",
    singular="Prepayment",
    id_key="PrepaymentID",
    number_key="",
    words="prepayment",
    order=credit_wire.ORDER,
    open_key="RemainingCredit",
)

ALL: Final = (INVOICE, CREDIT_NOTE)
PAYABLES: Final[tuple[Payable, ...]] = (INVOICE, CREDIT_NOTE, OVERPAYMENT, PREPAYMENT)


def is_sale(row: Row) -> bool:
    """Whether a document is a customer's: its number is unique and the organisation's own, and it may be sent."""
    return row["Type"] in _OF_CUSTOMERS
