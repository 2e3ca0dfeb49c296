"""Entries of expense claims: the lines of their receipts, and what is owed to who paid them. Called by `following`."""

from decimal import Decimal
from typing import Final

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger import documents
from counterfoil.sandbox.ledger.entry import ROUNDING, Entry, Line, balanced, system
from counterfoil.sandbox.tables import Row

OWED: Final = "UNPAIDEXPCLM"


def claims(books: Books, row: Row) -> list[Entry]:
    """An approved claim, on the day it was approved."""
    if row["Status"] not in documents.POSTED:
        return []
    lines = [Line(system(books, OWED), -row["Total"])]
    for own_id in row["Receipts"]:
        receipt = books.table("Receipts").rows[own_id]
        lines += documents.coded(books, {**receipt, "CurrencyRate": Decimal(1)}, 1)
    return [
        Entry("", row["ExpenseClaimID"], "EXPCLAIM", row["ReportingDate"], "", balanced(books, lines, ROUNDING)),
    ]
