"""Sales invoices (ACCREC): PUT creates, POST creates or updates by id or number, lists in all their forms (facts 5.8).

Called through `resources`. Bills (ACCPAY) are not kept here yet and get 501.
"""

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.resources import (
    batches,
    document_wire,
    document_writing,
    emails,
    history,
    invoice_wire,
    listing,
    shape,
)
from counterfoil.sandbox.resources.document_kinds import INVOICE
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL = "Invoices"

_FORCE_PAGES = ("ids", "invoicenumbers", "contactids", "statuses")


def handle(call: Call) -> Answer:
    """GET list or one, PUT and POST collection, POST one, and what hangs on one: Email, History."""
    if len(call.path) == 2 and call.path[1].lower() in {"email", "history"}:
        return _part(call, call.path[1].lower())
    if call.method == "GET" and len(call.path) <= 1:
        return _one(call) if call.path else _list(call)
    if call.method in {"PUT", "POST"} and not call.path:
        elements = _posted(call)
        summarize = call.flag("summarizeerrors", absent=True)
        if call.method == "PUT":
            return batches.written(
                call,
                PLURAL,
                elements,
                lambda posted: document_writing.created(call, INVOICE, posted),
                summarize=summarize,
            )
        _refuse_unknown_ids(call, elements)
        return batches.written(
            call, PLURAL, elements, lambda posted: document_writing.saved(call, INVOICE, posted), summarize=summarize
        )
    if call.method == "POST" and len(call.path) == 1:
        row = _found(call, call.path[0])
        elements = [{**posted, "InvoiceID": row["InvoiceID"]} for posted in _posted(call)]
        return batches.written(
            call, PLURAL, elements, lambda posted: document_writing.saved(call, INVOICE, posted), summarize=True
        )
    raise Refusal(answers.not_implemented())


def _part(call: Call, part: str) -> Answer:
    """Email or History of the invoice that the path names by id."""
    row = call.books.table(PLURAL).get(call.path[0].lower())
    if part == "history":
        return history.not_found(call) if row is None else history.answered(call, row["InvoiceID"])
    if row is None:
        raise Refusal(answers.not_found())
    return emails.handle(call, row)


def _posted(call: Call) -> list[Row]:
    elements = shape.posted(call, PLURAL, "Invoice", INVOICE.shape)
    if any(posted.get("Type") == "ACCPAY" for posted in elements):
        raise Refusal(answers.not_implemented())
    return elements


def _list(call: Call) -> Answer:
    rows = _chosen(call)
    statuses = listing.names(call, "statuses")
    if statuses is not None:
        wanted = {status.upper() for status in statuses}
        rows = [row for row in rows if row["Status"] in wanted]
    term = call.query.get("searchterm", "").casefold()
    if term:
        rows = [
            row for row in rows if any(term in row.get(key, "").casefold() for key in ("InvoiceNumber", "Reference"))
        ]
    if call.flag("createdbymyapp"):
        makers = call.books.table("makers").rows
        rows = [row for row in rows if makers.get(row["InvoiceID"], {}).get("client_id") == call.client_id]
    rows = listing.ordered(call, listing.filtered(call, rows, _with_contact_number(call)), "InvoiceID")
    is_summary = call.flag("summaryonly")
    implied = is_summary or any(name in call.query for name in _FORCE_PAGES)
    page = listing.paged(call, rows, implied=implied)
    if is_summary:
        shown = [invoice_wire.summary(row) for row in page.rows]
    elif page.paged:
        shown = [document_wire.paged(row, four_places=document_wire.four_places(call)) for row in page.rows]
    else:
        shown = [document_wire.unpaged(row) for row in page.rows]
    return answers.envelope(call.world, call.client_id, PLURAL, shown, page.pagination)


def _chosen(call: Call) -> list[Row]:
    """The rows that IDs, InvoiceNumbers and ContactIDs leave, found by index."""
    table = call.books.table(PLURAL)
    chosen: dict[str, Row] | None = None
    ids, numbers = listing.names(call, "ids"), listing.names(call, "invoicenumbers")
    contact_ids = listing.names(call, "contactids")
    if ids is not None:
        chosen = {row["InvoiceID"]: row for key in ids if (row := table.get(key.lower())) is not None}
    if numbers is not None:
        found = {row["InvoiceID"]: row for text in numbers for row in table.find("number", fold(text))}
        chosen = found if chosen is None else {key: row for key, row in chosen.items() if key in found}
    if contact_ids is not None:
        found = {row["InvoiceID"]: row for key in contact_ids for row in table.find("contact", key.lower())}
        chosen = found if chosen is None else {key: row for key, row in chosen.items() if key in found}
    return list(table) if chosen is None else list(chosen.values())


def _with_contact_number(call: Call) -> listing.View | None:
    """A where on Contact.ContactNumber sees the number, which lists do not show."""
    if "contactnumber" not in call.query.get("where", "").lower():
        return None
    contact_rows = call.books.table("Contacts").rows

    def view(row: Row) -> Row:
        contact = row["Contact"]
        number = contact_rows[contact["ContactID"]].get("ContactNumber")
        return row if number is None else {**row, "Contact": {**contact, "ContactNumber": number}}

    return view


def _one(call: Call) -> Answer:
    """By InvoiceID or by InvoiceNumber."""
    shown = invoice_wire.single(call.books, _found(call, call.path[0]), four_places=document_wire.four_places(call))
    return answers.envelope(call.world, call.client_id, PLURAL, [shown])


def _found(call: Call, id_or_number: str) -> Row:
    table = call.books.table(PLURAL)
    row = table.get(id_or_number.lower()) or table.first("number", fold(id_or_number))
    if row is None:
        raise Refusal(answers.not_found())
    return row


def _refuse_unknown_ids(call: Call, elements: list[Row]) -> None:
    """A POST that names an unknown id is 404 as a whole."""
    table = call.books.table(PLURAL)
    if any("InvoiceID" in posted and table.get(posted["InvoiceID"]) is None for posted in elements):
        raise Refusal(answers.not_found())


RESOURCE = Resource(PLURAL, "Invoice", "accounting.invoices", handle)
