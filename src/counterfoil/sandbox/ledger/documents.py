"""Entries of invoices, bills and credit notes: control account against lines and tax, and what settling leaves over.

Called by `following`. A draft, a voided and a deleted document post nothing.
"""

from decimal import Decimal
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger import stock
from counterfoil.sandbox.ledger.entry import (
    CREDITORS,
    DEBTORS,
    GAINS,
    ROUNDING,
    TAX,
    ZERO,
    Entry,
    Line,
    balanced,
    in_base,
    system,
)
from counterfoil.sandbox.tables import Row

POSTED: Final = frozenset({"AUTHORISED", "PAID"})
# The sign of the control account's side, and which control account it is.
SIDES: Final = {
    "ACCREC": (1, DEBTORS),
    "ACCRECCREDIT": (-1, DEBTORS),
    "ACCPAY": (-1, CREDITORS),
    "ACCPAYCREDIT": (1, CREDITORS),
    "RECEIVE-OVERPAYMENT": (-1, DEBTORS),
    "SPEND-OVERPAYMENT": (1, CREDITORS),
    "RECEIVE-PREPAYMENT": (-1, DEBTORS),
    "SPEND-PREPAYMENT": (1, CREDITORS),
}
_APPLIED: Final = ("Payments", "Allocations", "CreditNotes", "Overpayments", "Prepayments")


def entries(books: Books, row: Row) -> list[Entry]:
    """What an invoice or credit note posts; its allocations are in `allocations`."""
    if row["Status"] not in POSTED:
        return []
    own_id = row["InvoiceID"] if "InvoiceID" in row else row["CreditNoteID"]
    sign, control = SIDES[row["Type"]]
    rate = row["CurrencyRate"]
    owed = Line(system(books, control), sign * in_base(books, row["Total"], rate))
    lines = balanced(books, [owed, *coded(books, row, -sign)], ROUNDING)
    costs = stock.entries(books, "CreditNotes" if "CreditNoteID" in row else "Invoices", row, own_id)
    if not lines:
        return costs
    whole = Entry("", own_id, row["Type"], row["Date"], row.get("Reference", ""), lines)
    return [whole, *costs, *leftover(books, row, own_id)]


def coded(books: Books, row: Row, sign: int) -> list[Line]:
    """The lines of a document on their accounts, and their tax on the tax account, in base currency."""
    rate = row["CurrencyRate"]
    lines = []
    taxes = ZERO
    for item in row["LineItems"]:
        amount, account = item.get("LineAmount"), item.get("AccountID")
        if amount is None or account is None:
            continue
        tax = item.get("TaxAmount", ZERO)
        own = net(books, row, item)
        tax = in_base(books, tax, rate)
        taxes += tax
        lines.append(
            Line(
                account,
                sign * own,
                sign * tax,
                item.get("TaxType", ""),
                item.get("Description", ""),
                item["Tracking"],
            )
        )
    if taxes:
        lines.append(Line(system(books, TAX), sign * taxes))
    return lines


def net(books: Books, row: Row, line: Row) -> Decimal:
    """What a line comes to without tax, in base currency."""
    amount: Decimal = line.get("LineAmount", ZERO)
    if row["LineAmountTypes"] == "Inclusive":
        amount -= line.get("TaxAmount", ZERO)
    return in_base(books, amount, row["CurrencyRate"])


def whole(books: Books, row: Row, sign: int) -> list[Line]:
    """The coded lines and what rounding adds to them, so that they are the document's total."""
    lines = coded(books, row, sign)
    rest = sign * in_base(books, row["Total"], row["CurrencyRate"]) - sum((line.net for line in lines), ZERO)
    return [*lines, Line(system(books, ROUNDING), rest)] if rest else lines


def applied(row: Row) -> list[Decimal]:
    """The amounts that payments and credits took off a document, in its currency."""
    return [
        part["AppliedAmount"] if "AppliedAmount" in part else part["Amount"]
        for key in _APPLIED
        for part in row.get(key, ())
    ]


def leftover(books: Books, row: Row, own_id: str) -> list[Entry]:
    """The cents between a settled foreign document and the parts that settled it, each converted by itself."""
    rate = row["CurrencyRate"]
    if rate == 1 or row["Status"] != "PAID":
        return []
    cents = in_base(books, row["Total"], rate) - sum((in_base(books, amount, rate) for amount in applied(row)), ZERO)
    if not cents:
        return []
    sign, control = SIDES[row["Type"]]
    lines = balanced(books, [Line(system(books, control), -sign * cents)], GAINS)
    days: list[str] = [row["Date"], *(part["Date"] for key in _APPLIED for part in row.get(key, ()))]
    day = max(days, key=wire.stamp_ms)
    return [Entry("leftover", own_id, _source(row["Type"]), day, "", lines)]


def _source(kind: str) -> str:
    return {"RECEIVE-OVERPAYMENT": "AROVERPAYMENT", "SPEND-OVERPAYMENT": "APOVERPAYMENT"}.get(kind, kind)
