"""The spool's statements: its rows, the order of its groups, and how it is deleted, also one that a dead process left.

Called by spool. Each function is one short transaction or a part of one.
"""

import datetime
import functools
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlalchemy as sa

from counterfoil.store import prepared, schema
from counterfoil.store.database import Connection
from counterfoil.store.prepared import Among, Prepared

DELETE_ROWS: Final = 500  # in one transaction
ABANDONED_AFTER: Final = datetime.timedelta(days=1)  # of a process that cannot be asked: on another machine, say

s = schema.spools.c
g = schema.spool_groups.c
r = schema.spool_rows.c
_OF_SPOOL: Final[sa.BindParameter[int]] = sa.bindparam("wanted")

_BEGIN = Prepared(
    sa.insert(schema.spools).values(owner=sa.bindparam("owner"), touched_at=sa.bindparam("touched_at")).returning(s.id)
)
_TOUCH = Prepared(sa.update(schema.spools).where(s.id == _OF_SPOOL).values(touched_at=sa.bindparam("touched_at")))


def begin(connection: Connection, owner: str, now: datetime.datetime) -> int:
    """A new spool; → its id."""
    spool_id: int = _BEGIN.first(connection, owner=owner, touched_at=now)
    return spool_id


def touch(connection: Connection, spool_id: int, now: datetime.datetime) -> None:
    """Note that the spool is in use."""
    _TOUCH.run(connection, wanted=spool_id, touched_at=now)


# ---- rows and groups --------------------------------------------------------------------------------------------
_ADD_ROWS = Prepared(sa.insert(schema.spool_rows))
_FIRSTS = Prepared(sa.select(g.key, g.first).where(g.spool_id == _OF_SPOOL, Among(g.key, "keys")))
_PAGE = Prepared(
    sa.select(r.first, r.n, r.row)
    .where(
        r.spool_id == _OF_SPOOL,
        sa.tuple_(r.first, r.n)
        > sa.tuple_(sa.bindparam("first", type_=sa.BigInteger), sa.bindparam("n", type_=sa.BigInteger)),
    )
    .order_by(r.first, r.n)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def add_rows(connection: Connection, spool_id: int, rows: Iterable[tuple[int, int, bytes]]) -> None:
    """Write rows: (number of its group's first row, its own number, itself)."""
    _ADD_ROWS.run_many(
        connection, [{"spool_id": spool_id, "first": first, "n": n, "row": data} for first, n, data in rows]
    )


def add_groups(connection: Connection, spool_id: int, firsts: Mapping[str, int]) -> dict[str, int]:
    """Write the groups, given with their first rows, that are not there yet; → each one's first row, as it stands."""
    new = [{"spool_id": spool_id, "key": key, "first": first} for key, first in firsts.items()]
    _add_groups(connection.dialect.name).run_many(connection, new)
    return dict(_FIRSTS.tuples(connection, wanted=spool_id, keys=list(firsts)))


@functools.cache
def _add_groups(dialect: str) -> Prepared:
    values: dict[str, Any] = {name: sa.bindparam(name) for name in ("spool_id", "key", "first")}
    return Prepared(prepared.insert(dialect)(schema.spool_groups).values(values).on_conflict_do_nothing())


def page(connection: Connection, spool_id: int, after: tuple[int, int], most: int) -> list[tuple[int, int, bytes]]:
    """The next rows as `add_rows` took them, ordered by group, then by number, after the one `after` (group, number)."""
    first, n = after
    return _PAGE.rows(connection, _triple, wanted=spool_id, first=first, n=n, most=most)


def _triple(first: int, n: int, data: bytes) -> tuple[int, int, bytes]:
    return first, n, data


# ---- the end ----------------------------------------------------------------------------------------------------
_ROWS_UP_TO = Prepared(
    sa.delete(schema.spool_rows).where(
        r.spool_id == _OF_SPOOL,
        sa.tuple_(r.first, r.n)
        <= sa.tuple_(sa.bindparam("first", type_=sa.BigInteger), sa.bindparam("n", type_=sa.BigInteger)),
    )
)
_NEXT_KEYS = Prepared(sa.select(g.key).where(g.spool_id == _OF_SPOOL).order_by(g.key).limit(DELETE_ROWS))
_NEXT_ROWS = Prepared(sa.select(r.first, r.n).where(r.spool_id == _OF_SPOOL).order_by(r.first, r.n).limit(DELETE_ROWS))
_KEYS_UP_TO = Prepared(sa.delete(schema.spool_groups).where(g.spool_id == _OF_SPOOL, g.key <= sa.bindparam("last")))
_SPOOL = Prepared(sa.delete(schema.spools).where(s.id == _OF_SPOOL))


def delete_some(connection: Connection, spool_id: int) -> bool:
    """Delete a part of a spool, itself last; False when nothing of it is left. Safe to break off and to repeat."""
    if rows := _NEXT_ROWS.tuples(connection, wanted=spool_id):
        first, n = rows[-1]
        _ROWS_UP_TO.run(connection, wanted=spool_id, first=first, n=n)
        return True
    if keys := _NEXT_KEYS.tuples(connection, wanted=spool_id):
        _KEYS_UP_TO.run(connection, wanted=spool_id, last=keys[-1][0])
        return True
    _SPOOL.run(connection, wanted=spool_id)
    return False


def abandoned(connection: Connection, owner: str, now: datetime.datetime) -> list[int]:
    """Spools whose process is gone: one of this machine that runs no more, or one not heard of for a day."""
    found = connection.execute(sa.select(s.id, s.owner, s.touched_at))
    return [
        spool_id
        for spool_id, other, touched_at in found
        if other != owner and (now - touched_at > ABANDONED_AFTER or is_dead(other, owner))
    ]


def is_any(connection: Connection) -> bool:
    """Whether rows of a source are kept for a run that is not over."""
    return connection.execute(sa.select(s.id).limit(1)).first() is not None


def is_dead(other: str, owner: str) -> bool:
    """Whether the process "host:number:random" is one of our machine's and runs no more."""
    host, _, number = other.rpartition(":")[0].rpartition(":")
    if host != owner.rpartition(":")[0].rpartition(":")[0] or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it runs, as another user
    return False
