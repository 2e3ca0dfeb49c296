"""What the app may reach: each connection with its entity, user, age and state; and ending one.

Called by cli/connections, cli/connect and status. Nothing here names a person: a user is Xero's id.
"""

import datetime
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.access import bindings as access
from counterfoil.app import watching
from counterfoil.model.binding import Binding
from counterfoil.store import bindings as rows
from counterfoil.store import grants, stranded
from counterfoil.store.database import Connection
from counterfoil.store.grants import Connected, Grant

CONNECTED: Final = "connected"
DISCONNECTED: Final = "disconnected"
RECONNECT: Final = "reconnect"  # the user's consent is lost: nothing is reached through it
STOPPED: Final = "stopped"


class Reach(msgspec.Struct, frozen=True):
    """One organisation that one user's consent lets us into, or that a bound entity has lost.

    `user`: Xero's id of who consented; `since`: when it was last connected, by Xero's word. `state`: connected |
    disconnected (bound, and no consent reaches it) | reconnect (the consent is lost) | stopped (it is another ledger now).
    """

    tenant_id: str
    name: str
    tenant_type: str
    connection_id: str
    grant_id: str
    entity: str | None
    user: str | None = None
    since: datetime.datetime | None = None
    state: str = CONNECTED


class Ending(msgspec.Struct, frozen=True):
    """What ending the connections to one organisation would do: `waits` postings of `entity` would wait."""

    tenant_id: str
    name: str
    entity: str | None
    waits: int
    connections: int


async def reached(books: Any) -> list[Reach]:
    """What the app may reach, as last seen; by name, then tenant. No call, and no master key needed."""
    found: list[Reach] = await books.database.read(_reached)
    return found


def _reached(connection: Connection) -> list[Reach]:
    known = grants.connections(connection)
    bound = {binding.tenant_id: binding for binding in rows.everything(connection)}
    by_id = {id_: grants.get(connection, id_) for id_ in {one.grant_id for one in known}}
    found = [_reach(one, by_id[one.grant_id], bound.get(one.tenant_id)) for one in known]
    there = {one.tenant_id for one in known}
    found += [_lost(binding) for tenant, binding in bound.items() if tenant not in there]
    return sorted(found, key=lambda one: (one.name, one.tenant_id, one.grant_id))


def _reach(one: Connected, grant: Grant | None, binding: Binding | None) -> Reach:
    state = CONNECTED
    if grant is None or grant.lost is not None:
        state = RECONNECT
    elif binding is not None and binding.stopped is not None:
        state = STOPPED
    return Reach(
        one.tenant_id, one.name, one.tenant_type, one.connection_id, one.grant_id, binding.entity if binding else None,
        grant.xero_userid if grant else None, one.since, state,
    )  # fmt: skip


def _lost(binding: Binding) -> Reach:
    name = binding.fingerprint.name
    return Reach(binding.tenant_id, name, access.ORGANISATION, "", binding.grant_id, binding.entity, state=DISCONNECTED)


async def ending(books: Any, tenant: str) -> Ending:
    """What `disconnect` would do; `tenant` is an id or an exact name. No call. Raises NotConnected, FixInput."""
    found = [one for one in await reached(books) if tenant in (one.tenant_id, one.name)]
    if len({one.tenant_id for one in found}) > 1:
        raise errors.FixInput(f"{len(found)} organisations are called {tenant!r}.", remedy="Give the tenant id.")
    if not found:
        raise errors.NotConnected("This organisation is not connected.", remedy="See `counterfoil connections`.")
    first = found[0]
    waiting: dict[str, int] = await books.database.read(lambda conn: stranded.counts(conn, [first.entity or ""]))
    live = sum(1 for one in found if one.state not in (DISCONNECTED, RECONNECT))
    return Ending(first.tenant_id, first.name, first.entity, waiting.get(first.entity or "", 0), live)


async def disconnect(books: Any, tenant_id: str) -> int:
    """End the connections to a tenant, there and here; → how many. The entity's postings wait. One call per connection."""
    ended: int = await books.access.connections.disconnect(tenant_id)
    bound = await books.database.read(lambda conn: rows.of_tenant(conn, tenant_id))
    if bound is not None:
        await watching.told_gone(books, bound)
    await watching.count(books)
    return ended
