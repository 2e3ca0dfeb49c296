"""Reference data of a tenant, cached by lifetime: organisation, accounts, tax rates, currencies, tracking.

Called by app to build the ledger that a flow's checks use. The organisation (its lock dates, its name) is read again for
every run; the rest lives LIFETIME, and is read again when a check fails on it (`fresh=True`) and it is older than FRESH,
so that an account that was added a minute ago is found. Kept as Xero sent it, so that no field is lost. Cost: 1 call per resource that is
not fresh.
"""

import datetime
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from counterfoil.model import record
from counterfoil.model.lanes import Lane
from counterfoil.model.record import Record
from counterfoil.store import documents
from counterfoil.store.database import Database
from counterfoil.xero import scopes
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import accounts, currencies, organisation, tax_rates, tracking_categories

LIFETIME = datetime.timedelta(hours=1)
FRESH = datetime.timedelta(seconds=10)  # what was read just now is not read again because a check fails on it
ALWAYS = organisation.PATH
Read = Callable[[XeroClient, Lane], Awaitable[Sequence[Record]]]


async def _organisation(client: XeroClient, lane: Lane) -> Sequence[Record]:
    return (await organisation.get(client, lane=lane),)


RESOURCES: Mapping[str, Read] = {
    organisation.PATH: _organisation,
    accounts.PATH: lambda client, lane: accounts.all(client, lane=lane),
    tax_rates.PATH: lambda client, lane: tax_rates.all(client, lane=lane),
    currencies.PATH: lambda client, lane: currencies.all(client, lane=lane),
    tracking_categories.PATH: lambda client, lane: tracking_categories.all(client, lane=lane),
}


NEEDS = (
    scopes.reads(
        "Organisation", "know lock dates, currency and time zone, and that it is still the one that was bound"
    ),
    scopes.reads("Accounts", "check account codes"),
    scopes.reads("TaxRates", "check taxes and foresee totals"),
    scopes.reads("Currencies", "check currencies"),
    scopes.reads("TrackingCategories", "check tracking"),
)


async def load(
    client: XeroClient, database: Database, *, lane: Lane, fresh: bool = False, offline: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """Wire elements per resource, e.g. {"Accounts": [{"Code": "200", …}], …}. `offline`: only what is cached.

    Amounts and rates are Decimals. Raises what reading raises.
    """
    return {path: await _load_one(client, database, path, lane, fresh, offline) for path in RESOURCES}


async def kept(database: Database, tenant_id: str) -> dict[str, list[dict[str, Any]]] | None:
    """The same as was read last, if all of it is younger than LIFETIME; else None. No call."""
    now = database.clock.now()
    found = await database.read(lambda conn: {path: documents.reference(conn, tenant_id, path) for path in RESOURCES})
    young = {path: _elements(one[1]) for path, one in found.items() if one is not None and now - one[0] < LIFETIME}
    return young if len(young) == len(RESOURCES) else None


async def _load_one(
    client: XeroClient, database: Database, path: str, lane: Lane, fresh: bool, offline: bool
) -> list[dict[str, Any]]:
    tenant = client.binding.tenant_id
    cached = await database.read(lambda conn: documents.reference(conn, tenant, path))
    now = database.clock.now()
    life = FRESH if fresh else LIFETIME
    usable = cached is not None and (offline or ((fresh or path != ALWAYS) and now - cached[0] < life))
    if cached is not None and usable:
        return _elements(cached[1])
    if offline:
        return []
    read = await RESOURCES[path](client, lane)
    body = b"[" + b",".join(one.raw for one in read) + b"]"
    await database.run(lambda conn: documents.set_reference(conn, tenant, path, now, body))
    return _elements(body)


def _elements(body: bytes) -> list[dict[str, Any]]:
    elements: list[dict[str, Any]] = record.plain(body)
    return elements
