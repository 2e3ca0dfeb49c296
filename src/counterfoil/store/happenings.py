"""Changes by meaning, kept in one order that a reader can follow without missing any.

Called by mirror, inside the transaction that writes what it saw, and by whoever delivers or lists changes. (store/changes is
something else: changes of ours to documents of Xero's.) On Postgres transactions commit in another order than they began;
so the number is given under a lock that lasts until the commit: whoever sees n sees all below it.
"""

import datetime
from collections.abc import Collection, Sequence
from typing import Final

import msgspec
import sqlalchemy as sa

from counterfoil.model.happening import Happening
from counterfoil.store import locks, schema

LOCK: Final = "happenings"  # taken last of all locks: whoever holds it waits for nobody
PAGE_MAX: Final = 1000  # changes of one answer
DROPPED_AT_ONCE: Final = 500
IDS_AT_ONCE: Final = 500
ID_LENGTH: Final = 40
KEPT_OF_ID: Final = 28  # of an id, when the rest says which time it is
_H, _L, _T = schema.happenings, schema.happenings_last, schema.happenings_turns
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")


class Kept(msgspec.Struct, frozen=True):
    """One change as it is read: `n` orders all of the installation, `turn` those of one document from 1.

    `body`: JSON of `before`, `after` and `fields`; amounts are text, so that no digit is lost.
    """

    n: int
    id: str
    name: str
    tenant_id: str
    resource: str
    document_id: str
    turn: int
    stamp: datetime.datetime | None
    seen_at: datetime.datetime
    revision: int | None
    snapshot: bool
    body: bytes


def record(conn: sa.Connection, found: Sequence[Happening]) -> list[str]:
    """Keep changes in the order given, in the caller's transaction; → the ids of those that were new.

    Idempotent: a change that is kept already is left as it is. Call it last in the transaction: it holds a lock to its end.
    """
    if not found:
        return []
    locks.hold(conn, LOCK)
    found = [_anew(conn, one) for one in found]
    there = _there(conn, [one.id for one in found])
    new = list({one.id: one for one in found if one.id not in there}.values())
    if not new:
        return []
    last = conn.execute(sa.select(_L.c.n)).scalar()
    conn.execute(sa.insert(_L).values(one=1, n=len(new)) if last is None else sa.update(_L).values(n=last + len(new)))
    rows = [_row(one, (last or 0) + place, _turn(conn, one)) for place, one in enumerate(new, 1)]
    conn.execute(sa.insert(_H), rows)
    return [one.id for one in new]


def _anew(conn: sa.Connection, one: Happening) -> Happening:
    """A change to which Xero gave no stamp has another id when it happens again: archived, restored, archived once more.

    It happens again when something else happened to the document since; seen again, it is the document's newest. The new id is
    the same in every process and after a restore: it is made of the document's own order.
    """
    if one.stamp is not None or not _there(conn, [one.id]):
        return one
    key = (_H.c.tenant_id == one.tenant_id, _H.c.resource == one.resource, _H.c.document_id == one.document_id)
    newest = conn.execute(sa.select(_H).where(*key).order_by(_H.c.n.desc()).limit(1)).one()
    if Kept(*newest).body == _body(one):
        return msgspec.structs.replace(one, id=conn.execute(_like(one)).scalar_one())
    return msgspec.structs.replace(one, id=f"{one.id[:KEPT_OF_ID]}{newest.turn:0{ID_LENGTH - KEPT_OF_ID}x}")


def _like(one: Happening) -> sa.Select[tuple[str]]:
    """The id by which this change of the document was kept last."""
    key = (_H.c.tenant_id == one.tenant_id, _H.c.resource == one.resource, _H.c.document_id == one.document_id)
    query = sa.select(_H.c.id).where(*key, _H.c.name == one.name)
    return query.order_by(_H.c.n.desc()).limit(1)


def _there(conn: sa.Connection, ids: list[str]) -> set[str]:
    windows = (ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE))
    return {one for some in windows for one in conn.execute(sa.select(_H.c.id).where(_H.c.id.in_(some))).scalars()}


def _turn(conn: sa.Connection, one: Happening) -> int:
    key = {"tenant_id": one.tenant_id, "resource": one.resource, "document_id": one.document_id}
    same = sa.and_(*(_T.c[name] == value for name, value in key.items()))
    next_one = conn.execute(sa.update(_T).where(same).values(turn=_T.c.turn + 1).returning(_T.c.turn)).scalar()
    if next_one is None:
        conn.execute(sa.insert(_T).values(**key, turn=1))
    return next_one or 1


def _row(one: Happening, n: int, turn: int) -> dict[str, object]:
    return {
        "n": n, "id": one.id, "name": one.name, "tenant_id": one.tenant_id, "resource": one.resource,
        "document_id": one.document_id, "turn": turn, "stamp": one.stamp, "seen_at": one.seen_at,
        "revision": one.revision, "snapshot": one.snapshot, "body": _body(one),
    }  # fmt: skip


def _body(one: Happening) -> bytes:
    return _ENCODER.encode({"before": one.before, "after": one.after, "fields": one.fields})


def after(conn: sa.Connection, n: int, tenant_ids: Collection[str] | None, most: int) -> list[Kept]:
    """The changes after `n`, oldest first, at most `most` and PAGE_MAX; of these tenants, None: of all. 0: from the start."""
    query = sa.select(_H).where(_H.c.n > n).order_by(_H.c.n).limit(min(most, PAGE_MAX))
    if tenant_ids is not None:
        query = query.where(_H.c.tenant_id.in_(list(tenant_ids)))
    return [Kept(*row) for row in conn.execute(query)]


def place(conn: sa.Connection, change_id: str) -> int | None:
    """The number of a change; None: there is no such change, or it was dropped."""
    return conn.execute(sa.select(_H.c.n).where(_H.c.id == change_id)).scalar()


def forget(conn: sa.Connection, before: datetime.datetime) -> int:
    """Drop changes that were seen before then, the oldest first, at most DROPPED_AT_ONCE; → how many. Numbers are not given again."""
    old = sa.select(_H.c.n).where(_H.c.seen_at < before).order_by(_H.c.n).limit(DROPPED_AT_ONCE)
    return conn.execute(sa.delete(_H).where(_H.c.n.in_(old))).rowcount
