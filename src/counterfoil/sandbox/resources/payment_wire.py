"""A payment in each form that Xero shows it in (facts 5.10, Appendix C): list, single and write answer, refused.

Called by `payments`. A stored row is the list form with the document's id and type alone; number and contact are looked
up, since both may change. A refund shows its credit note under Invoice, with Type ACCRECCREDIT, as Xero's own examples.
"""

from typing import Any

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import contact_wire, credit_note_wire, invoice_wire
from counterfoil.sandbox.resources.document_kinds import CREDIT_NOTE, INVOICE, Kind
from counterfoil.sandbox.tables import Row

ORDER = (
    "PaymentID", "Date", "BankAmount", "Amount", "Reference", "CurrencyRate", "PaymentType", "Status",
    "UpdatedDateUTC", "UpdatedDateUTCString", "HasAccount", "IsReconciled", "Account", "Invoice", "HasValidationErrors",
)  # fmt: skip
TYPES = {"ACCREC": "ACCRECPAYMENT", "ACCRECCREDIT": "ARCREDITPAYMENT"}

_NOT_IN_A_PAYMENT = frozenset({"Payments", "CreditNotes"})


def kind_of(payment: Row) -> Kind:
    """What the payment is on."""
    return CREDIT_NOTE if payment["Invoice"]["Type"] == CREDIT_NOTE.type else INVOICE


def document_of(books: Books, payment: Row) -> Row:
    """The stored invoice or credit note that the payment is on."""
    return books.table(kind_of(payment).plural).rows[payment["Invoice"]["InvoiceID"]]


def listed(books: Books, payment: Row) -> Row:
    """In a list: account and document with little more than their ids."""
    document = document_of(books, payment)
    invoice = {
        **payment["Invoice"],
        "InvoiceNumber": document[kind_of(payment).number_key],
        "Payments": [],
        "CreditNotes": [],
        "Prepayments": [],
        "Overpayments": [],
        "HasErrors": False,
        "IsDiscounted": False,
        "Contact": document["Contact"],
        "LineItems": [],
        "CurrencyCode": document["CurrencyCode"],
    }
    return {**payment, "Invoice": invoice}


def single(books: Books, payment: Row) -> Row:
    """Fetched by id, and in the answer to a write: the account's name and the whole document."""
    document = document_of(books, payment)
    if kind_of(payment) is INVOICE:
        shown = invoice_wire.written(books, document, four_places=False)
    else:
        shown = _as_invoice(document, credit_note_wire.written(books, document, four_places=False))
    shown["Contact"] = contact_wire.embedded(books.table("Contacts").rows[document["Contact"]["ContactID"]])
    account = books.table("Accounts").get(payment["Account"]["AccountID"]) or {}
    named = payment["Account"] | ({"Name": account["Name"]} if account else {})
    return {**payment, "Account": named, "Invoice": shown}


def _as_invoice(document: Row, shown: Row) -> Row:
    """A credit note in an invoice's words: what is left of it is what is due."""
    named: Row = {
        "Type": document["Type"],
        "InvoiceID": document["CreditNoteID"],
        "InvoiceNumber": document["CreditNoteNumber"],
        "Prepayments": [],
        "Overpayments": [],
        "AmountDue": document["RemainingCredit"],
        "AmountPaid": wire.number(document["Total"] - document["RemainingCredit"]),
        "IsDiscounted": False,
    }
    both = shown | named
    return {key: both[key] for key in invoice_wire.ORDER if key in both and key not in _NOT_IN_A_PAYMENT}


def refused(posted: Row) -> Row:
    """What is echoed beside validation errors: what was sent, under the zero id."""
    shown: Row = {"PaymentID": wire.ZERO_GUID}
    shown |= {
        key: _wired(posted[key])
        for key in ("Date", "BankAmount", "Amount", "Reference", "CurrencyRate")
        if key in posted
    }
    shown |= {"HasAccount": "Account" in posted}
    shown |= {key: posted[key] for key in ("Account", "Invoice", "CreditNote") if key in posted}
    return shown | {"HasValidationErrors": True}


def _wired(value: Any) -> Any:
    return wire.day(value) if hasattr(value, "isoformat") else wire.tidy(value)
