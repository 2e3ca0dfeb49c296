"""CreditNote: a credit note to a customer (ACCRECCREDIT) or of a supplier (ACCPAYCREDIT), as Xero keeps it.

Called by xero/resources/credit_notes, mirror, posting. xero-facts §5.9, Appendices B and C
(https://developer.xero.com/documentation/api/accounting/creditnotes, read 2026-11). Fields stand in the order in which
Xero sends them. A credit note has no Url: our mark stands at the end of its Reference.
"""

from counterfoil.model.amounts import Amount
from counterfoil.model.invoice import DocumentContact
from counterfoil.model.record import Day, Part, Record, Stamp


class AllocatedTo(Part, frozen=True, kw_only=True, gc=False):
    """The invoice that an allocation is on."""

    invoice_id: str | None = None
    invoice_number: str | None = None


class Allocation(Part, frozen=True, kw_only=True, gc=False):
    """What a credit note took off an invoice. `amount` in the documents' currency."""

    allocation_id: str | None = None
    amount: Amount | None = None
    date: Day | None = None
    invoice: AllocatedTo | None = None


class CreditNote(Record, frozen=True, kw_only=True, gc=False):
    """One credit note. None (or an empty tuple) means that Xero did not send the field; amounts in `currency_code`.

    `remaining_credit`: what is neither allocated nor refunded.
    """

    credit_note_id: str
    credit_note_number: str | None = None
    type: str | None = None
    reference: str | None = None
    remaining_credit: Amount | None = None
    allocations: tuple[Allocation, ...] = ()
    contact: DocumentContact | None = None
    date: Day | None = None
    status: str | None = None
    sub_total: Amount | None = None
    total_tax: Amount | None = None
    total: Amount | None = None
    updated_date_utc: Stamp | None = None
    currency_code: str | None = None
