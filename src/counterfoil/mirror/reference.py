"""Reference data of a tenant, cached by lifetime: organisation, accounts, tax rates, currencies, tracking.

Called by app to build the ledger that a flow's checks use. The organisation (its lock dates, its name) is read again for
every run; the rest lives LIFETIME, and is read again at once when a check fails on it (`fresh=True`), so that an account
that was added a minute ago is found. Cost: 1 call per resource that is not fresh.
"""

import datetime
from collections.abc import Mapping
from typing import Any

import msgspec

from counterfoil.store import documents
from counterfoil.store.database import Database
from counterfoil.xero.client import XeroClient

LIFETIME = datetime.timedelta(hours=1)
ALWAYS = "Organisation"
RESOURCES: Mapping[str, str] = {
    "Organisation": "Organisations",
    "Accounts": "Accounts",
    "TaxRates": "TaxRates",
    "Currencies": "Currencies",
    "TrackingCategories": "TrackingCategories",
}
_decode = msgspec.json.Decoder(float_hook=__import__("decimal").Decimal).decode


async def load(
    client: XeroClient, database: Database, *, fresh: bool = False, offline: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """Wire elements per resource, e.g. {"Accounts": [{"Code": "200", …}], …}. `offline`: only what is cached."""
    return {resource: await _load_one(client, database, resource, fresh, offline) for resource in RESOURCES}


async def _load_one(
    client: XeroClient, database: Database, resource: str, fresh: bool, offline: bool
) -> list[dict[str, Any]]:
    tenant = client.binding.tenant_id
    cached = await database.read(lambda conn: documents.reference(conn, tenant, resource))
    now = database.clock.now()
    usable = cached is not None and (offline or (not fresh and resource != ALWAYS and now - cached[0] < LIFETIME))
    if cached is not None and usable:
        elements: list[dict[str, Any]] = _decode(cached[1])
        return elements
    if offline:
        return []
    params = {"includeArchived": "true"} if resource == "TrackingCategories" else {}
    answer = await client.get(resource, params, lane="sync")
    elements = _decode(answer.body)[RESOURCES[resource]]
    body = msgspec.json.encode(elements)
    await database.run(lambda conn: documents.set_reference(conn, tenant, resource, now, body))
    return elements
