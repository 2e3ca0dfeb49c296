"""What a person must know of a feed: that it ended, that it has dead letters, that its target is down. One notice for each feed.

Called by carrying after each turn, and by app when a person retried, replayed or resumed. Says no address and no customer.
"""

import datetime
from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from counterfoil.store import deliveries, feed_losses, feeds, notices
from counterfoil.store.database import Connection

KIND: Final = "deliveries"
DOWN_FOR: Final = datetime.timedelta(minutes=15)  # before that it is nothing that a person would have to know

LOSS: Final = "loss:"  # before the feed, in the subject of what is told of changes that are dropped
WARNED: Final = 4  # when three of so many parts of [retention] changes are over


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


def look_for_losses(
    conn: Connection, labels: Mapping[str, str], keeps: datetime.timedelta | None, now: datetime.datetime, *, write: bool
) -> bool:  # fmt: skip
    """Tell of what was dropped before a feed had it, or is soon; → whether that is news. `labels`: feeds by id; `keeps`: how long changes are."""
    rows, lost, waits = feeds.everything(conn), feed_losses.lost(conn), feed_losses.oldest_waiting(conn)
    told = {one.subject: one for one in notices.standing(conn, KIND)}
    is_news = False
    for feed, label in labels.items():
        gone = lost.get(feed, 0) + (rows[feed].missed if feed in rows else 0)
        found, before = _loss(label, gone, waits.get(feed), keeps, now), told.get(LOSS + feed)
        if found is None and before is not None:
            is_news = True
            if write:
                notices.over(conn, KIND, LOSS + feed, now=now)
        elif found is not None and (before is None or before.message != found.message):
            is_news = True
            if write:
                notices.tell(conn, KIND, LOSS + feed, now=now, **msgspec.structs.asdict(found))
    return is_news


def _loss(
    label: str, gone: int, oldest: datetime.datetime | None, keeps: datetime.timedelta | None, now: datetime.datetime
) -> Trouble | None:
    if gone:
        return Trouble(
            f"{label} has lost {gone:,} change{'' if gone == 1 else 's'}: dropped before it had got them.",
            f"`counterfoil feeds replay {label} --from start` hands over what is still kept, `feeds fill {label}` makes a table right;"
            f" `feeds replay {label} --from now` takes the loss as it is.", gone, None,
        )  # fmt: skip
    if oldest is None or keeps is None or now - oldest < keeps - keeps / WARNED:
        return None
    return Trouble(
        f"{label} has not got changes that are dropped from {oldest + keeps:%Y-%m-%d} on, as [retention] changes says.",
        f"`counterfoil feeds show {label}` says why; a longer [retention] changes keeps them.", None, oldest,
    )  # fmt: skip


def forget(conn: Connection, known: Collection[str], now: datetime.datetime) -> None:
    """What was told of feeds that are no longer in the configuration is over."""
    for one in notices.standing(conn, KIND):
        if one.subject.removeprefix(LOSS) not in known:
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
