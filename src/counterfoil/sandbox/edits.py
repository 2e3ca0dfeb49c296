"""A person edits one document at Xero's own screen, also as the API does not allow: its fields are set, no rule is asked.

Called by `control`. Every edit moves the document's stamp, as it would at Xero, and its history names the person. What
nobody could read any more is refused: a number where text was, another id, a type that the ledger does not know.
"""

import contextlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from counterfoil.sandbox import answers, person, resources, wire
from counterfoil.sandbox.answers import Call, Refusal
from counterfoil.sandbox.books import Books, arrange, fold
from counterfoil.sandbox.ledger import sums
from counterfoil.sandbox.resources import (
    batches,
    contact_wire,
    contacts,
    document_kinds,
    document_lines,
    document_wire,
    history,
    shape,
    stock,
)
from counterfoil.sandbox.resources.document_kinds import Kind, is_sale
from counterfoil.sandbox.tables import Row, Table
from counterfoil.sandbox.world import CLIENT_ID, World

_DAYS: Final = ("Date", "DueDate", "FullyPaidOnDate", "ExpectedPaymentDate", "PlannedPaymentDate")
_WITH_STRING: Final = frozenset(_DAYS) - {"FullyPaidOnDate"}
_EDITABLE: Final = (
    "Invoices", "CreditNotes", "Contacts", "Accounts", "TaxRates", "TrackingCategories", "Payments", "Overpayments",
    "Prepayments", "BankTransactions", "BankTransfers", "BatchPayments", "ManualJournals", "Items", "Quotes",
    "PurchaseOrders", "RepeatingInvoices",
)  # fmt: skip
_DOCUMENTS: Final = {kind.plural: kind for kind in document_kinds.ALL}
_WITH_STOCK: Final = frozenset({"Invoices", "CreditNotes", "BankTransactions"})
_IN_REPORTS: Final = frozenset({"Accounts", "TaxRates", "TrackingCategories"})
_REPORTS: Final = ("TrialBalance", "BalanceSheet")
_NEEDED: Final = frozenset({"Status", "Type", "Class", "CurrencyCode"})
_UNREADABLE: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


def edited_document(world: World, books: Books, id: str, fields: dict[str, Any]) -> Row | None:
    """Set wire fields of the document with this id, move its stamp and return it; a field set to null goes away.

    Dates may be ISO dates (their companion strings follow), numbers may be plain. New LineItems of a document are
    priced anew. Raises ValueError for what could not be read any more (the caller rolls back), Refusal for bad lines.
    """
    found = _found(books, id)
    if found is None:
        return None
    table, key = found
    try:
        row = _put(world, books, table, key, fields)
        _tried(world, books, table, key)
    except _UNREADABLE as error:
        raise ValueError(f"the document could not be read any more: {error}") from error
    return row


def _found(books: Books, id: str) -> tuple[Table, str] | None:
    for plural in _EDITABLE:
        table = books.table(plural)
        for key in (id.lower(), id):
            if table.get(key) is not None:
                return table, key
    return None


def _put(world: World, books: Books, table: Table, key: str, fields: dict[str, Any]) -> Row:
    """The edited row, in its table, with whatever follows from it elsewhere."""
    before, wired = table.rows[key], _wired(fields)
    for name, value in wired.items():
        _refuse_misfit(name, before.get(name), value, key)
    row = {name: value for name, value in (before | wired).items() if value is not None}
    if "Reference" in before:
        row.setdefault("Reference", "")
    kind = _DOCUMENTS.get(table.name)
    if kind is not None:
        row = _edited(world, books, kind, before, row, fields)
    if "UpdatedDateUTC" in before and "UpdatedDateUTC" not in fields:
        now = world.clock.now()
        row["UpdatedDateUTC"] = wire.stamp(now)
        if "UpdatedDateUTCString" in before:
            row["UpdatedDateUTCString"] = wire.iso_stamp(now)
    if kind is not None or table.name == "Contacts":
        row = arrange(row, contact_wire.ORDER if kind is None else kind.order)
    table.put(key, row)
    if table.name in _WITH_STOCK:
        stock.moved(books, table.name, key, row)
    if kind is not None:
        history.updated(person.call(world, books), before, row, key)
    if table.name == "Contacts" and row["Name"] != before["Name"]:
        contacts.renamed(books, row)
    return row


def _refuse_misfit(name: str, before: Any, after: Any, key: str) -> None:
    """Raise TypeError for a value of another kind than stands there; where nothing stands, only dates are known."""
    if before == key and after != before:
        raise TypeError(f"{name} is the document's id")
    is_date = name in _DAYS or (isinstance(before, str) and before.startswith("/Date("))
    if is_date and after is not None:
        wire.stamp_ms(after)
    if isinstance(after, Decimal) and (abs(after) >= shape.NUMBER_MAX or (name == "CurrencyRate" and after <= 0)):
        raise ValueError(f"{name} cannot be {after}")
    goes = after is None and (name in _NEEDED or not isinstance(before, str))
    if before is not None and (goes or (after is not None and _kind_of(before) is not _kind_of(after))):
        raise TypeError(f"{name} was {before!r} and cannot be {after!r}")


def _kind_of(value: Any) -> type:
    """The JSON type of a value: all numbers are of one."""
    return Decimal if isinstance(value, int) and not isinstance(value, bool) else type(value)


def _tried(world: World, books: Books, table: Table, key: str) -> None:
    """Post and read the edited row as Xero would; whatever that raises is the caller's."""
    world.post()
    if "Total" in table.rows[key]:
        sums.applications(table.rows[key])
    asked: list[tuple[str, tuple[str, ...]]] = [(table.name, (key,)), (table.name, ())]
    if table.name in _IN_REPORTS:
        asked += [("Reports", (report,)) for report in _REPORTS]
    for plural, path in asked:
        resource = resources.named(plural)
        assert resource is not None, "every editable table is a resource's"
        query = {} if path else {"page": "1", "pagesize": "1"}
        with contextlib.suppress(Refusal):  # an answer, too
            resource.handle(Call(world, books, CLIENT_ID, "GET", path, query, {}, b"", plural=plural))


def _edited(world: World, books: Books, kind: Kind, before: Row, row: Row, fields: dict[str, Any]) -> Row:
    """Lines are priced, contacts looked up, what is open follows from totals, payments and status."""
    if "LineItems" in fields:
        row = {**row, "LineItems": before["LineItems"]}
        row = _repriced(person.call(world, books), kind, row, fields["LineItems"])
    if "Contact" in fields:
        wanted: Row = fields["Contact"]
        table = books.table("Contacts")
        contact = table.get(wanted.get("ContactID", "")) or table.first("name", fold(wanted.get("Name")))
        if contact is None:
            raise ValueError("no such contact")
        row["Contact"] = contact_wire.embedded(contact)
    if kind.open_key not in fields:
        is_open = row["Status"] not in {"VOIDED", "DELETED"}
        left = row["Total"] - document_wire.applied_amount(row) if is_open else Decimal(0)
        row[kind.open_key] = wire.number(left)
    return row


def _repriced(call: Call, kind: Kind, row: Row, lines: list[Row]) -> Row:
    """The document with these lines (wire form, partial ones allowed) and new totals: a person did it at Xero's screen.

    Refusal with 400 for lines that cannot be.
    """
    typed = [document_lines.SHAPE.read(line, f"LineItems[{index}]") for index, line in enumerate(lines)]
    made = document_lines.finished(
        call, typed, row["LineItems"], row["LineAmountTypes"], strict=False, sale=is_sale(row)
    )
    if made.errors:
        raise Refusal(answers.validation([{"ValidationErrors": batches.messages(made.errors)}]))
    rest = {key: value for key, value in row.items() if key not in {"TotalDiscount", "RoundingAmount"}}
    after = {**rest, "LineItems": made.rows, **made.totals}
    if kind.has_discounts:
        after["IsDiscounted"] = "TotalDiscount" in made.totals
    after[kind.open_key] = wire.number(after["Total"] - document_wire.applied_amount(row))
    return arrange(after, kind.order)


def _wired(fields: dict[str, Any]) -> Row:
    """Values in wire form; a document date brings its companion string."""
    row: Row = {}
    for key, value in fields.items():
        if key in _DAYS and isinstance(value, str) and not value.startswith("/Date("):
            day = date.fromisoformat(value[:10])
            row[key] = wire.day(day)
            if key in _WITH_STRING:
                row[f"{key}String"] = wire.day_string(day)
        elif key == "UpdatedDateUTC" and isinstance(value, str) and not value.startswith("/Date("):
            row[key] = wire.stamp(datetime.fromisoformat(value).astimezone(UTC))
        elif isinstance(value, int | Decimal) and not isinstance(value, bool):
            row[key] = wire.number(Decimal(value))
        else:
            row[key] = wire.tidy(value)
    return row
