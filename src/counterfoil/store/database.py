"""Open the database and carry out transactions: SQLite on one thread, Postgres over its own async driver.

Called by app and by tests. A transaction is a plain function of a `Connection`, written once for both. On SQLite one
thread (a command that ends by itself needs none) holds one connection (measured: 0.5-0.7 ms per three statements, an async wrapper 2.3-4.4 ms); every write begins
IMMEDIATE, so that two processes queue instead of failing at commit. synchronous=FULL: an intent that we act upon is on
disk. Nothing else in the product sees a driver's exception: they become StoreError, of a server that went away after it
was open DatabaseAway. No transaction is repeated here: whether one was committed whose answer was lost, the tables say.
"""

import asyncio
import contextlib
import datetime
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import sqlalchemy as sa

from counterfoil import errors
from counterfoil.model.ports import Clock
from counterfoil.store import away, migrations, opening, refusals, schema
from counterfoil.store.journal import write_ahead
from counterfoil.store.meta import set_meta
from counterfoil.store.prepared import drive

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")
Connection: TypeAlias = sa.Connection  # so that nobody outside store/ imports SQLAlchemy for a type
Work = Callable[[sa.Connection], T]

BUSY_TIMEOUT_MS = 30_000  # how long a write waits for another process's transaction (each is kept under 20 ms)
ALONE_TIMEOUT_MS = 50  # of it at a time where the event loop's own thread waits to write; it reads with the whole
ALONE_CHECKPOINT_PAGES = 4_000  # of 4 kB in the log, not 1,000: what each request touches is copied less often
READERS_TIMEOUT_MS = 1_000  # how long a file that was rebuilt waits for those who read what it was
SUSPENDED_MS = 10_000  # a transaction in which nothing happens so long is a suspended process's: Postgres ends it
STUCK_MS = 300_000  # the same of one that is suspended in the middle of a batch, or lasts: none of ours takes seconds
POSTGRES_OPTIONS = f"-c lock_timeout={BUSY_TIMEOUT_MS} -c idle_in_transaction_session_timeout={SUSPENDED_MS}"


class Database:
    """One open database. `run` writes, `read` reads; both take a function of a connection."""

    def __init__(self, url: str, clock: Clock, *, alone: bool = False) -> None:
        """`alone`: the process does nothing beside, so that SQLite is spoken to by the event loop's own thread.

        A command that ends by itself can wait for the disk: another thread is a twentieth of a run's CPU. A service cannot.
        """
        self.url = sa.make_url(url)
        self.alone = alone
        self.clock = clock
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._thread: ThreadPoolExecutor | None = None
        self._engine: sa.Engine | None = None
        self._connection: sa.Connection | None = None
        self._async_engine: AsyncEngine | None = None
        self._generations: away.Generations | None = None
        self._was_open = False
        self.was: int | None = None  # the schema that was there when it was opened; None: there was no database
        self.may_upgrade = self.is_sqlite  # by itself, after a backup; elsewhere a person says so

    @property
    def path(self) -> Path | None:
        """The file of an SQLite database; None in memory or on Postgres."""
        name = self.url.database
        return Path(name) if self.is_sqlite and name and name != ":memory:" else None

    @property
    def _timeout_ms(self) -> int:
        """How long SQLite waits by itself for another process."""
        return ALONE_TIMEOUT_MS if self.alone else BUSY_TIMEOUT_MS

    async def run(self, work: Work[T]) -> T:
        """Carry out one write transaction; its changes are on disk when this returns."""
        return await self._do(work, write=True)

    async def read(self, work: Work[T]) -> T:
        """Carry out reads; on SQLite of one moment, on Postgres each statement sees what was committed before it."""
        return await self._do(work, write=False)

    async def compact(self) -> bool:
        """Rebuild an SQLite file, so that nothing of what was dropped stays in it or in its log; False: somebody reads it now.

        Needs the space of a second copy, and keeps writers away for about a second per 100 MB. On Postgres nothing is done:
        its administrator does that (VACUUM FULL).
        """
        if not self.is_sqlite:
            return True
        with refusals.named(self.url, self._noticed):
            if self._thread is None:
                return self._compact()
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._compact)

    def _compact(self) -> bool:
        connection = self._connection
        assert connection is not None
        driver: Any = connection.connection.driver_connection
        drive(connection, "VACUUM")
        drive(connection, f"PRAGMA busy_timeout={READERS_TIMEOUT_MS}")
        try:
            return bool(driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
        finally:
            drive(connection, f"PRAGMA busy_timeout={self._timeout_ms}")

    async def _do(self, work: Work[T], *, write: bool) -> T:
        with refusals.named(self.url, self._noticed):
            if self._async_engine is not None:
                async with self._async_engine.begin() as connection:
                    return await connection.run_sync(work)
            assert self._connection is not None, "open the database first"
            if self._thread is None:
                if write:
                    await self._begin()
                    result = self._carry_out(work, write)
                else:
                    result = self._read_patiently(work)
                await asyncio.sleep(0)  # an interruption gets its turn between any two transactions
                return result
            future = asyncio.get_running_loop().run_in_executor(self._thread, self._carry_out, work, write)
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                # A transaction that has begun is finished before the interruption goes on: no half-told outcome.
                with contextlib.suppress(Exception):
                    await future
                raise

    def _read_patiently(self, work: Work[T]) -> T:
        """Read on the event loop's own thread: who reads waits for nobody but a file that is being replaced or rebuilt."""
        connection = self._connection
        assert connection is not None
        drive(connection, f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        try:
            return self._carry_out(work, write=False)
        finally:
            drive(connection, f"PRAGMA busy_timeout={ALONE_TIMEOUT_MS}")

    async def _begin(self) -> None:
        """Begin to write on the event loop's own thread: while another process writes, a bar moves and Ctrl-C is heard."""
        connection = self._connection
        assert connection is not None
        for left in reversed(range(BUSY_TIMEOUT_MS // ALONE_TIMEOUT_MS)):
            try:
                drive(connection, "BEGIN IMMEDIATE")
            except sa.exc.OperationalError as locked:
                if not left or "locked" not in str(locked.orig):
                    raise
            else:
                return
            await asyncio.sleep(0)

    def _carry_out(self, work: Work[T], write: bool) -> T:
        connection = self._connection
        assert connection is not None
        if not (write and self._thread is None):  # else it has begun
            drive(connection, "BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            result = work(connection)
            drive(connection, "COMMIT")
        except BaseException:
            driver: Any = connection.connection.driver_connection
            if driver.in_transaction:  # a full disk may have ended it already
                drive(connection, "ROLLBACK")
            raise
        return result

    async def open(self) -> None:
        """Connect, make the tables of a new database, bring an older one to this schema, refuse a newer Counterfoil's."""
        with refusals.named(self.url, self._noticed):
            if self.is_sqlite and self.alone:
                self._connect_sqlite()
            elif self.is_sqlite:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
                await asyncio.get_running_loop().run_in_executor(self._thread, self._connect_sqlite)
            else:
                from sqlalchemy.ext.asyncio import create_async_engine  # 0.4 s that only Postgres needs

                self._async_engine = create_async_engine(
                    self.url.set(drivername="postgresql+psycopg"),
                    pool_size=4,
                    connect_args={"options": POSTGRES_OPTIONS, **away.KEEPALIVE},
                )
                away.end_stuck_of(self._async_engine.sync_engine, STUCK_MS)
                self._generations = away.Generations(self._async_engine.sync_engine)
        older = await self.run(self._prepare)
        if older is not None:
            await self._upgrade(older)
            self.was = older
        self._was_open = True

    def _noticed(self, cause: Exception) -> bool:
        """Whether the server went away while we worked with it; then no connection of before is used again."""
        if self._generations is None or not away.is_of(cause):
            return False
        self._generations.end()
        return self._was_open

    async def _upgrade(self, version: int) -> None:
        """Bring an older schema to this one, in one transaction; on SQLite after a backup. Two that do so at once do it once."""
        path = self.path
        if not self.may_upgrade:
            raise errors.StoreError(
                f"The database has schema {version}, this Counterfoil needs {schema.SCHEMA_VERSION}.",
                remedy="Make a dump (`counterfoil backup` says how), then `counterfoil upgrade` once.",
            )
        if path is not None:
            await asyncio.to_thread(_back_up, path, version, self.clock.now())

        def work(connection: sa.Connection) -> None:
            still = self._prepare(connection)
            if still is not None:
                if not self.is_sqlite:  # this one may last
                    connection.execute(sa.text(away.NO_END))
                migrations.upgrade(connection, still)
                set_meta(connection, migrations.VERSION, str(schema.SCHEMA_VERSION))
                set_meta(connection, migrations.LEAST, str(migrations.NEEDED))

        await self.run(work)

    def _connect_sqlite(self) -> None:
        path = self.path
        if path is not None and not path.parent.is_dir():
            raise errors.StoreError(
                f"The folder {path.parent} does not exist.", remedy="Make it, or change [store] url."
            )
        if path is not None:
            make_private(path)
        inode = path.stat().st_ino if path is not None and path.exists() else None  # SQLite says why it cannot be made
        self._engine = sa.create_engine(self.url, poolclass=sa.StaticPool, connect_args={"check_same_thread": False})

        @sa.event.listens_for(self._engine, "connect")
        def configure(driver: Any, _record: Any) -> None:
            driver.isolation_level = None  # transactions are ours: BEGIN IMMEDIATE
            driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            driver.execute(
                "SELECT count(*) FROM sqlite_master"
            ).fetchall()  # waits while it is replaced, writes nothing
            if path is not None and inode is not None and path.stat().st_ino != inode:
                raise errors.StoreError("The database was just replaced.", remedy="Run the same command again.")
            write_ahead(driver)
            driver.execute("PRAGMA synchronous=FULL")
            driver.execute("PRAGMA cache_size=-8000")
            if self.alone:
                driver.execute(f"PRAGMA wal_autocheckpoint={ALONE_CHECKPOINT_PAGES}")
                driver.execute(f"PRAGMA busy_timeout={self._timeout_ms}")

        self._connection = self._engine.connect()  # kept: one that is made for each transaction costs as much as it

    def _prepare(self, connection: sa.Connection) -> int | None:
        found = opening.prepare(connection)
        self.was = self.was if found.was is None else found.was
        return found.older

    async def close(self) -> None:
        """Close; open transactions were finished by their `run`."""
        if self._async_engine is not None:
            await self._async_engine.dispose()
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown()
        else:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._engine is not None:
            self._engine.dispose()

    def now(self, connection: sa.Connection) -> datetime.datetime:
        """The time that leases are measured by: the database server's on Postgres, this machine's on SQLite."""
        if self.is_sqlite:
            return self.clock.now()
        return connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one().astimezone(datetime.UTC)  # type: ignore[no-any-return]  # the driver's datetime


def _back_up(path: Path, version: int, now: datetime.datetime) -> None:
    """Keep an old database beside itself before it is upgraded; if another process was quicker, its copy is enough."""
    from counterfoil.store import backups  # what an upgrade alone needs

    name = f"{path.name}.schema-{version}-{now:%Y%m%dT%H%M%S.%fZ}-{os.getpid()}{backups.ENDING}"
    if backups.make(path, path.with_name(name), now=now, version=f"of schema {version}").schema != version:
        path.with_name(name).unlink()


def make_private(path: Path) -> None:
    """Make a file that is not there yet, for its owner alone: it will hold customers' data. SQLite's other files follow it.

    One that cannot be made is left to whoever opens it, and says why.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
