"""What has to be done now and then so that the database does not grow for ever: `[retention]`.

Called by the service every hour, and after each run with little time. One pass goes through all of it in small transactions
(TRANSACTION_S each: the webhook door and other runs write between them); where a call's time is over, the next one goes on.
No call to Xero. Safe to interrupt, and several processes may do it at once: a row is dropped once.
"""

import datetime
from collections.abc import Callable
from typing import Any, Final

import msgspec

from counterfoil.store import happenings, inbox_kept, retention
from counterfoil.store.database import Connection
from counterfoil.store.meta import get_meta, set_meta
from counterfoil.store.retention import Step

PLACE: Final = "retention_pass"  # in meta: where a pass stands, as JSON
BETWEEN: Final = datetime.timedelta(hours=1)  # from the end of a pass to the next one
TRANSACTION_S: Final = 0.02
WINDOW: Final = 50  # rows looked at in the first transaction; more when that is quick, fewer when it is not
WINDOW_MAX: Final = 2000
AFTER_A_RUN_S: Final = 0.1  # how long a command that has ended its work tidies up
Drop = Callable[[Connection, int, int, datetime.datetime, datetime.datetime], Step]


class Tidied(msgspec.Struct, frozen=True):
    """What was dropped: requests whose bytes, postings whose raw records, webhooks and changes that went. `finished`: nothing is left for now."""

    requests: int = 0
    rows: int = 0
    finished: bool = True
    webhooks: int = 0
    changes: int = 0


class _Pass(msgspec.Struct):
    """Where a pass stands. `ended` None: it goes on, after these ids; a list that is done has -1."""

    requests: int = 0
    rows: int = 0
    webhooks: int = 0
    changes: int = 0
    ended: datetime.datetime | None = None


async def tidy(books: Any, *, most_s: float = 5) -> Tidied:
    """Drop what `[retention]` lets go, for `most_s` seconds; → what went. Goes on where the last call stopped."""
    kept = books.settings.retention
    now = books.clock.now()
    told = await books.database.read(lambda conn: get_meta(conn, PLACE))
    at = msgspec.json.decode(told, type=_Pass) if told else _Pass()
    if at.ended is not None and now - at.ended < BETWEEN:
        return Tidied()
    at = _Pass() if at.ended is not None else at
    ends_s = books.clock.elapsed_s() + most_s
    requests = await _go(books, at, "requests", retention.drop_requests, kept.kept("requests"), ends_s)
    rows = await _go(books, at, "rows", retention.drop_rows, kept.kept("raw_rows"), ends_s)
    webhooks = await _go(books, at, "webhooks", inbox_kept.drop_deliveries, kept.kept("webhooks"), ends_s)
    changes = await _go(books, at, "changes", happenings.drop, kept.kept("changes"), ends_s)
    finished = at.requests == at.rows == at.webhooks == at.changes == -1
    if finished:
        at = _Pass(ended=now)
        await books.database.run(lambda conn: _write(conn, at))
    return Tidied(requests, rows, finished, webhooks, changes)


async def _go(
    books: Any, at: _Pass, name: str, drop: Drop, kept: datetime.timedelta | None, ends_s: float
) -> int:  # fmt: skip
    """One list, window by window, until it is done or the time is over; → how many were dropped."""
    dropped, window = 0, WINDOW
    if kept is None:
        setattr(at, name, -1)
    while getattr(at, name) >= 0 and books.clock.elapsed_s() < ends_s:
        began = books.clock.elapsed_s()

        def work(conn: Connection, most: int = window, old: datetime.timedelta | None = kept) -> Step:
            now = books.database.now(conn)
            assert old is not None
            step = drop(conn, getattr(at, name), most, now - old, now)
            setattr(at, name, -1 if step.next_id is None else step.next_id)
            if step.dropped:
                _write(conn, at)
            return step

        dropped += (await books.database.run(work)).dropped
        took_s = books.clock.elapsed_s() - began
        window = max(1, window // 2) if took_s > TRANSACTION_S else min(WINDOW_MAX, window * 2)
    await books.database.run(lambda conn: _write(conn, at))
    return dropped


def _write(conn: Connection, at: _Pass) -> None:
    set_meta(conn, PLACE, msgspec.json.encode(at).decode())
