"""Credit notes, and their allocations to invoices.

Called by mirror and posting. Writes go through posting alone, as frozen bytes. The list takes neither IDs nor numbers
and no summaryOnly (facts §4.4, Appendix A), so one that is known is read by its id.
https://developer.xero.com/documentation/api/accounting/creditnotes (read 2026-11), xero-facts §5.9.
"""

import datetime
from typing import Final

from counterfoil.model.credit_note import CreditNote
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient
from counterfoil.xero.paging import Page

PATH: Final = "CreditNotes"
PLURAL: Final = "CreditNotes"


async def page(
    client: XeroClient,
    page: int = 1,
    page_size: int = paging.PAGE_SIZE_MAX,
    *,
    lane: str,
    order: str | None = None,
    if_modified_since: datetime.datetime | None = None,
) -> Page[CreditNote]:
    """One page of whole credit notes, deleted and voided ones included. Costs one call; raises what XeroClient.get raises."""
    params = paging.list_params(page=page, page_size=page_size, order=order)
    params["unitdp"] = "4"
    answer = await client.get(PATH, params, lane=lane, if_modified_since=if_modified_since)
    return paging.decode(answer, CreditNote, PLURAL)


async def get(client: XeroClient, credit_note_id: str, *, lane: str) -> CreditNote:
    """One credit note by its id, lines and allocations included. Costs one call. Raises NotFound, and what get raises."""
    answer = await client.get(f"{PATH}/{credit_note_id}", {"unitdp": "4"}, lane=lane)
    return paging.only(answer, CreditNote, PLURAL)
