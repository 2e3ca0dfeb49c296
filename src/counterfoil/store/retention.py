"""Dropping what was kept long enough: the bytes of requests and answers, and the raw records behind posted documents.

Called by app/housekeeping, a small window of rows in each transaction. Never dropped: postings, their identity and their
hashes, what Xero was sent last (a later change is compared with it), requests as such, attempts, and the audit log.
"""

import datetime
import itertools
from typing import Final, NamedTuple

import sqlalchemy as sa

from counterfoil.store import schema

REQUESTS: Final = "request"  # its body, and the answers to its attempts
ROWS: Final = "rows"  # of a posting: the raw record of each revision
NO_RECORD: Final = b"null"
DROPS_MAX: Final = 50  # in one transaction, however many were looked at
BYTES_MAX: Final = 1 << 19  # of bodies in one transaction, or one body: freeing 8 MB took SQLite 50 to 130 ms
q, a, r, p, d = (one.c for one in (schema.requests, schema.attempts, schema.revisions, schema.postings, schema.drops))


class Step(NamedTuple):
    """One window: how many it dropped, and where the next one begins; `next_id` None: the rest is too young, or there is none."""

    dropped: int
    next_id: int | None


def drop_requests(conn: sa.Connection, after: int, most: int, old: datetime.datetime, now: datetime.datetime) -> Step:
    """Drop bodies and answers of requests that were closed and frozen before `old`, of the `most` requests after an id."""
    query = sa.select(q.id, q.state, q.frozen_at, sa.func.length(q.body)).where(q.id > after).order_by(q.id).limit(most)
    window = conn.execute(query).all()
    done = [(row[0], row[3]) for row in window if row[1] == "closed" and row[2] < old and row[3]]
    upto = itertools.accumulate(size for _id, size in done[:DROPS_MAX])
    ids = [one for n, ((one, _size), total) in enumerate(zip(done, upto, strict=False)) if total <= BYTES_MAX or n == 0]
    if ids:
        conn.execute(sa.update(schema.requests).where(q.id.in_(ids)).values(body=b""))
        conn.execute(sa.update(schema.attempts).where(a.request_id.in_(ids)).values(answer=None))
        _note(conn, REQUESTS, ids, now)
    if len(ids) < len(done):
        return Step(len(ids), ids[-1])
    young = not window or window[-1][2] >= old
    return Step(len(ids), None if young else window[-1][0])


def drop_rows(conn: sa.Connection, after: int, most: int, old: datetime.datetime, now: datetime.datetime) -> Step:
    """Drop raw records of postings that are posted, need nobody and did not change since `old`, of the `most` after an id."""
    query = (
        sa.select(p.id, p.state, p.cause, p.action, p.planned_at, p.changed_at)
        .where(p.id > after)
        .order_by(p.id)
        .limit(most)
    )
    window = conn.execute(query).all()
    done = [row[0] for row in window if row[1] == "posted" and row[2] is None and row[3] is None and row[5] < old]
    there = conn.execute(sa.select(d.id).where(d.what == ROWS, d.id.in_(done))).scalars() if done else ()
    left = sorted(set(done) - set(there))
    ids = left[:DROPS_MAX]
    if ids:
        values = {"record": NO_RECORD, "mapped": None}
        conn.execute(sa.update(schema.revisions).where(r.posting_id.in_(ids)).values(**values))
        _note(conn, ROWS, ids, now)
    if len(ids) < len(left):
        return Step(len(ids), ids[-1])
    young = not window or window[-1][4] >= old
    return Step(len(ids), None if young else window[-1][0])


def _note(conn: sa.Connection, what: str, ids: list[int], now: datetime.datetime) -> None:
    conn.execute(sa.delete(schema.drops).where(d.what == what, d.id.in_(ids)))
    conn.execute(sa.insert(schema.drops), [{"what": what, "id": one, "at": now} for one in ids])


def dropped_at(conn: sa.Connection, what: str, ids: list[int]) -> dict[int, datetime.datetime]:
    """When what was kept of these requests, or postings, was dropped; those of which nothing was are left out."""
    query = sa.select(d.id, d.at).where(d.what == what, d.id.in_(ids))
    return {row[0]: row[1] for row in conn.execute(query)}
