"""Accounts: an organisation's chart.

Called by mirror (reference data). Unpaged: Xero sends the whole list.
https://developer.xero.com/documentation/api/accounting/accounts (read 2026-11), xero-facts §5.2.
"""

from typing import Final

from counterfoil.model.account import Account
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient

PATH: Final = "Accounts"
PLURAL: Final = "Accounts"


async def all(client: XeroClient, *, lane: str) -> tuple[Account, ...]:  # noqa: A001 - read as accounts.all(client)
    """Every account, archived ones included, in Xero's order. Costs one call. Raises what XeroClient.get raises."""
    answer = await client.get(PATH, lane=lane)
    return paging.decode(answer, Account, PLURAL).items
