"""An invoice as a person reads it, made from its wire object. Called by `views`."""

import re
from dataclasses import dataclass
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
class Document:
    """What the page shows of one invoice: `row` is the wire object, the rest is looked up beside it."""

    row: Row
    contact: Row
    title: str
    lines: list[Row]
    has_discounts: bool
    url: str
    marker: str
    dates: list[tuple[str, str]]
    history: list[tuple[str, str]]


def document(books: Books, row: Row, writes: list[list[Change]]) -> Document:
    """The invoice with its contact, and its lines with the names of accounts and tax rates.

    `writes` are those to the organisation that are still remembered, oldest first.
    """
    contact = books.table("Contacts").get(row["Contact"]["ContactID"]) or row["Contact"]
    url = row.get("Url") or ""
    marker = _MARKER.search(url)
    lines = row.get("LineItems", [])
    return Document(
        row,
        contact,
        row.get("InvoiceNumber") or UNNUMBERED,
        [_line(books, line) for line in lines],
        any(line.get("DiscountRate") or line.get("DiscountAmount") for line in lines),
        url if urlsplit(url).scheme in {"http", "https"} else "",
        marker[1] if marker else "",
        [(word, row[key]) for key, word in _DATES.items() if row.get(key)],
        _history(row["InvoiceID"], writes),
    )


def _history(id: str, writes: list[list[Change]]) -> list[tuple[str, str]]:
    """Stamp and what happened, newest first."""
    mine = [change for write in writes for change in write if change.table.name == "Invoices" and change.key == id]
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
