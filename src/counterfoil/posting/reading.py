"""Invoices read again by their ids, whole, right before something is decided about them.

Called by rewriting, undoing and payments. Cost: 1 call per IDS_PER_CALL documents. What is read goes into the mirror.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil.mirror.catching_up import CatchUp
from counterfoil.model import record
from counterfoil.posting import kinds
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import invoices

IDS_PER_CALL = 40  # keeps the address under 2 kB
Wire = dict[str, Any]


async def fetch(client: XeroClient, catch_up: CatchUp, ids: Sequence[str], *, lane: str) -> dict[str, Wire]:
    """By id: each document as Xero sends it, lines and payments included; one that Xero does not show is absent."""
    found: dict[str, Wire] = {}
    for start in range(0, len(ids), IDS_PER_CALL):
        part = tuple(ids[start : start + IDS_PER_CALL])
        page = await invoices.page(client, page=1, page_size=100, lane=lane, ids=part)
        await catch_up.keep(client, kinds.INVOICE.resource, page.items)
        found.update({one.invoice_id: record.plain(one.raw) for one in page.items})
    return found


def stamp(stored: Mapping[str, Any]) -> datetime.datetime:
    """When Xero last changed the document."""
    return record.stamp(str(stored["UpdatedDateUTC"]))
