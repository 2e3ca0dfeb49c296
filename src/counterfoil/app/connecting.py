"""Consent and bindings as operations: connect, what the app may reach, and which entity is which organisation.

Called by cli/connect, cli/connections, cli/entities and the demo. The rules are those of access/.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from counterfoil import errors, flows
from counterfoil.access.bindings import Proposal, Verified
from counterfoil.access.consent import Consented
from counterfoil.model import spelling
from counterfoil.model.binding import Binding
from counterfoil.store import bindings as rows
from counterfoil.store import grants


class Scope(msgspec.Struct, frozen=True):
    """One scope that the consent asks for, and the flows that need it."""

    scope: str
    flows: tuple[str, ...]


class Reach(msgspec.Struct, frozen=True):
    """One organisation that a consent lets us into, and the entity that is bound to it."""

    tenant_id: str
    name: str
    tenant_type: str
    connection_id: str
    grant_id: str
    entity: str | None


def scopes(books: Any) -> tuple[Scope, ...]:
    """What the configured flows need, each scope once, by name."""
    wanted: dict[str, list[str]] = {}
    for flow in books.flows.values():
        for scope in flows.kind(flow.kind).scopes:
            wanted.setdefault(scope, []).append(flow.table)
    return tuple(Scope(scope, tuple(tables)) for scope, tables in sorted(wanted.items()))


async def connect(books: Any, show: Callable[[str], None]) -> Consented:
    """Ask a user for consent; `show` gets the URL. Raises what access/consent raises."""
    asked = tuple(scope.scope for scope in scopes(books))
    if not asked:
        raise errors.ConfigurationError("No flow is configured, so no scope is needed.", remedy="Add [flows.NAME].")
    consented: Consented = await books.access.consent.connect(books.settings.xero.redirect_uri, asked, show)
    return consented


async def reached(books: Any) -> list[Reach]:
    """What the app may reach, as last seen; no call, and no master key needed."""
    known = await books.database.read(grants.connections)
    bound = {binding.tenant_id: binding.entity for binding in await books.database.read(rows.everything)}
    return [
        Reach(one.tenant_id, one.name, one.tenant_type, one.connection_id, one.grant_id, bound.get(one.tenant_id))
        for one in known
    ]


async def disconnect(books: Any, tenant: str) -> int:
    """End the connections to a tenant, given by id or exact name; → how many. Raises NotConnected."""
    named = {one.tenant_id for one in await reached(books) if tenant in (one.tenant_id, one.name)}
    if len(named) > 1:
        raise errors.FixInput(f"{len(named)} organisations are called {tenant!r}.", remedy="Give the tenant id.")
    ended: int = await books.access.connections.disconnect(named.pop() if named else tenant)
    return ended


async def bound(books: Any) -> dict[str, Binding | None]:
    """Every configured or bound entity with its binding; no call."""
    found = {binding.entity: binding for binding in await books.database.read(rows.everything)}
    return {
        entity: found.get(entity)
        for entity in [*books.settings.entities, *sorted(found.keys() - books.settings.entities.keys())]
    }


async def propose(books: Any) -> tuple[Proposal, ...]:
    """Pairs of entities and organisations whose names agree. One call per grant."""
    expected = {key: entity.organisation for key, entity in books.settings.entities.items() if entity.organisation}
    pairs: tuple[Proposal, ...] = await books.access.bindings.propose(expected)
    return pairs


async def bind(books: Any, entity: str, tenant: str) -> Binding:
    """Bind an entity to a tenant (id, short code or exact name). Raises ConfigurationError for an unknown entity."""
    binding: Binding = await books.access.bindings.bind(entity, tenant, known(books, entity).organisation)
    return binding


async def unbind(books: Any, entity: str) -> None:
    """Forget an entity's binding. Raises NoBinding."""
    await books.access.bindings.unbind(entity)


async def verify(books: Any, entity: str, *, accept: bool = False) -> Verified:
    """Compare the organisation with the fingerprint; one call."""
    verified: Verified = await books.access.bindings.verify(entity, accept=accept)
    return verified


def known(books: Any, entity: str) -> Any:
    """The settings of an entity. Raises ConfigurationError with the nearest one."""
    found = books.settings.entities.get(entity)
    if found is None:
        raise errors.ConfigurationError(
            f"There is no entity {entity!r} in the configuration.",
            remedy=spelling.suggestion(entity, books.settings.entities),
        )
    return found
