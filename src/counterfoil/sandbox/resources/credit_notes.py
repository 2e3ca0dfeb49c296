"""Credit notes to customers (ACCRECCREDIT): PUT creates, POST creates or updates, lists, allocations (facts 5.9).

Called through `resources`. Suppliers' credit notes (ACCPAYCREDIT) are not kept here yet and get 501.
"""

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.resources import (
    allocations,
    batches,
    credit_note_wire,
    document_wire,
    document_writing,
    history,
    listing,
    shape,
)
from counterfoil.sandbox.resources.document_kinds import CREDIT_NOTE
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL = "CreditNotes"


def handle(call: Call) -> Answer:
    """GET list or one, PUT and POST collection, POST one, and what hangs on one: Allocations, History."""
    if not call.path:
        return _collection(call)
    row = call.books.table(PLURAL).get(call.path[0].lower())
    part = call.path[1].lower() if len(call.path) > 1 else ""
    if part == "allocations":
        return allocations.handle(call, row)
    if part == "history" and len(call.path) == 2:
        return history.not_found(call) if row is None else history.answered(call, row["CreditNoteID"])
    if part:
        raise Refusal(answers.not_implemented())
    if row is None:
        raise Refusal(answers.not_found())
    if call.method == "GET":
        shown = credit_note_wire.single(call.books, row, four_places=document_wire.four_places(call))
        return answers.envelope(call.world, call.client_id, PLURAL, [shown])
    if call.method == "POST":
        return _saved(call, [{**posted, "CreditNoteID": row["CreditNoteID"]} for posted in _posted(call)], True)
    raise Refusal(answers.not_implemented())


def _collection(call: Call) -> Answer:
    if call.method == "GET":
        return _list(call)
    if call.method not in {"PUT", "POST"}:
        raise Refusal(answers.not_implemented())
    elements = _posted(call)
    summarize = call.flag("summarizeerrors", absent=True)
    if call.method == "PUT":
        return batches.written(
            call,
            PLURAL,
            elements,
            lambda posted: document_writing.created(call, CREDIT_NOTE, posted),
            summarize=summarize,
        )
    table = call.books.table(PLURAL)
    if any("CreditNoteID" in posted and table.get(posted["CreditNoteID"]) is None for posted in elements):
        raise Refusal(answers.not_found())
    return _saved(call, elements, summarize)


def _saved(call: Call, elements: list[Row], summarize: bool) -> Answer:
    return batches.written(
        call, PLURAL, elements, lambda posted: document_writing.saved(call, CREDIT_NOTE, posted), summarize=summarize
    )


def _posted(call: Call) -> list[Row]:
    elements = shape.posted(call, PLURAL, "CreditNote", CREDIT_NOTE.shape)
    if any(posted.get("Type") == "ACCPAYCREDIT" for posted in elements):
        raise Refusal(answers.not_implemented())
    return elements


def _list(call: Call) -> Answer:
    rows = listing.ordered(call, listing.filtered(call, call.books.table(PLURAL)), "CreditNoteID")
    page = listing.paged(call, rows, implied=False)
    if page.paged:
        places = document_wire.four_places(call)
        shown = [document_wire.paged(row, four_places=places) for row in page.rows]
    else:
        shown = [document_wire.unpaged(row) for row in page.rows]
    return answers.envelope(call.world, call.client_id, PLURAL, shown, page.pagination)


RESOURCE = Resource(PLURAL, "CreditNote", "accounting.invoices", handle)
