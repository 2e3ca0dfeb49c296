"""TrackingCategories: an organisation's dimensions.

Called by mirror (reference data). Unpaged: Xero sends the whole list.
https://developer.xero.com/documentation/api/accounting/trackingcategories (read 2026-11), xero-facts §5.5.
"""

from typing import Final

from counterfoil.model.tracking_category import TrackingCategory
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient

PATH: Final = "TrackingCategories"
PLURAL: Final = "TrackingCategories"


async def all(client: XeroClient, *, lane: str) -> tuple[TrackingCategory, ...]:  # noqa: A001 - read as tracking_categories.all(client)
    """Every category with its options, archived ones included. Costs one call. Raises what XeroClient.get raises."""
    answer = await client.get(PATH, {"includeArchived": "true"}, lane=lane)
    return paging.decode(answer, TrackingCategory, PLURAL).items
