"""What is counted of Xero's webhooks: how each request ended, how late events came, how soon they were settled.

Called by webhooks (every few seconds, and never for a request alone: a flood of forged ones writes no more than one does),
by store/inbox, and read by app and service. Names are ours and bounded; nothing of a delivery stands here.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.prepared import insert

Connection: TypeAlias = sa.Connection
STORED, INTENT = "stored", "intent"
GOOD: Final = (STORED, INTENT)
# Requests that are, or seem to be, Xero's and were not taken. The first: a signature that is not right.
FAILED: Final = ("forged", "full", "database", "late", "large", "slow")
STRANGE: Final = "strange"  # no signature, and nothing that looks like a payload of Xero's
OUTCOMES: Final = (*GOOD, *FAILED, STRANGE)
EVENTS, UNREAD = "events", "unread"
SEEN, UNSEEN = "seen", "unseen"  # of events: the mirror holds them; closed as not seen newer
ARRIVED, SETTLED = "arrived", "settled"  # lags: from the event to us; from us to the mirror
LAG_S: Final = (1, 2, 5, 10, 30, 60, 300, 900, 3_600, 86_400)
FAILING: Final = "failing"  # nothing but failures since `at`, for `count` seconds; absent: the last one was taken
c = schema.inbox_counts.c


class Lag(msgspec.Struct, frozen=True):
    """How many took at most so many seconds, by LAG_S, not added up; `count` and `sum_s` of all."""

    buckets: tuple[int, ...]
    count: int
    sum_s: float

    def within_s(self, percent: int) -> int | None:
        """The smallest of LAG_S within which so many came; None: there are none, or they took longer than all of them."""
        left = percent * self.count
        for limit, count in zip(LAG_S, self.buckets, strict=True):
            left -= 100 * count
            if self.count and left <= 0:
                return limit
        return None


class Failing(msgspec.Struct, frozen=True):
    """Nothing but failures came: since when, the last one, and how many seconds lie between on clocks that nobody sets."""

    since: datetime.datetime
    last: datetime.datetime
    lasted_s: int


class Heard(msgspec.Struct, frozen=True):
    """Everything that was counted. `outcomes`: of requests, by OUTCOMES; `last`: when each was last."""

    outcomes: dict[str, int]
    last: dict[str, datetime.datetime]
    events: int
    unread: int
    seen: int
    unseen: int
    arrived: Lag
    settled: Lag
    failing_since: datetime.datetime | None
    waiting: int  # tenants and categories that are to be looked at
    failing_s: int = 0  # from `failing_since` to the last failure, whatever was done to the clock meanwhile

    @property
    def last_good(self) -> datetime.datetime | None:
        """When a request was last taken."""
        return max((self.last[one] for one in GOOD if one in self.last), default=None)

    @property
    def last_failed(self) -> datetime.datetime | None:
        """When one last was not."""
        return max((self.last[one] for one in FAILED if one in self.last), default=None)


def lag(name: str, took: Iterable[datetime.timedelta]) -> Counter[str]:
    """Lags as what is counted; a clock that differs makes none negative."""
    found: Counter[str] = Counter()
    for one in took:
        seconds = max(0.0, one.total_seconds())
        limit = next((limit for limit in LAG_S if seconds <= limit), None)
        if limit is not None:
            found[f"{name}_{limit}"] += 1
        found[f"{name}_count"] += 1
        found[f"{name}_ms"] += round(seconds * 1000)
    return found


def add(conn: Connection, counts: Mapping[str, int], now: datetime.datetime) -> None:
    """Count on."""
    rows = [{"name": name, "count": counts[name], "at": now} for name in sorted(counts) if counts[name]]
    if rows:
        added = insert(conn.dialect.name)(schema.inbox_counts)
        new = {"count": c["count"] + added.excluded["count"], "at": added.excluded["at"]}
        conn.execute(added.on_conflict_do_update(index_elements=[c.name], set_=new), rows)


def settled(conn: Connection, took: Iterable[datetime.timedelta], unseen: int, now: datetime.datetime) -> None:
    """Events that the mirror holds, each with its time from us to there, and those that were closed without."""
    counts = lag(SETTLED, took)
    add(conn, counts | Counter({SEEN: counts[f"{SETTLED}_count"], UNSEEN: unseen}), now)


def failing_now(conn: Connection) -> Failing | None:
    """Whether, and for how long, nothing but failures came."""
    row = conn.execute(sa.select(c.at, c["count"]).where(c.name == FAILING)).first()
    if row is None:
        return None
    last = conn.execute(sa.select(sa.func.max(c.at)).where(c.name.in_(FAILED))).scalar()
    return Failing(row.at, last or row.at, int(row[1]))


def failing(conn: Connection, since: datetime.datetime, lasted_s: int, now: datetime.datetime) -> None:
    """Nothing but failures come. What was last while a clock was ahead was not later than now."""
    added = insert(conn.dialect.name)(schema.inbox_counts).values(name=FAILING, count=lasted_s, at=since)
    new = {"count": added.excluded["count"], "at": added.excluded["at"]}
    conn.execute(added.on_conflict_do_update(index_elements=[c.name], set_=new))
    before = now - datetime.timedelta(seconds=1)
    conn.execute(sa.update(schema.inbox_counts).where(c.name != FAILING, c.at > now).values(at=before))


def recovered(conn: Connection) -> None:
    """A request was taken."""
    conn.execute(sa.delete(schema.inbox_counts).where(c.name == FAILING))


def heard(conn: Connection) -> Heard:
    """Everything, read at once: a table of a few dozen rows."""
    rows = {name: (count, at) for name, count, at in conn.execute(sa.select(c.name, c["count"], c.at))}
    marks = sa.select(sa.func.count()).where(schema.inbox_marks.c.due_at.is_not(None))

    def count(name: str) -> int:
        return int(rows[name][0]) if name in rows else 0

    def lags(name: str) -> Lag:
        return Lag(
            tuple(count(f"{name}_{limit}") for limit in LAG_S), count(f"{name}_count"), count(f"{name}_ms") / 1000
        )

    return Heard(
        outcomes={name: count(name) for name in OUTCOMES}, last={name: rows[name][1] for name in OUTCOMES if name in rows},
        events=count(EVENTS), unread=count(UNREAD), seen=count(SEEN), unseen=count(UNSEEN), arrived=lags(ARRIVED),
        settled=lags(SETTLED), failing_since=rows[FAILING][1] if FAILING in rows else None,
        waiting=conn.execute(marks).scalar_one(), failing_s=count(FAILING),
    )  # fmt: skip
