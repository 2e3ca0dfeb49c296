"""InvoiceReminder: whether Xero itself reminds customers of overdue invoices.

Called by xero/resources/invoice_reminders and mirror/going_live.
(https://developer.xero.com/documentation/api/accounting/invoicereminders, read 2026-11).
"""

from counterfoil.model.record import Record


class InvoiceReminder(Record, frozen=True, kw_only=True, gc=False):
    """The one switch of an organisation."""

    enabled: bool = False
