"""Contacts: PUT creates, POST creates or updates by id, number or name, archived ones refuse edits (facts 5.7).

Called through `resources`; `document_writing` uses `for_document`. An update is partial: what is not sent stays.
"""

from collections.abc import Iterable
from typing import Any

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import Books, arrange, fold
from counterfoil.sandbox.resources import contact_rules, contact_wire, listing
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.collection import Collection
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
    outcome = _updated(call, found, posted) if found is not None else _created(call, posted)
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


def _chosen(call: Call) -> Iterable[Row]:
    """Those of `IDs`, without the archived ones unless they are asked for, that `searchTerm` finds."""
    table = call.books.table(PLURAL)
    ids = listing.names(call, "ids")
    rows: Iterable[Row] = (
        table if ids is None else [row for key in dict.fromkeys(ids) if (row := table.get(key.lower()))]
    )
    if not call.flag("includearchived"):
        rows = [row for row in rows if row["ContactStatus"] == "ACTIVE"]
    term = call.query.get("searchterm", "").casefold()
    return [row for row in rows if any(term in row.get(key, "").casefold() for key in _SEARCHED)] if term else rows


def _single(call: Call, row: Row) -> Row:
    return contact_wire.single(call.books, row, call.books.today(call.world.clock.now()))


def _listed(call: Call, row: Row) -> Row:
    if call.flag("summaryonly"):
        return contact_wire.summary(row)
    return contact_wire.paged(call.books, row, call.books.today(call.world.clock.now()))


def _saved(call: Call, posted: Row) -> Outcome:
    found = matched(call.books, posted)
    return _created(call, posted) if found is None else _updated(call, found, posted)


def matched(books: Books, posted: Row) -> Row | None:
    """The contact that is meant: by id, else by number, else by the name of an active one."""
    table = books.table(PLURAL)
    if "ContactID" in posted:
        return table.get(posted["ContactID"])
    found = table.first("number", fold(posted.get("ContactNumber")))
    return found or table.first("name", fold(posted.get("Name")))


def _created(call: Call, posted: Row) -> Outcome:
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


def _updated(call: Call, found: Row, posted: Row) -> Outcome:
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


COLLECTION = Collection(
    plural=PLURAL,
    singular="Contact",
    id_key="ContactID",
    shape=contact_rules.SHAPE,
    single=_single,
    listed=_listed,
    unlisted=lambda _, row: contact_wire.unpaged(row),
    created=_created,
    saved=_saved,
    chosen=_chosen,
    number_index="number",
    forces_pages=("ids",),
)
RESOURCE = Resource(PLURAL, "Contact", "accounting.contacts", COLLECTION.handle)
