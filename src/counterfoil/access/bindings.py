"""Bindings: an entity is one tenant, recognised by its fingerprint; there is no default.

Called by cli (`counterfoil entities`) and app (load, verify daily, after a 403, a new consent and a restore). Reads Xero
through a probe that can only GET /connections and GET /Organisation. Another id, currency or country stops the entity's
writes; a changed name or short code warns until a person accepts it. Design §3.2.
"""

import datetime
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.access import fingerprints, on_record
from counterfoil.access.audit import AuditLog
from counterfoil.access.connections import Connections
from counterfoil.access.fingerprints import folded
from counterfoil.model.binding import Binding
from counterfoil.model.organisation import Organisation
from counterfoil.store import bindings as rows
from counterfoil.store import notices
from counterfoil.store.database import Database
from counterfoil.store.grants import Connected
from counterfoil.xero.probe import Probe

ORGANISATION: Final = "ORGANISATION"  # the tenant type that has books
LIST: Final = "See `counterfoil connections`."
STOPPED: Final = "stopped"  # kinds of notices; their subject is the entity
RENAMED: Final = "renamed"
DISCONNECTED: Final = "disconnected"  # its subject is the tenant
Veto = Callable[[str], Awaitable[None]]


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

    async def bind(
        self, entity: str, tenant: str, expected_name: str | None = None, veto: Veto | None = None
    ) -> Binding:
        """Bind an entity to a tenant given by id, exact name or short code. Idempotent.

        `expected_name`: the configuration's `organisation`; another name is refused (None: not checked). `veto`: asked
        with the tenant id before anything is stored; it raises to refuse. Costs one call per grant and one; by short
        code one per organisation. Raises NotConnected (nothing like it), FixInput (several of that name), AnotherName,
        EntityTaken, OrganisationReset, OrganisationTaken and the other WrongLedger, NoConsent, RunAgain's.
        """
        chosen, organisation = await self._found(tenant)
        try:
            if expected_name is not None and folded(organisation.name) != folded(expected_name):
                raise errors.AnotherName(
                    f"The organisation is called {organisation.name!r}, the configuration expects {expected_name!r}.",
                    remedy=f"Bind the right one, or change [entities.{entity}] organisation.",
                )
            if veto is not None:
                await veto(chosen.tenant_id)
            binding = _binding(entity, chosen, organisation)
            refused = await self._database.run(lambda conn: self._store(conn, binding, chosen))
            if isinstance(refused, errors.EntityTaken):
                held = await self.load(entity)
                raise await self._reset_of(held, organisation.name) or refused
            if refused is not None:
                raise refused
        except errors.WrongLedger as refusal:
            await self._refused(entity, chosen.tenant_id, refusal.code)
            raise
        return binding

    def _store(self, conn: rows.Connection, binding: Binding, chosen: Connected) -> errors.WrongLedger | None:
        """Write a binding down, or say why not."""
        rows.hold(conn)
        entity, name = binding.entity, binding.fingerprint.name
        mine, theirs = rows.get(conn, entity), rows.of_tenant(conn, chosen.tenant_id)
        if mine is not None and mine.tenant_id != chosen.tenant_id:
            return errors.EntityTaken(
                f"The entity {entity} is bound to another organisation ({mine.fingerprint.name}).",
                remedy=unbind(entity),
            )
        if theirs is not None and theirs.entity != entity:
            return errors.OrganisationTaken(
                f"The organisation {name} is bound to the entity {theirs.entity}: two entities may not share one ledger.",
                remedy=unbind(theirs.entity),
            )
        if mine is not None and (wrong := fingerprints.refusal(entity, mine.fingerprint, binding.fingerprint)):
            return wrong
        now = self._database.now(conn)
        rows.put(conn, binding, now=now)
        _over(conn, entity, chosen.tenant_id, now)
        self._audit.append(conn, entity, "bound", {"tenant": chosen.tenant_id, "grant": chosen.grant_id})
        return None

    async def unbind(self, entity: str) -> None:
        """Forget an entity's binding; its postings keep their tenant. Raises NoBinding."""
        bound = await self.load(entity)

        def forget(conn: rows.Connection) -> None:
            rows.remove(conn, entity)
            _over(conn, entity, bound.tenant_id, self._database.now(conn))
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
        """Ask the organisation and compare it with its fingerprint; one call, and one per grant when it is gone.

        `accept`: take a changed name or short code over. Raises as `compare`; OrganisationReset or NotConnected when it
        can no longer be reached; NoBinding; NoConsent; RunAgain's.
        """
        bound = await self.load(entity)
        try:
            seen = await self._probe.organisation(bound.grant_id, bound.tenant_id)
        except errors.NotConnected as gone:
            raise await self._reset_of(bound, bound.fingerprint.name) or gone from None
        return await self.compare(bound, seen, accept=accept)

    async def compare(self, bound: Binding, seen: Organisation, *, accept: bool = False) -> Verified:
        """Compare what the organisation says now with its fingerprint; no call.

        Raises AnotherOrganisation, CurrencyChanged or CountryChanged, after stopping the entity's writes. When everything
        is right, stopped writes go on.
        """
        entity, now = bound.entity, fingerprints.of(seen)
        held = await self._database.read(lambda conn: rows.get(conn, entity))
        if held is None or held.tenant_id != bound.tenant_id:
            return Verified(bound)  # unbound or bound anew while Xero was asked: what was seen is about neither
        bound = held  # a name may have been accepted since the caller read it
        wrong = await self._database.read(lambda conn: on_record.refusal(conn, held))
        wrong = wrong or fingerprints.refusal(entity, bound.fingerprint, now)
        if wrong is not None:
            await self._stop(bound, wrong)
            raise wrong
        changes = fingerprints.changes(bound.fingerprint, now)
        kept = now if accept else bound.fingerprint
        verified = msgspec.structs.replace(
            bound, fingerprint=kept, timezone=seen.timezone, is_demo=seen.is_demo_company, stopped=None
        )

        def store(conn: rows.Connection) -> None:
            rows.hold(conn)
            if (held := rows.get(conn, entity)) is None or held.tenant_id != bound.tenant_id:
                return  # unbound or bound anew while Xero was asked: what we saw is about neither
            at = self._database.now(conn)
            rows.put(conn, msgspec.structs.replace(verified, grant_id=held.grant_id), now=at)
            if changes and accept:
                self._audit.append(conn, entity, "accepted", {"tenant": bound.tenant_id, "changes": len(changes)})
            if held.stopped is not None:
                self._audit.append(conn, entity, "resumed", {"tenant": bound.tenant_id})
            notices.over(conn, STOPPED, entity, now=at)
            notices.over(conn, DISCONNECTED, bound.tenant_id, now=at)
            if changes and not accept:
                notices.tell(
                    conn, RENAMED, entity, message=f"The organisation of {entity} changed: {'; '.join(changes)}.",
                    remedy=f"If this is right: `counterfoil entities verify {entity} --accept`.", now=at, entity=entity,
                )  # fmt: skip
            else:
                notices.over(conn, RENAMED, entity, now=at)

        await self._database.run(store)
        return Verified(verified, () if accept else changes)

    async def off_the_record(self) -> list[tuple[str, errors.WrongLedger]]:
        """Entities that are bound to another organisation than the audit log says, by name, and why; no call, writes nothing.

        A binding of which the log knows nothing is none of them.
        """
        return await self._database.read(
            lambda conn: [
                (one.entity, wrong) for one in rows.everything(conn) if (wrong := on_record.refusal(conn, one))
            ]
        )

    async def stop_off_the_record(self) -> list[tuple[str, errors.WrongLedger]]:
        """The same, and their writes are stopped. Costs a query per entity: for the start of a process."""
        found = await self.off_the_record()
        for entity, wrong in found:
            held = await self.load(entity)
            if held.stopped is None:
                await self._stop(held, wrong)
        return found

    async def propose(self, expected: Mapping[str, str]) -> tuple[Proposal, ...]:
        """Pairs of unbound entities and connected, unbound organisations whose names agree, one to one.

        `expected`: entity → the configuration's `organisation`. Costs one call per grant. Raises NoConsent.
        """
        bound = await self.everything()
        taken_entities = {one.entity for one in bound}
        free = await self._free()
        wanted = [folded(name) for entity, name in expected.items() if entity not in taken_entities]
        pairs = []
        for entity, name in expected.items():
            candidates = list(free.get(folded(name), {}).values())
            if entity not in taken_entities and len(candidates) == 1 and wanted.count(folded(name)) == 1:
                pairs.append(Proposal(entity, candidates[0].tenant_id, candidates[0].name))
        return tuple(pairs)

    async def _free(self) -> dict[str, dict[str, Connected]]:
        """Connected organisations that no entity is bound to, by folded name, then tenant."""
        taken = {one.tenant_id for one in await self.everything()}
        free: dict[str, dict[str, Connected]] = {}
        for one in await self._connections.refreshed():
            if one.tenant_type == ORGANISATION and one.tenant_id not in taken:
                free.setdefault(folded(one.name), {})[one.tenant_id] = one
        return free

    async def _reset_of(self, bound: Binding, name: str) -> errors.OrganisationReset | None:
        """The refusal for an organisation that is gone while another of its name is there; None: it is something else."""
        try:
            free = await self._free()
            known = await self._connections.known()
        except (errors.Reconnect, errors.RunAgain):
            return None
        fresh = free.get(folded(name), {})
        if bound.tenant_id in known or folded(name) != folded(bound.fingerprint.name) or len(fresh) != 1:
            return None
        (tenant_id,) = fresh
        return errors.OrganisationReset(
            f"The organisation that {bound.entity} is bound to is gone, and another one is called {name!r}: a demo company "
            "that was reset has a new tenant id and empty books.",
            remedy=f"If that is so: `counterfoil entities unbind {bound.entity}`, then `counterfoil entities bind "
            f"{bound.entity} {tenant_id}`. What was planned for the old one is held, never sent to the new one.",
        )

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

    async def _stop(self, bound: Binding, wrong: errors.WrongLedger) -> None:
        def stop(conn: rows.Connection) -> None:
            rows.hold(conn)
            if (held := rows.get(conn, bound.entity)) is None or held.tenant_id != bound.tenant_id:
                return  # unbound or bound anew while Xero was asked
            rows.stop(conn, bound.entity, wrong.message)
            self._audit.append(conn, bound.entity, "stopped", {"tenant": bound.tenant_id, "why": wrong.code})
            notices.tell(
                conn, STOPPED, bound.entity, message=wrong.message, remedy=wrong.remedy,
                now=self._database.now(conn), entity=bound.entity,
            )  # fmt: skip

        await self._database.run(stop)

    async def _refused(self, entity: str, tenant_id: str, why: str) -> None:
        data = {"tenant": tenant_id, "why": why}
        await self._database.run(lambda conn: self._audit.append(conn, entity, "bind refused", data))


def _over(conn: rows.Connection, entity: str, tenant_id: str, now: datetime.datetime) -> None:
    """Nothing stands any more against an entity's binding: it was made anew, or is gone."""
    for kind, subject in ((STOPPED, entity), (RENAMED, entity), (DISCONNECTED, tenant_id)):
        notices.over(conn, kind, subject, now=now)


async def load(database: Database, entity: str) -> Binding:
    """As `Bindings.load`, for whoever needs no key and no call."""
    found = await database.read(lambda conn: rows.get(conn, entity))
    if found is None:
        raise errors.NoBinding(
            f"The entity {entity} is bound to no organisation.", remedy=f"Run `counterfoil entities bind {entity}`."
        )
    return found


def unbind(entity: str) -> str:
    """What to type when a binding stands in the way."""
    return (
        f"Run `counterfoil entities unbind {entity}` first, if that is what you want: what it has planned is then held."
    )


def _binding(entity: str, chosen: Connected, organisation: Organisation) -> Binding:
    return Binding(
        entity=entity,
        tenant_id=chosen.tenant_id,
        grant_id=chosen.grant_id,
        fingerprint=fingerprints.of(organisation),
        timezone=organisation.timezone,
        is_demo=organisation.is_demo_company,
    )
