"""Contacts: PUT creates, POST creates or updates by id, number or name, archived ones refuse edits (facts 5.7).

Called through `resources`; `document_writing` uses `for_document`. An update is partial: what is not sent stays.
"""

from typing import Any

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.books import Books, arrange, fold
from counterfoil.sandbox.resources import batches, contact_rules, contact_wire, history, listing, shape
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.resource import Resource
from counterfoil.sandbox.tables import Row

PLURAL = "Contacts"
_WITH_CONTACT = {
    "Invoices": "InvoiceID",
    "CreditNotes": "CreditNoteID",
    "Overpayments": "OverpaymentID",
    "Prepayments": "PrepaymentID",
    "BankTransactions": "BankTransactionID",
    "PurchaseOrders": "PurchaseOrderID",
    "RepeatingInvoices": "RepeatingInvoiceID",
}
_SEARCHED = ("Name", "FirstName", "LastName", "ContactNumber", "CompanyNumber", "EmailAddress")


def handle(call: Call) -> Answer:
    """GET list or one, PUT and POST collection, POST one, its history."""
    if len(call.path) == 2 and call.path[1].lower() == "history":
        contact = call.books.table(PLURAL).get(call.path[0].lower())
        return history.not_found(call) if contact is None else history.answered(call, contact["ContactID"])
    if call.method == "GET" and len(call.path) <= 1:
        return _one(call) if call.path else _list(call)
    if call.method in {"PUT", "POST"} and not call.path:
        elements = shape.posted(call, PLURAL, "Contact", contact_rules.SHAPE)
        summarize = call.flag("summarizeerrors", absent=True)
        if call.method == "PUT":
            return batches.written(call, PLURAL, elements, lambda posted: _create(call, posted), summarize=summarize)
        _refuse_unknown_ids(call, elements)
        return batches.written(call, PLURAL, elements, lambda posted: _save(call, posted), summarize=summarize)
    if call.method == "POST" and len(call.path) == 1:
        elements = [
            {**posted, "ContactID": call.path[0].lower()}
            for posted in shape.posted(call, PLURAL, "Contact", contact_rules.SHAPE)
        ]
        _refuse_unknown_ids(call, elements)
        return batches.written(call, PLURAL, elements, lambda posted: _save(call, posted), summarize=True)
    raise Refusal(answers.not_implemented())


def for_document(call: Call, posted: Row) -> tuple[Row | None, list[str]]:
    """The contact that a document names: found by id, number or name, updated by what else was sent, or created.

    Returns it, or None and why not.
    """
    if not posted.keys() & {"ContactID", "ContactNumber", "Name"}:
        return None, [contact_rules.NOT_IDENTIFIED]
    found = matched(call.books, posted)
    if found is None and "ContactID" in posted:
        return None, ["A Contact must be specified for this type of transaction"]
    if found is not None and found["ContactStatus"] != "ACTIVE":
        return None, [contact_rules.ARCHIVED]
    sent = {key: value for key, value in posted.items() if key not in contact_rules.READ_ONLY}
    if found is not None and all(_same(found.get(key), value) for key, value in sent.items()):
        return found, []
    outcome = _update(call, found, posted) if found is not None else _create(call, posted)
    if outcome.errors:
        return None, outcome.errors
    return call.books.table(PLURAL).rows[outcome.element["ContactID"]], []


def renamed(books: Books, contact: Row) -> None:
    """Carry a contact's name into its documents; that does not move their stamps."""
    for plural, id_key in _WITH_CONTACT.items():
        table = books.table(plural)
        for document in table.find("contact", contact["ContactID"]):
            table.put(document[id_key], {**document, "Contact": contact_wire.embedded(contact)})
    quotes = books.table("Quotes")
    for quote in quotes.find("contact", contact["ContactID"]):
        quotes.put(quote["QuoteID"], {**quote, "Contact": {**quote["Contact"], "Name": contact["Name"]}})


def _list(call: Call) -> Answer:
    table = call.books.table(PLURAL)
    ids = listing.names(call, "ids")
    rows = list(table) if ids is None else [row for key in dict.fromkeys(ids) if (row := table.get(key.lower()))]
    if not call.flag("includearchived"):
        rows = [row for row in rows if row["ContactStatus"] == "ACTIVE"]
    term = call.query.get("searchterm", "").casefold()
    if term:
        rows = [row for row in rows if any(term in row.get(key, "").casefold() for key in _SEARCHED)]
    is_summary = call.flag("summaryonly")
    rows = listing.ordered(call, listing.filtered(call, rows), "ContactID")
    page = listing.paged(call, rows, implied=is_summary or ids is not None)
    today = call.books.today(call.world.clock.now())
    if is_summary:
        shown = [contact_wire.summary(row) for row in page.rows]
    elif page.paged:
        shown = [contact_wire.paged(call.books, row, today) for row in page.rows]
    else:
        shown = [contact_wire.unpaged(row) for row in page.rows]
    return answers.envelope(call.world, call.client_id, PLURAL, shown, page.pagination)


def _one(call: Call) -> Answer:
    """By ContactID or by ContactNumber, archived ones too."""
    table = call.books.table(PLURAL)
    row = table.get(call.path[0].lower()) or table.first("number", fold(call.path[0]))
    if row is None:
        raise Refusal(answers.not_found())
    shown = contact_wire.single(call.books, row, call.books.today(call.world.clock.now()))
    return answers.envelope(call.world, call.client_id, PLURAL, [shown])


def _refuse_unknown_ids(call: Call, elements: list[Row]) -> None:
    """A POST that names an unknown id is 404 as a whole."""
    table = call.books.table(PLURAL)
    if any("ContactID" in posted and table.get(posted["ContactID"]) is None for posted in elements):
        raise Refusal(answers.not_found())


def _save(call: Call, posted: Row) -> Outcome:
    found = matched(call.books, posted)
    return _create(call, posted) if found is None else _update(call, found, posted)


def matched(books: Books, posted: Row) -> Row | None:
    """The contact that is meant: by id, else by number, else by the name of an active one."""
    table = books.table(PLURAL)
    if "ContactID" in posted:
        return table.get(posted["ContactID"])
    found = table.first("number", fold(posted.get("ContactNumber")))
    return found or table.first("name", fold(posted.get("Name")))


def _create(call: Call, posted: Row) -> Outcome:
    errors = contact_rules.problems(call.books, posted, None)
    if errors:
        return Outcome(contact_wire.refused(posted, wire.ZERO_GUID), errors)
    row: Row = {
        "ContactID": call.world.ids.guid(),
        "ContactStatus": "ACTIVE",
        "Addresses": [{"AddressType": kind} for kind in contact_wire.ADDRESS_TYPES],
        "Phones": [{"PhoneType": kind} for kind in contact_wire.PHONE_TYPES],
        "ContactGroups": [],
        "IsSupplier": False,
        "IsCustomer": False,
        "ContactPersons": [],
        "HasAttachments": False,
        "HasValidationErrors": False,
    }
    return _stored(call, row, posted)


def _update(call: Call, found: Row, posted: Row) -> Outcome:
    errors = (
        [contact_rules.ARCHIVED]
        if found["ContactStatus"] != "ACTIVE"
        else contact_rules.problems(call.books, posted, found)
    )
    if errors:
        return Outcome(contact_wire.refused(posted, found["ContactID"]), errors)
    return _stored(call, found, posted)


def _stored(call: Call, before: Row, posted: Row) -> Outcome:
    row = {
        **before,
        **{key: _merged(before, key, value) for key, value in posted.items() if key not in contact_rules.READ_ONLY},
    }
    row["UpdatedDateUTC"] = wire.stamp(call.world.clock.now())
    row = arrange({key: value for key, value in row.items() if value != ""}, contact_wire.ORDER)
    call.books.table(PLURAL).put(row["ContactID"], row)
    if "UpdatedDateUTC" in before and before["Name"] != row["Name"]:
        renamed(call.books, row)
    return Outcome(contact_wire.written(row))


def _merged(before: Row, key: str, value: Any) -> Any:
    """Addresses and phones change type by type; every other field, the persons included, is replaced."""
    if key == "Addresses":
        return _by_type(before[key], value, "AddressType")
    if key == "Phones":
        return _by_type(before[key], value, "PhoneType")
    if key == "PaymentTerms":
        terms = {side: {**term, "Day": int(term.get("Day", 0))} for side, term in value.items()}
        return {**before.get(key, {}), **terms}
    return value


def _by_type(before: list[Row], sent: list[Row], type_key: str) -> list[Row]:
    changed = {
        part[type_key]: {key: value for key, value in part.items() if value != ""} for part in sent if type_key in part
    }
    return [{**part, **changed.get(part[type_key], {})} for part in before]


def _same(stored: Any, sent: Any) -> bool:
    return bool(stored == sent) or (stored is None and sent == "")


RESOURCE = Resource(PLURAL, "Contact", "accounting.contacts", handle)
