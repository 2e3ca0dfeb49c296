"""What a consent has to cover: the union of what the configured flows and the mirror declare, and what a grant lacks.

Called by connecting (asks for exactly that), ledgers (refuses before the first call), the composition root (lets the
postings of a flow that is not covered wait, and no others), and whoever tells of it. Each flow kind declares NEEDS, and so do the mirror's modules and the probe; the scopes behind them
are xero/scopes'. No call is made here.
"""

import functools
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec

from counterfoil import errors, flows
from counterfoil.access import reconnecting
from counterfoil.app import followed, noticing
from counterfoil.mirror import catching_up, described, going_live, reference
from counterfoil.model.binding import Binding
from counterfoil.posting.finishing import Waiting
from counterfoil.settings import FlowSettings
from counterfoil.store import bindings, grants, runs
from counterfoil.xero import identity, probe, scopes
from counterfoil.xero.scopes import Need

MIRROR: Final = (*reference.NEEDS, *catching_up.NEEDS, *going_live.NEEDS)  # what every flow's plan and proof read
BINDINGS: Final = "bindings"  # who needs what is needed without any flow
COPIES: Final = "mirror"  # who needs what [mirror] resources and feeds name
KIND: Final = "scope"  # of notice
BALANCES: Final = "bank_balances"  # what is read beside the copies, where an entity asks for it


class Wanted(msgspec.Struct, frozen=True):
    """Who does what with a resource, and why: a reason for a scope. `who`: a flow's table, BINDINGS or COPIES."""

    who: str
    resource: str
    writing: bool
    why: str


class Asked(msgspec.Struct, frozen=True):
    """One scope that the consent asks for, the flows that need it, and every reason."""

    scope: str
    flows: tuple[str, ...]
    needs: tuple[Wanted, ...]


class Lack(msgspec.Struct, frozen=True):
    """A flow that an entity's consent does not cover. `broad`: what it has instead, where Xero ended that."""

    flow: str
    entity: str
    organisation: str
    scopes: tuple[str, ...]
    why: str
    broad: tuple[str, ...] = ()


class Broad(msgspec.Struct, frozen=True):
    """An entity whose consent works by broad scopes that Xero will end."""

    entity: str
    organisation: str
    scopes: tuple[str, ...]


def of_flow(flow: FlowSettings) -> tuple[Need, ...]:
    """Everything that a flow's plan, run and proof do at Xero."""
    return (*flows.kind(flow.kind).needs, *MIRROR)


def of_copy(resource: str) -> Need:
    """What keeping a copy of a resource does at Xero."""
    return scopes.reads(resource, f"keep a copy of {resource}")


def copies(books: Any) -> dict[str, Need]:
    """The resources of which the configuration asks for a copy by name: [mirror] resources, and what feeds are about."""
    wished = {name: of_copy(name) for name in books.settings.mirror.resources or ()}
    for name, feed in followed.named(books).items():
        wished.setdefault(name, scopes.reads(name, f"keep a copy of {name}, which feed {feed} is about"))
    return wished


def mirrored(books: Any) -> tuple[str, ...]:
    """The resources that are kept: those that the configuration names, else all that its consent opens anyway."""
    if books.settings.mirror.resources is not None:
        chosen = copies(books)
        return tuple(name for name in described.NAMES if name in chosen)
    opened = {one.scope for one in asked(books)}
    return tuple(
        name for name in described.NAMES if any(scopes.covers(opened, scope) for scope in of_copy(name).scopes)
    )


def of_balances(entity: str) -> Need:
    """What telling the balances of an entity's bank accounts does at Xero."""
    return scopes.reads("BankSummary", f"tell the balances of {entity}'s bank accounts")


async def check_balances(books: Any, binding: Binding) -> None:
    """Refuse to read balances that the consent behind a binding does not cover. Raises MissingScope with what to do."""
    held, need = await _held(books, binding), of_balances(binding.entity)
    if held is not None and scopes.lacking(held, (need,), books.clock.now().date()):
        raise errors.MissingScope(
            f"The consent for {binding.fingerprint.name} does not cover the balances of bank accounts: it lacks "
            f"{' '.join(scopes.least((need,)))}.",
            remedy=remedy(books, binding.entity), entity=binding.entity, scopes=scopes.least((need,)),
        )  # fmt: skip


async def check_copy(books: Any, resource: str, binding: Binding) -> None:
    """Refuse to read a resource that the consent behind a binding does not cover. Raises MissingScope with what to do."""
    held, need = await _held(books, binding), of_copy(resource)
    if held is not None and scopes.lacking(held, (need,), books.clock.now().date()):
        raise errors.MissingScope(
            f"The consent for {binding.fingerprint.name} does not cover {resource}: it lacks {' '.join(scopes.least((need,)))}.",
            remedy=_named_first(resource, copies(books)) + remedy(books, binding.entity),
            entity=binding.entity, scopes=scopes.least((need,)),
        )  # fmt: skip


def _named_first(resource: str, named: Collection[str]) -> str:
    """A new consent asks for what the configuration names."""
    return "" if resource in named else f"Name {resource} in [mirror] resources. "


def of_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """The scopes for flows of these kinds, by name; sign-in not among them."""
    return scopes.least((*probe.NEEDS, *(need for kind in kinds for need in (*flows.kind(kind).needs, *MIRROR))))


def asked(books: Any) -> tuple[Asked, ...]:
    """The least that the configuration needs, each scope once, by name, with every reason for it."""
    wanted = [(BINDINGS, need) for need in probe.NEEDS]
    wanted += [(flow.table, need) for flow in books.flows.values() for need in of_flow(flow)]
    wanted += [(COPIES, need) for need in copies(books).values()]
    wanted += [
        (COPIES, of_balances(key))
        for key, entity in books.settings.entities.items()
        if entity.bank_balances is not None
    ]
    return tuple(_reasoned(scope, wanted) for scope in scopes.least(need for _who, need in wanted))


def _reasoned(scope: str, wanted: Sequence[tuple[str, Need]]) -> Asked:
    by_scope = [(who, need) for who, need in wanted if any(scopes.covers({scope}, one) for one in need.scopes)]
    tables = tuple(dict.fromkeys(who for who, _need in by_scope if who not in (BINDINGS, COPIES)))
    return Asked(scope, tables, tuple(Wanted(who, one.resource, one.writing, one.why) for who, one in by_scope))


async def check(books: Any, flow: FlowSettings, binding: Binding) -> None:
    """Refuse a flow that the consent behind a binding does not cover. Raises MissingScope with what to do."""
    lack = await _lack(books, flow, binding)
    if lack is not None:
        raise _missing(books, (lack,))


async def waiting(books: Any, entity: str) -> Waiting | None:
    """The flows with unfinished documents of an entity that its consent does not cover; None: it covers all of them.

    Raises MissingScope when it covers none of them: then nothing is asked of Xero.
    """
    binding = await books.database.read(lambda conn: bindings.get(conn, entity))
    if binding is None:
        return None
    ids = await books.database.read(lambda conn: runs.open_flows(conn, entity))
    lacks = {flow.id: await _lack(books, flow, binding) for flow in books.flows.values() if flow.id in ids}
    lacked = {flow_id: lack for flow_id, lack in lacks.items() if lack is not None}
    if not lacked:
        return None
    why = _missing(books, tuple(lacked.values()))
    if lacked.keys() == ids:
        raise why
    return Waiting(frozenset(lacked), why)


async def lacking(books: Any) -> tuple[Lack, ...]:
    """Each flow and bound entity whose consent does not cover it."""
    bound = await books.database.read(bindings.everything)
    pairs = [(flow, one) for one in bound for flow in books.flows.values() if flow.entity in (None, one.entity)]
    found = [await _lack(books, flow, binding) for flow, binding in pairs]
    return tuple(lack for lack in found if lack is not None)


async def uncovered(books: Any) -> tuple[tuple[str, errors.MissingScope], ...]:
    """What bound entities' consents do not cover of what is read without any flow: balances, and copies asked for by name.

    → pairs of `entity/resource` and why.
    """
    found = []
    for binding in await books.database.read(bindings.everything):
        wished = [(name, functools.partial(check_copy, books, name, binding)) for name in copies(books)]
        entity = books.settings.entities.get(binding.entity)
        if entity is not None and entity.bank_balances is not None:
            wished.append((BALANCES, functools.partial(check_balances, books, binding)))
        for name, check_it in wished:
            try:
                await check_it()
            except errors.MissingScope as lack:
                found.append((f"{binding.entity}/{name}", lack))
    return tuple(found)


async def copies_lacking(books: Any) -> list[noticing.Cause]:
    """The same in one sentence per entity, for whoever tells of it."""
    by_entity: dict[str, list[tuple[str, errors.MissingScope]]] = {}
    for subject, lack in await uncovered(books):
        entity, _, name = subject.partition("/")
        told = "the balances of bank accounts" if name == BALANCES else name
        by_entity.setdefault(entity, []).append((told, lack))
    organisations = {one.entity: one.fingerprint.name for one in await books.database.read(bindings.everything)}
    return [
        noticing.Cause(
            kind=KIND, subject=entity, entity=entity,
            message=f"The consent for {organisations[entity]} does not cover {', '.join(name for name, _lack in lacks)}: it "
            f"lacks {' '.join(sorted({scope for _name, lack in lacks for scope in lack.facts['scopes']}))}.",
            remedy=remedy(books, entity), link=reconnecting.link(reconnecting.base(books.settings), entity),
        )
        for entity, lacks in by_entity.items()
    ]  # fmt: skip


async def broad(books: Any) -> tuple[Broad, ...]:
    """Each bound entity whose consent covers the flows only by broad scopes, while Xero still has them."""
    found = []
    today = books.clock.now().date()
    for binding in await books.database.read(bindings.everything):
        held = await _held(books, binding)
        wanted = [
            need for flow in books.flows.values() if flow.entity in (None, binding.entity) for need in of_flow(flow)
        ]
        relied = scopes.broad_relied_on(held, wanted) if held is not None and today < scopes.BROAD_END else ()
        if relied:
            found.append(Broad(binding.entity, binding.fingerprint.name, relied))
    return tuple(found)


async def _held(books: Any, binding: Binding) -> frozenset[str] | None:
    """What the consent behind a binding covers; None: it is gone, which asking for its token says."""
    grant = await books.database.read(lambda conn: grants.get(conn, binding.grant_id))
    return None if grant is None or grant.lost is not None else frozenset(grant.scopes.split())


async def _lack(books: Any, flow: FlowSettings, binding: Binding) -> Lack | None:
    held = await _held(books, binding)
    if held is None:
        return None
    wanted = of_flow(flow)
    missing = scopes.lacking(held, wanted, books.clock.now().date())
    if not missing:
        return None
    name = binding.fingerprint.name
    ended = scopes.broad_relied_on(held, missing)
    return Lack(flow.table, binding.entity, name, scopes.least(missing), missing[0].why, ended)


def told(lack: Lack) -> str:
    """A lack in a sentence."""
    ended = f" Its broad scopes {' '.join(lack.broad)} ended on {scopes.BROAD_END:%d %B %Y}." if lack.broad else ""
    return (
        f"The consent for {lack.organisation} does not cover flow {lack.flow}: it lacks {' '.join(lack.scopes)} "
        f"(among others to {lack.why}).{ended}"
    )


def causes(books: Any, lacks: Iterable[Lack]) -> list[noticing.Cause]:
    """The same as what somebody must be told of, each flow and entity by itself."""
    return [
        noticing.Cause(
            kind=KIND, subject=f"{one.flow}/{one.entity}", entity=one.entity, message=told(one),
            remedy=remedy(books, one.entity), link=reconnecting.link(reconnecting.base(books.settings), one.entity),
        )
        for one in lacks
    ]  # fmt: skip


def remedy(books: Any, entity: str) -> str:
    """What gives an entity's consent the scopes that it lacks."""
    if books.settings.xero.kind == "custom":
        return (
            f"Add the scopes to the custom connection at {identity.PORTAL}, have it authorised again, then run "
            "`counterfoil connect`."
        )
    again = reconnecting.remedy(reconnecting.base(books.settings), entity)
    return f"{again}; with --explain it says what is asked for and why."


def _missing(books: Any, lacks: tuple[Lack, ...]) -> errors.MissingScope:
    first = lacks[0]
    lacked = tuple(sorted({scope for lack in lacks for scope in lack.scopes}))
    tables = tuple(lack.flow for lack in lacks)
    return errors.MissingScope(
        " ".join(told(lack) for lack in lacks),
        remedy=remedy(books, first.entity),
        entity=first.entity, flows=tables, scopes=lacked,
    )  # fmt: skip
