"""Until when a piece of work waits, where its own tables do not say so: a new day, a window, a periodic look.

Called by app/serving, so that every process of the service, and `status`, knows it. A wait is a hint: work that is done
too early finds nothing to do, or the same reason to wait.
"""

import datetime
from typing import TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import prepared, schema

Connection: TypeAlias = sa.Connection
_T = schema.waits


class Wait(msgspec.Struct, frozen=True):
    """One row, in the table's order of columns. `since`: when it was found out; `why` None: nothing is wrong."""

    kind: str
    key: str
    until: datetime.datetime
    since: datetime.datetime
    why: str | None


def of_kind(conn: Connection, kind: str) -> dict[str, Wait]:
    """What waits of one kind, by key."""
    return {row.key: Wait(*row) for row in conn.execute(sa.select(_T).where(_T.c.kind == kind))}


def put(conn: Connection, wait: Wait) -> None:
    """Write one down, in the place of what was there."""
    values = msgspec.structs.asdict(wait)
    changed = {name: values[name] for name in ("until", "since", "why")}
    conn.execute(
        prepared.insert(conn.dialect.name)(_T)
        .values(values)
        .on_conflict_do_update(index_elements=[_T.c.kind, _T.c.key], set_=changed)
    )


def forget(conn: Connection, kind: str, key: str | None = None) -> int:
    """There is nothing to wait for any more: of one piece, or of the whole kind; → how many waited."""
    mine = _T.c.kind == kind if key is None else sa.and_(_T.c.kind == kind, _T.c.key == key)
    return conn.execute(sa.delete(_T).where(mine)).rowcount
