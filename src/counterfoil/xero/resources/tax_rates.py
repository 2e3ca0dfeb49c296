"""TaxRates: an organisation's tax rates.

Called by mirror (reference data). Unpaged: Xero sends the whole list.
https://developer.xero.com/documentation/api/accounting/taxrates (read 2026-11), xero-facts §5.3.
"""

from typing import Final

from counterfoil.model.tax_rate import TaxRate
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient

PATH: Final = "TaxRates"
PLURAL: Final = "TaxRates"


async def all(client: XeroClient, *, lane: str) -> tuple[TaxRate, ...]:  # noqa: A001 - read as tax_rates.all(client)
    """Every rate, deleted ones included, in Xero's order. Costs one call. Raises what XeroClient.get raises."""
    answer = await client.get(PATH, lane=lane)
    return paging.decode(answer, TaxRate, PLURAL).items
