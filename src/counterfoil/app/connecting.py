"""Consent and bindings as operations: connect, what the app may reach, and which entity is which organisation.

Called by cli/connect, cli/connections, cli/entities and the demo. The rules are those of access/.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from counterfoil import errors, flows
from counterfoil.access.bindings import Proposal, Verified
from counterfoil.access.consent import Consented
from counterfoil.app import environments
from counterfoil.model import spelling
from counterfoil.model.binding import Binding
from counterfoil.posting import stranded
from counterfoil.posting.stranded import Settled
from counterfoil.store import bindings as rows


class Scope(msgspec.Struct, frozen=True):
    """One scope that the consent asks for, and the flows that need it."""

    scope: str
    flows: tuple[str, ...]


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


async def bind(books: Any, entity: str, tenant: str) -> tuple[Binding, Settled]:
    """Bind an entity to a tenant (id, short code or exact name); what waited for that organisation goes on.

    What was planned for another one is held.

    Raises ConfigurationError for an unknown entity, BoundElsewhere, and what access/bindings raises.
    """

    async def veto(tenant_id: str) -> None:
        await environments.refuse_bound_elsewhere(books, entity, tenant_id)

    binding: Binding = await books.access.bindings.bind(entity, tenant, known(books, entity).organisation, veto)
    return binding, await stranded.settle(books.database, binding, books.rules)


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
