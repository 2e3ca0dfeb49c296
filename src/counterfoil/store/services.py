"""Which processes of the service are alive: each writes a row when it starts and again and again, and takes it away.

A command that did something says so here, too: the service looks then.
Called by app; `status` reads it. A process that was killed stops writing: after SILENT it counts as gone.
"""

import datetime
import secrets
from typing import Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import meta, schema
from counterfoil.store.prepared import insert

Connection: TypeAlias = sa.Connection
BEAT_S: Final = 15.0
SILENT: Final = datetime.timedelta(seconds=60)
NUDGE: Final = "nudge"  # in meta: another word with each nudge
_T = schema.services


class Service(msgspec.Struct, frozen=True):
    """One row, in the table's order of columns. `kind`: serve | worker."""

    owner: str
    kind: str
    host: str
    pid: int
    version: str
    started_at: datetime.datetime
    beat_at: datetime.datetime

    def is_alive(self, now: datetime.datetime) -> bool:
        """Whether it said so lately."""
        return now - self.beat_at <= SILENT


def everything(conn: Connection) -> list[Service]:
    """All that are known, oldest first."""
    return [Service(*row) for row in conn.execute(sa.select(_T).order_by(_T.c.started_at, _T.c.owner))]


def begin(conn: Connection, service: Service) -> None:
    """A process starts."""
    conn.execute(sa.insert(_T).values(msgspec.structs.asdict(service)))


def beat(conn: Connection, service: Service, now: datetime.datetime) -> None:
    """It is alive; a row that somebody took away, because it was silent, is written again."""
    if not conn.execute(sa.update(_T).where(_T.c.owner == service.owner).values(beat_at=now)).rowcount:
        begin(conn, msgspec.structs.replace(service, beat_at=now))


def end(conn: Connection, owners: list[str]) -> None:
    """They are gone."""
    conn.execute(sa.delete(_T).where(_T.c.owner.in_(owners)))


def nudge(conn: Connection) -> None:
    """A command did something that the service should know of now."""
    word = secrets.token_hex(8)
    first = insert(conn.dialect.name)(schema.meta).values(
        key=NUDGE, value=word
    )  # of two first ones at once neither fails
    conn.execute(first.on_conflict_do_update(index_elements=[schema.meta.c.key], set_={"value": word}))


def nudged(conn: Connection) -> str | None:
    """Another word since the last nudge; None: there never was one."""
    return meta.get_meta(conn, NUDGE)
