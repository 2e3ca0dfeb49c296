"""Sales records become sales invoices (ACCREC): the checks before anything is sent, the wire form, the prediction.

Below zero they become credit notes (ACCRECCREDIT) where the flow says so. Called by app.py through the registry.
Implements design §5.4 with facts 4.6, 5.0 to 5.9. Pure: no clock, no network. The elements are for PUT /Invoices and PUT
/CreditNotes with `unitdp=4`
(https://developer.xero.com/documentation/api/accounting/invoices, read 2026-11).
"""

from collections.abc import Collection
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import msgspec

from counterfoil.model import contact_wanted, modes, records, sales_lines, shape, spelling, text, totals
from counterfoil.model.checks import (
    amounts,
    credit_notes,
    days,
    differences,
    payments,
    unposted,
    unseen,
)
from counterfoil.model.differences import TaxedLine
from counterfoil.model.ledger import Ledger
from counterfoil.model.money import EXACT, ZERO
from counterfoil.model.prepared import Finding, Predicted, PredictedLine, Prepared
from counterfoil.model.records import SalesInvoice
from counterfoil.model.sales_lines import Draft
from counterfoil.settings import FlowSettings
from counterfoil.xero import scopes

KIND: Final = "sales_invoices"
POSTS: Final = "invoice"
RESOURCE: Final = "Invoices"
RECORD: Final = SalesInvoice
DOC: Final = "Each record of a sale becomes one sales invoice in Xero, or a credit note if its total is below zero."
NEEDS: Final = (
    scopes.writes("Invoices", "make sales invoices, and change or void them"),
    scopes.writes("CreditNotes", "make credit notes for totals below zero, and take invoices back"),
    scopes.writes("Contacts", "make customers that Xero does not have yet"),
    scopes.writes("Payments", "make the payments that come with a sale"),
)
CARD: Final = MappingProxyType(
    {
        "create": "done",
        "update": "done",
        "void": "done",
        "payments": "done",
        "attachments": "todo: refused by name",
        "items": "todo: refused by name",
        "credit notes": "done",
        "foreign currency": "done",
        "tracking": "done",
        "contact's own payment terms": "done",
        "differences to the record's own total": "done",
        "locked days": "done",
        "branding themes by name": "todo: by id only",
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
        reason = f"`entity` {unseen.said(entity)}is not in the configuration: {shape.shown(entity)}."
        return Finding("entity-unknown", reason, spelling.suggestion(entity, entities), "entity", entity)
    return entity


def prepare(record: SalesInvoice, ledger: Ledger, flow: FlowSettings) -> Prepared | tuple[Finding, ...]:
    """The invoice or credit note that the record becomes, or every reason why it may not, most fundamental first.

    The record's `status` wins over the flow's. Costs no API call; the same input gives the same result.
    """
    too_old = days.start_findings(record.date, ledger)
    if too_old:
        return too_old
    asked = record.status or flow.status
    head = _Head(
        asked=asked,
        status=modes.status(asked, ledger.mode),
        currency=record.currency or ledger.base_currency,
        number=_number(record, flow),
        day=days.open_day(record.date, ledger, flow.lock_date),
    )
    due = days.due_date(record, head.day.date, ledger)
    found = [*head.day.findings, *unposted.unposted_findings(record)]
    if isinstance(due, Finding):
        found.append(due)
        due = None
    found += _head_findings(record, ledger, head)
    drafts = sales_lines.drafts(record, ledger, found)
    if found:
        return tuple(found)
    body = _body(record, ledger, flow, head, drafts)
    if isinstance(body, Finding):
        return (body,)
    if body.sums.total < ZERO:
        return _credit_note(record, ledger, head, body)
    paid = payments.paying(
        record, ledger, status=head.asked, currency=head.currency, total=body.sums.total, policy=flow.lock_date
    )
    if paid.findings:
        return paid.findings
    predicted = Predicted(
        status=head.status,
        date=head.day.date,
        due_date=due,
        currency=head.currency,
        sub_total=body.sums.sub_total,
        total_tax=body.sums.total_tax,
        total=body.sums.total,
        lines=body.lines,
        rounding=body.rounding,
        notes=tuple(note for note in (modes.note(asked, ledger.mode), head.day.note, body.note, *paid.notes) if note),
    )
    return Prepared(
        external_id=record.external_id,
        entity=ledger.entity,
        contact=contact_wanted.of(record.contact),
        number=head.number,
        reference=record.reference or "",
        element=_element(record, head.number, predicted, body.elements),
        predicted=predicted,
        warnings=days.due_warnings(head.day.date, due),
        due_open=days.due_is_open(record),
        difference=body.difference or None,
        hold=next((hold for hold in (head.stop(ledger), head.day.hold, *paid.holds) if hold), None),
        payments=paid.wanted,
        limited=modes.drafts_alone(ledger.entity, ledger.mode),
        version=record.version,
    )


def _credit_note(record: SalesInvoice, ledger: Ledger, head: "_Head", body: "_Body") -> Prepared | tuple[Finding, ...]:
    """The credit note that a record with a total below zero becomes: its amounts are positive, and it falls due never."""
    found = credit_notes.findings(record, rounded=bool(body.rounding))
    if found:
        return tuple(found)
    sums = credit_notes.sums(body.sums)
    notes = (
        modes.note(head.asked, ledger.mode),
        head.day.note,
        body.note,
        credit_notes.NOT_MARKED_SENT if record.sent else "",
    )
    predicted = Predicted(
        status=head.status,
        date=head.day.date,
        due_date=None,
        currency=head.currency,
        sub_total=sums.sub_total,
        total_tax=sums.total_tax,
        total=sums.total,
        lines=tuple(map(credit_notes.line, body.lines)),
        notes=tuple(note for note in notes if note),
    )
    turned = [credit_notes.element(line, foreseen) for line, foreseen in zip(body.elements, body.lines, strict=True)]
    element = _element(record, head.number, predicted, turned)
    element.pop("SentToContact", None)
    return Prepared(
        external_id=record.external_id,
        entity=ledger.entity,
        contact=contact_wanted.of(record.contact),
        number=head.number,
        reference=record.reference or "",
        element={**element, "Type": "ACCRECCREDIT"},
        predicted=predicted,
        difference=body.difference or None,
        hold=head.stop(ledger) or head.day.hold,
        limited=modes.drafts_alone(ledger.entity, ledger.mode),
        kind=credit_notes.KIND,
        version=record.version,
    )


class _Head(msgspec.Struct, frozen=True):
    """What is settled of a document before its lines: `number` None, Xero gives it one. `asked`: the record's own status."""

    asked: str
    status: str
    currency: str
    number: str | None
    day: days.OpenDay

    def stop(self, ledger: Ledger) -> Finding | None:
        """Why nothing is sent there at all."""
        return modes.nothing(ledger.entity, ledger.mode)


class _Body(msgspec.Struct, frozen=True):
    """The lines and totals, any difference to the record's own total evened out."""

    elements: list[dict[str, Any]]
    lines: tuple[PredictedLine, ...]
    sums: totals.Totals
    rounding: Decimal = Decimal(0)
    difference: Decimal = Decimal(0)
    note: str = ""


def _number(record: SalesInvoice, flow: FlowSettings) -> str | None:
    """The invoice's number; None: Xero gives it one of its own sequence."""
    number = record.number or flow.number or record.external_id
    return None if number == text.NUMBER_FROM_XERO else number


def _head_findings(record: SalesInvoice, ledger: Ledger, head: _Head) -> list[Finding]:
    """What is wrong with the document apart from its days and lines."""
    found = []
    status, currency = head.asked, head.currency
    if currency not in ledger.currencies:
        reason = f"`currency` is {currency}, to which {ledger.organisation} is not subscribed."
        remedy = f"Add the currency in Xero. Subscribed: {', '.join(sorted(ledger.currencies))}."
        found.append(Finding("currency-unknown", reason, remedy, "currency", currency))
    if record.rate is not None and currency == ledger.base_currency:
        reason = f"`rate` is given, but {currency} is the base currency of {ledger.organisation}."
        found.append(Finding("rate-needless", reason, "Leave `rate` out.", "rate", str(record.rate)))
    if record.rate_source is not None and record.rate is None:
        reason = f"`rate_source` is given ({record.rate_source}), but no `rate`: Xero would take its own of the day."
        found.append(Finding("rate-missing", reason, "Give `rate` too, or leave both out.", "rate_source"))
    if record.sent and status != "AUTHORISED":
        reason = f"`sent` is true, but the invoice will be {status}."
        found.append(Finding("sent-too-early", reason, "Leave `sent` out, or make it AUTHORISED.", "sent", "true"))
    room = REFERENCE_MAX - (MARKER_ROOM if head.number is None else 0)
    if record.reference is not None and len(record.reference) > room:
        reason = f"`reference` is {len(record.reference)} characters long; {room} have room beside our marker."
        found.append(Finding("reference-too-long", reason, "Shorten it.", "reference", record.reference[:40]))
    return found


def _body(
    record: SalesInvoice, ledger: Ledger, flow: FlowSettings, head: _Head, drafts: list[Draft]
) -> _Body | Finding:
    """The document's lines and totals; a Finding when its total is not the record's and may not be evened out."""
    elements = [draft.element for draft in drafts]
    predicted = tuple(draft.predicted for draft in drafts)
    sums = sales_lines.sums(predicted, record)
    negative = _negative(flow, head, sums)
    if negative is not None:
        return negative
    if not differences.difference_of(record, sums.total):
        return _Body(elements, predicted, sums)
    taxed = [TaxedLine(draft.predicted.line_amount, draft.predicted.tax_amount, draft.open) for draft in drafts]
    asked = differences.Asked(record, ledger, head.status, head.currency, sums, taxed)
    evened = differences.even_out(asked, flow.difference)
    if isinstance(evened, Finding):
        return evened
    body = _evened(record, drafts, evened)
    return _negative(flow, head, body.sums) or body


def _negative(flow: FlowSettings, head: _Head, sums: totals.Totals) -> Finding | None:
    """Why a total below zero cannot be posted; None where it becomes a credit note."""
    makes_notes = flow.negative == credit_notes.KIND
    return None if makes_notes else amounts.negative_finding(sums.total, head.currency)


def _evened(record: SalesInvoice, drafts: list[Draft], evened: differences.Evened) -> _Body:
    """The lines and totals after the difference was evened out."""
    taxes = evened.taxes or tuple(draft.predicted.tax_amount for draft in drafts)
    elements = [
        draft.element if tax == draft.predicted.tax_amount else {**draft.element, "TaxAmount": tax}
        for draft, tax in zip(drafts, taxes, strict=True)
    ]
    predicted = [
        msgspec.structs.replace(draft.predicted, tax_amount=tax) for draft, tax in zip(drafts, taxes, strict=True)
    ]
    if evened.line is not None and evened.element is not None:
        elements.append(evened.element)
        predicted.append(evened.line)
    sums = sales_lines.sums(predicted, record)
    sums = msgspec.structs.replace(sums, total=EXACT.add(sums.total, evened.rounding))
    return _Body(elements, tuple(predicted), sums, evened.rounding, evened.difference, evened.note)


def _element(
    record: SalesInvoice, number: str | None, predicted: Predicted, line_items: list[dict[str, Any]]
) -> dict[str, Any]:
    """The element for PUT /Invoices without Contact, Url and marker."""
    element: dict[str, Any] = {
        "Type": "ACCREC",
        "Status": predicted.status,
        "Date": predicted.date.isoformat(),
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
    if record.sent and predicted.status == "AUTHORISED":
        element["SentToContact"] = True
    if predicted.rounding:  # honoured only beside totals that agree with it (facts 4.6)
        element |= {
            "SubTotal": predicted.sub_total,
            "TotalTax": predicted.total_tax,
            "RoundingAmount": predicted.rounding,
            "Total": predicted.total,
        }
    return element
