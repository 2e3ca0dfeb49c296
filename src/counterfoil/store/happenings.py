"""Changes by meaning, kept in one order that a reader can follow without missing any.

Called by mirror, inside the transaction that writes what it saw, and by whoever delivers or lists changes. (store/changes is
something else: changes of ours to documents of Xero's.) On Postgres transactions commit in another order than they began;
so the number is given under a lock that lasts until the commit: whoever sees n sees all below it.
"""

import datetime
import itertools
import json
from collections.abc import Collection, Sequence
from typing import Final

import msgspec
import sqlalchemy as sa

from counterfoil.model.happening import Happening
from counterfoil.store import locks, schema
from counterfoil.store.documents import upsert
from counterfoil.store.prepared import Among, Prepared, insert_many
from counterfoil.store.retention import Step

LOCK: Final = "happenings"  # taken last of all locks: whoever holds it waits for nobody
PAGE_MAX: Final = 1000  # changes of one answer
DROPPED_AT_ONCE: Final = 50  # with what they say, which is freed with them
SKIPPED: Final = 1_000_000_000  # numbers, when a copy was put back: more than it can have forgotten
SKIPS: Final = "changes_skipped"  # in meta: [the last number before, the last one that was skipped], of each time
ID_LENGTH: Final = 40
KEPT_OF_ID: Final = 28  # of an id, when the rest says which time it is
_H, _L, _T = schema.happenings, schema.happenings_last, schema.happenings_turns
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")
Document = tuple[str, str, str]  # tenant, resource, id


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
    posting: int | None = None  # ours, where it is our doing


_COLUMNS: Final = tuple(_H.c[name] for name in Kept.__struct_fields__)
_OF: Final = (_T.c.tenant_id == sa.bindparam("tenant_id"), _T.c.resource == sa.bindparam("resource"))
_TURNS: Final = Prepared(
    sa.select(_T.c.document_id, _T.c.turn, _T.c.state).where(*_OF, Among(_T.c.document_id, "those"))
)
_THERE: Final = Prepared(sa.select(_H.c.id).where(Among(_H.c.id, "those")))
_LAST: Final = Prepared(sa.select(_L.c.n))
_MOVE_LAST: Final = Prepared(sa.update(_L).values(n=sa.bindparam("to")))


class _Place(msgspec.Struct):
    """Where a document's order stands, and what the newest change said of it. `state` None: from before states were kept."""

    turn: int = 0
    state: str | None = None


def record(conn: sa.Connection, found: Sequence[Happening]) -> list[str]:
    """Keep changes in the order given, in the caller's transaction; → the ids of those that were new.

    Idempotent: a change that is kept already is left as it is. Call it last in the transaction: it holds a lock to its end.
    """
    if not found:
        return []
    locks.hold(conn, LOCK)
    places = _places(conn, found)
    named = _anew(conn, found, places)
    there = _there(conn, [one.id for one in named])
    new = list({one.id: one for one in named if one.id not in there}.values())
    if not new:
        return []
    last = _LAST.first(conn)
    if last is None:
        conn.execute(sa.insert(_L).values(one=1, n=len(new)))
    else:
        _MOVE_LAST.run(conn, to=last + len(new))
    rows = []
    for n, one in enumerate(new, (last or 0) + 1):
        place = places[_document(one)]
        place.turn, place.state = place.turn + 1, one.state
        rows.append(_row(one, n, place.turn))
    insert_many(conn, _H, rows)
    touched = {_document(one) for one in new}
    upsert(conn, _T, [_turn(document, places[document]) for document in sorted(touched)])
    return [one.id for one in new]


def _places(conn: sa.Connection, found: Sequence[Happening]) -> dict[Document, _Place]:
    """Where the order of each of these documents stands."""
    places = {_document(one): _Place() for one in found}
    for tenant, resource in {(tenant, resource) for tenant, resource, _id in places}:
        ids = [document_id for *of, document_id in places if of == [tenant, resource]]
        for document_id, turn, state in _TURNS.tuples(conn, tenant_id=tenant, resource=resource, those=ids):
            places[tenant, resource, document_id] = _Place(turn, state)
    return places


def _anew(conn: sa.Connection, found: Sequence[Happening], places: dict[Document, _Place]) -> list[Happening]:
    """A change that happens again has another id: archived, restored, archived once more, with no stamp that says so.

    It happens again when it goes on from what the document's newest change left; one that begins elsewhere is only seen
    again. The new id is the same in every process and after a restore: it is made of the document's own order. Where Xero
    gives no stamp, every change after the first has such an id, since retention may have dropped the first.
    """
    there = _there(conn, [one.id for one in found])
    named = []
    for one in found:
        place = places[_document(one)]
        if place.turn == 0 or one.was == one.state or (one.stamp is not None and one.id not in there):
            named.append(one)
        elif one.was != place.state and (like := _like(conn, one)) is not None:
            named.append(msgspec.structs.replace(one, id=like))
        else:
            again = f"{one.id[:KEPT_OF_ID]}{place.turn:0{ID_LENGTH - KEPT_OF_ID}x}"
            named.append(msgspec.structs.replace(one, id=again))
    return named


def _like(conn: sa.Connection, one: Happening) -> str | None:
    """The id by which this change of the document was kept last; None: it was not."""
    key = (_H.c.tenant_id == one.tenant_id, _H.c.resource == one.resource, _H.c.document_id == one.document_id)
    begins = sa.func.substr(_H.c.id, 1, KEPT_OF_ID) == one.id[:KEPT_OF_ID]
    return conn.execute(sa.select(_H.c.id).where(*key, begins).order_by(_H.c.n.desc()).limit(1)).scalar()


def _there(conn: sa.Connection, ids: list[str]) -> set[str]:
    return {one for (one,) in _THERE.tuples(conn, those=ids)}


def _document(one: Happening) -> Document:
    return one.tenant_id, one.resource, one.document_id


def _turn(document: Document, place: _Place) -> dict[str, object]:
    tenant, resource, document_id = document
    return {
        "tenant_id": tenant,
        "resource": resource,
        "document_id": document_id,
        "turn": place.turn,
        "state": place.state,
    }


def _row(one: Happening, n: int, turn: int) -> dict[str, object]:
    return {
        "n": n, "id": one.id, "name": one.name, "tenant_id": one.tenant_id, "resource": one.resource,
        "document_id": one.document_id, "turn": turn, "stamp": one.stamp, "seen_at": one.seen_at,
        "revision": one.revision, "snapshot": one.snapshot, "body": _body(one),
        "posting": one.posting,
    }  # fmt: skip


def _body(one: Happening) -> bytes:
    before, after = (None if told is None else dict(told) for told in (one.before, one.after))
    return _ENCODER.encode({"before": before, "after": after, "fields": one.fields})


def after(conn: sa.Connection, n: int, tenant_ids: Collection[str] | None, most: int) -> list[Kept]:
    """The changes after `n`, oldest first, at most `most` and PAGE_MAX; of these tenants, None: of all. 0: from the start."""
    query = sa.select(*_COLUMNS).where(_H.c.n > n).order_by(_H.c.n).limit(min(most, PAGE_MAX))
    if tenant_ids is not None:
        query = query.where(_H.c.tenant_id.in_(list(tenant_ids)))
    return [Kept(*row) for row in conn.execute(query)]


def skip(conn: sa.Connection) -> None:
    """The next number is one that no change ever had: a copy that was put back has forgotten which were given after it.

    Whoever follows by number then misses nothing. Call it last in the transaction, as `record`.
    """
    locks.hold(conn, LOCK)
    last = _LAST.first(conn)
    if last is not None:
        _MOVE_LAST.run(conn, to=last + SKIPPED)
        put = {"key": SKIPS, "value": json.dumps([*_skips(conn), [last, last + SKIPPED]])}
        upsert(conn, schema.meta, [put])


def given(conn: sa.Connection, after: int, last: int) -> int:
    """How many of the numbers behind `after` up to `last` were given to changes."""
    skipped = sum(max(0, min(end, last) - max(begin, after)) for begin, end in _skips(conn))
    return last - after - skipped


def _skips(conn: sa.Connection) -> list[list[int]]:
    kept = conn.execute(sa.select(schema.meta.c.value).where(schema.meta.c.key == SKIPS)).scalar()
    return [] if kept is None else msgspec.json.decode(kept, type=list[list[int]])


def place(conn: sa.Connection, change_id: str) -> int | None:
    """The number of a change; None: there is no such change, or it was dropped."""
    return conn.execute(sa.select(_H.c.n).where(_H.c.id == change_id)).scalar()


def drop(conn: sa.Connection, _after: int, most: int, old: datetime.datetime, _now: datetime.datetime) -> Step:
    """Drop the oldest changes that were seen before `old`, at most `most` and DROPPED_AT_ONCE. Numbers are not given again."""
    size = min(most, DROPPED_AT_ONCE)
    dropped = forget(conn, old, size)
    return Step(dropped, 0 if dropped == size else None)


def forget(conn: sa.Connection, before: datetime.datetime, most: int = DROPPED_AT_ONCE) -> int:
    """Drop the oldest changes that were seen before then; → how many. A document's order goes on where it stands.

    In the order of their numbers, up to the first that is too young: where two clocks disagree a later number can be the
    older one, and a reader tells by the lowest number that is left whether it missed any.
    """
    oldest = conn.execute(sa.select(_H.c.n, _H.c.seen_at).order_by(_H.c.n).limit(most))
    done = [n for n, _seen in itertools.takewhile(lambda one: one[1] < before, oldest)]
    return conn.execute(sa.delete(_H).where(_H.c.n <= done[-1])).rowcount if done else 0
