"""When flows ran by themselves: the one row that says whose turn it is, over all processes and restarts.

Called by app/serving. A turn is claimed by compare-and-swap and belongs to its owner while the lease is renewed; a turn
whose owner died is taken over. A run that was missed is one row's `last_at`, so it happens once, however often it was.
"""

import datetime
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import locks, schema
from counterfoil.store.prepared import Prepared

Connection: TypeAlias = sa.Connection
_T = schema.schedules
_NOTE_READING = Prepared(
    sa.update(_T)
    .where(_T.c.flow_id == sa.bindparam("wanted"), _T.c.owner == sa.bindparam("us"))
    .values(reading=sa.bindparam("reading"))
)


class Turn(msgspec.Struct, frozen=True):
    """One row, in the table's order of columns."""

    flow_id: str
    schedule: str
    known_at: datetime.datetime
    last_at: datetime.datetime | None
    owner: str | None
    lease_until: datetime.datetime | None
    again_at: datetime.datetime | None
    failures: int
    source: str | None
    ended_at: datetime.datetime | None
    said: str | None
    run_id: int | None
    reading: dict[str, Any] | None = None


def everything(conn: Connection) -> dict[str, Turn]:
    """Every flow that ever had a schedule here, by its id."""
    return {row.flow_id: Turn(*row) for row in conn.execute(sa.select(_T))}


def get(conn: Connection, flow_id: str) -> Turn | None:
    """One flow's row; None: it was never known to have a schedule."""
    row = conn.execute(sa.select(_T).where(_T.c.flow_id == flow_id)).one_or_none()
    return None if row is None else Turn(*row)


def know(conn: Connection, flow_id: str, schedule: str, now: datetime.datetime) -> Turn:
    """The row of a flow with this schedule; a new or changed one counts from now on."""
    locks.hold(conn, f"schedule {flow_id}")
    found = get(conn, flow_id)
    if found is None:
        values = {"flow_id": flow_id, "schedule": schedule, "known_at": now, "failures": 0}
        conn.execute(sa.insert(_T).values(values))
    elif found.schedule != schedule:
        conn.execute(sa.update(_T).where(_T.c.flow_id == flow_id).values(schedule=schedule, known_at=now))
    else:
        return found
    known = get(conn, flow_id)
    assert known is not None, "it was written just now"
    return known


def claim(conn: Connection, seen: Turn, owner: str, now: datetime.datetime, lease_until: datetime.datetime) -> bool:
    """Take a flow's turn, if it is still as it was seen and nobody alive has it; → whether it is ours."""
    unchanged = sa.and_(
        _T.c.flow_id == seen.flow_id,
        _T.c.last_at.is_not_distinct_from(seen.last_at),
        _T.c.again_at.is_not_distinct_from(seen.again_at),
        _T.c.owner.is_not_distinct_from(seen.owner),
        sa.or_(_T.c.owner.is_(None), _T.c.owner == owner, _T.c.lease_until <= now),
    )
    taken = {"last_at": now, "owner": owner, "lease_until": lease_until, "again_at": None}
    return conn.execute(sa.update(_T).where(unchanged).values(taken)).rowcount == 1


def renew(conn: Connection, flow_id: str, owner: str, lease_until: datetime.datetime) -> bool:
    """Keep a turn for longer; False: another has it by now."""
    ours = sa.and_(_T.c.flow_id == flow_id, _T.c.owner == owner)
    return conn.execute(sa.update(_T).where(ours).values(lease_until=lease_until)).rowcount == 1


def end(conn: Connection, flow_id: str, owner: str, values: dict[str, Any]) -> bool:
    """Give a turn back with how it ended: any of `again_at`, `failures`, `source`, `ended_at`, `said`, `run_id`, `reading`."""
    ours = sa.and_(_T.c.flow_id == flow_id, _T.c.owner == owner)
    given_back = {"owner": None, "lease_until": None} | values
    return conn.execute(sa.update(_T).where(ours).values(given_back)).rowcount == 1


def note_reading(conn: Connection, flow_id: str, owner: str, reading: dict[str, Any]) -> bool:
    """Write how far a flow's source is planned, in the transaction that plans it; False: another has the turn by now."""
    return _NOTE_READING.run(conn, wanted=flow_id, us=owner, reading=reading) == 1


def concluded(conn: Connection, flow_id: str, run_id: int) -> None:
    """A run's counts are final."""
    mine = sa.and_(_T.c.flow_id == flow_id, _T.c.run_id == run_id)
    conn.execute(sa.update(_T).where(mine).values(run_id=None))


def free(conn: Connection, owner: str) -> int:
    """Nobody but `owner` lives: the turns of others are to be gone on with at once; → how many."""
    theirs = sa.and_(_T.c.owner.is_not(None), _T.c.owner != owner)
    return conn.execute(sa.update(_T).where(theirs).values(lease_until=_T.c.known_at)).rowcount
