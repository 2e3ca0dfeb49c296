"""What feeds lose because it is dropped before they had it, and what they are about to lose.

Called by app. A feed that is paused, ended or slow is carried by nobody who would count: so it is looked up here, for all of them.
"""

import datetime

import sqlalchemy as sa

from counterfoil.store import deliveries, feeds, happenings, schema
from counterfoil.store.database import Connection

_D, _H = schema.deliveries.c, schema.happenings.c


def lost(conn: Connection) -> dict[str, int]:
    """Of each feed, by id, how many changes went that it had not got and that nobody counted yet; of all kinds, where it had not looked."""
    gone = (_D.dead_at.is_(None), deliveries.is_dropped())
    rows = conn.execute(sa.select(_D.feed, sa.func.count()).where(*gone).group_by(_D.feed))
    found: dict[str, int] = {feed: count for feed, count in rows}  # noqa: C416 - a row is no pair to dict()
    oldest, newest = feeds.oldest(conn), feeds.newest(conn)
    begin = newest + 1 if oldest is None else oldest
    for one in feeds.everything(conn).values():
        if begin - 1 > one.n and (gap := happenings.given(conn, one.n, begin - 1)):
            found[one.id] = found.get(one.id, 0) + gap
    return found


def oldest_waiting(conn: Connection) -> dict[str, datetime.datetime]:
    """Of each feed, by id, when the oldest change was seen that it has not got yet; those that have everything are not there."""
    first = sa.select(_D.feed, sa.func.min(_D.n)).where(_D.dead_at.is_(None)).group_by(_D.feed)
    waits: dict[str, int] = {feed: n for feed, n in conn.execute(first)}  # noqa: C416 - as above
    found = {}
    for one in feeds.everything(conn).values():
        places = [_H.n > one.n, *([_H.n == waits[one.id]] if one.id in waits else [])]
        oldest = [conn.execute(sa.select(_H.seen_at).where(at).order_by(_H.n).limit(1)).scalar() for at in places]
        if there := [at for at in oldest if at is not None]:
            found[one.id] = min(there)
    return found
