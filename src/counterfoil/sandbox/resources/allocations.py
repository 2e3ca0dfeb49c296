"""Allocations of a credit note to invoices: PUT makes them, DELETE of one takes it back (facts 5.9).

Called by `credit_notes`. The facts do not know what Xero says about an allocation that cannot be; apart from a credit
note that is not there the sentences are ours.
"""

from decimal import Decimal

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources import balances, batches, document_rules, history, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.tables import Row

PLURAL = "Allocations"
NO_CREDIT_NOTE = "An existing Credit Note with the specified CreditNoteID could not be found"
NO_INVOICE = "An existing Invoice with the specified InvoiceID could not be found"
NO_AMOUNT = "The allocation amount must be greater than zero"
NOT_AUTHORISED = "Only an authorised credit note can be allocated, and only to an authorised invoice"
OTHER_CONTACT = "The credit note and the invoice must have the same contact"
OTHER_CURRENCY = "The credit note and the invoice must have the same currency"
OVER_CREDIT = "The allocation amount exceeds the remaining credit of the credit note"
OVER_INVOICE = "The allocation amount exceeds the amount outstanding on the invoice"

SHAPE = shape.Shape(
    Amount=shape.decimal,
    Date=shape.day,
    Invoice=shape.object_of(shape.Shape(InvoiceID=shape.guid, InvoiceNumber=shape.text)),
)

_CENT = Decimal("0.01")


def handle(call: Call, credit_note: Row | None) -> Answer:
    """PUT Allocations, DELETE Allocations/{id}; `credit_note` None: the path names none."""
    if call.method == "PUT" and len(call.path) == 2:
        elements = shape.posted(call, PLURAL, "Allocation", SHAPE)
        summarize = call.flag("summarizeerrors", absent=True)
        return batches.written(
            call, PLURAL, elements, lambda posted: _created(call, credit_note, posted), summarize=summarize
        )
    if call.method == "DELETE" and len(call.path) == 3:
        return _deleted(call, credit_note, call.path[2].lower())
    raise Refusal(answers.not_implemented())


def _created(call: Call, named: Row | None, posted: Row) -> Outcome:
    if named is None:
        return Outcome(_shown(posted, None), [NO_CREDIT_NOTE])
    notes, invoices = call.books.table("CreditNotes"), call.books.table("Invoices")
    credit_note = notes.rows[named["CreditNoteID"]]  # as an earlier element of this request left it
    wanted = posted.get("Invoice", {})
    invoice = invoices.get(wanted.get("InvoiceID", ""))
    if invoice is None:
        return Outcome(_shown(posted, credit_note), [NO_INVOICE])
    amount = wire.number(posted.get("Amount", Decimal(0)).quantize(_CENT))
    # The date cannot be chosen: it is the later one of the two documents'.
    day = max(wire.day_of(credit_note["Date"]), wire.day_of(invoice["Date"]))
    errors = _problems(credit_note, invoice, amount) + document_rules.locked(call.books, day)
    if errors:
        return Outcome(_shown(posted, credit_note), errors)
    allocation = {
        "AllocationID": call.world.ids.guid(),
        "Amount": amount,
        "Date": wire.day(day),
        "Invoice": _invoice(invoice["InvoiceID"], invoice["InvoiceNumber"]),
    }
    note, owing = balances.with_allocation(call, credit_note, invoice, allocation)
    notes.put(note["CreditNoteID"], note)
    invoices.put(owing["InvoiceID"], owing)
    history.added(call, owing["InvoiceID"], "Credited", f"{amount:.2f} from credit note {note['CreditNoteNumber']}.")
    history.added(call, note["CreditNoteID"], "Credit Applied", f"{amount:.2f} to {owing['InvoiceNumber']}.")
    return Outcome(_shown(allocation, note))


def _problems(credit_note: Row, invoice: Row, amount: Decimal) -> list[str]:
    """Why this amount cannot be allocated; [] = it can."""
    if amount <= 0:
        return [NO_AMOUNT]
    if credit_note["Status"] not in document_rules.APPROVED or invoice["Status"] not in document_rules.APPROVED:
        return [NOT_AUTHORISED]
    errors = []
    if credit_note["Contact"]["ContactID"] != invoice["Contact"]["ContactID"]:
        errors.append(OTHER_CONTACT)
    if credit_note["CurrencyCode"] != invoice["CurrencyCode"]:
        errors.append(OTHER_CURRENCY)
    if amount > credit_note["RemainingCredit"]:
        errors.append(OVER_CREDIT)
    if amount > invoice["AmountDue"]:
        errors.append(OVER_INVOICE)
    return errors


def _deleted(call: Call, credit_note: Row | None, allocation_id: str) -> Answer:
    """200 with the allocation alone, marked IsDeleted."""
    found = [one for one in (credit_note or {}).get("Allocations", []) if one["AllocationID"] == allocation_id]
    if credit_note is None or not found:
        raise Refusal(answers.not_found())
    (allocation,) = found
    errors = document_rules.locked(call.books, wire.day_of(allocation["Date"]))
    if errors:
        raise Refusal(answers.validation([{**allocation, "ValidationErrors": batches.messages(errors)}]))
    invoice = call.books.table("Invoices").rows[allocation["Invoice"]["InvoiceID"]]
    note, owing = balances.without_allocation(call, credit_note, invoice, allocation)
    call.books.table("CreditNotes").put(note["CreditNoteID"], note)
    call.books.table("Invoices").put(owing["InvoiceID"], owing)
    details = f"{allocation['Amount']:.2f} from credit note {note['CreditNoteNumber']}."
    history.added(call, owing["InvoiceID"], "Credit removed", details)
    history.added(call, note["CreditNoteID"], "Credit removed", f"{owing['InvoiceNumber']}.")
    shown = {key: allocation[key] for key in ("AllocationID", "Amount", "Date", "Invoice")}
    return Answer(200, wire.pretty(shown | {"IsDeleted": True}), wire.JSON)


def _invoice(invoice_id: str, number: str) -> Row:
    """The invoice inside an allocation: id and number, everything else empty."""
    empty: Row = {key: [] for key in ("Payments", "CreditNotes", "Prepayments", "Overpayments")}
    rest = {"HasErrors": False, "IsDiscounted": False, "LineItems": [], "ValidationErrors": []}
    return {"InvoiceID": invoice_id, "InvoiceNumber": number, **empty, **rest}


def _shown(allocation: Row, credit_note: Row | None) -> Row:
    """An element of the answer to a PUT, or its echo beside validation errors."""
    shown: Row = {key: allocation[key] for key in ("AllocationID", "Amount", "Date", "Invoice") if key in allocation}
    if not isinstance(shown.get("Date", ""), str):
        del shown["Date"]  # what was asked for; Xero sets it itself
    if credit_note is not None:
        own_id = credit_note["CreditNoteID"]
        shown["CreditNote"] = {"CreditNoteID": own_id, "ID": own_id, "LineItems": []}
    return {**wire.tidy(shown), "ValidationErrors": []}
