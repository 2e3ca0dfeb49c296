"""InvoiceReminders: whether Xero mails customers by itself when an invoice is overdue.

Called by mirror/going_live. Read only; Xero sends a list of one.
https://developer.xero.com/documentation/api/accounting/invoicereminders (read 2026-11).
"""

from typing import Final

from counterfoil.model.invoice_reminder import InvoiceReminder
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient

PATH: Final = "InvoiceReminders/Settings"
PLURAL: Final = "InvoiceReminders"


async def settings(client: XeroClient, *, lane: str) -> tuple[InvoiceReminder, ...]:
    """The switch, as a list of one. Costs one call. Raises what XeroClient.get raises."""
    answer = await client.get(PATH, lane=lane)
    return paging.decode(answer, InvoiceReminder, PLURAL).items
