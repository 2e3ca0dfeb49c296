"""The changes that feeds are still to be handed, each a row for a feed and a change; and the dead letters.

Called by delivery and app. A change is handed over only when every earlier one of its document was, or is a dead letter: one that fails
holds back its own document and nothing else. The change itself stays in store/happenings; what retention dropped there is gone here.
"""

import datetime
from collections.abc import Collection, Sequence
from typing import Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import prepared, schema
from counterfoil.store.feeds import shortened
from counterfoil.store.happenings import Kept

Connection: TypeAlias = sa.Connection
WAITING_MAX: Final = 10_000  # of one feed; with more it looks at no further changes
IDS_AT_ONCE: Final = 500
ERROR_MAX: Final = 1000
_D = schema.deliveries
_H = schema.happenings


class Waiting(msgspec.Struct, frozen=True):
    """One change that is to be handed over now. `document`: whose changes wait for each other."""

    n: int
    document: str
    due_at: datetime.datetime
    tries: int
    kept: Kept


class Dead(msgspec.Struct, frozen=True):
    """One dead letter."""

    n: int
    id: str
    name: str
    document_id: str
    tries: int
    dead_at: datetime.datetime
    error: str | None


class Standing(msgspec.Struct, frozen=True):
    """What a feed has before it: changes that wait and since when, when the next is tried, dead letters."""

    waiting: int = 0
    since: datetime.datetime | None = None
    next_at: datetime.datetime | None = None
    dead: int = 0


def document(kept: Kept) -> str:
    """The name of a change's document."""
    return f"{kept.tenant_id}/{kept.resource}/{kept.document_id}"


def put(conn: Connection, feed: str, wanted: Sequence[Kept], now: datetime.datetime) -> None:
    """Have a feed be handed these. One that waits already is left as it is."""
    if not wanted:
        return
    rows = [
        {
            "feed": feed, "n": one.n, "document": document(one), "due_at": now, "next_at": now, "tries": 0,
            "down": False,
        }
        for one in wanted
    ]  # fmt: skip
    conn.execute(prepared.insert(conn.dialect.name)(_D).on_conflict_do_nothing(), rows)


def _firsts(feed: str, *those: sa.ColumnElement[bool]) -> sa.Subquery:
    """The first that waits of each document of a feed, of those alone.

    Grouped, and joined by what it gives: asked for each row by itself, Postgres takes 40 s for a feed that waits with WAITING_MAX.
    """
    mine = (_D.c.feed == feed, _D.c.dead_at.is_(None), *those)
    return sa.select(_D.c.document, sa.func.min(_D.c.n).label("n")).where(*mine).group_by(_D.c.document).subquery()


def heads(conn: Connection, feed: str, most: int) -> list[Waiting]:
    """The first that waits of each document, due or not, in order: at most `most`."""
    first = _firsts(feed)
    query = sa.select(_D.c.n, _D.c.document, _D.c.due_at, _D.c.tries, *_H.c).join(_H, _H.c.n == _D.c.n)
    query = query.join(first, first.c.n == _D.c.n).where(_D.c.feed == feed)
    rows = conn.execute(query.order_by(_D.c.n).limit(most))
    return [Waiting(row[0], row[1], row[2], row[3], Kept(*row[4:])) for row in rows]


def due(conn: Connection, feed: str, now: datetime.datetime, most: int) -> list[Waiting]:
    """What may be handed over now, in order: at most `most`, none behind one of its document that is not due yet."""
    held = _firsts(feed, _D.c.next_at > now)
    mine = (_D.c.feed == feed, _D.c.dead_at.is_(None), _D.c.next_at <= now)
    query = (
        sa.select(_D.c.n, _D.c.document, _D.c.due_at, _D.c.tries, *_H.c)
        .join(_H, _H.c.n == _D.c.n)
        .outerjoin(held, held.c.document == _D.c.document)
        .where(*mine, sa.or_(held.c.n.is_(None), _D.c.n < held.c.n))
        .order_by(_D.c.n)
        .limit(most)
    )
    return [Waiting(row[0], row[1], row[2], row[3], Kept(*row[4:])) for row in conn.execute(query)]


def done(conn: Connection, feed: str, ns: Collection[int]) -> int:
    """These need not be handed over any more; → how many of them were still waited for."""
    return conn.execute(sa.delete(_D).where(_D.c.feed == feed, _D.c.n.in_(list(ns)))).rowcount


def failed(
    conn: Connection,
    feed: str,
    n: int,
    error: str,
    *,
    down: bool,
    now: datetime.datetime,
    next_at: datetime.datetime | None,
) -> None:
    """It did not arrive; `next_at` None: it is a dead letter."""
    values = {
        "tries": _D.c.tries + 1, "down": down, "error": shortened(error, ERROR_MAX), "next_at": next_at or now,
        "dead_at": now if next_at is None else None,
    }  # fmt: skip
    conn.execute(sa.update(_D).where(_D.c.feed == feed, _D.c.n == n, _D.c.dead_at.is_(None)).values(**values))


def is_back(conn: Connection, feed: str, now: datetime.datetime) -> int:
    """The target takes changes again: what failed because it was down is due now; → how many."""
    mine = (_D.c.feed == feed, _D.c.dead_at.is_(None), _D.c.down.is_(sa.true()))
    return conn.execute(sa.update(_D).where(*mine).values(next_at=now, down=False)).rowcount


def bury(conn: Connection, feed: str, due_before: datetime.datetime, error: str, now: datetime.datetime) -> int:
    """Whatever was due before then is a dead letter; → how many."""
    mine = (_D.c.feed == feed, _D.c.dead_at.is_(None), _D.c.due_at <= due_before)
    return conn.execute(sa.update(_D).where(*mine).values(dead_at=now, error=shortened(error, ERROR_MAX))).rowcount


def retry(conn: Connection, feed: str, ids: Collection[str] | None, now: datetime.datetime) -> int:
    """Dead letters, or those of these changes' ids, are due anew, and so is all that waits where no id is given; → how many."""
    mine = [_D.c.feed == feed]
    if ids is not None:
        mine += [_D.c.dead_at.is_not(None), _D.c.n.in_(sa.select(_H.c.n).where(_H.c.id.in_(list(ids)[:IDS_AT_ONCE])))]
    values = {"dead_at": None, "tries": 0, "due_at": now, "next_at": now, "down": False}
    return conn.execute(sa.update(_D).where(*mine).values(**values)).rowcount


def is_dropped() -> sa.ColumnElement[bool]:
    """That retention dropped the change. By its index: Postgres reads all changes for each row of a NOT IN."""
    return ~sa.exists().where(_H.c.n == _D.c.n)


def forget_dropped(conn: Connection, feed: str) -> int:
    """What retention dropped can be handed over no more; → how many were still waited for."""
    dropped = sa.and_(_D.c.feed == feed, is_dropped())
    waiting = conn.execute(sa.select(sa.func.count()).where(dropped, _D.c.dead_at.is_(None))).scalar_one()
    conn.execute(sa.delete(_D).where(dropped))
    return waiting


def dead(conn: Connection, feed: str, most: int) -> list[Dead]:
    """Its dead letters, oldest first."""
    query = (
        sa.select(_D.c.n, _H.c.id, _H.c.name, _H.c.document_id, _D.c.tries, _D.c.dead_at, _D.c.error)
        .join(_H, _H.c.n == _D.c.n)
        .where(_D.c.feed == feed, _D.c.dead_at.is_not(None))
        .order_by(_D.c.n)
        .limit(most)
    )
    return [Dead(*row) for row in conn.execute(query)]


def standings(conn: Connection) -> dict[str, Standing]:
    """What each feed has before it, by its id; one that has nothing is not there."""
    alive = _D.c.dead_at.is_(None)
    waiting = (
        sa.select(_D.c.feed, sa.func.count(), sa.func.min(_D.c.due_at), sa.func.min(_D.c.next_at))
        .where(alive)
        .group_by(_D.c.feed)
    )
    found = {row[0]: Standing(row[1], row[2], row[3]) for row in conn.execute(waiting)}
    for feed, count in conn.execute(sa.select(_D.c.feed, sa.func.count()).where(~alive).group_by(_D.c.feed)):
        found[feed] = msgspec.structs.replace(found.get(feed, Standing()), dead=count)
    return found


def standing(conn: Connection, feed: str) -> Standing:
    """The same of one feed."""
    return standings(conn).get(feed, Standing())


def next_at(conn: Connection, feed: str) -> datetime.datetime | None:
    """When the next of what waits is to be tried; None: nothing waits. What waits behind another has no time of its own."""
    first = _firsts(feed)
    query = sa.select(sa.func.min(_D.c.next_at)).join(_H, _H.c.n == _D.c.n).join(first, first.c.n == _D.c.n)
    return conn.execute(query.where(_D.c.feed == feed)).scalar()


def waiting(conn: Connection, feed: str) -> int:
    """How many wait."""
    return conn.execute(sa.select(sa.func.count()).where(_D.c.feed == feed, _D.c.dead_at.is_(None))).scalar_one()
