"""Pauses: where somebody said that no write to Xero may start. All, one entity, or one flow; at most one stands of each.

Called by app/pausing (which gives and ends them), posting/sending (in each attempt's own transaction) and the queries of
what is ready to be sent. A pause that has run out stands for nobody: `settle` ends its row at the first look of a writer.
"""

import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.store import locks, schema
from counterfoil.store.prepared import Prepared

ALL: Final = "all"
ENTITY: Final = "entity"
FLOW: Final = "flow"
_T = schema.pauses
p = schema.postings.c


class Pause(msgspec.Struct, frozen=True):
    """One row. `name`: the entity's key or the flow's id, "" for all. `until` None: until somebody resumes."""

    id: int
    scope: str
    name: str
    because: str
    actor: str
    at: datetime.datetime
    until: datetime.datetime | None


_COLUMNS: Final = [_T.c[name] for name in Pause.__struct_fields__]


def hold(conn: sa.Connection) -> None:
    """No attempt begins until this transaction ends: a pause is in force for every request that is not on its way yet."""
    locks.hold_tenants(conn, conn.execute(sa.select(schema.bindings.c.tenant_id)).scalars())
    locks.hold(conn, "pauses")


def begin(
    conn: sa.Connection, scope: str, name: str, *, because: str, actor: str, now: datetime.datetime,
    until: datetime.datetime | None,
) -> int:  # fmt: skip
    """Write a pause; → its id. Raises IntegrityError when one stands there already: look first, under `hold`."""
    row = {"scope": scope, "name": name, "because": because, "actor": actor, "at": now, "until": until}
    pause_id: int = conn.execute(sa.insert(_T).values(**row).returning(_T.c.id)).scalar_one()
    return pause_id


def end(conn: sa.Connection, pause_id: int, *, actor: str | None, now: datetime.datetime) -> None:
    """End a pause. `actor` None: by itself."""
    conn.execute(sa.update(_T).where(_T.c.id == pause_id).values(ended_at=now, ended_by=actor))


_SETTLE = Prepared(
    sa.update(_T).where(_T.c.ended_at.is_(None), _T.c.until <= sa.bindparam("now")).values(ended_at=_T.c.until)
)


def settle(conn: sa.Connection, now: datetime.datetime) -> None:
    """End what has run out. Before `of_request` and `is_paused` are asked, in the same transaction."""
    _SETTLE.run(conn, now=now)


_STANDING = Prepared(
    sa.select(*_COLUMNS)
    .where(_T.c.ended_at.is_(None), sa.or_(_T.c.until.is_(None), _T.c.until > sa.bindparam("now")))
    .order_by(_T.c.id)
)


def standing(conn: sa.Connection, now: datetime.datetime) -> list[Pause]:
    """Every pause that is in force, oldest first."""
    return _STANDING.rows(conn, Pause, now=now)


def last(conn: sa.Connection, scope: str, name: str) -> tuple[datetime.datetime, str | None] | None:
    """When the newest pause there ended, and who ended it (None: it ended by itself); None when there never was one."""
    query = (
        sa.select(_T.c.ended_at, _T.c.ended_by, _T.c.until)
        .where(_T.c.scope == scope, _T.c.name == name)
        .order_by(_T.c.id.desc())
        .limit(1)
    )
    found = conn.execute(query).one_or_none()
    return None if found is None else (found[0] or found[2], found[1])


# ---- what is ready to be sent, less what is paused


def _flow_is_paused(flow_id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    pause = _T.alias()
    return sa.exists().where(pause.c.scope == FLOW, pause.c.name == flow_id, pause.c.ended_at.is_(None))


_run = schema.runs.alias("planned_by")
_follower = schema.postings.alias("follower")

# Of a flow that is paused; a contact, which all flows share, when such a flow planned it and nobody else waits for it.
is_paused = sa.or_(
    _flow_is_paused(p.flow_id),
    sa.and_(
        p.flow_id == sa.literal_column("''"),
        sa.exists().where(_run.c.id == p.last_run_id, _flow_is_paused(_run.c.flow_id)),
        sa.not_(
            sa.exists().where(
                _follower.c.after_id == p.id,
                _follower.c.state == "planned",
                sa.not_(_flow_is_paused(_follower.c.flow_id)),
            )
        ),
    ),
)

_items = schema.request_items.c
_PAUSED_IN_REQUEST = Prepared(
    sa.select(sa.func.count())
    .select_from(schema.request_items)
    .join(schema.postings, p.id == _items.posting_id)
    .where(_items.request_id == sa.bindparam("id"), _items.open.is_(True), is_paused)
)


def of_request(conn: sa.Connection, request_id: int, entity: str, now: datetime.datetime) -> Pause | None:
    """The pause that forbids to send a request now; None when none does. The widest one of several."""
    flows: list[Pause] = []
    for pause in standing(conn, now):
        if pause.scope == ALL or (pause.scope == ENTITY and pause.name == entity):
            return pause
        flows += [pause] if pause.scope == FLOW else []
    if flows and _PAUSED_IN_REQUEST.first(conn, id=request_id):
        return flows[0]
    return None


def of_entity(conn: sa.Connection, entity: str, now: datetime.datetime) -> Pause | None:
    """The pause of everything, or of this entity; None when neither stands."""
    found = (one for one in standing(conn, now) if one.scope == ALL or (one.scope == ENTITY and one.name == entity))
    return next(found, None)


def waiting(conn: sa.Connection) -> dict[tuple[str, str], int]:
    """(entity, flow id) → how many of its postings are planned; contacts under the flow id ""."""
    query = sa.select(p.entity, p.flow_id, sa.func.count()).where(p.state == "planned").group_by(p.entity, p.flow_id)
    return {(row[0], row[1]): row[2] for row in conn.execute(query)}
