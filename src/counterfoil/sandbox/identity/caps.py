"""How many may be connected: two uncertified apps to an organisation, and an app to as many as its tier has.

Implements facts 1.6 and 2.4. Called by `identity.authorize`. What Xero shows at a full cap is not known; the sentences are ours.
"""

from collections.abc import Iterable

from counterfoil.sandbox.apps import CONNECTIONS_MAX, UNCERTIFIED_MAX, App
from counterfoil.sandbox.world import World


def blocked(world: World, app: App, tenants: Iterable[str]) -> dict[str, str]:
    """Those of these tenants that cannot be connected to this app, each with the reason; counted in this order."""
    reasons: dict[str, str] = {}
    connected = _tenants_of(world, app.client_id)
    most = CONNECTIONS_MAX.get(app.tier)
    for tenant in tenants:
        if tenant in connected:
            continue
        if not app.is_certified and len(_uncertified(world, tenant, besides=app.client_id)) >= UNCERTIFIED_MAX:
            reasons[tenant] = f"{UNCERTIFIED_MAX} uncertified apps are connected to this organisation already."
        elif most is not None and len(connected) >= most:
            reasons[tenant] = f"The {app.tier} tier has {most:,} connections, and all are in use."
        else:
            connected.add(tenant)
    return reasons


def _tenants_of(world: World, client_id: str) -> set[str]:
    """The tenants that this app is connected to, by whichever user."""
    return {row["tenant_id"] for row in world.connections if row["client_id"] == client_id and not row["disconnected"]}


def _uncertified(world: World, tenant: str, *, besides: str) -> set[str]:
    """The other uncertified apps that are connected to a tenant; custom connections do not count."""
    found = {row["client_id"] for row in world.connections.find("tenant", tenant) if not row["disconnected"]}
    return {
        client_id
        for client_id in found - {besides}
        if (app := world.apps.get(client_id)) is not None and not app.is_certified
    }
