"""Notices: what somebody must be told, written by whoever notices it, sent by delivery/.

Called by access, posting, mirror and app, inside the transaction that finds the cause or its end. One cause is one
notice for as long as it lasts: telling it again only counts. A message names no person and holds no secret.
"""

import datetime
from typing import Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import prepared, schema

Connection: TypeAlias = sa.Connection
TEXT_MAX: Final = 1000  # characters of a message, of a remedy
KEPT: Final = datetime.timedelta(days=90)  # how long a notice that is over is remembered
_T = schema.notices


class Notice(msgspec.Struct, frozen=True):
    """One row, in the table's order of columns. `over_at` None: the cause still stands. `count` None: it counts nothing."""

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
    since: datetime.datetime
    count: int | None


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
    since: datetime.datetime | None = None,
    count: int | None = None,
) -> bool:
    """Say that a cause stands. True: it is new; False: it stood already and was counted, with its words renewed.

    `kind`: one of model/notices; `subject`: which of that kind (a grant's id, an entity), so that (kind, subject) is the
    cause. `remedy`: what to do; `link`: where to click; `since`: when it began, if that is not now; `count`: how many
    records it is about. Idempotent but for the count of tellings.
    """
    said = {
        "entity": entity, "message": message[:TEXT_MAX], "remedy": remedy[:TEXT_MAX], "link": link, "last_at": now,
        "count": count,
    }  # fmt: skip
    renewed = said | ({} if since is None else {"since": since})
    new = {"kind": kind, "subject": subject, "first_at": now, "times": 1, "since": since or now, **said}
    statement = (
        prepared.insert(conn.dialect.name)(_T)
        .values(**new)
        .on_conflict_do_update(
            index_elements=[_T.c.kind, _T.c.subject],
            index_where=_T.c.over_at.is_(None),
            set_={**renewed, "times": _T.c.times + 1},
        )
        .returning(_T.c.times)
    )
    times: int = conn.execute(statement).scalar_one()
    return times == 1


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


def latest(conn: Connection, most: int) -> list[Notice]:
    """The newest notices, standing or over, newest first."""
    return [Notice(*row) for row in conn.execute(sa.select(_T).order_by(_T.c.id.desc()).limit(most))]


def forget(conn: Connection, now: datetime.datetime) -> int:
    """Drop what has been over for KEPT, with its messages; → how many notices."""
    old = sa.select(_T.c.id).where(_T.c.over_at < now - KEPT)
    conn.execute(sa.delete(schema.messages).where(schema.messages.c.notice_id.in_(old)))
    return conn.execute(sa.delete(_T).where(_T.c.over_at < now - KEPT)).rowcount
