"""A payment in each form that Xero shows it in (facts 5.10, Appendix C): list, single and write answer, refused.

Called by `payments` and `batch_payments`. A stored row is the list form with the document's id and type alone; number and
contact are looked up, since both may change. A refund shows its credit under Invoice, with a type of its own, as Xero's
own examples do.
"""

from typing import Any

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import contact_wire, credit_note_wire, credit_wire, invoice_wire
from counterfoil.sandbox.resources.document_kinds import CREDIT_NOTE, INVOICE, OVERPAYMENT, PREPAYMENT, Payable
from counterfoil.sandbox.tables import Row

ORDER = (
    "PaymentID", "BatchPaymentID", "BatchPayment", "Date", "BankAmount", "Amount", "Reference", "CurrencyRate",
    "PaymentType", "Status", "UpdatedDateUTC", "UpdatedDateUTCString", "HasAccount", "IsReconciled", "Account",
    "Invoice", "HasValidationErrors",
)  # fmt: skip
# The type of a document inside a payment, and the type of the payment that follows from it.
INSIDE = {
    "RECEIVE-OVERPAYMENT": "AROVERPAYMENT",
    "SPEND-OVERPAYMENT": "APOVERPAYMENT",
    "RECEIVE-PREPAYMENT": "ARPREPAYMENT",
    "SPEND-PREPAYMENT": "APPREPAYMENT",
}
TYPES = {
    "ACCREC": "ACCRECPAYMENT",
    "ACCPAY": "ACCPAYPAYMENT",
    "ACCRECCREDIT": "ARCREDITPAYMENT",
    "ACCPAYCREDIT": "APCREDITPAYMENT",
    **{inside: f"{inside}PAYMENT" for inside in INSIDE.values()},
}

_NOT_IN_A_PAYMENT = frozenset({"Payments", "CreditNotes"})
_KINDS = {"CREDIT": CREDIT_NOTE, "OVERPAYMENT": OVERPAYMENT, "PREPAYMENT": PREPAYMENT}


def inside(document: Row) -> str:
    """What a payment calls the type of its document."""
    own: str = document["Type"]
    return INSIDE.get(own, own)


def kind_of(payment: Row) -> Payable:
    """What the payment is on."""
    return next((kind for end, kind in _KINDS.items() if payment["Invoice"]["Type"].endswith(end)), INVOICE)


def document_of(books: Books, payment: Row) -> Row:
    """The stored document that the payment is on."""
    return books.table(kind_of(payment).plural).rows[payment["Invoice"]["InvoiceID"]]


def number_of(kind: Payable, document: Row) -> str:
    """The number that the payment shows for its document: of an over- or prepayment there is none."""
    number: str = document.get(kind.number_key, "") if kind.number_key else document.get("InvoiceNumber", "")
    return number


def listed(books: Books, payment: Row) -> Row:
    """In a list: account and document with little more than their ids."""
    document = document_of(books, payment)
    invoice = {
        **payment["Invoice"],
        "InvoiceNumber": number_of(kind_of(payment), document),
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
    document, kind = document_of(books, payment), kind_of(payment)
    if kind is INVOICE:
        shown = invoice_wire.written(books, document, four_places=False)
    else:
        write = credit_note_wire.written if kind is CREDIT_NOTE else credit_wire.single
        shown = _as_invoice(kind, document, write(books, document, four_places=False))
    shown["Contact"] = contact_wire.embedded(books.table("Contacts").rows[document["Contact"]["ContactID"]])
    account = books.table("Accounts").get(payment["Account"]["AccountID"]) or {}
    named = payment["Account"] | ({"Name": account["Name"]} if account else {})
    return {**payment, "Account": named, "Invoice": shown}


def _as_invoice(kind: Payable, document: Row, shown: Row) -> Row:
    """A credit in an invoice's words: what is left of it is what is due."""
    named: Row = {
        "Type": inside(document),
        "InvoiceID": document[kind.id_key],
        "InvoiceNumber": number_of(kind, document),
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
        key: wired(posted[key])
        for key in ("Date", "BankAmount", "Amount", "Reference", "CurrencyRate")
        if key in posted
    }
    shown |= {"HasAccount": "Account" in posted}
    shown |= {
        key: posted[key] for key in ("Account", "Invoice", "CreditNote", "Overpayment", "Prepayment") if key in posted
    }
    return shown | {"HasValidationErrors": True}


def wired(value: Any) -> Any:
    """A posted value in wire form: dates become wire dates."""
    return wire.day(value) if hasattr(value, "isoformat") else wire.tidy(value)
