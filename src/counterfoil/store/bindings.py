"""Bindings: which entity is which tenant, and the fingerprint that it was bound with.

Called by access/bindings; posting reads `stopped` in the transaction of each attempt.
"""

import datetime
from typing import TypeAlias

import sqlalchemy as sa

from counterfoil.model.binding import Binding, Fingerprint
from counterfoil.store import locks, schema
from counterfoil.store.prepared import Prepared

Connection: TypeAlias = sa.Connection
_T = schema.bindings


def hold(conn: Connection) -> None:
    """Nobody else binds until this transaction ends: for looking first and writing then."""
    locks.hold(conn, "bindings")


def get(conn: Connection, entity: str) -> Binding | None:
    """An entity's binding; None when it has none."""
    row = conn.execute(sa.select(_T).where(_T.c.entity == entity)).one_or_none()
    return None if row is None else _binding(row)


_WRITABLE = Prepared(sa.select(_T.c.tenant_id, _T.c.stopped).where(_T.c.entity == sa.bindparam("entity")))


def writable(conn: Connection, entity: str) -> tuple[str, str | None] | None:
    """The entity's tenant, and why its writes are stopped (None: they are not); None when it has no binding."""
    found = _WRITABLE.tuples(conn, entity=entity)
    return (found[0][0], found[0][1]) if found else None


def of_tenant(conn: Connection, tenant_id: str) -> Binding | None:
    """The binding that holds a tenant; None when none does."""
    row = conn.execute(sa.select(_T).where(_T.c.tenant_id == tenant_id)).one_or_none()
    return None if row is None else _binding(row)


def everything(conn: Connection) -> list[Binding]:
    """Every binding, by entity."""
    return [_binding(row) for row in conn.execute(sa.select(_T).order_by(_T.c.entity))]


def verified_at(conn: sa.Connection, entity: str) -> datetime.datetime | None:
    """When an entity's organisation was last looked at as a whole; None when it is not bound."""
    return conn.execute(sa.select(_T.c.verified_at).where(_T.c.entity == entity)).scalar_one_or_none()


def put(conn: Connection, binding: Binding, *, now: datetime.datetime) -> None:
    """Store a new binding, or the same entity's with what was seen of it now."""
    print_ = binding.fingerprint
    values = {
        "tenant_id": binding.tenant_id,
        "grant_id": binding.grant_id,
        "organisation_id": print_.organisation_id,
        "name": print_.name,
        "short_code": print_.short_code,
        "base_currency": print_.base_currency,
        "country": print_.country,
        "timezone": binding.timezone,
        "is_demo": binding.is_demo,
        "stopped": binding.stopped,
        "verified_at": now,
    }
    changed = conn.execute(sa.update(_T).where(_T.c.entity == binding.entity).values(values)).rowcount
    if not changed:
        conn.execute(sa.insert(_T).values(values | {"entity": binding.entity, "bound_at": now}))


def remove(conn: Connection, entity: str) -> bool:
    """Forget a binding; False when there was none. Postings keep the tenant that they were planned for."""
    return conn.execute(sa.delete(_T).where(_T.c.entity == entity)).rowcount == 1


def stop(conn: Connection, entity: str, why: str | None) -> None:
    """Stop an entity's writes, or with None let them go on."""
    conn.execute(sa.update(_T).where(_T.c.entity == entity).values(stopped=why))


def regrant(conn: Connection, grant_id: str, tenant_ids: list[str]) -> list[str]:
    """Let bindings to these tenants whose own grant is lost, or reaches them no longer, use this one; their entities."""
    table, reached = schema.grants, schema.connections
    alive = sa.select(table.c.id).where(table.c.lost.is_(None)).where(table.c.id == _T.c.grant_id)
    still = sa.select(reached.c.grant_id).where(
        (reached.c.grant_id == _T.c.grant_id) & (reached.c.tenant_id == _T.c.tenant_id)
    )
    where = _T.c.tenant_id.in_(tenant_ids) & (_T.c.grant_id != grant_id) & ~(sa.exists(alive) & sa.exists(still))
    entities = list(conn.execute(sa.select(_T.c.entity).where(where).order_by(_T.c.entity)).scalars())
    conn.execute(sa.update(_T).where(_T.c.entity.in_(entities)).values(grant_id=grant_id))
    return entities


def use_grant(conn: Connection, entity: str, grant_id: str) -> None:
    """Let an entity's binding use this grant: a person chose it."""
    conn.execute(sa.update(_T).where(_T.c.entity == entity).values(grant_id=grant_id))


def elsewhere(conn: Connection, grant_id: str, tenant_ids: list[str]) -> list[Binding]:
    """The bindings through this grant to tenants other than these, by entity."""
    where = (_T.c.grant_id == grant_id) & _T.c.tenant_id.not_in(tenant_ids)
    return [_binding(row) for row in conn.execute(sa.select(_T).where(where).order_by(_T.c.entity))]


def _binding(row: sa.Row[tuple[object, ...]]) -> Binding:
    return Binding(
        entity=row.entity,
        tenant_id=row.tenant_id,
        grant_id=row.grant_id,
        fingerprint=Fingerprint(row.organisation_id, row.name, row.short_code, row.base_currency, row.country),
        timezone=row.timezone,
        is_demo=row.is_demo,
        stopped=row.stopped,
    )
