"""Feeds: how far each has looked through the changes, who carries it, how its target is, and what a person asked of it.

Called by delivery and app. One process carries a feed at a time: it holds a lease, which it renews; one that died leaves the feed
to the next after that. store/deliveries keeps the changes that wait.
"""

import datetime
from typing import Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import prepared, schema

Connection: TypeAlias = sa.Connection
ERROR_MAX: Final = 4000  # characters: it may hold a statement that a person is to carry out, whole
FAR: Final = datetime.timedelta(hours=12)  # nobody ever waits so long (patience): a clock was wrong
_F = schema.feeds
_D = schema.deliveries
_H, _L = schema.happenings, schema.happenings_last


class Feed(msgspec.Struct, frozen=True):
    """One row, in the table's order of columns."""

    id: str
    n: int
    known_at: datetime.datetime
    owner: str | None
    lease_until: datetime.datetime | None
    paused_at: datetime.datetime | None
    paused_by: str | None
    ended_at: datetime.datetime | None
    ended_why: str | None
    failures: int
    down_since: datetime.datetime | None
    rest_until: datetime.datetime | None
    error: str | None
    delivered: int
    delivered_at: datetime.datetime | None
    missed: int

    @property
    def rests(self) -> bool:
        """Nothing is handed over until a person says so."""
        return self.paused_at is not None or self.ended_at is not None


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters, which shows where it was cut."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def newest(conn: Connection) -> int:
    """The number of the newest change that was ever kept; 0: there was none."""
    return conn.execute(sa.select(_L.c.n)).scalar() or 0


def oldest(conn: Connection) -> int | None:
    """The number of the oldest change that is still kept; None: there is none."""
    return conn.execute(sa.select(sa.func.min(_H.c.n))).scalar()


def before(conn: Connection, at: datetime.datetime) -> int:
    """The place just before the first change that was seen at `at` or later."""
    first = conn.execute(sa.select(sa.func.min(_H.c.n)).where(_H.c.seen_at >= at)).scalar()
    return newest(conn) if first is None else first - 1


def know(conn: Connection, feed: str, *, from_start: bool, now: datetime.datetime) -> Feed:
    """A feed; one that is new begins after the newest change, or before the oldest. Idempotent."""
    found = get(conn, feed)
    if found is not None:
        return found
    first = oldest(conn)
    begin = first - 1 if from_start and first is not None else newest(conn)
    new = {"id": feed, "n": begin, "known_at": now, "failures": 0, "delivered": 0, "missed": 0}
    conn.execute(prepared.insert(conn.dialect.name)(_F).values(new).on_conflict_do_nothing())
    found = get(conn, feed)
    assert found is not None, "it was just put there"
    return found


def get(conn: Connection, feed: str) -> Feed | None:
    """A feed; None: it was never served."""
    row = conn.execute(sa.select(_F).where(_F.c.id == feed)).one_or_none()
    return None if row is None else Feed(*row)


def everything(conn: Connection) -> dict[str, Feed]:
    """Every feed that was ever served, by id."""
    return {row.id: Feed(*row) for row in conn.execute(sa.select(_F).order_by(_F.c.id))}


def hold(conn: Connection, feed: str) -> None:
    """Wait until nobody else changes the feed, and keep them out until the transaction ends: before what waits for it is touched.

    Who carries it takes them in that order too; the other way about Postgres ends one of the two.
    """
    conn.execute(sa.select(_F.c.id).where(_F.c.id == feed).with_for_update())


def claim(conn: Connection, feed: str, owner: str, now: datetime.datetime, until: datetime.datetime) -> Feed | None:
    """Take a feed that nobody carries; None: somebody does, or it rests.

    A lease that ends later than any that is given was taken by a clock that was wrong: whoever lives has renewed it by now.
    """
    ended = sa.or_(_F.c.lease_until <= now, _F.c.lease_until > until + FAR)
    free = sa.or_(_F.c.owner.is_(None), _F.c.owner == owner, ended)
    mine = (_F.c.id == feed, free, _F.c.paused_at.is_(None), _F.c.ended_at.is_(None))
    row = conn.execute(sa.update(_F).where(*mine).values(owner=owner, lease_until=until).returning(*_F.c)).one_or_none()
    return None if row is None else Feed(*row)


def renew(conn: Connection, feed: str, owner: str, until: datetime.datetime) -> bool:
    """Keep it; False: it is another's by now."""
    return _change(conn, feed, owner, lease_until=until)


def leave(conn: Connection, feed: str, owner: str) -> bool:
    """Give it back."""
    return _change(conn, feed, owner, owner=None, lease_until=None)


def is_carried_by(conn: Connection, feed: str, owner: str) -> bool:
    """Whether it is still ours; asked in the transaction of whatever depends on it."""
    mine = (_F.c.id == feed, _F.c.owner == owner)
    return conn.execute(sa.select(_F.c.id).where(*mine).with_for_update()).first() is not None


def looked(conn: Connection, feed: str, owner: str, n: int, to: int, missed: int) -> bool:
    """It has looked through the changes from `n` up to `to`; False: it is another's, or was sent back meanwhile."""
    mine = (_F.c.id == feed, _F.c.owner == owner, _F.c.n == n)
    return conn.execute(sa.update(_F).where(*mine).values(n=to, missed=_F.c.missed + missed)).rowcount == 1


def arrived(conn: Connection, feed: str, count: int, now: datetime.datetime) -> None:
    """So many changes arrived: its target is there."""
    values = {
        "delivered": _F.c.delivered + count, "delivered_at": now, "failures": 0, "down_since": None, "rest_until": None,
        "error": None,
    }  # fmt: skip
    conn.execute(sa.update(_F).where(_F.c.id == feed).values(**values))


def missed(conn: Connection, feed: str, count: int) -> None:
    """So many changes can be handed over no more."""
    if count:
        conn.execute(sa.update(_F).where(_F.c.id == feed).values(missed=_F.c.missed + count))


def failed(conn: Connection, feed: str, owner: str, error: str) -> bool:
    """A change did not arrive, for a reason of its own."""
    return _change(conn, feed, owner, error=shortened(error, ERROR_MAX))


def is_down(
    conn: Connection, feed: str, owner: str, error: str, now: datetime.datetime, rest_until: datetime.datetime
) -> bool:
    """Nothing would arrive there now."""
    since = sa.func.coalesce(_F.c.down_since, sa.bindparam("since", now, type_=_F.c.down_since.type))
    return _change(
        conn,
        feed,
        owner,
        error=shortened(error, ERROR_MAX),
        failures=_F.c.failures + 1,
        down_since=since,
        rest_until=rest_until,
    )


def ended(conn: Connection, feed: str, owner: str, why: str, now: datetime.datetime) -> bool:
    """Its target wants no more: nobody tries again before a person begins it anew."""
    return _change(conn, feed, owner, ended_at=now, ended_why=shortened(why, ERROR_MAX), owner=None, lease_until=None)


def pause(conn: Connection, feed: str, by: str, now: datetime.datetime) -> bool:
    """A person stops it; False: it stood already."""
    mine = (_F.c.id == feed, _F.c.paused_at.is_(None))
    return conn.execute(sa.update(_F).where(*mine).values(paused_at=now, paused_by=by)).rowcount == 1


def resume(conn: Connection, feed: str) -> bool:
    """A person lets it go on, also one that ended; False: it was going on. Its target is tried at once."""
    stopped = sa.or_(_F.c.paused_at.is_not(None), _F.c.ended_at.is_not(None))
    gone = ("paused_at", "paused_by", "ended_at", "ended_why", "rest_until", "down_since", "error")
    values: dict[str, object] = dict.fromkeys(gone) | {"failures": 0}
    return conn.execute(sa.update(_F).where(_F.c.id == feed, stopped).values(**values)).rowcount == 1


def send_back(conn: Connection, feed: str, n: int) -> int:
    """It begins again after change `n`: what waits or is dead beyond it is forgotten, and comes again; → how many changes lie there.

    What it missed until now a person knows of thereby.

    Whoever carries it now carries it no more, so that what is on its way counts for nothing and is handed over again in its turn.
    """
    _begin_at(conn, feed, n)
    conn.execute(sa.delete(_D).where(_D.c.feed == feed, _D.c.n > n))
    return conn.execute(sa.select(sa.func.count()).select_from(_H).where(_H.c.n > n)).scalar_one()


def skip(conn: Connection, feed: str) -> int:
    """It begins again at now: what waits, what is dead and what it has not looked at is forgotten; → how many changes waited."""
    gone = conn.execute(sa.delete(_D).where(_D.c.feed == feed)).rowcount
    _begin_at(conn, feed, newest(conn))
    return gone


def _begin_at(conn: Connection, feed: str, n: int) -> None:
    conn.execute(sa.update(_F).where(_F.c.id == feed).values(n=n, owner=None, lease_until=None, missed=0))


def free(conn: Connection, owner: str) -> None:
    """Nobody but `owner` lives: what others carried is free at once."""
    mine = (_F.c.owner.is_not(None), _F.c.owner != owner)
    conn.execute(sa.update(_F).where(*mine).values(owner=None, lease_until=None))


def set_right(conn: Connection, feed: str, now: datetime.datetime) -> None:
    """What waits until a time that only a wrong clock can have written waits no more."""
    far = now + FAR
    conn.execute(sa.update(_F).where(_F.c.id == feed, _F.c.rest_until > far).values(rest_until=None))
    conn.execute(sa.update(_F).where(_F.c.id == feed, _F.c.down_since > far).values(down_since=now))
    mine = (_D.c.feed == feed, _D.c.dead_at.is_(None), _D.c.next_at > far)
    conn.execute(sa.update(_D).where(*mine).values(next_at=now))


def awaken(conn: Connection, feed: str) -> None:
    """Its target is tried now, however it was."""
    conn.execute(sa.update(_F).where(_F.c.id == feed).values(rest_until=None, failures=0, down_since=None))


def _change(conn: Connection, feed: str, mine: str, **values: object) -> bool:
    return conn.execute(sa.update(_F).where(_F.c.id == feed, _F.c.owner == mine).values(**values)).rowcount == 1
