"""What payments and allocations do to the document they are on: amounts, PAID and back (facts 5.8 to 5.10).

Called by `payments` and `allocations`. Each takes a stored row and returns a new one, with a new stamp; nothing is saved
here. Dates of full payment are the latest of what was applied.
"""

from decimal import Decimal

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import arrange
from counterfoil.sandbox.resources import credit_note_wire, credit_wire, document_rules, document_wire
from counterfoil.sandbox.resources.document_kinds import CREDIT_NOTE, INVOICE, Payable
from counterfoil.sandbox.tables import Row

_CREDITS = ("Allocations", "CreditNotes", "Overpayments", "Prepayments")


def with_payment(call: Call, kind: Payable, row: Row, payment: Row) -> Row:
    """The document with this payment (a refund, for a credit) on it."""
    embedded = {key: payment[key] for key in ("PaymentID", "Date", "Amount", "Reference", "CurrencyRate")}
    payments = [*row["Payments"], {**embedded, "HasAccount": False, "HasValidationErrors": False}]
    return _moved(call, kind, {**row, "Payments": payments}, paid=payment["Amount"])


def without_payment(call: Call, kind: Payable, row: Row, payment: Row) -> Row:
    """The document after the payment was deleted."""
    payments = [one for one in row["Payments"] if one["PaymentID"] != payment["PaymentID"]]
    return _moved(call, kind, {**row, "Payments": payments}, paid=-payment["Amount"])


def with_allocation(call: Call, source: Payable, credit: Row, invoice: Row, allocation: Row) -> tuple[Row, Row]:
    """Credit and invoice with this allocation between them."""
    if source is CREDIT_NOTE:
        credited = credit_note_wire.applied(credit, allocation["Amount"])
    else:
        credited = credit_wire.applied(source.id_key, credit, allocation["Amount"])
    after = {**credit, "Allocations": [*credit["Allocations"], allocation]}
    owing = {**invoice, source.plural: [*invoice[source.plural], credited]}
    return _moved(call, source, after), _moved(call, INVOICE, owing, credited=allocation["Amount"])


def without_allocation(call: Call, source: Payable, credit: Row, invoice: Row, allocation: Row) -> tuple[Row, Row]:
    """Credit and invoice after the allocation was deleted."""
    kept = [one for one in credit["Allocations"] if one["AllocationID"] != allocation["AllocationID"]]
    credits_on_it = list(invoice[source.plural])
    for place, credited in enumerate(credits_on_it):
        if (credited[source.id_key], credited["AppliedAmount"]) == (credit[source.id_key], allocation["Amount"]):
            del credits_on_it[place]
            break
    after = _moved(call, source, {**credit, "Allocations": kept})
    owing = {**invoice, source.plural: credits_on_it}
    return after, _moved(call, INVOICE, owing, credited=-allocation["Amount"])


def _moved(call: Call, kind: Payable, row: Row, paid: Decimal = Decimal(0), credited: Decimal = Decimal(0)) -> Row:
    """The document with its amounts and status after something was put on it or taken off."""
    if kind is INVOICE:
        row["AmountPaid"] = wire.number(row["AmountPaid"] + paid)
        row["AmountCredited"] = wire.number(row["AmountCredited"] + credited)
    left = wire.number(row["Total"] - document_wire.applied_amount(row))
    now = call.world.clock.now()
    row[kind.open_key] = left
    if row["Status"] in document_rules.APPROVED:  # a person may have voided it: what has ended stays ended
        row["Status"] = "AUTHORISED" if left else "PAID"
    row |= {"UpdatedDateUTC": wire.stamp(now), "UpdatedDateUTCString": wire.iso_stamp(now)}
    row.pop("FullyPaidOnDate", None)
    if row["Status"] == "PAID" and "FullyPaidOnDate" in kind.order:
        row["FullyPaidOnDate"] = _last_day(row)
    return arrange(row, kind.order)


def _last_day(row: Row) -> str:
    parts = (*row["Payments"], *(part for key in _CREDITS for part in row.get(key, ())))
    days: list[str] = [part["Date"] for part in (*parts, row)]
    return max(days, key=wire.stamp_ms)
