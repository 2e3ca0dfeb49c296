"""Allocations of a credit note, overpayment or prepayment to invoices: PUT makes them, DELETE takes one back (facts 5.9, 5.12).

Called by `credit_notes`, `overpayments` and `prepayments`. The facts do not know what Xero says about an allocation
that cannot be; apart from a source that is not there the sentences are ours. Only invoices of the source's own side
(customers' or suppliers') are found, as since 11 August 2025 (facts 8).
"""

from collections.abc import Callable
from decimal import Decimal

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources import balances, batches, document_rules, history, payment_rules, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.document_kinds import CREDIT_NOTE, Payable, is_sale
from counterfoil.sandbox.tables import Row

PLURAL = "Allocations"
NO_SOURCE = "An existing {words} with the specified {id_key} could not be found"
NO_INVOICE = "An existing Invoice with the specified InvoiceID could not be found"
NO_AMOUNT = "The allocation amount must be greater than zero"
NOT_AUTHORISED = "Only an authorised {words} can be allocated, and only to an authorised invoice"
OTHER_CONTACT = "The {words} and the invoice must have the same contact"
OTHER_CURRENCY = "The {words} and the invoice must have the same currency"
OVER_CREDIT = "The allocation amount exceeds the remaining credit of the {words}"
OVER_INVOICE = "The allocation amount exceeds the amount outstanding on the invoice"

SHAPE = shape.Shape(
    Amount=shape.decimal,
    Date=shape.day,
    Invoice=shape.object_of(shape.Shape(InvoiceID=shape.guid, InvoiceNumber=shape.text)),
)


def of(source: Payable) -> Callable[[Call, Row | None], Answer]:
    """The handler of PUT Allocations and DELETE Allocations/{id} of this kind of credit; no row: the path names none."""

    def handle(call: Call, row: Row | None) -> Answer:
        if call.method == "PUT" and len(call.path) == 2:
            elements = shape.posted(call, PLURAL, "Allocation", SHAPE)
            summarize = call.flag("summarizeerrors", absent=True)
            return batches.written(
                call, PLURAL, elements, lambda posted: _created(call, source, row, posted), summarize=summarize
            )
        if call.method == "DELETE" and len(call.path) == 3:
            return _deleted(call, source, row, call.path[2].lower())
        raise Refusal(answers.not_implemented())

    return handle


def _created(call: Call, source: Payable, named: Row | None, posted: Row) -> Outcome:
    if named is None:
        words = "Credit Note" if source is CREDIT_NOTE else source.singular
        return Outcome(_shown(source, posted, None), [NO_SOURCE.format(words=words, id_key=source.id_key)])
    table, invoices = call.books.table(source.plural), call.books.table("Invoices")
    credit = table.rows[named[source.id_key]]  # as an earlier element of this request left it
    wanted = posted.get("Invoice", {})
    invoice = invoices.get(wanted.get("InvoiceID", ""))
    if invoice is None or is_sale(invoice) != is_sale(credit):
        return Outcome(_shown(source, posted, credit), [NO_INVOICE])
    amount = wire.number(payment_rules.cents(posted.get("Amount", Decimal(0))))
    # The date cannot be chosen: it is the later one of the two documents'.
    day = max(wire.day_of(credit["Date"]), wire.day_of(invoice["Date"]))
    errors = _problems(source, credit, invoice, amount) + document_rules.locked(call.books, day)
    if errors:
        return Outcome(_shown(source, posted, credit), errors)
    allocation = {
        "AllocationID": call.world.ids.guid(),
        "Amount": amount,
        "Date": wire.day(day),
        "Invoice": _invoice(invoice["InvoiceID"], invoice["InvoiceNumber"]),
    }
    after, owing = balances.with_allocation(call, source, credit, invoice, allocation)
    table.put(after[source.id_key], after)
    invoices.put(owing["InvoiceID"], owing)
    history.added(call, owing["InvoiceID"], "Credited", f"{amount:.2f} from {_name(source, after)}.")
    history.added(call, after[source.id_key], "Credit Applied", f"{amount:.2f} to {owing['InvoiceNumber']}.")
    return Outcome(_shown(source, allocation, after))


def _problems(source: Payable, credit: Row, invoice: Row, amount: Decimal) -> list[str]:
    """Why this amount cannot be allocated; [] = it can."""
    if amount <= 0:
        return [NO_AMOUNT]
    words = source.words
    if credit["Status"] not in document_rules.APPROVED or invoice["Status"] not in document_rules.APPROVED:
        return [NOT_AUTHORISED.format(words=words)]
    errors = []
    if credit["Contact"]["ContactID"] != invoice["Contact"]["ContactID"]:
        errors.append(OTHER_CONTACT.format(words=words))
    if credit["CurrencyCode"] != invoice["CurrencyCode"]:
        errors.append(OTHER_CURRENCY.format(words=words))
    if amount > credit["RemainingCredit"]:
        errors.append(OVER_CREDIT.format(words=words))
    if amount > invoice["AmountDue"]:
        errors.append(OVER_INVOICE)
    return errors


def _deleted(call: Call, source: Payable, credit: Row | None, allocation_id: str) -> Answer:
    """200 with the allocation alone, marked IsDeleted."""
    found = [one for one in (credit or {}).get("Allocations", []) if one["AllocationID"] == allocation_id]
    if credit is None or not found:
        raise Refusal(answers.not_found())
    (allocation,) = found
    errors = document_rules.locked(call.books, wire.day_of(allocation["Date"]))
    if errors:
        raise Refusal(answers.validation([{**allocation, "ValidationErrors": batches.messages(errors)}]))
    invoice = call.books.table("Invoices").rows[allocation["Invoice"]["InvoiceID"]]
    after, owing = balances.without_allocation(call, source, credit, invoice, allocation)
    call.books.table(source.plural).put(after[source.id_key], after)
    call.books.table("Invoices").put(owing["InvoiceID"], owing)
    details = f"{allocation['Amount']:.2f} from {_name(source, after)}."
    history.added(call, owing["InvoiceID"], "Credit removed", details)
    history.added(call, after[source.id_key], "Credit removed", f"{owing['InvoiceNumber']}.")
    shown = {key: allocation[key] for key in ("AllocationID", "Amount", "Date", "Invoice")}
    return Answer(200, wire.pretty(shown | {"IsDeleted": True}), wire.JSON)


def _name(source: Payable, credit: Row) -> str:
    return f"{source.words} {credit.get('CreditNoteNumber') or credit.get('Reference', '')}".strip()


def _invoice(invoice_id: str, number: str) -> Row:
    """The invoice inside an allocation: id and number, everything else empty."""
    empty: Row = {key: [] for key in ("Payments", "CreditNotes", "Prepayments", "Overpayments")}
    rest = {"HasErrors": False, "IsDiscounted": False, "LineItems": [], "ValidationErrors": []}
    return {"InvoiceID": invoice_id, "InvoiceNumber": number, **empty, **rest}


def _shown(source: Payable, allocation: Row, credit: Row | None) -> Row:
    """An element of the answer to a PUT, or its echo beside validation errors."""
    shown: Row = {key: allocation[key] for key in ("AllocationID", "Amount", "Date", "Invoice") if key in allocation}
    if not isinstance(shown.get("Date", ""), str):
        del shown["Date"]  # what was asked for; Xero sets it itself
    if credit is not None:
        own_id = credit[source.id_key]
        shown[source.singular] = {source.id_key: own_id, "ID": own_id, "LineItems": []}
    return {**wire.tidy(shown), "ValidationErrors": []}
