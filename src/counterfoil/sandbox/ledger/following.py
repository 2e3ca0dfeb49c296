"""Posting: the journals follow every committed change of a row that posts, whoever made it.

Called by `world` at the end of each write. A journal is a row of the table `journals`, numbered from 1 and never
removed: a reversal is one more. `live` are those that nothing reversed; `of` names the row that they are of.
"""

from collections.abc import Callable, Iterable
from typing import Final

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger import bank, documents, expenses, manual, opening, settling, stock
from counterfoil.sandbox.ledger.entry import Entry, Line
from counterfoil.sandbox.tables import Change, Row

_ENTRIES: Final[dict[str, Callable[[Books, Row], list[Entry]]]] = {
    "Invoices": documents.entries,
    "CreditNotes": settling.credit_notes,
    "Payments": settling.payments,
    "Overpayments": settling.overpayments,
    "Prepayments": settling.prepayments,
    "BankTransactions": bank.transactions,
    "BankTransfers": bank.transfers,
    "ManualJournals": manual.journals,
    "ExpenseClaims": expenses.claims,
    opening.TABLE: opening.balances,
}


def follow(books: Books, changes: Iterable[Change], at: str) -> None:
    """Put the journals of these changes into the books' table; `at` is the stamp that they are created with."""
    mine = books.tenant_id
    touched = {
        of: None for change in changes if change.table.space == mine and (of := _document(change))[0] in _ENTRIES
    }
    for name, key in touched:
        row = books.table(name).get(key)
        _posted(books, f"{name}/{key}", [] if row is None else _ENTRIES[name](books, row), at)


def _document(change: Change) -> tuple[str, str]:
    """Plural and id of what a change posts: a movement of stock posts with its document."""
    if change.table.name != stock.TABLE:
        return change.table.name, change.key
    plural, _, own_id = ((change.after or change.before) or {"document": ""})["document"].partition("/")
    return plural, own_id


def _posted(books: Books, of: str, entries: list[Entry], at: str) -> None:
    journals = books.table("journals")
    live = journals.find("live", of)
    if not live:
        for entry in entries:
            _put(books, of, entry, at)
        return
    wanted = {entry.part: entry for entry in entries}
    for journal in live:
        new = wanted.get(journal["part"])
        if new is not None and journal["day"] == new.day and _lines(journal) == new.lines:
            del wanted[journal["part"]]
        else:
            _reversed(books, journal, at)
    for entry in wanted.values():
        _put(books, of, entry, at)


def _put(books: Books, of: str, entry: Entry, at: str) -> None:
    number = len(books.table("journals")) + 1
    row: Row = {
        "n": number,
        "of": of,
        "part": entry.part,
        "live": True,
        "at": at,
        "day": entry.day,
        "source": [entry.source_id, entry.source_type],
        "reference": entry.reference,
        "cash": entry.cash,
        "lines": entry.lines,
    }
    books.table("journals").put(str(number), row)


def _reversed(books: Books, journal: Row, at: str) -> None:
    journals = books.table("journals")
    number = len(journals) + 1
    lines = [line._replace(net=-line.net, tax=-line.tax) for line in _lines(journal)]
    journals.put(str(journal["n"]), {**journal, "live": False})
    journals.put(str(number), {**journal, "n": number, "live": False, "at": at, "lines": lines})


def _lines(journal: Row) -> list[Line]:
    return [Line(*line) for line in journal["lines"]]
