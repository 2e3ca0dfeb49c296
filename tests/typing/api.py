"""A call without a binding does not type-check. mypy fails here when one of these misuses stops being an error."""

from pathlib import Path

from counterfoil.mirror import going_live
from counterfoil.mirror.catching_up import CatchUp
from counterfoil.model.binding import Binding, Fingerprint
from counterfoil.model.ports import Permits, Tokens
from counterfoil.posting import stranded
from counterfoil.posting.rules import Rules
from counterfoil.posting.sending import Sender
from counterfoil.store.database import Database
from counterfoil.store.requests import Whole
from counterfoil.xero.client import XeroClient
from counterfoil.xero.probe import Probe
from counterfoil.xero.resources import contacts, credit_notes, invoices, organisation
from counterfoil.xero.transport import Transport


async def right(binding: Binding, transport: Transport, tokens: Tokens, permits: Permits) -> str:
    """The only way: a binding first."""
    client = XeroClient(binding, transport, tokens, permits)
    found = await invoices.get(client, "INV-1", lane="interactive")
    return found.invoice_id


async def wrong(tenant_id: str, transport: Transport, tokens: Tokens, permits: Permits) -> None:
    """Whatever tenant: refused, each time for the reason in brackets."""
    XeroClient(transport=transport, tokens=tokens, permits=permits)  # type: ignore[call-arg]  # no binding
    XeroClient(tenant_id, transport, tokens, permits)  # type: ignore[arg-type]  # a tenant is no binding
    XeroClient(None, transport, tokens, permits)  # type: ignore[arg-type]  # there is no default
    await invoices.page(lane="sync")  # type: ignore[call-arg]  # no client
    await invoices.page(tenant_id, lane="sync")  # type: ignore[arg-type]  # a tenant is no client
    await contacts.get(tenant_id, "cust-1", lane="sync")  # type: ignore[arg-type]  # a tenant is no client
    await credit_notes.page(None, lane="sync")  # type: ignore[arg-type]  # there is no default
    await organisation.get(tenant_id, lane="sync")  # type: ignore[arg-type]  # nor for what it says of itself


async def wrong_further_up(
    sender: Sender, request: Whole, catch_up: CatchUp, database: Database, tenant_id: str, rules: Rules
) -> None:
    """What sends, reads or settles takes a client or a binding as well."""
    await sender.send(tenant_id, request)  # type: ignore[arg-type]  # a tenant is no client
    await sender.send(request)  # type: ignore[call-arg,arg-type]  # a request alone goes nowhere
    await catch_up(tenant_id, "Invoices")  # type: ignore[arg-type]  # a tenant is no client
    await going_live.notices(tenant_id, database)  # type: ignore[arg-type]  # a tenant is no client
    await stranded.settle(database, tenant_id, rules)  # type: ignore[arg-type]  # a tenant is no binding


def wrong_bindings(entity: str, tenant_id: str, grant_id: str, binding: Binding, mark: Fingerprint) -> None:
    """A binding has a fingerprint, and is not changed behind the back of whoever holds it."""
    Binding(entity, tenant_id, grant_id)  # type: ignore[call-arg]  # bound to nothing that was ever looked at
    Binding(entity, tenant_id, grant_id, Fingerprint())  # type: ignore[call-arg]  # of an organisation that said nothing
    binding.tenant_id = tenant_id  # type: ignore[misc]  # frozen
    mark.base_currency = "USD"  # type: ignore[misc]  # frozen


async def wrong_probe(probe: Probe, grant_id: str, tenant_id: str) -> None:
    """The one client without a binding cannot write, nor read anything but who somebody is."""
    probe.write  # type: ignore[attr-defined]  # noqa: B018 - that it has none is the point
    probe.get  # type: ignore[attr-defined]  # noqa: B018 - that it has none is the point
    await invoices.page(probe, lane="sync")  # type: ignore[arg-type]  # a probe is no client
    await probe.organisation(grant_id, Path(tenant_id))  # type: ignore[arg-type]  # by tenant id only
