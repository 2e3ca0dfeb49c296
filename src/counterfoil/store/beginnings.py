"""Whether a feed began beside a copy that had documents already, and whether its table was filled with them since.

Called by app. A feed is told of what happens; what was there before it began it never hears of by itself.
"""

from collections.abc import Collection, Mapping
from typing import Final

from counterfoil.store import feeds, mirrored
from counterfoil.store.database import Connection
from counterfoil.store.meta import get_meta, set_meta

TABLE: Final = "sql"  # the sink that can be filled
_BESIDE: Final = "feed began beside a copy: "
_FILLED: Final = "feed filled: "  # "": to its end; else how far it came


def note(conn: Connection, ids: Collection[str]) -> None:
    """Before feeds of these ids are served for the first time: remember whether there is a copy. Idempotent."""
    known = feeds.everything(conn)
    new = [one for one in ids if one not in known]
    if new and _has_copy(conn):
        for one in new:
            set_meta(conn, _BESIDE + one, "yes")


def behind(conn: Connection, snapshots: Mapping[str, bool]) -> frozenset[str]:
    """Of feeds (id → whether they are told of first loads), those that were never given what the copy had before they could hear of it."""
    if not _has_copy(conn):
        return frozenset()
    known = feeds.everything(conn)
    return frozenset(
        one
        for one, hears in snapshots.items()
        if not (hears and one in known and get_meta(conn, _BESIDE + one) is None) and reached(conn, one) != ""
    )


def reached(conn: Connection, feed: str) -> str | None:
    """How far the filling of a feed came; "": to its end; None: it was never begun."""
    return get_meta(conn, _FILLED + feed)


def reach(conn: Connection, feed: str, place: str) -> None:
    """Its filling came so far."""
    set_meta(conn, _FILLED + feed, place)


def _has_copy(conn: Connection) -> bool:
    return any(one.since is not None for one in mirrored.readings(conn))
