"""Saving an invoice: what is posted becomes a stored row, or Xero's reasons why not (facts 4.7, 5.8).

Called by `invoices` for each element of a write, and by `person` to price edited lines.
"""

from datetime import date
from decimal import Decimal

from counterfoil.sandbox import answers, wire
from counterfoil.sandbox.answers import Call, Refusal
from counterfoil.sandbox.books import arrange, fold
from counterfoil.sandbox.clock import guid_of
from counterfoil.sandbox.resources import (
    batches,
    contact_rules,
    contact_wire,
    contacts,
    exchange,
    invoice_lines,
    invoice_rules,
    invoice_wire,
    shape,
)
from counterfoil.sandbox.resources.batches import Outcome
from counterfoil.sandbox.tables import Row

PLURAL = "Invoices"

SHAPE = shape.Shape(
    Type=shape.enum("InvoiceType", "ACCREC", "ACCPAY"),
    InvoiceID=shape.guid,
    InvoiceNumber=shape.text,
    Reference=shape.text,
    Contact=shape.object_of(contact_rules.SHAPE),
    Date=shape.day,
    DueDate=shape.day,
    ExpectedPaymentDate=shape.day,
    PlannedPaymentDate=shape.day,
    LineAmountTypes=shape.enum("LineAmountType", "Exclusive", "Inclusive", "NoTax"),
    LineItems=shape.array_of(invoice_lines.SHAPE),
    BrandingThemeID=shape.guid,
    Url=shape.text,
    CurrencyCode=shape.text,
    CurrencyRate=shape.decimal,
    Status=shape.enum("InvoiceStatus", "DRAFT", "SUBMITTED", "DELETED", "AUTHORISED", "PAID", "VOIDED"),
    SentToContact=shape.boolean,
)

_ZERO = Decimal("0.0")
_DAYS = ("Date", "DueDate", "ExpectedPaymentDate", "PlannedPaymentDate")
_COPIED = ("Type", "InvoiceNumber", "Reference", "BrandingThemeID", "Url", "Status", "SentToContact", "LineAmountTypes")


def saved(call: Call, posted: Row) -> Outcome:
    """POST: the invoice of this id, else of this number, else a new one."""
    table = call.books.table(PLURAL)
    invoice_id = posted.get("InvoiceID")
    found = table.get(invoice_id) if invoice_id else table.first("number", fold(posted.get("InvoiceNumber")))
    return created(call, posted) if found is None else _update(call, found, posted)


def created(call: Call, posted: Row) -> Outcome:
    """PUT, or POST of something new: saved as a new invoice, or refused."""
    now = call.world.clock.now()
    status = posted.get("Status", "DRAFT")
    base: Row = {
        "Type": "ACCREC",
        "InvoiceID": call.world.ids.guid(),
        "Reference": "",
        "Payments": [],
        "CreditNotes": [],
        "Prepayments": [],
        "Overpayments": [],
        "AmountPaid": _ZERO,
        "AmountCredited": _ZERO,
        "SentToContact": False,
        "IsDiscounted": False,
        "HasAttachments": False,
        "InvoiceAddresses": [],
        "HasErrors": False,
        "InvoicePaymentServices": [],
        "BrandingThemeID": guid_of(f"{call.books.tenant_id}/branding"),
        "Status": "DRAFT",
        "LineAmountTypes": "Exclusive",
        "LineItems": [],
    }
    base |= _dated("Date", call.books.today(now))
    errors = [] if status in invoice_rules.CREATION else [invoice_rules.NOT_FOR_CREATION]
    if "Type" not in posted:
        errors.append("The Type field is mandatory")
    if "Contact" not in posted:
        errors.append("A Contact must be specified for this type of transaction")
    if not posted.get("LineItems"):
        errors.append("One or more line items must be specified")
    if posted.get("InvoiceNumber"):
        errors += invoice_rules.number(call.books, posted["InvoiceNumber"], None)
    outcome = _applied(call, base, posted, errors)
    if not outcome.errors:
        call.books.table("makers").put(base["InvoiceID"], {"client_id": call.client_id})
    return outcome


def _update(call: Call, before: Row, posted: Row) -> Outcome:
    errors = invoice_rules.transition(before, posted.get("Status"))
    if not errors and posted.get("InvoiceNumber"):
        errors = invoice_rules.number(call.books, posted["InvoiceNumber"], before["InvoiceID"])
    if not errors:
        errors = invoice_rules.locked(call.books, wire.day_of(before["Date"]))
    if not errors and "LineItems" in posted and not posted["LineItems"]:
        errors = ["One or more line items must be specified"]
    return _applied(call, before, posted, errors)


def _applied(call: Call, before: Row, posted: Row, errors: list[str]) -> Outcome:
    """The invoice with what was posted, saved unless something is wrong. `before` without a stamp is a new one."""
    is_new = "UpdatedDateUTC" not in before
    row = {**before, **_plain_fields(posted)}
    warnings: list[str] = []
    ends = row["Status"] in {"VOIDED", "DELETED"}
    if not errors and not ends:
        errors, warnings = _filled(call, row, posted)
    elif not errors:
        row["AmountDue"] = _ZERO
    if not errors and not is_new and not ends:
        errors = invoice_rules.paid_edit(before, row)
    if errors:
        echo = {**row, "Contact": posted.get("Contact", row.get("Contact", {}))}
        if "LineItems" in posted and not row.get("SubTotal"):
            echo["LineItems"] = posted["LineItems"]
        shown_id = wire.ZERO_GUID if is_new else before["InvoiceID"]
        return Outcome(invoice_wire.refused(_echoed(echo), shown_id), errors)
    now = call.world.clock.now()
    if not row.get("InvoiceNumber"):
        row["InvoiceNumber"] = _next_number(call)
    row |= {"UpdatedDateUTC": wire.stamp(now), "UpdatedDateUTCString": wire.iso_stamp(now)}
    row = {key: row[key] for key in invoice_wire.ORDER if key in row}
    call.books.table(PLURAL).put(row["InvoiceID"], row)
    return Outcome(invoice_wire.written(call.books, row, four_places=invoice_wire.four_places(call)), [], warnings)


def _plain_fields(posted: Row) -> Row:
    """What is stored as it was sent."""
    row: Row = {key: posted[key] for key in _COPIED if key in posted}
    for key in _DAYS:
        if key in posted:
            row |= _dated(key, posted[key])
    return row


def _filled(call: Call, row: Row, posted: Row) -> tuple[list[str], list[str]]:
    """Complete `row` in place: contact, currency, lines, totals. Returns (errors, warnings)."""
    errors: list[str] = []
    strict = row["Status"] in invoice_rules.STRICT
    if "Contact" in posted:
        contact, problems = contacts.for_document(call, posted["Contact"])
        errors += problems
        if contact is not None:
            row["Contact"] = contact_wire.embedded(contact)
            if not contact["IsCustomer"]:
                call.books.table("Contacts").put(contact["ContactID"], {**contact, "IsCustomer": True})
    if row["Status"] == "AUTHORISED" and "DueDate" not in row:
        errors.append("The document DueDate field must be specified.")
    errors += invoice_rules.locked(call.books, wire.day_of(row["Date"]))
    if len(row["Reference"]) > invoice_rules.LENGTH_MAX:
        errors.append(f"The Reference must not be longer than {invoice_rules.LENGTH_MAX} characters.")
    if row.get("Url"):
        errors += invoice_rules.link(row["Url"])
    errors += _currency(call, row, posted)
    warnings: list[str] = []
    becomes_strict = strict and "LineItems" not in posted
    if "LineItems" in posted or "LineAmountTypes" in posted or becomes_strict:
        stored = _untaxed(row["LineItems"]) if "LineAmountTypes" in posted else row["LineItems"]
        sent = posted.get("LineItems", [{"LineItemID": line["LineItemID"]} for line in stored])
        lines = invoice_lines.finished(call, sent, stored, row["LineAmountTypes"], strict=strict)
        errors += lines.errors
        warnings = lines.warnings
        row["LineItems"] = lines.rows
        row.pop("TotalDiscount", None)
        row.update(lines.totals)
        row["IsDiscounted"] = "TotalDiscount" in row
    if not errors:
        if row["Total"] < 0:
            errors.append("The invoice total must not be negative.")
        row["AmountDue"] = wire.number(row["Total"] - invoice_wire.applied_amount(row))
    return errors, warnings


def _untaxed(lines: list[Row]) -> list[Row]:
    """Stored lines whose tax must be computed anew, since prices may now include it or not."""
    return [{key: value for key, value in line.items() if key != "TaxAmount"} for line in lines]


def _currency(call: Call, row: Row, posted: Row) -> list[str]:
    """The currency as sent, else as it was, else the base currency; its rate as sent, else the day's."""
    base = call.books.base_currency
    code = str(posted.get("CurrencyCode") or row.get("CurrencyCode") or base).upper()
    if call.books.table("Currencies").get(code) is None:
        return [f"Organisation is not subscribed to currency {code}"]
    if code == base:
        row["CurrencyRate"] = Decimal("1.0")
    elif posted.get("CurrencyRate"):
        row["CurrencyRate"] = wire.number(round(posted["CurrencyRate"], 10))
    elif row.get("CurrencyCode") != code:
        row["CurrencyRate"] = exchange.rate(base, code)
    row["CurrencyCode"] = code
    return []


def _next_number(call: Call) -> str:
    """The next free number of the organisation's own sequence."""
    table = call.books.table(PLURAL)
    while True:
        text = f"INV-{call.books.next_number('invoice'):04d}"
        if table.first("number", fold(text)) is None:
            return text


def _dated(key: str, day: date) -> Row:
    return {f"{key}String": wire.day_string(day), key: wire.day(day)}


def _echoed(row: Row) -> Row:
    """A refused element may still hold values as they were read: dates become wire dates."""
    return {key: wire.day(value) if isinstance(value, date) else wire.tidy(value) for key, value in row.items()}


def repriced(call: Call, row: Row, lines: list[Row]) -> Row:
    """The invoice with these lines (wire form, partial ones allowed) and new totals: a person at Xero's screen did it.

    Refusal with 400 for lines that cannot be.
    """
    typed = [invoice_lines.SHAPE.read(line, f"LineItems[{index}]") for index, line in enumerate(lines)]
    made = invoice_lines.finished(call, typed, row["LineItems"], row["LineAmountTypes"], strict=False)
    if made.errors:
        raise Refusal(answers.validation([{"ValidationErrors": batches.messages(made.errors)}]))
    rest = {key: value for key, value in row.items() if key != "TotalDiscount"}
    after = {**rest, "LineItems": made.rows, **made.totals, "IsDiscounted": "TotalDiscount" in made.totals}
    after["AmountDue"] = wire.number(after["Total"] - invoice_wire.applied_amount(row))
    return arrange(after, invoice_wire.ORDER)
