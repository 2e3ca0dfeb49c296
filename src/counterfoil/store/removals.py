"""Erasures and purges under way: what was begun, how far it is, and who works on it.

Called by app/privacy. The intent is committed with what it needs to know before the first row is touched; each transaction of
the work moves the place with the rows it changed, so that a kill loses nothing and repeats nothing that matters.
"""

import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.store import locks, schema, spool_tables
from counterfoil.store.prepared import Prepared
from counterfoil.store.types import EPOCH

ERASE: Final = "erase"
PURGE: Final = "purge"
SILENT_AFTER: Final = datetime.timedelta(minutes=2)  # of a worker that cannot be asked: its work is taken over
t = schema.removals.c
_UNDER_WAY: Final = Prepared(sa.select(schema.removals).where(t.ended_at.is_(None)).order_by(t.id))


class Place(msgspec.Struct, frozen=True):
    """Where the work stands: in which of its steps, after which row; None: at its beginning.

    `settled` False: the intent alone is written, nobody has looked yet which postings it is about.
    """

    step: int = 0
    after: str | None = None
    settled: bool = True


START: Final = Place()
UNSETTLED: Final = Place(settled=False)


class Removal(msgspec.Struct, frozen=True):
    """One row of `removals`."""

    id: int
    kind: str
    entity: str
    tenant_id: str
    person: Any
    place: Any
    counts: dict[str, int]
    actor: str
    owner: str
    touched_at: datetime.datetime
    begun_at: datetime.datetime
    ended_at: datetime.datetime | None

    @property
    def stands(self) -> Place:
        """Where the work stands."""
        return msgspec.convert(self.place, Place)


def begin(
    conn: sa.Connection, kind: str, entity: str, tenant_id: str, person: Any, *, actor: str, owner: str,
    now: datetime.datetime, place: Place = START,
) -> int:  # fmt: skip
    """Write the intent; → its id."""
    values = {
        "kind": kind, "entity": entity, "tenant_id": tenant_id, "person": person, "place": place, "counts": {},
        "actor": actor, "owner": owner, "touched_at": now, "begun_at": now,
    }  # fmt: skip
    made: int = conn.execute(sa.insert(schema.removals).values(**values).returning(t.id)).scalar_one()
    return made


def get(conn: sa.Connection, removal_id: int) -> Removal:
    """One of them."""
    return Removal(*conn.execute(sa.select(schema.removals).where(t.id == removal_id)).one())


def under_way(conn: sa.Connection) -> list[Removal]:
    """Those that are not at their end, oldest first."""
    return _UNDER_WAY.rows(conn, Removal)


def take(conn: sa.Connection, removal_id: int, owner: str, now: datetime.datetime) -> bool:
    """Let this process work on it; False: another one does, or it is at its end."""
    locks.hold(conn, "removals")
    one = get(conn, removal_id)
    theirs = one.owner != owner and now - one.touched_at <= SILENT_AFTER
    if one.ended_at is not None or (theirs and not spool_tables.is_dead(one.owner, owner)):
        return False
    conn.execute(sa.update(schema.removals).where(t.id == removal_id).values(owner=owner, touched_at=now))
    return True


def move(conn: sa.Connection, one: Removal, place: Place, rows: dict[str, int], now: datetime.datetime) -> None:
    """Note how far it is, in the transaction that did it."""
    counts = {name: one.counts.get(name, 0) + rows.get(name, 0) for name in (*one.counts, *rows)}
    values = {"place": place, "counts": counts, "touched_at": now}
    conn.execute(sa.update(schema.removals).where(t.id == one.id).values(**values))


def settle(conn: sa.Connection, removal_id: int, person: Any, now: datetime.datetime) -> None:
    """Everything that it needs to know is known: from here on it is swept."""
    values = {"person": person, "place": START, "touched_at": now}
    conn.execute(sa.update(schema.removals).where(t.id == removal_id).values(**values))


def forget_whom(conn: sa.Connection, removal_id: int) -> None:
    """What it had to know of the person is no longer needed."""
    conn.execute(sa.update(schema.removals).where(t.id == removal_id).values(person=None))


def release(conn: sa.Connection, removal_id: int) -> None:
    """What is left of it is anybody's."""
    conn.execute(sa.update(schema.removals).where(t.id == removal_id).values(touched_at=EPOCH))


def end(conn: sa.Connection, removal_id: int, now: datetime.datetime) -> None:
    """It is done."""
    conn.execute(sa.update(schema.removals).where(t.id == removal_id).values(ended_at=now, touched_at=now))
