"""Open documents as reports see them: what is left of each, with the sign of what it does to a contact's debt.

Called by ageing and weeks, and by app/figures, which hands over the mirror's JSON. Of a document only what reports need is
read; lines are skipped. In base currency a document is cleared as a control account is: total and each part that was paid
or credited at the document's own CurrencyRate, each to the cent, so that all documents add up to the ledger's account.
CurrencyRate is units of the document's currency for one of base currency (xero-facts §4.6, which calls the direction uncertain).
"""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

import msgspec

from counterfoil.model import money, record
from counterfoil.model.amounts import Amount
from counterfoil.model.invoice import DocumentContact
from counterfoil.model.record import Day, Part

Side = Literal["receivables", "payables"]
Kind = Literal["invoice", "credit_note", "overpayment", "prepayment"]
DIGITS_MAX: Final = 15  # before the point: beyond what Xero keeps (facts §4.6), and beyond what sums keep exactly
RESOURCES: Final = ("Invoices", "CreditNotes", "Overpayments", "Prepayments")
KINDS: Final[dict[str, tuple[Side, Kind]]] = {  # Xero's types of a document, two spellings of some (facts §5.12)
    "ACCREC": ("receivables", "invoice"),
    "ACCRECCREDIT": ("receivables", "credit_note"),
    "RECEIVE-OVERPAYMENT": ("receivables", "overpayment"),
    "AROVERPAYMENT": ("receivables", "overpayment"),
    "RECEIVE-PREPAYMENT": ("receivables", "prepayment"),
    "ARPREPAYMENT": ("receivables", "prepayment"),
    "ACCPAY": ("payables", "invoice"),
    "ACCPAYCREDIT": ("payables", "credit_note"),
    "SPEND-OVERPAYMENT": ("payables", "overpayment"),
    "APOVERPAYMENT": ("payables", "overpayment"),
    "SPEND-PREPAYMENT": ("payables", "prepayment"),
    "APPREPAYMENT": ("payables", "prepayment"),
}


class Applied(Part, frozen=True, kw_only=True, gc=False):
    """What a payment (`amount`) or a credit (`applied_amount`) took off a document, in its currency."""

    amount: Amount | None = None
    applied_amount: Amount | None = None


class Paper(Part, frozen=True, kw_only=True, gc=False):
    """An invoice, bill, credit note, over- or prepayment, as far as reports read it."""

    type: str | None = None
    invoice_number: str | None = None
    credit_note_number: str | None = None
    reference: str | None = None
    payments: tuple[Applied, ...] = ()
    allocations: tuple[Applied, ...] = ()
    credit_notes: tuple[Applied, ...] = ()
    prepayments: tuple[Applied, ...] = ()
    overpayments: tuple[Applied, ...] = ()
    amount_due: Amount | None = None
    remaining_credit: Amount | None = None
    currency_rate: Amount | None = None
    contact: DocumentContact | None = None
    date: Day | None = None
    due_date: Day | None = None
    total: Amount | None = None
    currency_code: str | None = None


class Open(msgspec.Struct, frozen=True):
    """What is left of one document. Credits are below zero: they reduce what is owed.

    `open` in `currency`, `base` in base currency (None: the document has no rate). `due` is the day it counts from by
    due date: its own where it has none.
    """

    document_id: str
    resource: str
    side: Side
    kind: Kind
    number: str
    reference: str
    contact_id: str
    contact: str
    date: datetime.date
    due: datetime.date
    currency: str
    rate: Decimal | None
    total: Decimal
    open: Decimal
    base: Decimal | None


_papers = record.decoder(tuple[Paper, ...])


def read(
    resource: str, rows: Sequence[tuple[str, bytes]], base_currency: str
) -> tuple[list[Open], list[str]]:  # fmt: skip
    """(id, Xero's JSON) of documents: what is open of them, in their order; and the ids of those that do not say.

    What is settled is in neither. Raises msgspec.DecodeError for what is no document.
    """
    found, unsaid = [], []
    papers = _papers.decode(b"[" + b",".join(body for _id, body in rows) + b"]")
    for (document_id, _body), paper in zip(rows, papers, strict=True):
        left = paper.amount_due if resource == "Invoices" else paper.remaining_credit
        if left is not None and not left:
            continue
        one = _open(document_id, resource, paper, left, base_currency)
        if one is None:
            unsaid.append(document_id)
        else:
            found.append(one)
    return found, unsaid


def _open(document_id: str, resource: str, paper: Paper, left: Decimal | None, base_currency: str) -> Open | None:
    """None: its amounts, day, currency, contact or side are not said, so nobody knows where it belongs."""
    side, kind = KINDS.get(paper.type or "", (None, None))
    contact = paper.contact.contact_id if paper.contact is not None else None
    if left is None or paper.total is None or paper.date is None or not paper.currency_code or not contact:
        return None
    if side is None or kind is None or paper.contact is None:
        return None
    if max(money.whole_digits(left), money.whole_digits(paper.total)) > DIGITS_MAX:
        return None
    sign = 1 if kind == "invoice" else -1
    base = _in_base(paper, paper.total, left, base_currency)
    return Open(
        document_id, resource, side, kind, paper.invoice_number or paper.credit_note_number or "",
        paper.reference or "", contact, paper.contact.name or "", paper.date, paper.due_date or paper.date,
        paper.currency_code, paper.currency_rate, paper.total, sign * left, None if base is None else sign * base,
    )  # fmt: skip


def _in_base(paper: Paper, total: Decimal, left: Decimal, base_currency: str) -> Decimal | None:
    rate = Decimal(1) if paper.currency_code == base_currency else paper.currency_rate
    if rate is None or rate <= 0:
        return None
    taken = [
        one.applied_amount if one.applied_amount is not None else one.amount or money.ZERO
        for one in (*paper.payments, *paper.allocations, *paper.credit_notes, *paper.prepayments, *paper.overpayments)
    ]
    if sum(taken, left) != total:
        return converted(left, rate)  # what took the rest off is not known: the rest by itself
    return converted(total, rate) - sum((converted(one, rate) for one in taken), money.ZERO)


def converted(amount: Decimal, rate: Decimal) -> Decimal:
    """An amount in base currency, to the cent."""
    return money.to_cents(amount if rate == 1 else money.EXACT.divide(amount, rate))
