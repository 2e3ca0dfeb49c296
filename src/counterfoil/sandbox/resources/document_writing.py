"""Saving an invoice or credit note: what is posted becomes a stored row, or Xero's reasons why not (facts 4.7, 5.8, 5.9).

Called by `invoices` and `credit_notes` for each element of a write, and by `person` to price edited lines.
"""

from datetime import date
from decimal import Decimal

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Call
from counterfoil.sandbox.books import fold
from counterfoil.sandbox.resources import (
    approvals,
    branding_themes,
    contact_wire,
    contacts,
    document_lines,
    document_rules,
    document_wire,
    entered_totals,
    exchange,
    history,
    stock,
)
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.resources.document_kinds import INVOICE, Kind, is_sale
from counterfoil.sandbox.tables import Row

NO_LINES = "One or more line items must be specified"
NO_DISCOUNTS = "Discounts are only supported on sales invoices and quotes."

_ZERO = Decimal("0.0")
_DISCOUNTS = ("DiscountRate", "DiscountAmount")
# Changing these on a document with a payment on it does not move its stamp (facts 4.3).
_UNSTAMPED = frozenset({"DueDate", "DueDateString", "SentToContact"})


def saved(call: Call, kind: Kind, posted: Row) -> Outcome:
    """POST: the document of this id, else the customer's of this number, else a new one."""
    own_id = posted.get(kind.id_key)
    found = call.books.table(kind.plural).get(own_id) if own_id else _numbered(call, kind, posted)
    return created(call, kind, posted) if found is None else _update(call, kind, found, posted)


def _numbered(call: Call, kind: Kind, posted: Row) -> Row | None:
    """What a number finds: a supplier's is no key."""
    if not is_sale({"Type": kind.type} | posted):
        return None
    rows = call.books.table(kind.plural).find("number", fold(posted.get(kind.number_key)))
    return next((row for row in rows if is_sale(row)), None)


def created(call: Call, kind: Kind, posted: Row) -> Outcome:
    """PUT, or POST of something new: saved as a new document, or refused."""
    now = call.world.clock.now()
    status = posted.get("Status", "DRAFT")
    base: Row = {
        "Type": kind.type,
        kind.id_key: call.world.ids.guid(),
        "Reference": "",
        "SentToContact": False,
        "HasAttachments": False,
        "InvoiceAddresses": [],
        "HasErrors": False,
        "BrandingThemeID": branding_themes.id_of(call.books.tenant_id),
        "Status": "DRAFT",
        "LineAmountTypes": "Exclusive",
        "LineItems": [],
        **kind.start,
    }
    sale = is_sale(base | posted)
    if not sale:
        del base["SentToContact"], base["BrandingThemeID"]
        base[kind.number_key] = ""
    if "ID" in kind.order:
        base["ID"] = base[kind.id_key]
    base |= _dated("Date", call.books.today(now))
    errors = [] if status in document_rules.CREATION else [document_rules.NOT_FOR_CREATION]
    if "Type" not in posted:
        errors.append("The Type field is mandatory")
    if "Contact" not in posted:
        errors.append("A Contact must be specified for this type of transaction")
    if not posted.get("LineItems"):
        errors.append(NO_LINES)
    if sale and posted.get(kind.number_key):
        errors += document_rules.number(call.books, kind, posted[kind.number_key], None)
    outcome = _applied(call, kind, base, posted, errors)
    if not outcome.errors:
        history.made(call, base[kind.id_key])
    return outcome


def _update(call: Call, kind: Kind, before: Row, posted: Row) -> Outcome:
    errors = document_rules.transition(before, posted.get("Status"))
    posted = {key: value for key, value in posted.items() if key != "Type"}
    if not errors and is_sale(before) and posted.get(kind.number_key):
        errors = document_rules.number(call.books, kind, posted[kind.number_key], before[kind.id_key])
    if not errors:
        errors = document_rules.locked(call.books, wire.day_of(before["Date"]))
    if not errors and "LineItems" in posted and not posted["LineItems"]:
        errors = [NO_LINES]
    outcome = _applied(call, kind, before, posted, errors)
    if not outcome.errors:
        history.updated(call, before, call.books.table(kind.plural).rows[before[kind.id_key]], before[kind.id_key])
    return outcome


def _applied(call: Call, kind: Kind, before: Row, posted: Row, errors: list[str]) -> Outcome:
    """The document with what was posted, saved unless something is wrong. `before` without a stamp is a new one."""
    is_new = "UpdatedDateUTC" not in before
    row = {**before, **_plain_fields(kind, posted)}
    if kind is INVOICE and not is_sale(row):
        row["Reference"] = ""  # only a customer's invoice has one
    warnings: list[str] = []
    ends = row["Status"] in document_rules.ENDED
    if not errors and not ends:
        errors, warnings = _filled(call, kind, row, posted)
    elif not errors:
        row[kind.open_key] = _ZERO
    if not errors and not is_new and not ends:
        errors = document_rules.paid_edit(before, row)
    if not errors and kind is INVOICE and approvals.is_one(None if is_new else before, row):
        errors = approvals.counted(call.books)
    if errors:
        echo = {**row, "Contact": posted.get("Contact", row.get("Contact", {}))}
        if "LineItems" in posted and not row.get("SubTotal"):
            echo["LineItems"] = posted["LineItems"]
        return Outcome(kind.refused(_echoed(echo), wire.ZERO_GUID if is_new else before[kind.id_key]), errors)
    if not row.get(kind.number_key) and is_sale(row):
        row[kind.number_key] = _next_number(call, kind)
    if is_new or not _is_silent(before, row):
        now = call.world.clock.now()
        row |= {"UpdatedDateUTC": wire.stamp(now), "UpdatedDateUTCString": wire.iso_stamp(now)}
    row = {key: row[key] for key in kind.order if key in row}
    call.books.table(kind.plural).put(row[kind.id_key], row)
    short = stock.moved(
        call.books, kind.plural, row[kind.id_key], row, backorders=kind is INVOICE and call.flag("allowbackorders")
    )
    if short:
        return Outcome(kind.refused(_echoed(row), wire.ZERO_GUID if is_new else before[kind.id_key]), short)
    shown = kind.written(call.books, row, four_places=document_wire.four_places(call))
    return Outcome(shown, [], warnings)


def _is_silent(before: Row, row: Row) -> bool:
    """Whether this change leaves the stamp alone: only the due date or the sent mark of a document with a payment."""
    if not document_wire.applied_amount(before):
        return False
    changed = {key for key in row.keys() | before.keys() if row.get(key) != before.get(key)}
    return bool(changed) and changed <= _UNSTAMPED


def _plain_fields(kind: Kind, posted: Row) -> Row:
    """What is stored as it was sent."""
    row: Row = {key: posted[key] for key in kind.copied if key in posted}
    for key in kind.days:
        if key in posted:
            row |= _dated(key, posted[key])
    return row


def _filled(call: Call, kind: Kind, row: Row, posted: Row) -> tuple[list[str], list[str]]:
    """Complete `row` in place: contact, currency, lines, totals. Returns (errors, warnings)."""
    errors: list[str] = []
    strict = row["Status"] in document_rules.STRICT
    # Only an approved document can be marked as sent (the published schema says so); on others the mark is ignored.
    if "SentToContact" in posted and row["Status"] in document_rules.APPROVED and is_sale(row):
        row["SentToContact"] = posted["SentToContact"]
    if "Contact" in posted:
        contact, problems = contacts.for_document(call, posted["Contact"])
        errors += problems
        if contact is not None:
            row["Contact"] = contact_wire.embedded(contact)
            role = "IsCustomer" if is_sale(row) else "IsSupplier"
            if not contact[role]:
                call.books.table("Contacts").put(contact["ContactID"], {**contact, role: True})
    if kind.needs_due_date and row["Status"] == "AUTHORISED" and "DueDate" not in row:
        if call.world.unknowns.plays("due-date", "defaulted"):
            row |= _dated("DueDate", wire.day_of(row["Date"]))
        else:
            errors.append("The document DueDate field must be specified.")
    errors += document_rules.locked(call.books, wire.day_of(row["Date"]))
    if len(row["Reference"]) > document_rules.LENGTH_MAX:
        errors.append(f"The Reference must not be longer than {document_rules.LENGTH_MAX} characters.")
    if row.get("Url"):
        errors += document_rules.link(row["Url"])
    errors += _currency(call, row, posted)
    warnings = exchange.suspicious(call.books, row.get("CurrencyCode", ""), posted)
    if "LineItems" in posted or "LineAmountTypes" in posted or strict:
        more, others = _priced(call, kind, row, posted)
        errors, warnings = errors + more, warnings + others
    if not errors:
        if row["Total"] < 0:
            errors.append(f"The {'invoice' if kind is INVOICE else 'credit note'} total must not be negative.")
        row[kind.open_key] = wire.number(row["Total"] - document_wire.applied_amount(row))
        entered_totals.entered(row, posted)
    return errors, warnings


def _priced(call: Call, kind: Kind, row: Row, posted: Row) -> tuple[list[str], list[str]]:
    """Put priced lines and totals into `row`; a line that was not sent keeps what it has. Returns (errors, warnings)."""
    stored = _untaxed(row["LineItems"]) if "LineAmountTypes" in posted else row["LineItems"]
    sent = posted.get("LineItems", [{"LineItemID": line["LineItemID"]} for line in stored])
    if not (kind.has_discounts and is_sale(row)) and any(line.get(key) for line in sent for key in _DISCOUNTS):
        return [NO_DISCOUNTS], []
    # A paid document stays one whose lines are complete.
    strict = row["Status"] in document_rules.STRICT | document_rules.APPROVED
    lines = document_lines.finished(call, sent, stored, row["LineAmountTypes"], strict=strict, sale=is_sale(row))
    row["LineItems"] = lines.rows
    row.pop("TotalDiscount", None)
    row.update(lines.totals)
    if kind.has_discounts:
        row["IsDiscounted"] = "TotalDiscount" in row
    if not lines.errors and kind is INVOICE:
        kept = None if posted.keys() & {"LineItems", "LineAmountTypes"} else row.get("RoundingAmount")
        entered_totals.rounded(row, posted, kept)
    return lines.errors, lines.warnings


def _untaxed(lines: list[Row]) -> list[Row]:
    """Stored lines whose tax must be computed anew, since prices may now include it or not."""
    return [{key: value for key, value in line.items() if key != "TaxAmount"} for line in lines]


def _currency(call: Call, row: Row, posted: Row) -> list[str]:
    """The currency as sent, else as it was, else the base currency; its rate as sent, else the day's."""
    base = call.books.base_currency
    code = str(posted.get("CurrencyCode") or row.get("CurrencyCode") or base).upper()
    if call.books.table("Currencies").get(code) is None:
        return [f"Organisation is not subscribed to currency {code}"]
    if posted.get("CurrencyRate") or row.get("CurrencyCode") != code:
        row["CurrencyRate"] = exchange.chosen(call.books, code, posted)
    row["CurrencyCode"] = code
    return exchange.problems(call.books, code, posted)


def _next_number(call: Call, kind: Kind) -> str:
    """The next free number of the organisation's own sequence."""
    table = call.books.table(kind.plural)
    while True:
        text = f"{kind.number_prefix}-{call.books.next_number(kind.counter):04d}"
        if table.first("number", fold(text)) is None:
            return text


def _dated(key: str, day: date) -> Row:
    return {f"{key}String": wire.day_string(day), key: wire.day(day)}


def _echoed(row: Row) -> Row:
    """A refused element may still hold values as they were read: dates become wire dates."""
    return {key: wire.day(value) if isinstance(value, date) else wire.tidy(value) for key, value in row.items()}
