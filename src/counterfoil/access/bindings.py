"""Bindings: an entity is one tenant, recognised by its fingerprint; there is no default.

Called by cli (`counterfoil entities`), app (load) and mirror (verify daily and after a 403). Reads Xero through a probe
that can only GET /connections and GET /Organisation. Another id, currency or country stops the entity's writes; a
changed name or short code warns until a person accepts it. Design §3.2.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.access.audit import AuditLog
from counterfoil.access.connections import Connections
from counterfoil.model.binding import Binding, Fingerprint
from counterfoil.model.organisation import Organisation
from counterfoil.store import bindings as rows
from counterfoil.store.database import Database
from counterfoil.store.grants import Connected
from counterfoil.xero.probe import Probe

NEVER_CHANGE: Final = ("organisation_id", "base_currency", "country")
MAY_CHANGE: Final = ("name", "short_code")
ORGANISATION: Final = "ORGANISATION"  # the tenant type that has books
LIST: Final = "See `counterfoil connections`."


class Proposal(msgspec.Struct, frozen=True):
    """A pair whose names agree, case and spaces aside."""

    entity: str
    tenant_id: str
    name: str


class Verified(msgspec.Struct, frozen=True):
    """What verifying found. `changes`: sentences about a changed name or short code that nobody has accepted yet."""

    binding: Binding
    changes: tuple[str, ...] = ()


class Bindings:
    """Binds, verifies and loads."""

    def __init__(self, database: Database, audit: AuditLog, probe: Probe, connections: Connections) -> None:
        self._database = database
        self._audit = audit
        self._probe = probe
        self._connections = connections

    async def load(self, entity: str) -> Binding:
        """The stored binding; no call. Raises NoBinding. A stopped one is returned: it may read."""
        return await load(self._database, entity)

    async def everything(self) -> tuple[Binding, ...]:
        """Every binding, by entity; no call."""
        return tuple(await self._database.read(rows.everything))

    async def bind(self, entity: str, tenant: str, expected_name: str | None = None) -> Binding:
        """Bind an entity to a tenant given by id, exact name or short code. Idempotent.

        `expected_name`: the configuration's `organisation`; another name is refused (None: not checked). Costs one call
        per grant and one; by short code one per organisation. Raises NotConnected (nothing like it), FixInput (several
        of that name), WrongLedger (another name; the entity or the tenant is bound elsewhere), NoConsent, RunAgain's.
        """
        chosen, organisation = await self._found(tenant)
        if expected_name is not None and folded(organisation.name) != folded(expected_name):
            await self._refused(entity, chosen.tenant_id, "another name")
            raise errors.WrongLedger(
                f"The organisation is called {organisation.name!r}, the configuration expects {expected_name!r}.",
                remedy=f"Bind the right one, or change [entities.{entity}] organisation.",
            )
        binding = _binding(entity, chosen, organisation)

        def store(conn: rows.Connection) -> str | None:
            rows.hold(conn)
            mine, theirs = rows.get(conn, entity), rows.of_tenant(conn, chosen.tenant_id)
            if mine is not None and mine.tenant_id != chosen.tenant_id:
                return f"The entity {entity} is bound to another organisation ({mine.fingerprint.name})."
            if theirs is not None and theirs.entity != entity:
                return f"The organisation {organisation.name} is bound to the entity {theirs.entity}."
            if mine is not None and _differing(mine.fingerprint, binding.fingerprint, NEVER_CHANGE):
                return f"The organisation of {entity} is no longer the one that it was bound to."
            rows.put(conn, binding, now=self._database.now(conn))
            self._audit.append(conn, entity, "bound", {"tenant": chosen.tenant_id, "grant": chosen.grant_id})
            return None

        problem = await self._database.run(store)
        if problem is not None:
            await self._refused(entity, chosen.tenant_id, "bound elsewhere")
            raise errors.WrongLedger(
                problem, remedy="Run `counterfoil entities unbind` first, if that is what you want."
            )
        return binding

    async def unbind(self, entity: str) -> None:
        """Forget an entity's binding; its postings keep their tenant. Raises NoBinding."""
        bound = await self.load(entity)

        def forget(conn: rows.Connection) -> None:
            rows.remove(conn, entity)
            self._audit.append(conn, entity, "unbound", {"tenant": bound.tenant_id})

        await self._database.run(forget)

    async def use(self, entity: str, grant_id: str) -> None:
        """Let an entity's binding work with this grant, which reaches the same organisation: a person chose it."""

        def use(conn: rows.Connection) -> None:
            rows.hold(conn)
            mine = rows.get(conn, entity)
            if mine is not None and mine.grant_id != grant_id:
                rows.use_grant(conn, entity, grant_id)
                self._audit.append(conn, entity, "regranted", {"grant": grant_id})

        await self._database.run(use)

    async def verify(self, entity: str, *, accept: bool = False) -> Verified:
        """Compare the organisation with its fingerprint; one call. `accept`: take a changed name or short code over.

        Raises WrongLedger after stopping the entity's writes when id, currency or country differ; NoBinding;
        NotConnected; NoConsent; RunAgain's. A verification that finds everything right lets stopped writes go on.
        """
        bound = await self.load(entity)
        seen = await self._probe.organisation(bound.grant_id, bound.tenant_id)
        now = _fingerprint(seen)
        wrong = _differing(bound.fingerprint, now, NEVER_CHANGE)
        if wrong:
            why = f"The organisation of {entity} changed: {'; '.join(wrong)}. Its writes are stopped."
            await self._stop(bound, why, wrong)
            raise errors.WrongLedger(
                why, remedy=f"If this is right: `counterfoil entities unbind {entity}`, then bind it anew."
            )
        changes = _differing(bound.fingerprint, now, MAY_CHANGE)
        kept = now if accept else bound.fingerprint
        verified = msgspec.structs.replace(
            bound, fingerprint=kept, timezone=seen.timezone, is_demo=seen.is_demo_company, stopped=None
        )

        def store(conn: rows.Connection) -> None:
            rows.hold(conn)
            if (held := rows.get(conn, entity)) is None or held.tenant_id != bound.tenant_id:
                return  # unbound or bound anew while Xero was asked: what we saw is about neither
            rows.put(conn, verified, now=self._database.now(conn))
            if changes and accept:
                self._audit.append(conn, entity, "accepted", {"tenant": bound.tenant_id, "changes": len(changes)})
            if bound.stopped is not None:
                self._audit.append(conn, entity, "resumed", {"tenant": bound.tenant_id})

        await self._database.run(store)
        return Verified(verified, () if accept else changes)

    async def propose(self, expected: Mapping[str, str]) -> tuple[Proposal, ...]:
        """Pairs of unbound entities and connected, unbound organisations whose names agree, one to one.

        `expected`: entity → the configuration's `organisation`. Costs one call per grant. Raises NoConsent.
        """
        bound = await self.everything()
        taken_entities = {one.entity for one in bound}
        taken_tenants = {one.tenant_id for one in bound}
        free: dict[str, dict[str, Connected]] = {}
        for one in await self._connections.refreshed():
            if one.tenant_type == ORGANISATION and one.tenant_id not in taken_tenants:
                free.setdefault(folded(one.name), {})[one.tenant_id] = one
        wanted = [folded(name) for entity, name in expected.items() if entity not in taken_entities]
        pairs = []
        for entity, name in expected.items():
            candidates = list(free.get(folded(name), {}).values())
            if entity not in taken_entities and len(candidates) == 1 and wanted.count(folded(name)) == 1:
                pairs.append(Proposal(entity, candidates[0].tenant_id, candidates[0].name))
        return tuple(pairs)

    async def _found(self, tenant: str) -> tuple[Connected, Organisation]:
        """The one connected organisation with this id, name or short code, and what it says of itself."""
        connected = {
            one.tenant_id: one for one in await self._connections.refreshed() if one.tenant_type == ORGANISATION
        }
        matches = [one for one in connected.values() if tenant in {one.tenant_id, one.name}]
        if len(matches) > 1:
            ids = ", ".join(one.tenant_id for one in matches)
            raise errors.FixInput(f"{len(matches)} organisations are called {tenant!r}.", remedy=f"Give an id: {ids}.")
        if matches:
            return matches[0], await self._probe.organisation(matches[0].grant_id, matches[0].tenant_id)
        if tenant.startswith("!"):  # what Xero's short codes begin with
            for one in connected.values():
                organisation = await self._probe.organisation(one.grant_id, one.tenant_id)
                if organisation.short_code == tenant:
                    return one, organisation
        raise errors.NotConnected(f"No connected organisation has the id, name or short code {tenant!r}.", remedy=LIST)

    async def _stop(self, bound: Binding, why: str, wrong: tuple[str, ...]) -> None:
        def stop(conn: rows.Connection) -> None:
            rows.stop(conn, bound.entity, why)
            self._audit.append(conn, bound.entity, "stopped", {"tenant": bound.tenant_id, "differences": len(wrong)})

        await self._database.run(stop)

    async def _refused(self, entity: str, tenant_id: str, why: str) -> None:
        data = {"tenant": tenant_id, "why": why}
        await self._database.run(lambda conn: self._audit.append(conn, entity, "bind refused", data))


async def load(database: Database, entity: str) -> Binding:
    """As `Bindings.load`, for whoever needs no key and no call."""
    found = await database.read(lambda conn: rows.get(conn, entity))
    if found is None:
        raise errors.NoBinding(
            f"The entity {entity} is bound to no organisation.", remedy=f"Run `counterfoil entities bind {entity}`."
        )
    return found


def folded(name: str) -> str:
    """A name for comparing: case and repeated or outer spaces do not count."""
    return " ".join(name.casefold().split())


def _fingerprint(organisation: Organisation) -> Fingerprint:
    return Fingerprint(
        organisation_id=organisation.organisation_id,
        name=organisation.name,
        short_code=organisation.short_code,
        base_currency=organisation.base_currency,
        country=organisation.country_code,
    )


def _binding(entity: str, chosen: Connected, organisation: Organisation) -> Binding:
    return Binding(
        entity=entity,
        tenant_id=chosen.tenant_id,
        grant_id=chosen.grant_id,
        fingerprint=_fingerprint(organisation),
        timezone=organisation.timezone,
        is_demo=organisation.is_demo_company,
    )


def _differing(before: Fingerprint, now: Fingerprint, fields: tuple[str, ...]) -> tuple[str, ...]:
    """A sentence's worth per field that differs."""
    return tuple(
        f"{field.replace('_', ' ')} was {getattr(before, field)!r} and is {getattr(now, field)!r}"
        for field in fields
        if getattr(before, field) != getattr(now, field)
    )
