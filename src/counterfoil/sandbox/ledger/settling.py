"""Entries of payments, refunds and allocations: what they take off a document, and the gain or loss of its currency.

Called by `following`. A document is cleared at its own rate, money is worth what it is on its day; the difference is a
realised currency gain or loss. Prepayments are cleared line by line (see `ledger`).
"""

from decimal import Decimal
from typing import Final

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger import documents
from counterfoil.sandbox.ledger.entry import GAINS, ZERO, Entry, Line, balanced, in_base, merged, part_of, system
from counterfoil.sandbox.tables import Row

_PLURALS: Final = {
    "ACCREC": "Invoices",
    "ACCPAY": "Invoices",
    "ACCRECCREDIT": "CreditNotes",
    "ACCPAYCREDIT": "CreditNotes",
    "AROVERPAYMENT": "Overpayments",
    "APOVERPAYMENT": "Overpayments",
    "ARPREPAYMENT": "Prepayments",
    "APPREPAYMENT": "Prepayments",
}
_SOURCES: Final = {
    "ACCREC": "ACCRECPAYMENT",
    "ACCPAY": "ACCPAYPAYMENT",
    "ACCRECCREDIT": "ARCREDITPAYMENT",
    "ACCPAYCREDIT": "APCREDITPAYMENT",
}


def document_of(books: Books, payment: Row) -> Row:
    """The stored document that a payment is on."""
    inside = payment["Invoice"]
    return books.table(_PLURALS[inside["Type"]]).rows[inside["InvoiceID"]]


def payments(books: Books, row: Row) -> list[Entry]:
    """What a payment or refund posts: money against what it clears."""
    if row["Status"] != "AUTHORISED":
        return []
    document = document_of(books, row)
    sign = documents.SIDES[document["Type"]][0]
    money = Line(row["Account"]["AccountID"], sign * _money(books, row, document))
    lines = balanced(books, [money, *cleared(books, document, row["Amount"])], GAINS)
    kind = row["Invoice"]["Type"]
    return [Entry("", row["PaymentID"], _SOURCES.get(kind, kind), row["Date"], row["Reference"], lines)]


def _money(books: Books, row: Row, document: Row) -> Decimal:
    """What the bank account gets or gives, in base currency, without a sign."""
    amount: Decimal = row["Amount"]
    if document["CurrencyCode"] == books.base_currency:
        return amount
    account = books.table("Accounts").get(row["Account"]["AccountID"]) or {}
    if account.get("CurrencyCode", books.base_currency) == books.base_currency:
        paid: Decimal = row["BankAmount"]
        return paid
    return in_base(books, amount, row["CurrencyRate"])


def cleared(books: Books, document: Row, amount: Decimal) -> list[Line]:
    """The lines that take this much, in its own currency, off a document's account or accounts."""
    if "PrepaymentID" in document:
        return share(books, document, amount)
    sign, control = documents.SIDES[document["Type"]]
    return [Line(system(books, control), -sign * in_base(books, amount, document["CurrencyRate"]))]


def share(books: Books, prepayment: Row, amount: Decimal) -> list[Line]:
    """The part of a prepayment's lines that this amount is of its total; cents stay with the largest line."""
    sign = -documents.SIDES[prepayment["Type"]][0]
    whole = documents.whole(books, prepayment, sign)
    worth = sign * in_base(books, amount, prepayment["CurrencyRate"])
    parts = [line._replace(net=part_of(line.net * amount, prepayment["Total"]), tax=ZERO) for line in whole]
    largest = max(range(len(parts)), key=lambda index: abs(parts[index].net))
    missing = worth - sum((part.net for part in parts), ZERO)
    parts[largest] = parts[largest]._replace(net=parts[largest].net + missing)
    return parts


def credit_notes(books: Books, row: Row) -> list[Entry]:
    """A credit note and its allocations."""
    return [*documents.entries(books, row), *_allocations(books, row, row["CreditNoteID"], row["Type"])]


def overpayments(books: Books, row: Row) -> list[Entry]:
    """The allocations of an overpayment; the money itself is posted by its bank transaction."""
    source = "AROVERPAYMENT" if row["Type"] == "RECEIVE-OVERPAYMENT" else "APOVERPAYMENT"
    own_id = row["OverpaymentID"]
    return [*_allocations(books, row, own_id, source), *documents.leftover(books, row, own_id)]


def prepayments(books: Books, row: Row) -> list[Entry]:
    """The allocations of a prepayment, and what its shares leave over between its accounts when it is used up."""
    source = "ARPREPAYMENT" if row["Type"] == "RECEIVE-PREPAYMENT" else "APPREPAYMENT"
    own_id = row["PrepaymentID"]
    entries = _allocations(books, row, own_id, source)
    if row["Status"] == "PAID":
        sign = documents.SIDES[row["Type"]][0]
        used = [part for amount in documents.applied(row) for part in share(books, row, amount)]
        left = merged([*documents.whole(books, row, sign), *used])
        lines = balanced(books, [Line(account, -net) for account, net in left.items()], GAINS)
        if lines:
            entries.append(Entry("leftover", own_id, source, row["Date"], "", lines))
    return entries


def _allocations(books: Books, row: Row, own_id: str, source: str) -> list[Entry]:
    """Each allocation that moves anything: in base currency a credit and its invoice are on the same account."""
    if row["Status"] not in documents.POSTED:
        return []
    entries = []
    for one in row["Allocations"]:
        invoice = books.table("Invoices").rows[one["Invoice"]["InvoiceID"]]
        both = [*cleared(books, row, one["Amount"]), *cleared(books, invoice, one["Amount"])]
        if "PrepaymentID" not in row and not sum((line.net for line in both), ZERO):
            continue
        lines = balanced(books, both, GAINS)
        entries.append(Entry(one["AllocationID"], own_id, source, one["Date"], row.get("Reference", ""), lines))
    return entries
