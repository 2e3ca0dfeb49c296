"""The outlet of a feed to a table: opens the customer's database, carries out a hand-over, says why it could not.

Called by to_sql. Each hand-over is one transaction on a thread of its own; one that was cancelled or repeated changes nothing, since what
stands in the table is never older than what is handed over. Nothing that is told holds the database's address.
"""

import re
import threading
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from counterfoil.delivery.aside import aside
from counterfoil.delivery.outcome import NeverDelivered, NotDelivered
from counterfoil.delivery.shaping import Shape
from counterfoil.delivery.sql import seen, target, writing
from counterfoil.delivery.sql.seen import Seen
from counterfoil.delivery.sql.target import Target
from counterfoil.delivery.sql.writing import Refused, Statements, Written
from counterfoil.delivery.tail import MOST
from counterfoil.mapping import places
from counterfoil.model.change import Change
from counterfoil.store import away

CONNECT_S: Final = 10
LOCK_MS: Final = 10_000  # how long another's lock is waited for
STATEMENT_MS: Final = 60_000
SUSPENDED_MS: Final = (
    10_000  # a hand-over in which nothing happens so long is a suspended process's: the server ends it
)
STUCK_MS: Final = 300_000  # the same of one that is suspended in the middle of a batch, where the server can tell
REASON_MAX: Final = 300
# A server that vanishes without a word is noticed: its connection would otherwise hold a thread for hours.
UNANSWERED_MS: Final = 30_000
_ALIVE: Final = {
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": UNANSWERED_MS,
}  # fmt: skip
_ADDRESS: Final = re.compile(r"^.*connection to server (at|on) .*? failed: |^connection failed: |^\(.*?\) ")


class SqlOutlet:
    """Implements outlet.Outlet, and `fill`."""

    most = MOST

    def __init__(self, feed: str, url: str, into: Target, shaped: Shape) -> None:
        """`feed`: what it is called where a person is told what to type."""
        self._feed, self._url, self._target, self._shaped = feed, url, into, shaped
        self._engine: sa.Engine | None = None
        self._ready: tuple[Statements, sa.Table] | None = None
        self._works = threading.Lock()  # held by the thread that writes, also beyond the time that it was given

    async def hand_over(self, changes: Sequence[Change]) -> None:
        """Write the rows of these changes. Raises NotDelivered, or NeverDelivered for what the table refuses."""
        await self.fill(changes)

    async def fill(self, changes: Sequence[Change], *, anew: bool = False) -> int:
        """The same; → how many documents were written, the others being newer in the table. `anew`: whatever it has."""
        given = [self._written(one) for one in changes]
        return await aside(lambda: self._alone(given, anew=anew))

    async def look(self) -> str:
        """What the table lacks, or how it will be made; "": it is as it should be. Raises NotDelivered."""
        return await aside(self._look)

    async def close(self) -> None:
        """Close the connections."""
        engine, self._engine, self._ready = self._engine, None, None
        if engine is not None:
            await aside(engine.dispose)

    def _look(self) -> str:
        try:
            with self._opened().connect() as conn:
                return target.lacking(conn, self._target)
        except (sa.exc.SQLAlchemyError, ModuleNotFoundError, OSError) as cause:
            raise NotDelivered(_told(cause)) from cause

    def _written(self, change: Change) -> Written:
        named = {
            one.name: getattr(change, one.names) for one in self._target.columns if one.name in self._target.finders
        }
        return Written(
            (change.tenant_id, change.resource, change.document_id), Seen(change.n, change.stamp),
            places.is_gone(change.after), self._shaped.rows(change), named,
        )  # fmt: skip

    def _alone(self, given: Sequence[Written], *, anew: bool) -> int:
        """In a thread of its own. One that the database keeps is not joined by another."""
        if not self._works.acquire(blocking=False):
            raise NotDelivered("the database has not answered the last hand-over yet")
        try:
            return self._write(given, anew=anew)
        finally:
            self._works.release()

    def _write(self, given: Sequence[Written], *, anew: bool) -> int:
        """What the table refuses by what it was when it was last looked at is tried once by what it is now."""
        was_known = self._ready is not None
        try:
            return self._written_in_one(given, anew=anew)
        except NotDelivered as failure:
            if not was_known or failure.target_is_down:
                raise
        return self._written_in_one(given, anew=anew)

    def _written_in_one(self, given: Sequence[Written], *, anew: bool) -> int:
        why: Exception
        try:
            engine = self._opened()
            if self._ready is None:
                with engine.begin() as conn:  # by itself: what a refused row takes back is not the table
                    ready = self._prepared(conn, anew=anew)
                self._ready = ready
            statements, kept = self._ready
            with engine.begin() as conn:
                return writing.write(conn, statements, kept, given, anew=anew)
        except Refused as cause:
            why, failure = cause, _refused(str(cause), given)
        except (sa.exc.IntegrityError, sa.exc.DataError) as cause:
            why, failure = cause, _refused(_refusal(cause), given)
        except (OverflowError, UnicodeError) as cause:
            why, failure = cause, _refused("a value is none that this database can hold", given)
        except (sa.exc.SQLAlchemyError, ModuleNotFoundError, OSError) as cause:
            why, failure = cause, NotDelivered(_told(cause))
        self._ready = None  # the table may be another one by then
        raise failure from why

    def _opened(self) -> sa.Engine:
        if self._engine is None:
            self._engine = _engine(sa.make_url(self._url))
        return self._engine

    def _prepared(self, conn: sa.Connection, *, anew: bool) -> tuple[Statements, sa.Table]:
        """The table, looked at once, and ours beside it. One that was there and is gone is made again by a whole filling alone."""
        kept = seen.table(self._target)
        if not anew and target.is_absent(conn, self._target) and seen.knows(conn, kept, self._target.full):
            raise NotDelivered(
                f"the table {self._target.full} is gone, which had documents: `counterfoil feeds fill {self._feed} --anew` makes it again"
                " with all of them; if it was renamed, name it in `table`"
            )
        statements = Statements(self._target, target.found(conn, self._target))
        kept.create(conn, checkfirst=True)
        return statements, kept


def _engine(url: sa.URL) -> sa.Engine:
    """Raises what SQLAlchemy raises for an address that is none."""
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(
            url.set(drivername="sqlite"), poolclass=sa.NullPool, connect_args={"timeout": LOCK_MS / 1000}
        )

        @sa.event.listens_for(engine, "connect")
        def configure(driver: Any, _record: Any) -> None:
            driver.isolation_level = None  # transactions are ours

        @sa.event.listens_for(engine, "begin")
        def begin(conn: sa.Connection) -> None:
            conn.exec_driver_sql("BEGIN IMMEDIATE")

        return engine
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"), poolclass=sa.NullPool,  # a hand-over is worth a connection
        connect_args={"connect_timeout": CONNECT_S, "application_name": "counterfoil", **_ALIVE},
    )  # fmt: skip

    @sa.event.listens_for(engine, "begin")
    def bound(conn: sa.Connection) -> None:
        driver: Any = conn.connection.driver_connection
        bounds = [
            f"SET LOCAL lock_timeout = {LOCK_MS}",
            f"SET LOCAL statement_timeout = {STATEMENT_MS}",
            f"SET LOCAL idle_in_transaction_session_timeout = {SUSPENDED_MS}",
            away.end_stuck(driver, STUCK_MS),
        ]
        conn.exec_driver_sql("; ".join(filter(None, bounds)))  # the connection is this hand-over's alone

    return engine


def _refused(reason: str, given: Sequence[Written]) -> NotDelivered:
    """Of several, nobody knows which: the engine hands each over alone."""
    return NeverDelivered(reason) if len(given) == 1 else NotDelivered(reason, target_is_down=False)


def _refusal(cause: sa.exc.DBAPIError) -> str:
    """What the database said, with the column where it names one."""
    column = getattr(getattr(cause.orig, "diag", None), "column_name", None)
    return (
        f"the column {column} does not take it: {_told(cause)}"
        if column
        else f"the table does not take it: {_told(cause)}"
    )


def _told(cause: BaseException) -> str:
    """The first line of what went wrong, without an address."""
    if isinstance(cause, ModuleNotFoundError):
        return "Postgres needs its driver: pip install 'counterfoil[postgres]'"
    if isinstance(cause, sa.exc.ArgumentError | sa.exc.NoSuchModuleError):
        return "the address of the database cannot be read"
    orig = getattr(cause, "orig", None) or cause
    lines = str(orig).strip().splitlines()
    return _ADDRESS.sub("", lines[0] if lines else type(orig).__name__)[:REASON_MAX]
