"""LinkedTransactions: lines of bills and money spent that a customer is to be billed for (facts 5.20).

Called through `resources`. Their status follows from the two documents and is never stored. Assumed, where no source tells:
a link whose invoice is voided or deleted is as if it had no invoice.
"""

from collections.abc import Iterable
from typing import Final

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.resources import shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL: Final = "LinkedTransactions"
PAGE_SIZE: Final = 100
# Xero's sentences, as the published examples have them; the last three are ours.
NO_SOURCE: Final = "The SourceLineItemID and SourceTransactionID do not match"
OTHER_CONTACT: Final = "The ContactID and the TargetTransaction ContactID do not match"
NO_TARGET: Final = "The TargetLineItemID and TargetTransactionID do not match"
NO_CONTACT: Final = "The ContactID could not be found"
NOT_BILLABLE: Final = "The source transaction has been voided or deleted"
STATUSES: Final = ("DRAFT", "APPROVED", "ONDRAFT", "BILLED", "VOIDED")
ORDER: Final = (
    "LinkedTransactionID", "SourceTransactionID", "SourceLineItemID", "ContactID", "TargetTransactionID",
    "TargetLineItemID", "Status", "Type", "UpdatedDateUTC", "SourceTransactionTypeCode",
)  # fmt: skip
SHAPE: Final = shape.Shape(
    LinkedTransactionID=shape.guid,
    SourceTransactionID=shape.guid,
    SourceLineItemID=shape.guid,
    ContactID=shape.guid,
    TargetTransactionID=shape.guid,
    TargetLineItemID=shape.guid,
)
_ENDED: Final = frozenset({"VOIDED", "DELETED"})
_APPROVED: Final = frozenset({"AUTHORISED", "PAID"})


def _source(books: Books, row: Row) -> Row | None:
    """The bill, or the money spent."""
    own_id = row.get("SourceTransactionID", "")
    found = books.table("Invoices").get(own_id) or books.table("BankTransactions").get(own_id)
    return found if found is not None and found["Type"] in {"ACCPAY", "SPEND"} else None


def _target(books: Books, row: Row) -> Row | None:
    """The customer's invoice."""
    found = books.table("Invoices").get(row.get("TargetTransactionID", ""))
    return found if found is not None and found["Type"] == "ACCREC" else None


def _status(books: Books, row: Row) -> str:
    source, target = _source(books, row), _target(books, row)
    if source is None or source["Status"] in _ENDED:
        return "VOIDED"
    if target is not None and target["Status"] not in _ENDED:
        return "BILLED" if target["Status"] in _APPROVED else "ONDRAFT"
    return "APPROVED" if source["Status"] in _APPROVED else "DRAFT"


def _has_line(document: Row, line_id: str | None) -> bool:
    return any(line.get("LineItemID") == line_id for line in document["LineItems"])


def _shown(call: Call, row: Row) -> Row:
    shown = row | {"Status": _status(call.books, row)}
    return {key: shown[key] for key in ORDER if key in shown}


def _created(call: Call, posted: Row) -> Outcome:
    new = {"LinkedTransactionID": call.world.ids.guid(), "Type": "BILLABLEEXPENSE"}
    return _applied(call, new, {key: value for key, value in posted.items() if key != "LinkedTransactionID"})


def _saved(call: Call, posted: Row) -> Outcome:
    return _applied(call, call.books.table(PLURAL).rows[posted["LinkedTransactionID"]], posted)


def _applied(call: Call, before: Row, posted: Row) -> Outcome:
    books = call.books
    row = before | posted
    source, target = _source(books, row), _target(books, row)
    errors = []
    if source is None or not _has_line(source, row.get("SourceLineItemID")):
        errors.append(NO_SOURCE)
    elif source["Status"] in _ENDED:
        errors.append(NOT_BILLABLE)
    if "TargetTransactionID" in row:
        line_id = row.get("TargetLineItemID")
        if target is None or (line_id is not None and not _has_line(target, line_id)):
            errors.append(NO_TARGET)
        elif row.setdefault("ContactID", target["Contact"]["ContactID"]) != target["Contact"]["ContactID"]:
            errors.append(OTHER_CONTACT)
    elif "ContactID" in row and books.table("Contacts").get(row["ContactID"]) is None:
        errors.append(NO_CONTACT)
    if errors or source is None:
        own_id = before["LinkedTransactionID"] if "UpdatedDateUTC" in before else wire.ZERO_GUID
        return Outcome(row | {"LinkedTransactionID": own_id}, errors)
    row["SourceTransactionTypeCode"] = source["Type"]
    row["UpdatedDateUTC"] = wire.stamp(call.world.clock.now())
    books.table(PLURAL).put(row["LinkedTransactionID"], row)
    return Outcome(_shown(call, row) | {"ValidationErrors": []})


def _removed(call: Call, row: Row) -> Answer:
    call.books.table(PLURAL).drop(row["LinkedTransactionID"])
    return Answer(204)


def _chosen(call: Call) -> Iterable[Row]:
    asked = {
        key: call.query.get(key.lower(), "").lower()
        for key in ("LinkedTransactionID", "SourceTransactionID", "ContactID", "TargetTransactionID")
    }
    status = call.query.get("status", "").upper()
    rows = [
        row
        for row in call.books.table(PLURAL)
        if all(not wanted or row.get(key) == wanted for key, wanted in asked.items())
    ]
    return [row for row in rows if not status or _status(call.books, row) == status]


COLLECTION = Collection(
    plural=PLURAL,
    singular="LinkedTransaction",
    id_key="LinkedTransactionID",
    shape=SHAPE,
    single=_shown,
    listed=_shown,
    created=_created,
    saved=_saved,
    removed=_removed,
    chosen=_chosen,
    always_pages=True,
    has_history=False,
)


def _handle(call: Call) -> Answer:
    """As any collection, in pages of 100 that nothing counts; Xero publishes POST of one alone."""
    if call.path or call.method == "PUT":
        return COLLECTION.handle(call)
    if call.method != "GET":
        return answers.not_implemented()
    call.query["pagesize"] = str(PAGE_SIZE)
    answer = COLLECTION.handle(call)
    document = {key: value for key, value in (answer.document or {}).items() if key != "pagination"}
    return Answer(answer.status, wire.pretty(document), wire.JSON, answer.headers, PLURAL, document)


RESOURCE = Resource(PLURAL, "LinkedTransaction", "accounting.invoices", _handle)
