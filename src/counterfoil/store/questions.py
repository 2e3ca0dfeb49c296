"""Consents that were asked for on the service's page and are not answered yet, each under the hash of its state.

Called by app/consenting. What was asked is sealed by access/vault: the state, the nonce and the verifier of PKCE in it are secrets.
A row lives minutes, outlives the process that asked, and goes before its answer is used: whoever drops it may use it.
"""

import datetime

import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.database import Connection

_T = schema.questions


def put(conn: Connection, id: str, sealed: bytes, until: datetime.datetime) -> None:
    """Keep a question that was asked."""
    conn.execute(sa.insert(_T).values(id=id, secret=sealed, until=until))


def get(conn: Connection, id: str) -> bytes | None:
    """What was sealed of an open question; None: there is none of this id, or it was answered."""
    return conn.execute(sa.select(_T.c.secret).where(_T.c.id == id)).scalar()


def drop(conn: Connection, id: str) -> bool:
    """Close a question; False: somebody else did."""
    return conn.execute(sa.delete(_T).where(_T.c.id == id)).rowcount == 1


def late(conn: Connection, now: datetime.datetime) -> list[str]:
    """Open questions whose time is over."""
    return list(conn.execute(sa.select(_T.c.id).where(_T.c.until <= now)).scalars())


def oldest(conn: Connection, most: int) -> list[str]:
    """The oldest of the open questions: all but the newest `most`."""
    newest = sa.select(_T.c.id).order_by(_T.c.until.desc(), _T.c.id).limit(most)
    return list(conn.execute(sa.select(_T.c.id).where(_T.c.id.not_in(newest))).scalars())
