"""ExpenseClaims: receipts that somebody wants back, submitted, approved, voided (facts 5.23); legacy like receipts.

Called through `resources`. An approved one posts its lines against Unpaid Expense Claims. Paying one is no part of the API.
"""

from decimal import Decimal
from typing import Final

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources import history, receipts, shape, users
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "ExpenseClaims"
NO_RECEIPTS: Final = "An expense claim needs receipts that are drafts."
NOT_FOR_CREATION: Final = "Expense claim not of valid status for creation"
NOT_FOR_MODIFICATION: Final = "Expense claim not of valid status for modification"
SHAPE: Final = shape.Shape(
    ExpenseClaimID=shape.guid,
    Status=shape.enum("ExpenseClaimStatus", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED"),
    User=shape.object_of(receipts.USER),
    Receipts=shape.array_of(shape.Shape(ReceiptID=shape.guid)),
)
# Where a claim goes from each state, and what its receipts then are.
NEXT: Final = {
    "SUBMITTED": frozenset({"SUBMITTED", "AUTHORISED", "DELETED"}),
    "AUTHORISED": frozenset({"AUTHORISED", "VOIDED"}),
}
_OF_RECEIPTS: Final = {
    "SUBMITTED": "SUBMITTED", "AUTHORISED": "AUTHORISED", "VOIDED": "VOIDED", "DELETED": "DRAFT",
}  # fmt: skip
_ZERO: Final = wire.number(Decimal(0))


def _created(call: Call, posted: Row) -> Outcome:
    table = call.books.table(receipts.PLURAL)
    ids = list(dict.fromkeys(one.get("ReceiptID", "") for one in posted.get("Receipts", [])))
    rows = [row for own_id in ids if (row := table.get(own_id)) is not None and row["Status"] == "DRAFT"]
    errors = receipts.user(call, posted)
    if posted.get("Status", "SUBMITTED") != "SUBMITTED":
        errors.append(NOT_FOR_CREATION)
    if not rows or len(rows) < len(ids):
        errors.append(NO_RECEIPTS)
    if errors:
        return Outcome({**wire.tidy(posted), "ExpenseClaimID": wire.ZERO_GUID}, errors)
    total = wire.number(sum((row["Total"] for row in rows), Decimal(0)))
    own_id = call.world.ids.guid()
    claim = {"ExpenseClaimID": own_id, "Receipts": ids, "Total": total, "AmountDue": total, "AmountPaid": _ZERO}
    history.made(call, own_id)
    return _moved(call, claim, "SUBMITTED")


def _saved(call: Call, posted: Row) -> Outcome:
    before = call.books.table(PLURAL).rows[posted["ExpenseClaimID"]]
    asked = posted.get("Status", before["Status"])
    if asked not in NEXT.get(before["Status"], frozenset()):
        return Outcome({**_shown(call, before), "Status": asked}, [NOT_FOR_MODIFICATION])
    outcome = _moved(call, before, asked)
    changes = {"AUTHORISED": "Approved"}.get(asked, asked.capitalize()) if asked != before["Status"] else "Edited"
    history.added(call, before["ExpenseClaimID"], changes, f"Expense claim for {before['Total']:.2f}.")
    return outcome


def _moved(call: Call, before: Row, status: str) -> Outcome:
    """The claim in this state, its receipts with it."""
    now = call.world.clock.now()
    row = {**before, "Status": status, "UpdatedDateUTC": wire.stamp(now)}
    if status == "AUTHORISED" and "ReportingDate" not in row:
        row["ReportingDate"] = wire.day(call.books.today(now))
    if status in {"VOIDED", "DELETED"}:
        row["AmountDue"] = _ZERO
    table = call.books.table(receipts.PLURAL)
    for own_id in row["Receipts"]:
        table.put(own_id, {**table.rows[own_id], "Status": _OF_RECEIPTS[status]})
    call.books.table(PLURAL).put(row["ExpenseClaimID"], row)
    return Outcome(_shown(call, row))


def _shown(call: Call, row: Row) -> Row:
    table = call.books.table(receipts.PLURAL)
    inside = [receipts.inside(call, table.rows[own_id]) for own_id in row["Receipts"]]
    shown = {"ExpenseClaimID": row["ExpenseClaimID"], "Status": row["Status"], "UpdatedDateUTC": row["UpdatedDateUTC"]}
    shown |= {"User": users.only(call), "Receipts": inside, "Payments": []}
    rest = ("Total", "AmountDue", "AmountPaid", "ReportingDate")
    return shown | {key: row[key] for key in rest if key in row}


COLLECTION = Collection(
    plural=PLURAL,
    singular="ExpenseClaim",
    id_key="ExpenseClaimID",
    shape=SHAPE,
    single=_shown,
    listed=_shown,
    created=_created,
    saved=_saved,
    has_pages=False,
)


def _handle(call: Call) -> Answer:
    """As any collection; Xero publishes POST of one alone."""
    receipts.there(call)
    if call.method == "POST" and not call.path:
        raise Refusal(answers.not_implemented())
    return COLLECTION.handle(call)


RESOURCE = Resource(PLURAL, "ExpenseClaim", receipts.SCOPE, _handle)
