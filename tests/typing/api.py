"""A client without a binding does not type-check. mypy fails here when one of these misuses stops being an error."""

from counterfoil.model.binding import Binding
from counterfoil.model.ports import Permits, Tokens
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import invoices
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
