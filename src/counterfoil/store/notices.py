"""Notices: what somebody must be told, written by whoever notices it, sent by delivery/.

Called by access, posting, mirror and app, inside the transaction that finds the cause or its end. One cause is one
notice for as long as it lasts: telling it again only counts. A message names no person and holds no secret.
"""

import datetime
from typing import TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema

Connection: TypeAlias = sa.Connection
_T = schema.notices


class Notice(msgspec.Struct, frozen=True):
    """One row, in the table's order of columns. `over_at` None: the cause still stands."""

    id: int
    kind: str
    subject: str
    entity: str | None
    message: str
    remedy: str
    link: str | None
    first_at: datetime.datetime
    last_at: datetime.datetime
    times: int
    over_at: datetime.datetime | None


def tell(
    conn: Connection,
    kind: str,
    subject: str,
    *,
    message: str,
    remedy: str,
    now: datetime.datetime,
    entity: str | None = None,
    link: str | None = None,
) -> bool:
    """Say that a cause stands. True: it is new; False: it stood already and was counted, with its words renewed.

    `kind`: "reconnect", "stopped", "problems"…, what `[[notify]] when` names; `subject`: which of that kind (a grant's id,
    an entity), so that (kind, subject) is the cause. `remedy`: what to do; `link`: where to click. Idempotent but for the count.
    """
    said = {"entity": entity, "message": message, "remedy": remedy, "link": link, "last_at": now}
    standing = (_T.c.kind == kind) & (_T.c.subject == subject) & _T.c.over_at.is_(None)
    if conn.execute(sa.update(_T).where(standing).values(times=_T.c.times + 1, **said)).rowcount:
        return False
    conn.execute(sa.insert(_T).values(kind=kind, subject=subject, first_at=now, times=1, **said))
    return True


def over(conn: Connection, kind: str, subject: str, *, now: datetime.datetime) -> bool:
    """Say that a cause is gone. True: it stood until now; False: nobody had told it."""
    standing = (_T.c.kind == kind) & (_T.c.subject == subject) & _T.c.over_at.is_(None)
    return conn.execute(sa.update(_T).where(standing).values(over_at=now)).rowcount > 0


def standing(conn: Connection, kind: str | None = None) -> list[Notice]:
    """What stands now, oldest first; of one kind if it is given."""
    query = sa.select(_T).where(_T.c.over_at.is_(None)).order_by(_T.c.id)
    if kind is not None:
        query = query.where(_T.c.kind == kind)
    return [Notice(*row) for row in conn.execute(query)]
