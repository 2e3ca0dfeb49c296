"""Invoices: sales invoices and bills.

Called by mirror and posting. Writes go through posting alone, as frozen bytes; PATH and PLURAL are their names.
https://developer.xero.com/documentation/api/accounting/invoices (read 2026-11), xero-facts §5.8, §4.4, §4.5.
"""

import datetime
import urllib.parse
from typing import Final

from counterfoil.model.invoice import Invoice
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient
from counterfoil.xero.paging import Page

PATH: Final = "Invoices"
PLURAL: Final = "Invoices"


async def page(
    client: XeroClient,
    page: int = 1,
    page_size: int = paging.PAGE_SIZE_MAX,
    *,
    lane: str,
    ids: tuple[str, ...] = (),
    numbers: tuple[str, ...] = (),
    where: str | None = None,
    order: str | None = None,
    if_modified_since: datetime.datetime | None = None,
    summary_only: bool = False,
) -> Page[Invoice]:
    """One page of whole invoices, deleted and voided ones included; Xero's order is UpdatedDateUTC, then InvoiceID.

    `ids`, `numbers`: only these (none: all); a number with a comma raises ValueError. `where`, `order`: Xero's own
    syntax, optimised fields in facts §4.5. `summary_only`: without lines and payments. Prices with four decimals.
    Costs one call. Raises what XeroClient.get raises.
    """
    params = paging.list_params(page=page, page_size=page_size, where=where, order=order, summary_only=summary_only)
    if ids:
        params["IDs"] = paging.joined(ids)
    if numbers:
        params["InvoiceNumbers"] = paging.joined(numbers)
    params["unitdp"] = "4"
    answer = await client.get(PATH, params, lane=lane, if_modified_since=if_modified_since)
    return paging.decode(answer, Invoice, PLURAL)


async def get(client: XeroClient, id_or_number: str, *, lane: str) -> Invoice:
    """One invoice by its id or its number. Costs one call. Raises NotFound, and what XeroClient.get raises."""
    path = f"{PATH}/{urllib.parse.quote(id_or_number, safe='')}"
    return paging.only(await client.get(path, {"unitdp": "4"}, lane=lane), Invoice, PLURAL)
