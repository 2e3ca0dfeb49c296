"""Consent and bindings as operations: connect, what the app may reach, and which entity is which organisation.

Called by cli/connect, cli/connections, cli/entities, the demo, and consenting for the service's page. The rules are
those of access/.
"""

import hashlib
import urllib.parse
from collections.abc import Callable
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.access import callback, neighbour
from counterfoil.access.bindings import ORGANISATION, Proposal, Verified
from counterfoil.access.caps import Cap
from counterfoil.access.fingerprints import folded
from counterfoil.access.granting import Consented
from counterfoil.app import environments, needs, noticing, nudging, watching
from counterfoil.model import spelling
from counterfoil.model.binding import Binding
from counterfoil.posting import stranded
from counterfoil.posting.stranded import Settled
from counterfoil.store import bindings as rows
from counterfoil.store import grants
from counterfoil.store.meta import get_meta

NAME_DIGITS: Final = 16


class Whose(msgspec.Struct, frozen=True):
    """One configured entity after a consent: whether any consent reaches its organisation, and what to choose if not."""

    entity: str
    organisation: str | None  # None: neither bound nor named in the configuration
    connected: bool


class Finished(msgspec.Struct, frozen=True):
    """What came of a consent, and what is still missing.

    `bound`: the organisation that the entity was bound to on the way; `refused`: why it was not. `wrong`: entities with
    whose organisation something is wrong now. `unbound`: an entity is bound to nothing.
    """

    done: Consented
    bound: str | None
    refused: errors.Reconnect | None
    wrong: dict[str, errors.CounterfoilError]
    cap: Cap
    entities: tuple[Whose, ...]
    lacking: tuple[needs.Lack, ...]
    copies_lacking: tuple[noticing.Cause, ...]
    broad: tuple[needs.Broad, ...]
    unbound: bool

    @property
    def missing(self) -> tuple[Whose, ...]:
        """The entities that no consent reaches."""
        return tuple(one for one in self.entities if not one.connected)


async def connect(books: Any, show: Callable[[str], None], entity: str | None = None) -> Consented:
    """Ask a user for consent; `show` gets the URL. A custom connection asks for itself, and shows nothing.

    `entity`: that one must be in the configuration. Raises what access/consent and access/custom raise.
    """
    if entity is not None:
        known(books, entity)
    asked = tuple(one.scope for one in needs.asked(books))
    xero = books.settings.xero
    if xero.kind == "custom":
        alone: Consented = await books.access.custom.connect(asked)
        return alone
    consented: Consented = await books.access.consent.connect(xero.redirect_uri, asked, show)
    return consented


async def page_of_service(books: Any, entity: str | None = None) -> str | None:
    """The page of our own service that asks for consent, when it is what listens on `redirect_uri`; None: it is not."""
    at = callback.address(books.settings.xero.redirect_uri)
    if await neighbour.installation_at(at) != await installation(books):
        return None
    public = urllib.parse.urlsplit(books.settings.service.public_url)
    base = at.uri(at.port).removesuffix(at.path) if public.hostname in callback.LOOPBACK else public.geturl()
    return f"{base}/connect" + (f"?{urllib.parse.urlencode({'entity': entity})}" if entity else "")


async def installation(books: Any) -> str:
    """A short name of this installation, by which a command recognises its own service; it tells nothing else."""
    known = await books.database.read(lambda conn: get_meta(conn, "installation_id"))
    return hashlib.sha256(f"counterfoil installation {known}".encode()).hexdigest()[:NAME_DIGITS]


async def finished(books: Any, done: Consented, entity: str | None = None) -> Finished:
    """Look at what a fresh consent means: for what is bound already, for the tier's cap, and bind `entity` on the way.

    One call per bound organisation that it reaches, three for a new binding. Raises StoreError, MasterKeyError.
    """
    wrong = await watching.after_consent(books, {one.tenant_id for one in done.reached})
    cap = await watching.count(books)
    bound_to, refused = None, None
    if entity is not None:
        try:
            bound_to = await bind_on_the_way(books, entity, done)
        except errors.Reconnect as error:
            refused = error
    reached = {one.tenant_id for one in done.reached}
    bindings = await books.database.read(rows.everything)
    await nudging.nothing_waits(books, [one.entity for one in bindings if one.tenant_id in reached])
    return Finished(
        done, bound_to, refused, wrong, cap, await whose(books), await needs.lacking(books),
        tuple(await needs.copies_lacking(books)), await needs.broad(books),
        any(one is None for one in (await bound(books)).values()),
    )  # fmt: skip


async def bind_on_the_way(books: Any, entity: str, done: Consented) -> str:
    """Bind an entity to the organisation of its name that this consent reaches; → that name.

    One that is bound already goes on with this consent. Raises NoBinding, with what to do, when the consent does not
    reach its organisation, or nothing says which one that is; the consent is stored all the same.
    """
    expected = known(books, entity).organisation
    binding = (await bound(books)).get(entity)
    if binding is not None:
        if binding.tenant_id not in {one.tenant_id for one in done.reached}:
            raise _not_chosen(entity, binding.fingerprint.name, done)
        await books.access.bindings.use(entity, done.grant_id)
        return binding.fingerprint.name
    if expected is None:
        raise errors.NoBinding(
            f"Connected, but nothing says which organisation {entity} is.",
            remedy=f'Write organisation = "NAME" into [entities.{entity}], or run '
            f"`counterfoil entities bind {entity} TENANT`.",
        )
    named = [one for one in done.reached if one.tenant_type == ORGANISATION and folded(one.name) == folded(expected)]
    chosen = {one.tenant_id for one in done.fresh}
    if len(named) > 1:  # namesakes: the one that was chosen just now
        named = [one for one in named if one.tenant_id in chosen]
    if not named:
        raise _not_chosen(entity, expected, done)
    if len(named) > 1:
        ids = ", ".join(one.tenant_id for one in named)
        raise errors.NoBinding(
            f"Connected, but {len(named)} organisations are called {expected!r}.",
            remedy=f"Run `counterfoil entities bind {entity} TENANT` with one of {ids}.",
        )
    made, _ = await bind(books, entity, named[0].tenant_id)
    await books.access.bindings.use(entity, done.grant_id)
    return made.fingerprint.name


def _not_chosen(entity: str, organisation: str, done: Consented) -> errors.NoBinding:
    chosen = ", ".join(dict.fromkeys(repr(one.name) for one in done.fresh)) or "none"
    return errors.NoBinding(
        f"Connected, but {entity} is {organisation!r}, and this consent was for {chosen}. Nothing was bound.",
        remedy=f"Run `counterfoil connect --entity {entity}` again and choose {organisation!r}; or change "
        f"[entities.{entity}] organisation, if that is its name.",
        entity=entity,
    )


async def whose(books: Any) -> tuple[Whose, ...]:
    """Every configured entity, and whether a living consent reaches its organisation; no call."""
    live = await books.database.read(lambda conn: grants.usable(conn, books.settings.xero.client_id))
    ours = {grant.id for grant in live}
    every = await books.database.read(grants.connections)
    reach = [one for one in every if one.grant_id in ours and one.tenant_type == ORGANISATION]
    tenants, names = {one.tenant_id for one in reach}, {folded(one.name) for one in reach}
    found = []
    bindings = await bound(books)
    for key, entity in books.settings.entities.items():
        binding = bindings.get(key)
        if binding is not None:
            found.append(Whose(key, binding.fingerprint.name, binding.tenant_id in tenants))
        else:
            named = entity.organisation
            found.append(Whose(key, named, named is not None and folded(named) in names))
    return tuple(found)


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
    settled = await stranded.settle(books.database, binding, books.rules)
    await nudging.nothing_waits(books, [entity])  # the service goes on with it
    return binding, settled


async def unbind(books: Any, entity: str) -> None:
    """Forget an entity's binding. Raises NoBinding."""
    await books.access.bindings.unbind(entity)


async def verify(books: Any, entity: str, *, accept: bool = False) -> Verified:
    """Compare the organisation with the fingerprint; one call."""
    verified: Verified = await books.access.bindings.verify(entity, accept=accept)
    await nudging.nothing_waits(books, [entity])  # writes that were stopped may go on
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
