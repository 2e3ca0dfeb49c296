"""Payments on invoices and bills, refunds of credits: PUT many, POST one, POST {id} deletes (facts 5.10).

Called through `resources`; `batch_payments` makes and deletes several at once. A payment is never changed; deleting it
gives the document back what it took.
"""

from decimal import Decimal

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import Books, arrange
from counterfoil.sandbox.ledger import entry
from counterfoil.sandbox.resources import (
    balances,
    document_rules,
    exchange,
    history,
    payment_rules,
    payment_wire,
    shape,
)
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.payment_rules import Target
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL = "Payments"

SHAPE = shape.Shape(
    Invoice=shape.object_of(shape.Shape(InvoiceID=shape.guid, InvoiceNumber=shape.text)),
    CreditNote=shape.object_of(shape.Shape(CreditNoteID=shape.guid, CreditNoteNumber=shape.text)),
    Prepayment=shape.object_of(shape.Shape(PrepaymentID=shape.guid)),
    Overpayment=shape.object_of(shape.Shape(OverpaymentID=shape.guid)),
    InvoiceNumber=shape.text,
    CreditNoteNumber=shape.text,
    Account=shape.object_of(shape.Shape(AccountID=shape.guid, Code=shape.text)),
    Code=shape.text,
    Date=shape.day,
    CurrencyRate=shape.decimal,
    Amount=shape.decimal,
    BankAmount=shape.decimal,
    Reference=shape.text,
    IsReconciled=shape.boolean,
    Status=shape.enum("PaymentStatus", "AUTHORISED", "DELETED"),
)


def created(call: Call, posted: Row) -> Outcome:
    """A new payment on what it names, or why not."""
    named = payment_rules.targets_named(posted)
    found = payment_rules.target(call, posted) if named == 1 else None
    account, errors = payment_rules.account(call, posted)
    if named != 1:
        errors = [payment_rules.NOT_ONE_DOCUMENT, *errors]
    elif found is None:
        errors = [payment_rules.NO_DOCUMENT, *errors]
    else:
        errors = [*payment_rules.amount(posted, found), *errors]
        errors += exchange.problems(call.books, found.row["CurrencyCode"], posted)
    if posted.get("Status") == "DELETED":
        errors.append(payment_rules.IMMUTABLE)
    errors += document_rules.locked(call.books, payment_rules.day(call, posted))
    if errors or found is None or account is None:
        return Outcome(payment_wire.refused(posted), errors)
    payment = _stored(call, posted, found, account)
    after = balances.with_payment(call, found.kind, found.row, payment)
    call.books.table(found.kind.plural).put(found.row[found.kind.id_key], after)
    history.made(call, payment["PaymentID"])
    history.added(call, found.row[found.kind.id_key], "Paid", _about(payment))
    warnings = exchange.suspicious(call.books, found.row["CurrencyCode"], posted)
    return Outcome(payment_wire.single(call.books, payment), [], warnings)


def _stored(call: Call, posted: Row, found: Target, account: Row) -> Row:
    """The payment's row, in the table."""
    now = call.world.clock.now()
    amount = wire.number(payment_rules.cents(posted["Amount"]))
    rate = exchange.chosen(call.books, found.row["CurrencyCode"], posted)
    row = {
        "PaymentID": call.world.ids.guid(),
        "Date": wire.day(payment_rules.day(call, posted)),
        "BankAmount": _bank_amount(call, posted, found.row, account, amount, rate),
        "Amount": amount,
        "Reference": posted.get("Reference", ""),
        "CurrencyRate": rate,
        "PaymentType": payment_wire.TYPES[payment_wire.inside(found.row)],
        "Status": "AUTHORISED",
        "UpdatedDateUTC": wire.stamp(now),
        "UpdatedDateUTCString": wire.iso_stamp(now),
        "HasAccount": True,
        "IsReconciled": posted.get("IsReconciled", False),
        "Account": {key: account[key] for key in ("AccountID", "Code") if account.get(key)},
        "Invoice": {"Type": payment_wire.inside(found.row), "InvoiceID": found.row[found.kind.id_key]},
        "HasValidationErrors": False,
    }
    call.books.table(PLURAL).put(row["PaymentID"], row)
    return row


def _bank_amount(call: Call, posted: Row, document: Row, account: Row, amount: Decimal, rate: Decimal) -> Decimal:
    """In the account's currency: as sent, else the amount, or what the rate makes of it for an account in base currency."""
    currency = account.get("CurrencyCode", call.books.base_currency)
    if currency == document["CurrencyCode"]:
        return amount
    if "BankAmount" in posted:
        return wire.number(payment_rules.cents(posted["BankAmount"]))
    return wire.number(entry.in_base(call.books, amount, rate))


def _deleted(call: Call, posted: Row) -> Outcome:
    """The payment as DELETED, and its document as if it had never been there."""
    row = call.books.table(PLURAL).rows[posted["PaymentID"]]
    errors = payment_rules.deletion(call, row, posted.get("Status"))
    if errors:
        return Outcome({**payment_wire.single(call.books, row), "HasValidationErrors": True}, errors)
    return Outcome(payment_wire.single(call.books, taken_back(call, row)))


def currency(books: Books, payment: Row) -> str:
    """The currency of what a payment is on."""
    code: str = payment_wire.document_of(books, payment)["CurrencyCode"]
    return code


def ordered(payment: Row) -> Row:
    """The payment with its members in Xero's order."""
    return arrange(payment, payment_wire.ORDER)


def taken_back(call: Call, row: Row) -> Row:
    """Mark a payment DELETED and give its document back what it took; returns the payment."""
    now = call.world.clock.now()
    gone = {
        **row,
        "Status": "DELETED",
        "UpdatedDateUTC": wire.stamp(now),
        "UpdatedDateUTCString": wire.iso_stamp(now),
    }
    call.books.table(PLURAL).put(row["PaymentID"], gone)
    kind, document = payment_wire.kind_of(row), payment_wire.document_of(call.books, row)
    after = balances.without_payment(call, kind, document, row)
    call.books.table(kind.plural).put(document[kind.id_key], after)
    history.added(call, row["PaymentID"], "Deleted", _about(row))
    history.added(call, document[kind.id_key], "Payment deleted", _about(row))
    return gone


def _about(payment: Row) -> str:
    day = wire.day_of(payment["Date"])
    return f"Payment of {payment['Amount']:.2f} on {day.day} {day:%B %Y}."


def _listed(call: Call, row: Row) -> Row:
    return payment_wire.listed(call.books, row)


COLLECTION = Collection(
    plural=PLURAL,
    singular="Payment",
    id_key="PaymentID",
    shape=SHAPE,
    single=lambda call, row: payment_wire.single(call.books, row),
    listed=_listed,
    unlisted=_listed,
    view=lambda call: lambda row: _listed(call, row),
    created=created,
    saved=created,
    changed=_deleted,
    limits={"POST": 1},
    summarized=frozenset({"PUT"}),
)
RESOURCE = Resource(PLURAL, "Payment", "accounting.payments", COLLECTION.handle)
