"""Organisation: what a company's books say of themselves.

Called by mirror (reference data: lock dates, terms); access reads it through its own probe. Not counted as egress.
https://developer.xero.com/documentation/api/accounting/organisation (read 2026-11), xero-facts §5.1.
"""

from typing import Final

from counterfoil.model.organisation import Action, Organisation
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient

PATH: Final = "Organisation"
PLURAL: Final = "Organisations"
ACTIONS_PATH: Final = "Organisation/Actions"
ACTIONS_PLURAL: Final = "Actions"


async def get(client: XeroClient, *, lane: str) -> Organisation:
    """The bound organisation. Costs one call. Raises what XeroClient.get raises."""
    return paging.only(await client.get(PATH, lane=lane), Organisation, PLURAL)


async def actions(client: XeroClient, *, lane: str) -> tuple[Action, ...]:
    """What the plan and the role allow, in Xero's order. Costs one call. Raises what XeroClient.get raises."""
    return paging.decode(await client.get(ACTIONS_PATH, lane=lane), Action, ACTIONS_PLURAL).items
