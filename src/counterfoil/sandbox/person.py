"""A person at Xero's own screen: changes an organisation, makes and edits documents, without the API's rules.

Called by `control`. Every edit moves the document's stamp, as it would at Xero.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from counterfoil.sandbox import resources, wire
from counterfoil.sandbox.answers import Answer, Call
from counterfoil.sandbox.books import Books, arrange, fold
from counterfoil.sandbox.charts import ORGANISATION_KEYS
from counterfoil.sandbox.resources import contact_wire, contacts, invoice_wire, invoice_writing
from counterfoil.sandbox.tables import Row
from counterfoil.sandbox.world import CLIENT_ID, World

ORGANISATION_FIELDS = frozenset(
    {
        "name",
        "base_currency",
        "period_lock_date",
        "end_of_year_lock_date",
        "reset",
        "disconnected",
        "short_code",
        "country",
    }
)
_LOCKS = {"period_lock_date": "PeriodLockDate", "end_of_year_lock_date": "EndOfYearLockDate"}
_TEXTS = {"name": "Name", "base_currency": "BaseCurrency", "short_code": "ShortCode", "country": "CountryCode"}
_DAYS = ("Date", "DueDate", "FullyPaidOnDate", "ExpectedPaymentDate", "PlannedPaymentDate")
_WITH_STRING = frozenset(_DAYS) - {"FullyPaidOnDate"}
_EDITABLE = ("Invoices", "Contacts", "Accounts", "TaxRates", "TrackingCategories")


def changed_organisation(world: World, books: Books, given: dict[str, Any]) -> Books:
    """Apply what was given; returns the books, which are new ones with a new tenant id after `reset`.

    Lock dates are ISO dates, null takes one away. `disconnected` true ends all connections to it, false restores them.
    Raises ValueError, TypeError.
    """
    if given.get("reset"):
        books = _reset(world, books)
    row = dict(books.organisation)
    for field, key in _TEXTS.items():
        if field in given:
            if not isinstance(given[field], str):
                raise TypeError(f"{field} is text")
            row[key] = given[field]
    for field, key in _LOCKS.items():
        if field in given:
            row.pop(key, None)
            if given[field] is not None:
                row[key] = wire.day(date.fromisoformat(given[field]))
    books.table("Organisations").put(books.tenant_id, arrange(row, ORGANISATION_KEYS))
    if "base_currency" in given and books.table("Currencies").get(row["BaseCurrency"]) is None:
        code = row["BaseCurrency"]
        books.table("Currencies").put(code, {"Code": code, "Description": code})
    if "disconnected" in given:
        for connection in world.connections.find("tenant", books.tenant_id):
            world.connections.put(connection["id"], {**connection, "disconnected": bool(given["disconnected"])})
    return books


def made_documents(world: World, books: Books, given: dict[str, Any]) -> Answer:
    """Make documents under the API's own rules, but without a token: {"Invoices": […]} or {"Contacts": […]}."""
    if len(given) != 1 or (resource := resources.named(next(iter(given)))) is None:
        raise ValueError("the body names one resource")
    call = Call(world, books, CLIENT_ID, "PUT", (), {"unitdp": "4"}, {}, wire.compact(given))
    answer = resource.handle(call)
    makers = books.table("makers")
    for element in (answer.document or {}).get(resource.plural, []):
        if "InvoiceID" in element and makers.get(element["InvoiceID"]) is not None:
            makers.put(element["InvoiceID"], {"client_id": None})
    return answer


def edited_document(world: World, books: Books, id: str, fields: dict[str, Any]) -> Row | None:
    """Set wire fields of the document with this id, move its stamp and return it; a field set to null goes away.

    Dates may be ISO dates (their companion strings follow), numbers may be plain. New LineItems of an invoice are
    priced anew. Raises ValueError, TypeError.
    """
    for plural in _EDITABLE:
        table = books.table(plural)
        before = table.get(id.lower()) or table.get(id)
        if before is not None:
            break
    else:
        return None
    row = {key: value for key, value in (before | _wired(fields)).items() if value is not None}
    if "Reference" in before:
        row.setdefault("Reference", "")
    if plural == "Invoices":
        row = _edited_invoice(world, books, before, row, fields)
    if "UpdatedDateUTC" in before and "UpdatedDateUTC" not in fields:
        now = world.clock.now()
        row["UpdatedDateUTC"] = wire.stamp(now)
        if "UpdatedDateUTCString" in before:
            row["UpdatedDateUTCString"] = wire.iso_stamp(now)
    if plural in {"Invoices", "Contacts"}:
        row = arrange(row, invoice_wire.ORDER if plural == "Invoices" else contact_wire.ORDER)
    table.put(id.lower() if table.get(id.lower()) else id, row)
    if plural == "Contacts" and row["Name"] != before["Name"]:
        contacts.renamed(books, row)
    return row


def _edited_invoice(world: World, books: Books, before: Row, row: Row, fields: dict[str, Any]) -> Row:
    """Lines are priced, contacts looked up, what is due follows from totals, payments and status."""
    if "LineItems" in fields:
        call = Call(world, books, CLIENT_ID, "POST", (), {"unitdp": "4"}, {}, b"")
        row = invoice_writing.repriced(call, {**row, "LineItems": before["LineItems"]}, fields["LineItems"])
    if "Contact" in fields:
        wanted = fields["Contact"]
        table = books.table("Contacts")
        contact = table.get(wanted.get("ContactID", "")) or table.first("name", fold(wanted.get("Name")))
        if contact is None:
            raise ValueError("no such contact")
        row["Contact"] = contact_wire.embedded(contact)
    if "AmountDue" not in fields:
        is_open = row["Status"] not in {"VOIDED", "DELETED"}
        due = row["Total"] - invoice_wire.applied_amount(row) if is_open else Decimal(0)
        row["AmountDue"] = wire.number(due)
    return row


def _wired(fields: dict[str, Any]) -> Row:
    """Values in wire form; a document date brings its companion string."""
    row: Row = {}
    for key, value in fields.items():
        if key in _DAYS and isinstance(value, str) and not value.startswith("/Date("):
            day = date.fromisoformat(value[:10])
            row[key] = wire.day(day)
            if key in _WITH_STRING:
                row[f"{key}String"] = wire.day_string(day)
        elif key == "UpdatedDateUTC" and isinstance(value, str) and not value.startswith("/Date("):
            row[key] = wire.stamp(datetime.fromisoformat(value).astimezone(UTC))
        elif isinstance(value, int | Decimal) and not isinstance(value, bool):
            row[key] = wire.number(Decimal(value))
        else:
            row[key] = wire.tidy(value)
    return row


def _reset(world: World, books: Books) -> Books:
    """The organisation starts over as a demo company does: empty, under a new tenant id, connected to nobody."""
    meta = world.meta.rows[f"organisation/{books.number}"]
    world.close_books(books)
    return world.open_books(books.number, meta["incarnation"] + 1)
