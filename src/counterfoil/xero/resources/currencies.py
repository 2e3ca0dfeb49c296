"""Currencies: what an organisation may write documents in.

Called by mirror (reference data). Unpaged: Xero sends the whole list.
https://developer.xero.com/documentation/api/accounting/currencies (read 2026-11), xero-facts §5.4.
"""

from typing import Final

from counterfoil.model.currency import Currency
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient

PATH: Final = "Currencies"
PLURAL: Final = "Currencies"


async def all(client: XeroClient, *, lane: str) -> tuple[Currency, ...]:  # noqa: A001 - read as currencies.all(client)
    """Every currency that the organisation subscribed to, its base currency included. Costs one call. Raises what XeroClient.get raises."""
    answer = await client.get(PATH, lane=lane)
    return paging.decode(answer, Currency, PLURAL).items
