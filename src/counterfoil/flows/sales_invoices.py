"""Sales records become sales invoices (ACCREC): the checks before anything is sent, the wire form, the prediction.

Called by app.py through the registry. Implements design §5.4 with facts 4.6, 5.0 to 5.8. Pure: no clock, no network.
The elements are for PUT /Invoices with `unitdp=4`
(https://developer.xero.com/documentation/api/accounting/invoices, read 2026-11).
"""

from collections.abc import Collection
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from counterfoil.model import records, spelling, text, totals
from counterfoil.model.checks import amounts, days, lines, tracking, unposted
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import ContactWanted, Finding, Predicted, PredictedLine, Prepared
from counterfoil.model.records import Contact, Line, SalesInvoice
from counterfoil.settings import FlowSettings

KIND: Final = "sales_invoices"
POSTS: Final = "invoice"
RESOURCE: Final = "Invoices"
DOC: Final = "Each record of a sale becomes one sales invoice in Xero."
SCOPES: Final = ("accounting.invoices", "accounting.contacts", "accounting.settings.read")
CARD: Final = MappingProxyType(
    {
        "create": "done",
        "update": "todo: a changed record is held",
        "void": "todo",
        "payments": "todo: refused by name",
        "attachments": "todo: refused by name",
        "items": "todo: refused by name",
        "credit notes": "todo: a total below zero is refused",
        "foreign currency": "done",
        "tracking": "done",
        "contact's own payment terms": "todo: the organisation's stand in",
    }
)

REFERENCE_MAX: Final = 255
MARKER_ROOM: Final = 17  # with Xero's own numbers the Reference ends in a space and our marker of 16 characters
_LINE_AMOUNT_TYPES: Final = {"exclusive": "Exclusive", "inclusive": "Inclusive", "no_tax": "NoTax"}

decode = records.decode
identify = records.identify
record_hash = records.record_hash
json_schema = records.json_schema


def entity_of(record: SalesInvoice, flow: FlowSettings, entities: Collection[str]) -> str | Finding:
    """The entity that the record belongs to: its own `entity`, else the flow's; a Finding when that is none of ours."""
    entity = record.entity or flow.entity
    if entity is None:
        remedy = f"Give `entity` in the record or in [flows.{flow.table}]."
        return Finding("entity-missing", "`entity` is missing, and the flow has none.", remedy, "entity")
    if flow.entity is not None and entity != flow.entity:
        reason = f"`entity` is {entity}, but the flow {flow.table} is for {flow.entity} only."
        remedy = "Send it through the other entity's flow, or take `entity` out of the flow."
        return Finding("entity-differs", reason, remedy, "entity", entity)
    if entity not in entities:
        reason = f"`entity` is not in the configuration: {entity}."
        return Finding("entity-unknown", reason, spelling.suggestion(entity, entities), "entity", entity)
    return entity


def prepare(record: SalesInvoice, ledger: Ledger, flow: FlowSettings) -> Prepared | tuple[Finding, ...]:
    """The invoice that the record becomes, or every reason why it may not, most fundamental first.

    The record's `status` wins over the flow's. Costs no API call; the same input gives the same result.
    """
    found = days.date_findings(record.date, ledger)
    if found and found[0].cause == days.BEFORE_START:
        return tuple(found)
    status = record.status or flow.status
    currency = record.currency or ledger.base_currency
    number = _number(record, flow)
    due = days.due_date(record, status, ledger)
    found += unposted.unposted_findings(record)
    if isinstance(due, Finding):
        found.append(due)
        due = None
    found += _head_findings(record, ledger, status, currency, number)
    wire_lines, predicted_lines = _lines(record, ledger, found)
    if found:
        return tuple(found)
    sums = totals.document(((line.line_amount, line.tax_amount) for line in predicted_lines), record.amounts)
    found += amounts.total_findings(record, sums.total, currency)
    if found:
        return tuple(found)
    predicted = Predicted(
        status=status,
        date=record.date,
        due_date=due,
        currency=currency,
        sub_total=sums.sub_total,
        total_tax=sums.total_tax,
        total=sums.total,
        lines=tuple(predicted_lines),
    )
    return Prepared(
        external_id=record.external_id,
        entity=ledger.entity,
        contact=_contact(record.contact),
        number=number,
        reference=record.reference or "",
        element=_element(record, number, predicted, wire_lines),
        predicted=predicted,
        warnings=days.due_warnings(record.date, due),
    )


def _number(record: SalesInvoice, flow: FlowSettings) -> str | None:
    """The invoice's number; None: Xero gives it one of its own sequence."""
    number = record.number or flow.number or record.external_id
    return None if number == text.NUMBER_FROM_XERO else number


def _head_findings(
    record: SalesInvoice, ledger: Ledger, status: str, currency: str, number: str | None
) -> list[Finding]:
    """What is wrong with the document apart from its days and lines."""
    found = []
    if currency not in ledger.currencies:
        reason = f"`currency` is {currency}, to which {ledger.organisation} is not subscribed."
        remedy = f"Add the currency in Xero. Subscribed: {', '.join(sorted(ledger.currencies))}."
        found.append(Finding("currency-unknown", reason, remedy, "currency", currency))
    if record.rate is not None and currency == ledger.base_currency:
        reason = f"`rate` is given, but {currency} is the base currency of {ledger.organisation}."
        found.append(Finding("rate-needless", reason, "Leave `rate` out.", "rate", str(record.rate)))
    if record.sent and status != "AUTHORISED":
        reason = f"`sent` is true, but the invoice will be {status}."
        found.append(Finding("sent-too-early", reason, "Leave `sent` out, or make it AUTHORISED.", "sent", "true"))
    room = REFERENCE_MAX - (MARKER_ROOM if number is None else 0)
    if record.reference is not None and len(record.reference) > room:
        reason = f"`reference` is {len(record.reference)} characters long; {room} have room beside our marker."
        found.append(Finding("reference-too-long", reason, "Shorten it.", "reference", record.reference[:40]))
    return found


def _lines(
    record: SalesInvoice, ledger: Ledger, found: list[Finding]
) -> tuple[list[dict[str, Any]], list[PredictedLine]]:
    """The wire form and the prediction of each line; what is wrong with lines is added to `found`."""
    wire, predicted = [], []
    for index, line in enumerate(record.lines):
        path = f"lines[{index}]"
        amount = totals.line_amount(line.quantity, line.unit_amount, line.discount_rate, line.discount_amount)
        found += amounts.line_findings(line, amount, path)
        if line.tracking:
            found += tracking.tracking_findings(line, ledger, path)
        account = lines.account_of(line, ledger, path)
        if isinstance(account, Finding):
            found.append(account)
            continue
        rate = lines.tax_of(line, account, ledger, record.amounts, path)
        if isinstance(rate, Finding):
            found.append(rate)
            continue
        tax = line.tax_amount
        if tax is None or rate is None:
            tax = totals.line_tax(amount, rate.percent if rate else Decimal(0), record.amounts)
        wire.append(
            _line_element(line, account.code, rate.tax_type if rate and line.tax != lines.ACCOUNT_DEFAULT else None)
        )
        predicted.append(PredictedLine(account.code, rate.tax_type if rate else None, amount, tax))
    return wire, predicted


def _line_element(line: Line, account_code: str, tax_type: str | None) -> dict[str, Any]:
    """A LineItem. Without `tax_type` Xero takes the account's own tax."""
    element: dict[str, Any] = {
        "Description": line.description,
        "Quantity": line.quantity,
        "UnitAmount": line.unit_amount,
        "AccountCode": account_code,
    }
    if tax_type is not None:
        element["TaxType"] = tax_type
    if line.tax_amount is not None:
        element["TaxAmount"] = line.tax_amount
    if line.discount_rate is not None:
        element["DiscountRate"] = line.discount_rate
    if line.discount_amount is not None:
        element["DiscountAmount"] = line.discount_amount
    if line.tracking:
        element["Tracking"] = [{"Name": name, "Option": option} for name, option in sorted(line.tracking.items())]
    return element


def _element(
    record: SalesInvoice, number: str | None, predicted: Predicted, line_items: list[dict[str, Any]]
) -> dict[str, Any]:
    """The element for PUT /Invoices without Contact, Url and marker."""
    element: dict[str, Any] = {
        "Type": "ACCREC",
        "Status": predicted.status,
        "Date": record.date.isoformat(),
        "CurrencyCode": predicted.currency,
        "LineAmountTypes": _LINE_AMOUNT_TYPES[record.amounts],
        "LineItems": line_items,
    }
    if predicted.due_date is not None:
        element["DueDate"] = predicted.due_date.isoformat()
    if number is not None:
        element["InvoiceNumber"] = number
    if record.reference is not None:
        element["Reference"] = record.reference
    if record.rate is not None:
        element["CurrencyRate"] = record.rate
    if record.branding_theme is not None:
        element["BrandingThemeID"] = record.branding_theme
    if record.sent:
        element["SentToContact"] = True
    return element


def _contact(contact: Contact) -> ContactWanted:
    """The customer, with the Contacts element that creates it should Xero not have it."""
    given: dict[str, Any] = {
        "Name": contact.name,
        "ContactNumber": contact.external_id,
        "EmailAddress": contact.email,
        "FirstName": contact.first_name,
        "LastName": contact.last_name,
        "AccountNumber": contact.account_number,
        "TaxNumber": contact.tax_number,
        "CompanyNumber": contact.company_number,
    }
    element = {key: value for key, value in given.items() if value is not None}
    if contact.phone is not None:
        element["Phones"] = [{"PhoneType": "DEFAULT", "PhoneNumber": contact.phone}]
    addresses = [("STREET", contact.street_address), ("POBOX", contact.postal_address)]
    if any(address for _, address in addresses):
        element["Addresses"] = [_address(kind, address) for kind, address in addresses if address]
    return ContactWanted(contact.external_id, contact.name, contact.email, element)


def _address(kind: str, address: records.Address) -> dict[str, str]:
    given = {
        "AddressType": kind,
        "AttentionTo": address.attention_to,
        "AddressLine1": address.line1,
        "AddressLine2": address.line2,
        "AddressLine3": address.line3,
        "AddressLine4": address.line4,
        "City": address.city,
        "Region": address.region,
        "PostalCode": address.postal_code,
        "Country": address.country,
    }
    return {key: value for key, value in given.items() if value is not None}
