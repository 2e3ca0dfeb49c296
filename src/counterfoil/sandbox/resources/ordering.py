"""What quotes, purchase orders and repeating invoices share: an existing contact, currency, priced lines, own numbers.

Called by those three. They post nothing, have no payments, and are saved by their own files.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.resources import contacts, document_lines, exchange
from counterfoil.sandbox.resources.document_writing import NO_LINES
from counterfoil.sandbox.tables import Row

NO_CONTACT: Final = "A Contact must be specified for this type of transaction"
_TYPES: Final = {"EXCLUSIVE": "Exclusive", "INCLUSIVE": "Inclusive", "NOTAX": "NoTax"}


def filled(
    call: Call, row: Row, posted: Row, *, strict: bool, sale: bool, places: int | None = None
) -> tuple[Row | None, list[str], list[str]]:
    """Complete `row` in place; returns (the contact, errors, warnings). `places`: 4 for what always has four."""
    contact: Row | None = None
    errors: list[str] = []
    if "Contact" in posted:
        contact, errors = contacts.for_document(call, posted["Contact"])
    elif "Contact" not in row:
        errors = [NO_CONTACT]
    errors += _currency(call, row, posted)
    stored = row.get("LineItems", [])
    sent = posted.get("LineItems", [{"LineItemID": line["LineItemID"]} for line in stored])
    if not sent:
        return contact, [*errors, NO_LINES], []
    asked = call if places is None else _with_places(call, places)
    amounts = _TYPES[row["LineAmountTypes"].upper()]
    lines = document_lines.finished(asked, sent, stored, amounts, strict=strict, sale=sale)
    row["LineItems"] = lines.rows
    row |= lines.totals
    return contact, errors + lines.errors, lines.warnings


def _with_places(call: Call, places: int) -> Call:
    return replace(call, query={**call.query, "unitdp": str(places)})


def _currency(call: Call, row: Row, posted: Row) -> list[str]:
    base = call.books.base_currency
    code = str(posted.get("CurrencyCode") or row.get("CurrencyCode") or base).upper()
    if call.books.table("Currencies").get(code) is None:
        return [f"Organisation is not subscribed to currency {code}"]
    if code != row.get("CurrencyCode") or "CurrencyRate" in posted:
        row["CurrencyRate"] = exchange.chosen(call.books, code, posted)
    row["CurrencyCode"] = code
    return exchange.problems(call.books, code, posted)


def next_number(call: Call, plural: str, counter: str, prefix: str) -> str:
    """The next free number of the organisation's own sequence."""
    table = call.books.table(plural)
    while True:
        text = f"{prefix}-{call.books.next_number(counter):04d}"
        if table.first("number", fold(text)) is None:
            return text


def too_long(row: Row, lengths: Mapping[str, int]) -> list[str]:
    """What is longer than Xero keeps."""
    return [
        f"The {key} must not be longer than {most} characters."
        for key, most in lengths.items()
        if len(row.get(key, "")) > most
    ]


def between(call: Call, rows: list[Row], key: str, first: str, last: str) -> list[Row]:
    """The rows whose date lies between two parameters, each of which may be absent."""
    start, end = _asked_day(call, first), _asked_day(call, last)
    return [row for row in rows if _within(row.get(key), start, end)]


def _asked_day(call: Call, name: str) -> date | None:
    """A date parameter; what is none counts as absent."""
    try:
        return date.fromisoformat(call.query.get(name, "")[:10])
    except ValueError:
        return None


def _within(text: str | None, start: date | None, end: date | None) -> bool:
    if start is None and end is None:
        return True
    if text is None:
        return False
    day = wire.day_of(text)
    return (start is None or day >= start) and (end is None or day <= end)


def nothing() -> Decimal:
    """No amount, as Xero shows it."""
    return wire.number(Decimal(0))
