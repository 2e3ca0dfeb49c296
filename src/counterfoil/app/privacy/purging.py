"""Purge an entity: its copy of Xero, its inbox and its raw rows go; identities of postings stay, so that nothing is posted twice.

Called by cli/purge. What is on its way is refused. No call; nothing is changed at Xero.
"""

from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.app.privacy import sweeping
from counterfoil.app.privacy.sweeping import Done
from counterfoil.store import bindings, locks, removals
from counterfoil.store.database import Connection
from counterfoil.store.removals import PURGE
from counterfoil.store.removing import purging

SHOWN_MAX: Final = 5


class Plan(msgspec.Struct, frozen=True):
    """What a purge would do. `rows` by table; `bound`: the entity still is, so that the next reading brings the copy back."""

    entity: str
    tenant_ids: tuple[str, ...]
    bound: bool
    rows: dict[str, int]
    in_the_way: tuple[str, ...]


async def plan(books: Any, entity: str) -> Plan:
    """What goes; nothing is written. Raises NotFound for an entity of which nothing is held."""

    def read(conn: Connection) -> Plan:
        tenants = purging.tenants(conn, entity)
        rows: dict[str, int] = {}
        for tenant_id in tenants:
            for name, count in purging.counts(conn, entity, tenant_id).items():
                rows[name] = rows.get(name, 0) + count
        stuck = [one for tenant_id in tenants for one in purging.in_the_way(conn, entity, tenant_id)]
        return Plan(entity, tuple(tenants), bindings.get(conn, entity) is not None, rows, tuple(stuck))

    found: Plan = await books.database.read(read)
    if not found.tenant_ids:
        raise errors.NotFound(f"Nothing is held of an entity {entity!r}.", remedy="`counterfoil entities` lists them.")
    return found


async def purge(books: Any, entity: str) -> Done:
    """Purge an entity, to the end; → rows by table. Safe to kill: the next command goes on.

    Raises NotFound, FixInput for what is on its way, RunAgain when another process finishes it, StoreError.
    """
    wanted = await plan(books, entity)
    ids = await books.database.run(lambda conn: _begin(books, conn, wanted))
    books.point("purge: begun")
    rows: dict[str, int] = {}
    compacted = True
    for removal_id in ids:
        done = await sweeping.go_on(books, removal_id)
        if done is None:
            raise errors.RunAgain("Another process finishes this purge.", remedy="`counterfoil status` in a minute.")
        compacted = compacted and done.compacted
        for name, count in done.rows.items():
            rows[name] = rows.get(name, 0) + count
    return Done(ids[-1], rows, compacted)


def _begin(books: Any, conn: Connection, wanted: Plan) -> list[int]:
    locks.hold_tenants(conn, wanted.tenant_ids)
    stuck = [one for tenant_id in wanted.tenant_ids for one in purging.in_the_way(conn, wanted.entity, tenant_id)]
    if stuck:
        raise errors.FixInput(
            f"{len(stuck)} postings of {wanted.entity} are not at their end: {', '.join(stuck[:SHOWN_MAX])}.",
            remedy="Run `counterfoil finish` first: what was sent is then known to be there, or not to be.",
        )
    now = books.database.now(conn)
    ids = [
        removals.begin(conn, PURGE, wanted.entity, one, None, actor=books.actor, owner=books.owner, now=now)
        for one in wanted.tenant_ids
    ]
    books.access.audit.append(conn, wanted.entity, "entity purge begun", {"removals": ids})
    return ids
