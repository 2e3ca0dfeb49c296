"""An invoice or credit note as a person reads it, made from its wire object. Called by `views`."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.pages import words
from counterfoil.sandbox.tables import Change, Row

# A sender's own marker: 16 base32 characters behind /p/, at the end of the document's Url.
_MARKER: Final = re.compile(r"/p/([A-Za-z2-7]{16})/?$")
UNNUMBERED: Final = "Unnumbered draft"
_UNTOLD: Final = {"UpdatedDateUTC", "UpdatedDateUTCString", "DateString", "DueDateString"}
_DATES: Final = {
    "Date": "Dated",
    "DueDate": "Due",
    "FullyPaidOnDate": "Fully paid",
}


@dataclass(frozen=True, slots=True)
class Applied:
    """A payment, refund, credit or allocation on a document: `path` under the organisation's page, empty = no page."""

    what: str
    date: str
    amount: Decimal
    note: str
    path: str


@dataclass(frozen=True, slots=True)
class Document:
    """What the page shows of one document: `row` is the wire object, the rest is looked up beside it."""

    row: Row
    kind: str
    id: str
    left: Row
    contact: Row
    title: str
    lines: list[Row]
    has_discounts: bool
    url: str
    marker: str
    dates: list[tuple[str, str]]
    history: list[tuple[str, str]]
    applied: list[Applied]


@dataclass(frozen=True, slots=True)
class _Words:
    """How a kind of document is named and told."""

    kind: str
    id_key: str
    number_key: str
    open_key: str
    open_words: str


_KINDS: Final = {
    "Invoices": _Words("Invoice", "InvoiceID", "InvoiceNumber", "AmountDue", "Amount due"),
    "CreditNotes": _Words("Credit note", "CreditNoteID", "CreditNoteNumber", "RemainingCredit", "Remaining credit"),
}


def document(books: Books, plural: str, row: Row, writes: list[list[Change]]) -> Document:
    """The document with its contact, what is applied to it, and its lines with the names of accounts and tax rates.

    `writes` are those to the organisation that are still remembered, oldest first.
    """
    told = _KINDS[plural]
    contact = books.table("Contacts").get(row["Contact"]["ContactID"]) or row["Contact"]
    url = row.get("Url") or ""
    marker = _MARKER.search(url)
    lines = row.get("LineItems", [])
    return Document(
        row,
        words.kind_of(row, told.kind),
        row[told.id_key],
        {"words": told.open_words, "amount": row.get(told.open_key)},
        contact,
        row.get(told.number_key) or UNNUMBERED,
        [_line(books, line) for line in lines],
        any(line.get("DiscountRate") or line.get("DiscountAmount") for line in lines),
        url if urlsplit(url).scheme in {"http", "https"} else "",
        marker[1] if marker else "",
        [(word, row[key]) for key, word in _DATES.items() if row.get(key)],
        _history(plural, row[told.id_key], writes),
        _applied(row),
    )


def _applied(row: Row) -> list[Applied]:
    """Payments first, then credit notes on an invoice, or the invoices that a credit note went to."""
    refund = "RemainingCredit" in row
    payments = [
        Applied("Refund" if refund else "Payment", one["Date"], one["Amount"], one["Reference"], "")
        for one in row["Payments"]
    ]
    credited = [
        Applied("Credit note", one["Date"], one["AppliedAmount"], one["CreditNoteNumber"], f"credit-notes/{one['ID']}")
        for one in row.get("CreditNotes", [])
    ]
    credited += [
        Applied(what, one["Date"], one["AppliedAmount"], "", "")
        for key, what in (("Overpayments", "Overpayment"), ("Prepayments", "Prepayment"))
        for one in row.get(key, [])
    ]
    allocated = [
        Applied(
            "Allocation",
            one["Date"],
            one["Amount"],
            one["Invoice"]["InvoiceNumber"],
            f"invoices/{one['Invoice']['InvoiceID']}",
        )
        for one in row.get("Allocations", [])
    ]
    return payments + credited + allocated


def _history(plural: str, id: str, writes: list[list[Change]]) -> list[tuple[str, str]]:
    """Stamp and what happened, newest first."""
    mine = [change for write in writes for change in write if change.table.name == plural and change.key == id]
    return [
        (change.after["UpdatedDateUTC"], _what_happened(change.before, change.after))
        for change in reversed(mine)
        if change.after is not None
    ]


def _what_happened(before: Row | None, after: Row) -> str:
    if before is None:
        return f"Created as {words.status(after['Status'])}"
    if before["Status"] != after["Status"]:
        return f"{words.status(before['Status'])} became {words.status(after['Status'])}"
    changed = [key for key in after if key not in _UNTOLD and before.get(key) != after[key]]
    return f"Changed: {', '.join(changed)}" if changed else "Written again without a change"


def _line(books: Books, line: Row) -> Row:
    """A line with `account` and `tax`: what the codes on it are called."""
    account = books.table("Accounts").first("code", str(line.get("AccountCode", "")).casefold() or None)
    rate = books.table("TaxRates").get(line.get("TaxType", ""))
    return {
        **line,
        "account": f"{line['AccountCode']} {account['Name']}" if account else line.get("AccountCode", ""),
        "tax": rate["Name"] if rate else line.get("TaxType", ""),
        "options": ", ".join(f"{entry.get('Name')}: {entry.get('Option')}" for entry in line.get("Tracking", [])),
    }
