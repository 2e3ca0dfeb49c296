"""Until when nobody asks for a consent's fresh tokens, because the last tries had no answer: shared by all processes.

Called by access (refresh, tokens, granting). The first wait is short, each further one twice as long; the longest is far
below the half hour in which Xero repeats the answer to an old refresh token (xero-facts §1.4). After each wait one call
tries; the lease of the refresh says whose. Instants are the database's.
"""

import datetime
from typing import Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import locks, schema

Connection: TypeAlias = sa.Connection
FIRST: Final = datetime.timedelta(seconds=2)
LONGEST: Final = datetime.timedelta(minutes=4)
_T = schema.refresh_waits


class RefreshWait(msgspec.Struct, frozen=True):
    """One row, in the table's order of columns. `since`: the first failure of those in a row; `why`: the newest one."""

    grant_id: str
    failures: int
    since: datetime.datetime
    until: datetime.datetime
    why: str


def get(conn: Connection, grant_id: str) -> RefreshWait | None:
    """What one consent waits for; None: its last try was answered."""
    row = conn.execute(sa.select(_T).where(_T.c.grant_id == grant_id)).one_or_none()
    return None if row is None else RefreshWait(*row)


def everything(conn: Connection) -> list[RefreshWait]:
    """Every consent whose last tries had no answer, the longest first."""
    return [RefreshWait(*row) for row in conn.execute(sa.select(_T).order_by(_T.c.since, _T.c.grant_id))]


def failed(conn: Connection, grant_id: str, now: datetime.datetime, why: str, asked_s: float | None) -> RefreshWait:
    """A try had no answer; → until when nobody asks. `asked_s`: how long Xero asked us to wait, if it did."""
    locks.hold(conn, f"refresh {grant_id}")
    before = get(conn, grant_id)
    failures = 1 if before is None else before.failures + 1
    wait = min(LONGEST, FIRST * 2 ** min(failures - 1, 10))
    wait = max(wait, min(LONGEST, datetime.timedelta(seconds=asked_s or 0)))
    found = RefreshWait(grant_id, failures, now if before is None else before.since, now + wait, why[:500])
    conn.execute(sa.delete(_T).where(_T.c.grant_id == grant_id))
    conn.execute(sa.insert(_T).values(msgspec.structs.asdict(found)))
    return found


def answered(conn: Connection, grant_id: str) -> bool:
    """A try had an answer, whatever it said; → whether something had failed before."""
    return conn.execute(sa.delete(_T).where(_T.c.grant_id == grant_id)).rowcount > 0
