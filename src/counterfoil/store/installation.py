"""Which installation a database is: its id, its environment, and where it lived when it was opened last.

Called by app/environments. A copy has the id of its original; where it lives tells the two apart, as far as that can be
noticed: a file by its path and inode, a Postgres database by its number and that of a table in it, which a dump does not carry.
"""

import datetime
import secrets
import socket
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.store import locks, schema
from counterfoil.store.database import Connection, Database
from counterfoil.store.meta import get_meta, set_meta

ENVIRONMENT: Final = "environment"
INSTALLATION: Final = "installation_id"
HOME: Final = "home"
RESTORED: Final = (
    "restored_at"  # in meta of a backup that was put back, until it was opened once: it begins with `recover`
)
LAST_BACKUP: Final = "last_backup"  # in meta: "INSTANT FILE" of the newest one
COPIED: Final = "copied"  # the cause of what a copy had planned when it became a database of its own
_OWNED: Final = (schema.grants, schema.connections, schema.bindings, schema.notices, schema.audit, schema.audit_heads)
p, q, i = schema.postings.c, schema.requests.c, schema.request_items.c


class Home(msgspec.Struct, frozen=True):
    """Where a database lives. `host`: "" on Postgres; `place`: a path, or numbers; `inode`, `device`: 0 when it is no file."""

    host: str
    place: str
    inode: int = 0
    device: int = 0

    def is_same(self, other: "Home") -> bool:
        """The same file or database, though a container has another host name and path, or the file was renamed.

        The inode alone proves nothing: two new volumes give the first file in each the same one.
        """
        if self == other:
            return True
        moved = self.host == other.host and not Path(self.place).exists()
        told = moved or self.place == other.place or (self.device != 0 and self.device == other.device)
        return self.inode != 0 and self.inode == other.inode and told


def here(connection: Connection, database: Database) -> Home:
    """Where this database is now."""
    path = database.path
    if path is not None:
        found = path.stat()
        return Home(socket.gethostname(), str(path.resolve()), found.st_ino, found.st_dev)
    if database.is_sqlite:
        return Home("", ":memory:")
    numbers = "SELECT oid, 'meta'::regclass::oid FROM pg_database WHERE datname = current_database()"
    database_number, table_number = connection.execute(sa.text(numbers)).one()
    return Home("", f"postgres/{database_number}/{table_number}")


def held(connection: Connection) -> tuple[str | None, Home | None]:
    """The environment and the home that the database remembers; each None when it never had one. Nobody else reads meanwhile."""
    locks.hold(connection, "installation")
    kept = get_meta(connection, HOME)
    try:
        home = None if kept is None else msgspec.json.decode(kept, type=Home)
    except msgspec.DecodeError:
        raise errors.StoreError(
            "What the database says of its own place was changed: whether it is a copy cannot be told.",
            remedy="Restore a backup; Counterfoil then recovers from Xero.",
        ) from None
    return get_meta(connection, ENVIRONMENT), home


def settle(connection: Connection, environment: str, home: Home) -> None:
    """Remember the environment and the home."""
    set_meta(connection, ENVIRONMENT, environment)
    set_meta(connection, HOME, msgspec.json.encode(home).decode())


def renew(connection: Connection, environment: str, home: Home, now: datetime.datetime) -> dict[str, Any]:
    """Make a copy a database of its own: no consents, bindings or notices, nothing under way, a new id and a new log.

    → what its log begins with: whose copy it is, and the heads of the chains that stay with the original. History stays.
    """
    heads = _heads(connection)
    was = {"installation": get_meta(connection, INSTALLATION), "environment": get_meta(connection, ENVIRONMENT)}
    for table in _OWNED:
        connection.execute(sa.delete(table))
    connection.execute(sa.update(schema.request_items).where(i.open.is_(True)).values(open=False, outcome=COPIED))
    closed = {"state": "closed", "outcome": COPIED, "owner": None, "lease_until": None, "not_before": None}
    connection.execute(sa.update(schema.requests).where(q.state != "closed").values(**closed))
    values = {
        "state": sa.case((p.action.is_(None), "held"), else_="posted"),
        "cause": COPIED,
        "reason": f"It was on its way in environment {was['environment']} when the database was copied: it is that one's to send.",
        "remedy": "`counterfoil problems skip`.",
        "changed_at": now,
    }
    waiting = sa.or_(*(p.state == one for one in ("planned", "sending", "uncertain")))
    stopped = connection.execute(sa.update(schema.postings).where(waiting).values(**values)).rowcount
    set_meta(connection, INSTALLATION, secrets.token_hex(16))
    settle(connection, environment, home)
    return {**was, "heads": heads, "held": stopped}


def _heads(connection: Connection) -> dict[str, str]:
    """The newest hash of each chain, by entity."""
    a = schema.audit.c
    newest = sa.select(a.entity, sa.func.max(a.seq).label("seq")).group_by(a.entity).subquery()
    query = sa.select(a.entity, a.hash).join(newest, sa.and_(newest.c.entity == a.entity, newest.c.seq == a.seq))
    return {row[0]: row[1] for row in connection.execute(query)}


def peek(url: str, tenant_id: str) -> tuple[str | None, str | None]:
    """→ (installation id, the entity that is bound to a tenant) of another database; both None when it holds nothing of ours.

    Reads only, and makes nothing: a file that is not there stays so. Blocks; raises what its driver raises, as OSError.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or not Path(parsed.database).is_file():
            return None, None
    else:
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        engine = sa.create_engine(parsed, poolclass=sa.NullPool)
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("bindings"):
                return None, None
            b = schema.bindings.c
            entity = connection.execute(sa.select(b.entity).where(b.tenant_id == tenant_id)).scalar_one_or_none()
            return get_meta(connection, INSTALLATION), entity
    except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as cause:
        raise OSError(type(cause).__name__) from cause
