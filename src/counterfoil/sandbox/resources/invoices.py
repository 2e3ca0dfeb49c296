"""Sales invoices and bills: ACCREC and ACCPAY, created, changed, listed in all their forms (facts 5.8).

Called through `resources`. The number of a sales invoice is a natural key; that of a bill is not.
"""

from collections.abc import Iterable

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.clock import guid_of
from counterfoil.sandbox.resources import document_wire, document_writing, emails, invoice_wire, listing
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
from counterfoil.sandbox.resources.document_kinds import INVOICE
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL = "Invoices"
ONLINE = "https://in.xero.com/"

_FORCE_PAGES = ("ids", "invoicenumbers", "contactids", "statuses")


def _single(call: Call, row: Row) -> Row:
    return invoice_wire.single(call.books, row, four_places=document_wire.four_places(call))


def _listed(call: Call, row: Row) -> Row:
    if call.flag("summaryonly"):
        return invoice_wire.summary(row)
    return document_wire.paged(row, four_places=document_wire.four_places(call))


def _created(call: Call, posted: Row) -> Outcome:
    return document_writing.created(call, INVOICE, posted)


def _saved(call: Call, posted: Row) -> Outcome:
    return document_writing.saved(call, INVOICE, posted)


def _email(call: Call, row: Row | None) -> Answer:
    if row is None:
        raise Refusal(answers.not_found())
    return emails.handle(call, row)


def _online(call: Call, row: Row | None) -> Answer:
    """OnlineInvoice: where the customer sees it; a draft and a bill have no such page."""
    if call.method != "GET":
        raise Refusal(answers.not_implemented())
    if row is None or row["Type"] != "ACCREC" or row["Status"] in {"DRAFT", "DELETED"}:
        raise Refusal(answers.not_found())
    url = ONLINE + guid_of(f"{call.books.tenant_id}/online/{row['InvoiceID']}").replace("-", "")
    return answers.envelope(call.world, call.client_id, "OnlineInvoices", [{"OnlineInvoiceUrl": url}])


def _chosen(call: Call) -> Iterable[Row]:
    rows: Iterable[Row] = _indexed(call)
    if not call.flag("includearchived") and call.books.table(PLURAL).first("archived", "ARCHIVED") is not None:
        rows = [row for row in rows if row["Status"] != "ARCHIVED"]  # the published schema knows none: a person made it
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
    return rows


def _indexed(call: Call) -> Iterable[Row]:
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
    return table if chosen is None else list(chosen.values())


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


COLLECTION = Collection(
    plural=PLURAL,
    singular="Invoice",
    id_key="InvoiceID",
    shape=INVOICE.shape,
    single=_single,
    listed=_listed,
    unlisted=lambda _, row: document_wire.unpaged(row),
    form=lambda call: "summary" if call.flag("summaryonly") else document_wire.form(call),
    created=_created,
    saved=_saved,
    chosen=_chosen,
    view=_with_contact_number,
    number_index="number",
    forces_pages=_FORCE_PAGES,
    parts={"email": _email, "onlineinvoice": _online},
)
RESOURCE = Resource(PLURAL, "Invoice", "accounting.invoices", COLLECTION.handle)
