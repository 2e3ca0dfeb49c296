"""Contacts: customers and suppliers.

Called by mirror and posting. Writes go through posting alone, as frozen bytes; PATH and PLURAL are their names.
https://developer.xero.com/documentation/api/accounting/contacts (read 2026-11), xero-facts §5.7, §4.4, §4.5.
"""

import datetime
import urllib.parse
from typing import Final

from counterfoil.model.contact import Contact
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient
from counterfoil.xero.paging import Page

PATH: Final = "Contacts"
PLURAL: Final = "Contacts"


async def page(
    client: XeroClient,
    page: int = 1,
    page_size: int = paging.PAGE_SIZE_MAX,
    *,
    lane: str,
    ids: tuple[str, ...] = (),
    where: str | None = None,
    order: str | None = None,
    if_modified_since: datetime.datetime | None = None,
    include_archived: bool = True,
    summary_only: bool = False,
) -> Page[Contact]:
    """One page of contacts; Xero's order is UpdatedDateUTC, then ContactID.

    `ids`: only these (none: all). `include_archived` is True here and False at Xero: a contact that was archived would
    else look deleted. `summary_only`: without addresses, persons and defaults. Costs one call. Raises what
    XeroClient.get raises.
    """
    params = paging.list_params(page=page, page_size=page_size, where=where, order=order, summary_only=summary_only)
    if ids:
        params["IDs"] = paging.joined(ids)
    if include_archived:
        params["includeArchived"] = "true"
    answer = await client.get(PATH, params, lane=lane, if_modified_since=if_modified_since)
    return paging.decode(answer, Contact, PLURAL)


async def get(client: XeroClient, id_or_number: str, *, lane: str) -> Contact:
    """One contact by its id or its ContactNumber. Costs one call. Raises NotFound, and what XeroClient.get raises."""
    path = f"{PATH}/{urllib.parse.quote(id_or_number, safe='')}"
    return paging.only(await client.get(path, lane=lane), Contact, PLURAL)
