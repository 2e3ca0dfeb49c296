"""BatchPayments: several payments of one bank account at once, made by PUT, deleted together by POST (facts 5.11).

Called through `resources`. All documents of a batch are on the same side and in one currency: what Xero says otherwise is
not known, the sentences are ours.
"""

from decimal import Decimal
from typing import Final

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.resources import document_rules, history, payment_rules, payments, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "BatchPayments"
NO_PAYMENTS: Final = "A batch payment needs at least one payment"
MIXED: Final = "All documents of a batch payment must be on the same side and in the same currency"
ONLY_DELETED: Final = "A batch payment cannot be changed, it can only be deleted."
GONE: Final = "The batch payment has been deleted."
LENGTHS: Final = {"Reference": 255, "Particulars": 12, "Code": 12, "Details": 18, "Narrative": 18}
_TEXTS: Final = ("Reference", "Particulars", "Code", "Details", "Narrative")
SHAPE: Final = shape.Shape(
    BatchPaymentID=shape.guid,
    Account=shape.object_of(shape.Shape(AccountID=shape.guid, Code=shape.text)),
    Date=shape.day,
    Payments=shape.array_of(payments.SHAPE),
    Status=shape.enum("BatchPaymentStatus", "AUTHORISED", "DELETED"),
    **dict.fromkeys(_TEXTS, shape.text),
)


def _created(call: Call, posted: Row) -> Outcome:
    table, now = call.books.table("Payments"), call.world.clock.now()
    shared: Row = {key: posted[key] for key in ("Account", "Date") if key in posted}
    errors = [
        f"The {key} must not be longer than {most} characters."
        for key, most in LENGTHS.items()
        if len(posted.get(key, "")) > most
    ]
    made = []
    for payment in posted.get("Payments", []):
        outcome = payments.created(call, {"Reference": posted.get("Reference", ""), **payment, **shared})
        errors += outcome.errors
        if not outcome.errors:
            made.append(table.rows[outcome.element["PaymentID"]])
    if not posted.get("Payments"):
        errors.append(NO_PAYMENTS)
    sides = {(row["PaymentType"], payments.currency(call.books, row)) for row in made}
    if len(sides) > 1:
        errors.append(MIXED)
    if errors:
        return Outcome({"BatchPaymentID": wire.ZERO_GUID, **wire.tidy(posted)}, list(dict.fromkeys(errors)))
    row: Row = {
        "Account": {"AccountID": made[0]["Account"]["AccountID"]},
        **{key: posted[key] for key in _TEXTS if key in posted},
        "BatchPaymentID": call.world.ids.guid(),
        "DateString": wire.day_string(wire.day_of(made[0]["Date"])),
        "Date": made[0]["Date"],
        "Type": "RECBATCH" if made[0]["PaymentType"] == "ACCRECPAYMENT" else "PAYBATCH",
        "Status": "AUTHORISED",
        "TotalAmount": wire.number(sum((payment["Amount"] for payment in made), Decimal(0))),
        "UpdatedDateUTC": wire.stamp(now),
        "IsReconciled": False,
    }
    call.books.table(PLURAL).put(row["BatchPaymentID"], row)
    for payment in made:
        inside = {key: value for key, value in row.items() if key not in {"DateString", *_TEXTS}}
        own = {"BatchPaymentID": row["BatchPaymentID"], "BatchPayment": inside}
        table.put(payment["PaymentID"], payments.ordered({**payment, **own}))
    history.made(call, row["BatchPaymentID"])
    return Outcome(_shown(call, row))


def _deleted(call: Call, posted: Row) -> Outcome:
    row = call.books.table(PLURAL).get(posted.get("BatchPaymentID", ""))
    if row is None or posted.get("Status") != "DELETED":
        return Outcome({"BatchPaymentID": wire.ZERO_GUID, **wire.tidy(posted)}, [ONLY_DELETED])
    errors = [GONE] if row["Status"] == "DELETED" else document_rules.locked(call.books, wire.day_of(row["Date"]))
    inside = call.books.table("Payments").find("batch", row["BatchPaymentID"])
    if any(payment["IsReconciled"] for payment in inside) and call.world.unknowns.plays(
        "reconciled-deletion", "refused"
    ):
        errors.append(payment_rules.RECONCILED)
    if errors:
        return Outcome({**row, "Status": "DELETED"}, errors)
    for payment in inside:
        payments.taken_back(call, payment)
    after = {**row, "Status": "DELETED", "UpdatedDateUTC": wire.stamp(call.world.clock.now())}
    call.books.table(PLURAL).put(row["BatchPaymentID"], after)
    history.added(call, row["BatchPaymentID"], "Deleted", f"Batch payment of {row['TotalAmount']:.2f}.")
    return Outcome(_shown(call, after))


def _shown(call: Call, row: Row) -> Row:
    """With its payments: what each is on, and how much."""
    inside = call.books.table("Payments").find("batch", row["BatchPaymentID"])
    shown = [
        {
            "Invoice": {
                "InvoiceID": payment["Invoice"]["InvoiceID"],
                "Payments": [],
                "CreditNotes": [],
                "Prepayments": [],
                "Overpayments": [],
                "HasErrors": False,
                "IsDiscounted": False,
                "LineItems": [],
                "ValidationErrors": [],
            },
            "PaymentID": payment["PaymentID"],
            "Amount": payment["Amount"],
        }
        for payment in inside
    ]
    return {**row, "Payments": shown}


COLLECTION = Collection(
    plural=PLURAL,
    singular="BatchPayment",
    id_key="BatchPaymentID",
    shape=SHAPE,
    single=_shown,
    listed=_shown,
    created=_created,
    saved=_deleted,
    summarized=frozenset({"PUT"}),
    has_pages=False,
)
RESOURCE = Resource(PLURAL, "BatchPayment", "accounting.payments", COLLECTION.handle)
