"""The rows of API keys: who may ask over HTTP, how far, and when each was last used.

Called by app/api_keys and app/doctor. A key itself is nowhere: only its hash, which access/api_keys makes and compares.
"""

import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.database import Connection
from counterfoil.store.prepared import Prepared

USED_EVERY: Final = datetime.timedelta(minutes=1)  # so that a busy key is no load on the disk
_T = schema.api_keys


class Row(msgspec.Struct, frozen=True):
    """One key, in the table's order of columns. `entities` None: all of them."""

    id: int
    prefix: str
    hash: bytes
    root_id: str
    name: str
    rights: str
    entities: list[str] | None
    made_at: datetime.datetime
    made_by: str
    expires_at: datetime.datetime | None
    revoked_at: datetime.datetime | None
    revoked_by: str | None
    last_used_at: datetime.datetime | None


_BY_PREFIX = Prepared(sa.select(_T).where(_T.c.prefix == sa.bindparam("prefix")))
_USED = Prepared(
    sa.update(_T)
    .where(
        _T.c.id == sa.bindparam("of"),
        sa.or_(_T.c.last_used_at.is_(None), _T.c.last_used_at <= sa.bindparam("before")),
    )
    .values(last_used_at=sa.bindparam("now"))
)


def by_prefix(conn: Connection, prefix: str) -> Row | None:
    """The key of this prefix, whatever became of it; None: there never was one."""
    found = _BY_PREFIX.rows(conn, Row, prefix=prefix)
    return found[0] if found else None


def everything(conn: Connection) -> list[Row]:
    """All keys that were ever made, oldest first."""
    return [Row(*row) for row in conn.execute(sa.select(_T).order_by(_T.c.id))]


def usable(conn: Connection, now: datetime.datetime) -> int:
    """How many keys are neither revoked nor expired."""
    open_still = sa.or_(_T.c.expires_at.is_(None), _T.c.expires_at > sa.literal(now, _T.c.expires_at.type))
    query = sa.select(sa.func.count()).select_from(_T).where(_T.c.revoked_at.is_(None), open_still)
    return int(conn.execute(query).scalar_one())


def add(conn: Connection, **values: Any) -> None:
    """Keep a new key."""
    conn.execute(sa.insert(_T).values(**values))


def revoke(conn: Connection, prefix: str, *, by: str, now: datetime.datetime) -> bool:
    """A key opens nothing from now on; False: it did not before."""
    same = (_T.c.prefix == prefix) & _T.c.revoked_at.is_(None)
    return conn.execute(sa.update(_T).where(same).values(revoked_at=now, revoked_by=by)).rowcount == 1


def used(conn: Connection, row: Row, now: datetime.datetime) -> None:
    """A key was used just now; nothing is written when somebody wrote so within USED_EVERY."""
    _USED.run(conn, of=row.id, before=now - USED_EVERY, now=now)
