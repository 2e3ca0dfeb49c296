"""What a purge of an entity takes away, table by table; identities of postings stay, so that nothing is posted twice.

Called by app/privacy. REGISTRY says which tables go and by what; whoever adds a table that holds a tenant's documents adds
it there (a test walks the schema). Contents of postings are emptied in place: their identity, marks, document ids, amounts and
hashes stay.
"""

import functools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.removing.copies import Swept
from counterfoil.store.removing.turns import Turn
from counterfoil.store.retention import NO_RECORD, ROWS

Step = Callable[[sa.Connection, str | None, Turn], Swept]
NOTHING: Final = b"{}"
POSTINGS_MAX: Final = 100  # of one transaction: 10 ms
REQUESTS_MAX: Final = 20  # their bytes and answers are written over
UNSENT: Final = ("planned", "held", "rejected")
p, r, q, a, x, v = (
    one.c
    for one in (
        schema.postings, schema.revisions, schema.requests, schema.attempts, schema.drops, schema.inbox_deliveries,
    )
)  # fmt: skip


class Goes(NamedTuple):
    """A table whose rows go: those whose `column` is the tenant's id, or the entity's key.

    `through`: the table whose rows of that tenant have the same `column`; it goes after this one.
    """

    table: str
    column: str
    is_entity: bool = False
    through: str = ""

    def of(self, entity: str, tenant_id: str) -> sa.ColumnElement[bool]:
        """Which rows."""
        column = schema.tables.tables[self.table].c[self.column]
        if self.through:
            other = schema.tables.tables[self.through].c
            return column.in_(sa.select(other[self.column]).where(other.tenant_id == tenant_id))
        return column == (entity if self.is_entity else tenant_id)


REGISTRY: Final[list[Goes]] = [
    Goes("mirrored", "tenant_id"),
    Goes("documents", "tenant_id"),
    Goes("contacts", "tenant_id"),
    Goes("reference", "tenant_id"),
    Goes("readings", "tenant_id"),
    Goes("cursors", "tenant_id"),
    Goes("deliveries", "n", through="happenings"),
    Goes("happenings", "tenant_id"),
    Goes("happenings_turns", "tenant_id"),
    Goes("own_writes", "tenant_id"),
    Goes("overdue_told", "tenant_id"),
    Goes("overdue_sweeps", "tenant_id"),
    Goes("inbox_ids", "tenant_id"),
    Goes("inbox_marks", "tenant_id"),
    Goes("bad_rows", "entity", is_entity=True),
    Goes("handed", "entity", is_entity=True),
]


def in_the_way(conn: sa.Connection, entity: str, tenant_id: str) -> list[str]:
    """The external ids of what is on its way to this tenant or of which nobody knows whether it is there."""
    on_their_way = sa.or_(p.state == "sending", p.state == "uncertain")
    theirs = sa.and_(p.entity == entity, p.tenant_id == tenant_id)
    found = set(conn.execute(sa.select(p.external_id).where(theirs, on_their_way)).scalars())
    i = schema.request_items.c
    requested = schema.request_items.join(schema.requests, q.id == i.request_id)
    open_ones = sa.select(i.posting_id).select_from(requested).where(q.tenant_id == tenant_id, q.state != "closed")
    found |= set(conn.execute(sa.select(p.external_id).where(theirs, p.id.in_(open_ones))).scalars())
    return sorted(found)


def tenants(conn: sa.Connection, entity: str) -> list[str]:
    """The tenants that an entity is bound to, or was: by its postings, newest first."""
    b = schema.bindings.c
    bound = list(conn.execute(sa.select(b.tenant_id).where(b.entity == entity)).scalars())
    newest = sa.func.max(p.id)
    was = sa.select(p.tenant_id).where(p.entity == entity).group_by(p.tenant_id).order_by(newest.desc())
    return [*bound, *(one for one in conn.execute(was).scalars() if one not in bound)]


def counts(conn: sa.Connection, entity: str, tenant_id: str) -> dict[str, int]:
    """How many rows of which table go, and how many postings keep their identity alone."""
    found = {}
    for one in REGISTRY:
        table = schema.tables.tables[one.table]
        of = one.of(entity, tenant_id)
        found[one.table] = conn.execute(sa.select(sa.func.count()).select_from(table).where(of)).scalar_one()
    theirs = sa.and_(p.entity == entity, p.tenant_id == tenant_id)
    found["postings"] = conn.execute(sa.select(sa.func.count()).select_from(schema.postings).where(theirs)).scalar_one()
    return {name: int(count) for name, count in found.items()}


def steps(entity: str, tenant_id: str) -> list[Step]:
    """The work, in order: nothing that could post is believed to be posted before its identity alone is left."""
    rows = [functools.partial(_rows, one, entity, tenant_id) for one in REGISTRY]
    return [
        functools.partial(_postings, entity, tenant_id),
        functools.partial(_requests, entity, tenant_id),
        *rows,
        functools.partial(_deliveries, tenant_id),
    ]


def _rows(one: Goes, entity: str, tenant_id: str, conn: sa.Connection, _after: str | None, turn: Turn) -> Swept:
    table = schema.tables.tables[one.table]
    keys = list(table.primary_key.columns)
    some = sa.select(*keys).where(one.of(entity, tenant_id)).limit(turn.most)
    for row in turn.of(conn.execute(some).all()):
        conn.execute(sa.delete(table).where(*(key == part for key, part in zip(keys, row, strict=True))))
    return Swept(None if turn.last() is None else "", {one.table: turn.taken})


def _postings(entity: str, tenant_id: str, conn: sa.Connection, after: str | None, turn: Turn) -> Swept:
    """Contents go. What was never sent is cancelled: the source decides anew, should it still have it."""
    most = min(turn.most, POSTINGS_MAX)
    theirs = sa.and_(p.entity == entity, p.tenant_id == tenant_id, p.id > int(after or 0))
    window = conn.execute(sa.select(p.id, p.state, p.action).where(theirs).order_by(p.id).limit(most)).all()
    ids = [row[0] for row in window]
    emptied = {"record": NO_RECORD, "mapped": None, "element": NOTHING, "predicted": NOTHING, "sets": None}
    conn.execute(sa.update(schema.revisions).where(r.posting_id.in_(ids)).values(**emptied))
    unsent = [row[0] for row in window if row[1] in UNSENT and row[2] is None]
    changes = [row[0] for row in window if row[2] is not None and row[1] != "cancelled"]
    nothing: dict[str, Any] = {"cause": None, "reason": None, "remedy": None, "xero_messages": None}
    conn.execute(sa.update(schema.postings).where(p.id.in_(ids)).values(**nothing))
    customers = sa.and_(p.id.in_(ids), p.kind == "contact")  # of whose name nothing hangs but who is called the same
    conn.execute(sa.update(schema.postings).where(customers).values(number=None, document_number=None))
    again = sa.case((p.kind == "contact", "held"), else_="cancelled")  # a customer is looked for anew once it is wanted
    conn.execute(sa.update(schema.postings).where(p.id.in_(unsent)).values(state=again))
    back = {"state": "posted", "action": None, "pending_revision": None, "pending_hash": None}
    conn.execute(sa.update(schema.postings).where(p.id.in_(changes)).values(**back))
    now = conn.execute(sa.select(schema.removals.c.touched_at).order_by(schema.removals.c.id.desc()).limit(1)).scalar()
    conn.execute(sa.delete(schema.drops).where(x.what == ROWS, x.id.in_(ids)))
    if ids:
        conn.execute(sa.insert(schema.drops), [{"what": ROWS, "id": one, "at": now} for one in ids])
    return Swept(str(ids[-1]) if len(window) == most else None, {"postings": len(ids)})


def _requests(entity: str, tenant_id: str, conn: sa.Connection, after: str | None, turn: Turn) -> Swept:
    """The bytes of what was sent, and the answers."""
    most = min(turn.most, REQUESTS_MAX)
    theirs = sa.and_(q.entity == entity, q.tenant_id == tenant_id, q.id > int(after or 0))
    ids = list(conn.execute(sa.select(q.id).where(theirs).order_by(q.id).limit(most)).scalars())
    conn.execute(sa.update(schema.requests).where(q.id.in_(ids)).values(body=b""))
    conn.execute(sa.update(schema.attempts).where(a.request_id.in_(ids)).values(answer=None))
    return Swept(str(ids[-1]) if len(ids) == most else None, {"requests": len(ids)})


class _Event(msgspec.Struct, frozen=True):
    tenant_id: Any = msgspec.field(default=None, name="tenantId")


class _Delivery(msgspec.Struct, frozen=True):
    events: tuple[_Event, ...] = ()


def _deliveries(tenant_id: str, conn: sa.Connection, after: str | None, turn: Turn) -> Swept:
    """Webhooks as they came that are about this tenant alone; others hold ids of other tenants too, and go with [retention]."""
    window = conn.execute(sa.select(v.id, v.body).where(v.id > int(after or 0)).order_by(v.id).limit(turn.most)).all()
    mine = [row[0] for row in turn.of(window) if _tenants(row[1]) == {tenant_id}]
    conn.execute(sa.delete(schema.inbox_deliveries).where(v.id.in_(mine)))
    return Swept(None if turn.last() is None else str(turn.last()[0]), {"inbox_deliveries": len(mine)})


def _tenants(body: bytes) -> set[Any]:
    try:
        return {one.tenant_id for one in msgspec.json.decode(body, type=_Delivery).events}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return set()
