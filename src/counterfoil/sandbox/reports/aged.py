"""AgedReceivablesByContact and AgedPayablesByContact: what one contact owes or is owed, document by document (facts 5.21).

Called by `resources.reports`. Amounts are in base currency, each document and payment converted by itself, so that the
ageing of all contacts is the balance of the control account. Credit notes and overpayments are rows below zero.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.ledger import documents, entry, sums
from counterfoil.sandbox.reports import asked, shape
from counterfoil.sandbox.tables import Row

_PLURALS: Final = {"Invoices": "InvoiceID", "CreditNotes": "CreditNoteID", "Overpayments": "OverpaymentID"}
_CREDITED: Final = ("CreditNotes", "Overpayments", "Prepayments", "Allocations")


class Open(NamedTuple):
    """A document that is open on the day, in base currency with the sign of what it does to the contact's debt."""

    row: Row
    id: str
    total: Decimal
    paid: Decimal
    credited: Decimal

    @property
    def due(self) -> Decimal:
        """What is left."""
        return self.total - self.paid - self.credited


def receivables(call: Call) -> Row:
    """What a customer owes."""
    return _made(call, entry.DEBTORS, "AgedReceivablesByContact", "Aged Receivables By Contact", "Number")


def payables(call: Call) -> Row:
    """What a supplier is owed."""
    return _made(call, entry.CREDITORS, "AgedPayablesByContact", "Aged Payables By Contact", "Reference")


def _made(call: Call, control: str, type: str, name: str, number: str) -> Row:
    end = asked.day(call, "todate", asked.today(call))
    shown_to, wanted = asked.day(call, "date", end), asked.day(call, "fromdate", date.min)
    contact = call.books.table("Contacts").get(asked.guid(call, "contactid") or "")
    if contact is None:
        asked.refuse("The parameter contactID must name a contact.")
    found = [one for one in opened(call, contact["ContactID"], control, shown_to) if _day(one.row) <= end]
    start = min((_day(one.row) for one in found), default=end) if wanted == date.min else wanted
    before = [one for one in found if _day(one.row) < start]
    within = [one for one in found if _day(one.row) >= start]
    opening = sum((one.due for one in before), shape.ZERO)
    first = shape.row(
        shape.cell(f"{start} 00:00:00"),
        shape.cell("Opening Balance"),
        *[shape.cell("")] * 5,
        shape.cell(shape.money(opening)),
    )
    rows = [_row(one, shown_to) for one in within]
    if rows:
        rows.append(shape.summary("Total", ["", "", "", *_totals(within)]))
    closing = _totals([*before, *within])
    sections = [shape.section("", [first])]
    if rows:
        sections.append(shape.section("", rows))
    sections.append(shape.section("", [shape.summary("Closing Balance", ["", "", "", *closing])]))
    titles = [
        "Invoices",
        contact["Name"],
        f"From {shape.long_day(start)} to {shape.long_day(end)}",
        f"Showing payments to {shape.long_day(shown_to)}",
    ]
    head = shape.header("Date", number, "Due Date", "", "Total", "Paid", "Credited", "Due")
    return shape.report(call, type, name, titles, [head, *sections])


def opened(call: Call, contact_id: str, control: str, day: date) -> list[Open]:
    """The contact's documents on this control account that are not settled on the day, oldest first."""
    found = []
    for plural, id_key in _PLURALS.items():
        for row in call.books.table(plural).find("contact", contact_id):
            sign, own_control = documents.SIDES[row["Type"]]
            if row["Status"] not in documents.POSTED or own_control != control:
                continue
            sign = sign if control == entry.DEBTORS else -sign
            one = _open(call.books, row, row[id_key], sign, day)
            if one.due:
                found.append(one)
    return sorted(found, key=lambda one: _day(one.row))


def _open(books: Books, row: Row, own_id: str, sign: int, day: date) -> Open:
    rate, own_day = row["CurrencyRate"], _day(row)

    def taken(keys: tuple[str, ...]) -> Decimal:
        parts = ((max(own_day, wire.day_of(one["Date"])), one) for key in keys for one in row.get(key, ()))
        amounts = (one.get("AppliedAmount", one.get("Amount")) for when, one in parts if when <= day)
        return sum((sign * entry.in_base(books, amount, rate) for amount in amounts), shape.ZERO)

    total = sign * entry.in_base(books, row["Total"], rate)
    paid, credited = taken(("Payments",)), taken(_CREDITED)
    if sum((amount for when, amount in sums.applications(row) if when <= day), Decimal(0)) == row["Total"]:
        credited = total - paid  # settled: the cents of conversion are a gain or loss
    return Open(row, own_id, total, paid, credited)


def _row(one: Open, day: date) -> Row:
    own = ("invoiceID", one.id)
    due = wire.day_of(one.row["DueDate"]) if "DueDate" in one.row else None
    late = f"{(day - due).days} days overdue" if due is not None and due < day else ""
    number = one.row.get("InvoiceNumber") or one.row.get("CreditNoteNumber") or one.row.get("Reference", "")
    texts = [f"{_day(one.row)} 00:00:00", number, "" if due is None else f"{due} 00:00:00", late, *_amounts(one)]
    return shape.row(*(shape.cell(text, own) for text in texts))


def _amounts(one: Open) -> list[str]:
    return [shape.money(each) for each in (one.total, one.paid, one.credited, one.due)]


def _totals(found: list[Open]) -> list[str]:
    reads: list[Callable[[Open], Decimal]] = [
        lambda one: one.total,
        lambda one: one.paid,
        lambda one: one.credited,
        lambda one: one.due,
    ]
    return [shape.money(sum((read(one) for one in found), shape.ZERO)) for read in reads]


def _day(row: Row) -> date:
    return wire.day_of(row["Date"])
