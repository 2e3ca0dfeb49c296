"""What a person must know of a feed: that it ended, that it has dead letters, that its target is down. One notice for each feed.

Called by carrying after each turn, and by app when a person retried, replayed or resumed. Says no address and no customer.
"""

import datetime
from collections.abc import Collection
from typing import Final

import msgspec

from counterfoil.store import deliveries, feeds, notices
from counterfoil.store.database import Connection

KIND: Final = "deliveries"
DOWN_FOR: Final = datetime.timedelta(minutes=15)  # before that it is nothing that a person would have to know


class Trouble(msgspec.Struct, frozen=True):
    """What stands. `count`: dead letters; `since`: when it began."""

    message: str
    remedy: str
    count: int | None
    since: datetime.datetime | None


def look(conn: Connection, feed: str, label: str, now: datetime.datetime) -> None:
    """Tell what stands of a feed, or that it is over. Writes only what is news."""
    found = _trouble(conn, feed, label, now)
    told = {one.subject: one for one in notices.standing(conn, KIND)}.get(feed)
    if found is None:
        if told is not None:
            notices.over(conn, KIND, feed, now=now)
    elif told is None or (told.message, told.count) != (found.message, found.count):
        notices.tell(conn, KIND, feed, now=now, **msgspec.structs.asdict(found))


def forget(conn: Connection, known: Collection[str], now: datetime.datetime) -> None:
    """What was told of feeds that are no longer in the configuration is over."""
    for one in notices.standing(conn, KIND):
        if one.subject not in known:
            notices.over(conn, KIND, one.subject, now=now)


def _trouble(conn: Connection, feed: str, label: str, now: datetime.datetime) -> Trouble | None:
    found = feeds.get(conn, feed)
    if found is None:
        return None
    dead = deliveries.standing(conn, feed).dead
    if found.ended_at is not None:
        return Trouble(
            f"{label} has ended: {found.ended_why}.", f"`counterfoil feeds resume {label}` begins it again where it was.",
            dead or None, found.ended_at,
        )  # fmt: skip
    if dead:
        s = "" if dead == 1 else "s"
        return Trouble(
            f"{label} could not be handed {dead:,} change{s}: dead letters.",
            f"`counterfoil feeds dead {label}` lists them; `counterfoil feeds retry {label}` hands them over again.",
            dead, None,
        )  # fmt: skip
    if found.down_since is not None and now - found.down_since >= DOWN_FOR:
        return Trouble(
            f"{label} takes no changes: {found.error}.", f"They wait, and are tried again by themselves for 28 hours; `counterfoil feeds show {label}` says all of it.",
            None, found.down_since,
        )  # fmt: skip
    return None
