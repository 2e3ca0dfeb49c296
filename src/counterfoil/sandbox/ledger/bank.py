"""Entries of spend and receive money, over- and prepayments as they are received, and transfers. Called by `following`."""

from typing import Final

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger import documents, stock
from counterfoil.sandbox.ledger.entry import ROUNDING, Entry, Line, balanced, in_base, system
from counterfoil.sandbox.tables import Row

_SOURCES: Final = {
    "RECEIVE": "CASHREC",
    "SPEND": "CASHPAID",
    "RECEIVE-OVERPAYMENT": "AROVERPAYMENT",
    "SPEND-OVERPAYMENT": "APOVERPAYMENT",
    "RECEIVE-PREPAYMENT": "ARPREPAYMENT",
    "SPEND-PREPAYMENT": "APPREPAYMENT",
}


def transactions(books: Books, row: Row) -> list[Entry]:
    """Money against its lines and tax. The halves of a transfer post nothing: the transfer does."""
    source = _SOURCES.get(row["Type"])
    if source is None or row["Status"] != "AUTHORISED":
        return []
    sign = 1 if row["Type"].startswith("RECEIVE") else -1
    money = Line(row["BankAccount"]["AccountID"], sign * in_base(books, row["Total"], row["CurrencyRate"]))
    if row["Type"].endswith("OVERPAYMENT"):  # as one sum: that is what it will be cleared by
        side, control = documents.SIDES[row["Type"]]
        coded = [Line(system(books, control), side * abs(money.net))]
    else:
        coded = documents.coded(books, row, -sign)
    lines = balanced(books, [money, *coded], ROUNDING)
    own_id = row.get("OverpaymentID") or row.get("PrepaymentID") or row["BankTransactionID"]
    whole = Entry("", own_id, source, row["Date"], row.get("Reference", ""), lines)
    return [whole, *stock.entries(books, "BankTransactions", row, row["BankTransactionID"])]


def transfers(books: Books, row: Row) -> list[Entry]:
    """Money from one account to the other."""
    if row["Status"] != "AUTHORISED":
        return []
    amount = in_base(books, row["Amount"], row["CurrencyRate"])
    lines = [Line(row["ToBankAccount"]["AccountID"], amount), Line(row["FromBankAccount"]["AccountID"], -amount)]
    return [Entry("", row["BankTransferID"], "TRANSFER", row["Date"], row.get("Reference", ""), lines)]
