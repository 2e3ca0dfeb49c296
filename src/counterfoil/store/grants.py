"""Grants and connections: tokens as sealed bytes, with the lease and the generation that let one process refresh.

Called by access (tokens, consent, bindings). Nothing here can open a secret. Every change of a token names the
generation that it saw: whoever comes second changes nothing and is told so.
"""

import datetime
from typing import TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import locks, schema

Connection: TypeAlias = sa.Connection
_T = schema.grants


class Grant(msgspec.Struct, frozen=True):
    """One row, in the table's order of columns. `secret` and `spare` are sealed token sets."""

    id: str
    client_id: str
    xero_userid: str
    scopes: str
    generation: int
    secret: bytes
    spare: bytes | None
    spare_until: datetime.datetime | None
    expires_at: datetime.datetime
    refreshed_at: datetime.datetime
    refresh_owner: str | None
    refresh_until: datetime.datetime | None
    lost: str | None

    def __repr__(self) -> str:
        return f"<Grant {self.id} generation {self.generation}>"


class Connected(msgspec.Struct, frozen=True):
    """One row of connections, in the table's order of columns."""

    tenant_id: str
    grant_id: str
    connection_id: str
    name: str
    tenant_type: str
    seen_at: datetime.datetime
    since: datetime.datetime | None = None


def get(conn: Connection, grant_id: str) -> Grant | None:
    """One grant; None when there is none of that id."""
    row = conn.execute(sa.select(_T).where(_T.c.id == grant_id)).one_or_none()
    return None if row is None else Grant(*row)


def find_for_update(conn: Connection, client_id: str, xero_userid: str) -> Grant | None:
    """The grant of one user for one app; nobody else can make or replace it until this transaction ends."""
    locks.hold(conn, f"grant {client_id} {xero_userid}")
    where = (_T.c.client_id == client_id) & (_T.c.xero_userid == xero_userid)
    row = conn.execute(sa.select(_T).where(where)).one_or_none()
    return None if row is None else Grant(*row)


def usable(conn: Connection, client_id: str) -> list[Grant]:
    """The grants of one app that are not lost, newest consent or refresh first."""
    rows = conn.execute(
        sa.select(_T).where((_T.c.client_id == client_id) & _T.c.lost.is_(None)).order_by(_T.c.refreshed_at.desc())
    )
    return [Grant(*row) for row in rows]


def in_use(conn: Connection, client_id: str) -> list[str]:
    """The ids of an app's grants that are not lost and that an entity is bound through, or whose answer is in doubt."""
    bound = sa.select(schema.bindings.c.grant_id)
    wanted = _T.c.id.in_(bound) | _T.c.refresh_owner.is_not(None)
    alive = (_T.c.client_id == client_id) & _T.c.lost.is_(None)
    return list(conn.execute(sa.select(_T.c.id).where(alive & wanted).order_by(_T.c.id)).scalars())


def unused(conn: Connection, client_id: str, before: datetime.datetime, most: int) -> list[str]:
    """The ids of an app's grants that are not lost and were last refreshed before an instant, the oldest first."""
    alive = (_T.c.client_id == client_id) & _T.c.lost.is_(None) & (_T.c.refreshed_at < before)
    return list(
        conn.execute(sa.select(_T.c.id).where(alive).order_by(_T.c.refreshed_at, _T.c.id).limit(most)).scalars()
    )


def put(conn: Connection, grant: Grant) -> None:
    """Store a fresh consent: a new row, or the same user's row with a new generation and no lease, spare or loss."""
    values = msgspec.structs.asdict(grant)
    changed = conn.execute(sa.update(_T).where(_T.c.id == grant.id).values(values)).rowcount
    if not changed:
        conn.execute(sa.insert(_T).values(values))


def begin_refresh(
    conn: Connection,
    grant_id: str,
    generation: int,
    *,
    owner: str,
    now: datetime.datetime,
    until: datetime.datetime,
) -> bool:
    """Take (or prolong) the lease on refreshing this generation. False: another process has it, or it has moved on."""
    free = _T.c.refresh_owner.is_(None) | (_T.c.refresh_owner == owner) | (_T.c.refresh_until <= now)
    seen = (_T.c.id == grant_id) & (_T.c.generation == generation) & _T.c.lost.is_(None)
    taken = sa.update(_T).where(seen & free).values(refresh_owner=owner, refresh_until=until)
    return conn.execute(taken).rowcount == 1


def finish_refresh(
    conn: Connection,
    grant_id: str,
    generation: int,
    *,
    owner: str,
    secret: bytes,
    scopes: str,
    expires_at: datetime.datetime,
    refreshed_at: datetime.datetime,
    spare_until: datetime.datetime,
) -> bool:
    """Store new tokens over the generation that they were made from; the old ones stay as spare until `spare_until`.

    `expires_at`, `refreshed_at`: by Xero's clock; `spare_until`: by the database's.

    False when the lease was lost meanwhile: then nothing changed, and the tokens belong to `keep_spare`.
    """
    mine = (_T.c.id == grant_id) & (_T.c.generation == generation) & (_T.c.refresh_owner == owner)
    done = (
        sa.update(_T)
        .where(mine)
        .values(
            generation=generation + 1,
            spare=_T.c.secret,
            spare_until=spare_until,
            secret=secret,
            scopes=scopes,
            expires_at=expires_at,
            refreshed_at=refreshed_at,
            refresh_owner=None,
            refresh_until=None,
        )
    )
    return conn.execute(done).rowcount == 1


def keep_spare(conn: Connection, grant_id: str, spare: bytes, *, until: datetime.datetime) -> None:
    """Keep the tokens of an answer that came too late: good ones, in case the stored ones turn out bad."""
    conn.execute(sa.update(_T).where(_T.c.id == grant_id).values(spare=spare, spare_until=until))


def release(conn: Connection, grant_id: str, *, owner: str, doubt_since: datetime.datetime | None = None) -> None:
    """Give the lease back without new tokens. `doubt_since`: an answer may have been lost; the next process repairs it."""
    mine = (_T.c.id == grant_id) & (_T.c.refresh_owner == owner)
    kept = {"refresh_until": doubt_since} if doubt_since else {"refresh_owner": None, "refresh_until": None}
    conn.execute(sa.update(_T).where(mine).values(kept))


def lose(conn: Connection, grant_id: str, generation: int, *, owner: str, why: str) -> bool:
    """Mark a grant as lost for good. False when somebody else moved it on meanwhile: then it is not lost."""
    mine = (_T.c.id == grant_id) & (_T.c.generation == generation) & (_T.c.refresh_owner == owner)
    lost = sa.update(_T).where(mine).values(lost=why, refresh_owner=None, refresh_until=None)
    return conn.execute(lost).rowcount == 1


def give_up(conn: Connection, grant_id: str, *, why: str) -> None:
    """Mark a grant as lost, whoever refreshes it: nobody can read its tokens any more."""
    values = {"lost": why, "spare": None, "spare_until": None, "refresh_owner": None, "refresh_until": None}
    conn.execute(sa.update(_T).where(_T.c.id == grant_id).values(values))


def drop_spare(conn: Connection, grant_id: str) -> None:
    """Forget a spare that nobody can read any more."""
    conn.execute(sa.update(_T).where(_T.c.id == grant_id).values(spare=None, spare_until=None))


def replace_connections(conn: Connection, grant_id: str, rows: list[Connected]) -> list[str]:
    """What a grant reaches now; → the tenants that it reached before and no longer does."""
    locks.hold(conn, f"connections {grant_id}")
    table = schema.connections
    gone = conn.execute(sa.delete(table).where(table.c.grant_id == grant_id).returning(table.c.tenant_id)).scalars()
    before = set(gone)
    if rows:
        conn.execute(sa.insert(table), [msgspec.structs.asdict(row) for row in rows])
    return sorted(before - {row.tenant_id for row in rows})


def drop_connection(conn: Connection, grant_id: str, tenant_id: str) -> None:
    """A grant does not reach this tenant any more: we ended it."""
    locks.hold(conn, f"connections {grant_id}")
    mine = (schema.connections.c.grant_id == grant_id) & (schema.connections.c.tenant_id == tenant_id)
    conn.execute(sa.delete(schema.connections).where(mine))


def organisations(conn: Connection, client_id: str) -> int:
    """How many organisations one app was last seen to reach, by lost grants too: at Xero a connection lasts until it is ended."""
    table = schema.connections
    mine = sa.select(_T.c.id).where(_T.c.client_id == client_id)
    query = sa.select(sa.func.count(table.c.tenant_id.distinct())).where(table.c.grant_id.in_(mine))
    return int(conn.execute(query).scalar_one())


def connections(conn: Connection) -> list[Connected]:
    """Every known connection, by name, then tenant."""
    table = schema.connections
    rows = conn.execute(sa.select(table).order_by(table.c.name, table.c.tenant_id, table.c.grant_id))
    return [Connected(*row) for row in rows]
