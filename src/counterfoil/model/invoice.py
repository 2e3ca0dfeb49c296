"""Invoice: a sales invoice (ACCREC) or a bill (ACCPAY), as Xero keeps it.

Called by xero/resources/invoices, mirror, posting. xero-facts §5.8, Appendices B and C
(https://developer.xero.com/documentation/api/accounting/invoices, read 2026-11). Fields stand in the order in which
Xero sends them: the decoder looks for the next one first, which is worth a fifth of its time.
"""

from counterfoil.model.amounts import Amount
from counterfoil.model.record import Day, Part, Record, Stamp


class LineTracking(Part, frozen=True, kw_only=True, gc=False):
    """One tracking option on a line; at most two per line."""

    name: str | None = None
    option: str | None = None
    tracking_category_id: str | None = None
    tracking_option_id: str | None = None


class LineItem(Part, frozen=True, kw_only=True, gc=False):
    """One line. Amounts in the document's currency; with `Inclusive` amounts they include tax, else not."""

    item_code: str | None = None
    description: str | None = None
    unit_amount: Amount | None = None
    tax_type: str | None = None
    tax_amount: Amount | None = None
    line_amount: Amount | None = None
    account_code: str | None = None
    tracking: tuple[LineTracking, ...] = ()
    quantity: Amount | None = None
    discount_rate: Amount | None = None  # per cent
    discount_amount: Amount | None = None
    line_item_id: str | None = None
    account_id: str | None = None


class DocumentContact(Part, frozen=True, kw_only=True, gc=False):
    """The contact of a document: always its id; its name and number as far as Xero repeats them."""

    contact_id: str | None = None
    contact_number: str | None = None
    name: str | None = None


class InvoicePayment(Part, frozen=True, kw_only=True, gc=False):
    """A payment as a document shows it. `amount` in the document's currency."""

    payment_id: str
    date: Day | None = None
    amount: Amount | None = None
    reference: str | None = None
    currency_rate: Amount | None = None


class InvoiceCreditNote(Part, frozen=True, kw_only=True, gc=False):
    """A credit note as the invoice it was allocated to shows it. `applied_amount` in the document's currency."""

    credit_note_id: str
    credit_note_number: str | None = None
    applied_amount: Amount | None = None
    date: Day | None = None
    total: Amount | None = None


class Invoice(Record, frozen=True, kw_only=True, gc=False):
    """One invoice or bill. None (or an empty tuple) means that Xero did not send the field.

    Amounts in `currency_code`. Lines, payments and credit notes in Xero's order; they are absent from summaries, and
    lines from unpaged lists. `status` and `type` are Xero's words, unknown ones included.
    """

    type: str | None = None
    invoice_id: str
    invoice_number: str | None = None
    reference: str | None = None
    url: str | None = None
    payments: tuple[InvoicePayment, ...] = ()
    credit_notes: tuple[InvoiceCreditNote, ...] = ()
    amount_due: Amount | None = None
    amount_paid: Amount | None = None
    amount_credited: Amount | None = None
    sent_to_contact: bool | None = None
    currency_rate: Amount | None = None  # units of this currency per unit of the organisation's (facts §4.6)
    total_discount: Amount | None = None
    has_attachments: bool | None = None
    repeating_invoice_id: str | None = None
    contact: DocumentContact | None = None
    date: Day | None = None
    due_date: Day | None = None
    expected_payment_date: Day | None = None
    planned_payment_date: Day | None = None
    branding_theme_id: str | None = None
    status: str | None = None
    line_amount_types: str | None = None
    line_items: tuple[LineItem, ...] = ()
    sub_total: Amount | None = None
    total_tax: Amount | None = None
    total: Amount | None = None
    updated_date_utc: Stamp | None = None
    currency_code: str | None = None
    fully_paid_on_date: Day | None = None
