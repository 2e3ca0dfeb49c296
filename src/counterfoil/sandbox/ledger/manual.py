"""Entries of manual journals: their lines as they are, and the tax that is in or on them. Called by `following`."""

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger.entry import CENT, ROUNDING, TAX, ZERO, Entry, Line, balanced, system
from counterfoil.sandbox.tables import Row


def journals(books: Books, row: Row) -> list[Entry]:
    """A posted journal."""
    if row["Status"] != "POSTED":
        return []
    lines, taxes = [], ZERO
    inclusive = row["LineAmountTypes"] == "Inclusive"
    for item in row["JournalLines"]:
        if item.get("AccountID") is None:
            continue
        tax = item.get("TaxAmount", ZERO)
        net = (item["LineAmount"] - tax if inclusive else item["LineAmount"]).quantize(CENT)
        taxes += tax
        lines.append(
            Line(item["AccountID"], net, tax, item.get("TaxType", ""), item.get("Description", ""), item["Tracking"])
        )
    if taxes:
        lines.append(Line(system(books, TAX), taxes.quantize(CENT)))
    lines = balanced(books, lines, ROUNDING)
    cash = row["ShowOnCashBasisReports"]
    return [Entry("", row["ManualJournalID"], "MANJOURNAL", row["Date"], row["Narration"], lines, cash)]
