"""Where the budgets of Xero's limits are kept, so that all processes share them: a turn is one short transaction.

Called by xero/pacing, which decides; nothing here knows what the states mean. On SQLite they have a file of their own beside
the database (synchronous=NORMAL: a lost turn costs a 429, not a posting), on Postgres a table. Time is one clock for all
processes that never jumps: each turn moves it on by what passed since the last one, and never back.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import msgspec

from counterfoil import errors
from counterfoil.model.ports import Clock
from counterfoil.store import away
from counterfoil.store.database import ALONE_TIMEOUT_MS, Database, make_private
from counterfoil.store.journal import write_ahead
from counterfoil.store.refusals import RESTARTED

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
States = Mapping[str, bytes]
Work = Callable[[int, States], tuple[T, States]]  # (now in microseconds, the states asked for) → result, what changed

CLOCK: Final = "clock"
SUFFIX: Final = "-limits"
BUSY_TIMEOUT_MS: Final = 30_000
SUSPENDED_MS: Final = 10_000  # a turn in which nothing happens so long is a suspended process's: Postgres ends it
STUCK_MS: Final = 20_000  # the same of one that is suspended between two statements; less than others wait for the lock
RECENT_US: Final = 120_000_000  # what `recent` reads: states that changed within two minutes
SLACK_US: Final = 50_000  # two clocks never run quite alike
NOW: Final = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text, ''::bytea"
WRITE: Final = (
    "INSERT INTO limits SELECT key, state, %s FROM unnest(%s::text[], %s::bytea[]) AS new(key, state) "
    "ON CONFLICT (key) DO UPDATE SET state = EXCLUDED.state, at = EXCLUDED.at"
)
LOCK: Final = "SELECT state FROM limits WHERE key = 'clock' FOR UPDATE"
# Counted from when the lock is held: counted from BEGIN, it would end those that wait for a suspended process with it.
BOUND: Final = f"SELECT state, set_config('transaction_timeout', '%s', true) FROM ({LOCK}) AS held"  # noqa: S608 - our own
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
MAKE: Final = "CREATE TABLE IF NOT EXISTS limits (key TEXT PRIMARY KEY, state BLOB NOT NULL, at BIGINT NOT NULL)"


class Passed(msgspec.Struct, array_like=True, frozen=True):
    """The shared clock: `raw` of the clock named `epoch` was read when `now` was reached."""

    epoch: str = ""
    raw: int = 0
    now: int = 1_000_000_000

    def moved(self, epoch: str, raw: int, most: int | None) -> "Passed":
        """Moved on to a reading of `raw`. Another epoch (a restart of the machine) or a clock put back: time stands still.

        `most`: what passed in this process since its own last turn; a clock that was put forward cannot add more.
        """
        delta = max(0, raw - self.raw) if epoch == self.epoch else 0
        if most is not None:
            delta = min(delta, most + SLACK_US)
        return Passed(epoch, raw, self.now + delta)


class Kept(Protocol):
    """Budgets shared by whoever uses the same place."""

    async def turn(self, keys: Sequence[str], work: Work[T]) -> T:
        """Read the states of `keys` (absent: never written), let `work` decide, keep what it changed. Raises StoreError."""
        ...

    async def recent(self, work: Work[T]) -> T:
        """The same with every state that changed lately."""
        ...

    async def close(self) -> None:
        """Let go of the place."""
        ...


class Remembered:
    """Budgets of this process alone, for a database in memory and for tests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._states: dict[str, bytes] = {}

    async def turn(self, keys: Sequence[str], work: Work[T]) -> T:
        """One turn."""
        return self._decide({key: self._states[key] for key in keys if key in self._states}, work)

    async def recent(self, work: Work[T]) -> T:
        """One turn over everything."""
        return self._decide(self._states, work)

    async def close(self) -> None:
        """Nothing to let go of."""

    def _decide(self, states: States, work: Work[T]) -> T:
        result, changed = work(round(self._clock.elapsed_s() * 1_000_000), states)
        self._states.update(changed)
        return result


class InFile:
    """Budgets in an SQLite file, for all processes of one machine. `alone`: as in store/database, without a thread."""

    def __init__(self, path: Path, clock: Clock, *, alone: bool = False) -> None:
        self._path = path
        self._clock = clock
        self._thread = None if alone else ThreadPoolExecutor(1, thread_name_prefix="limits")
        self._connection: sqlite3.Connection | None = None
        self._epoch = BOOT_ID.read_text("ascii").strip() if BOOT_ID.exists() else "boot"

    async def turn(self, keys: Sequence[str], work: Work[T]) -> T:
        """One turn."""
        marks = ",".join("?" * (len(keys) + 1))
        query = f"SELECT key, state FROM limits WHERE key IN ({marks})"  # noqa: S608 - question marks only
        return await self._on_thread(query, lambda _now: [CLOCK, *keys], work)

    async def recent(self, work: Work[T]) -> T:
        """One turn over what changed lately."""
        query = "SELECT key, state FROM limits WHERE key = ? OR at > ?"
        return await self._on_thread(query, lambda now: [CLOCK, now - RECENT_US], work)

    async def close(self) -> None:
        """Close the file."""
        if self._thread is None:
            self._close()
            return
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    async def _on_thread(self, query: str, parameters: Callable[[int], list[Any]], work: Work[T]) -> T:
        if self._thread is None:
            return await self._alone(query, parameters, work)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._transact, query, parameters, work)

    async def _alone(self, query: str, parameters: Callable[[int], list[Any]], work: Work[T]) -> T:
        """On the event loop's own thread, which has its turns while another process has the file (a suspended one, say)."""
        for left in reversed(range(BUSY_TIMEOUT_MS // ALONE_TIMEOUT_MS)):
            try:
                return self._transact(query, parameters, work)
            except errors.StoreError as problem:
                if (
                    not left
                    or not isinstance(problem.__cause__, sqlite3.OperationalError)
                    or "locked" not in str(problem)
                ):
                    raise
            await asyncio.sleep(0)
        raise AssertionError("the last try returns or raises")

    def _transact(self, query: str, parameters: Callable[[int], list[Any]], work: Work[T]) -> T:
        try:
            connection = self._connection or self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = self._decide(connection, query, parameters, work)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk may have ended it already
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as cause:
            raise errors.StoreError(
                f"The file of Xero's limits {self._path} cannot be used: {cause}.",
                remedy="Is the disk full, or may the file not be written? It can be deleted: then Xero may answer 429 once.",
            ) from cause
        return result

    def _decide(
        self, connection: sqlite3.Connection, query: str, parameters: Callable[[int], list[Any]], work: Work[T]
    ) -> T:
        raw = round(self._clock.elapsed_s() * 1_000_000)
        known = connection.execute("SELECT state FROM limits WHERE key = ?", (CLOCK,)).fetchone()
        passed = _passed(known[0] if known else None).moved(self._epoch, raw, None)
        states = dict(connection.execute(query, parameters(passed.now)))
        states.pop(CLOCK, None)
        result, changed = work(passed.now, states)
        rows = [(key, state, passed.now) for key, state in changed.items()]
        rows.append((CLOCK, msgspec.msgpack.encode(passed), passed.now))
        connection.executemany("INSERT OR REPLACE INTO limits VALUES (?, ?, ?)", rows)
        return result

    def _open(self) -> sqlite3.Connection:
        make_private(self._path)
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        write_ahead(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(MAKE)
        if self._thread is None:
            connection.execute(f"PRAGMA busy_timeout={ALONE_TIMEOUT_MS}")
        self._connection = connection
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class OnServer:
    """Budgets in a table of Postgres, for all processes of all machines. `conninfo`: libpq's."""

    def __init__(self, conninfo: str, clock: Clock) -> None:
        self._conninfo = conninfo
        self._clock = clock
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._last_s: float | None = None  # this process's own last turn
        self._lock = asyncio.Lock()
        self._hold = LOCK

    async def turn(self, keys: Sequence[str], work: Work[T]) -> T:
        """One turn."""
        return await self._transact("SELECT key, state FROM limits WHERE key = ANY(%s)", list(keys), work)

    async def recent(self, work: Work[T]) -> T:
        """One turn over what changed lately."""
        # Within two minutes of the newest turn, which is the clock's own row.
        query = "SELECT key, state FROM limits WHERE at > (SELECT at FROM limits WHERE key = 'clock') - %s AND key <> 'clock'"
        return await self._transact(query, RECENT_US, work)

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def _transact(self, query: str, parameter: Any, work: Work[T]) -> T:
        import psycopg

        async with self._lock:
            try:
                connection = self._connection
                if connection is not None and away.hung_up(connection):
                    await connection.close()
                    connection = None
                if connection is None:
                    connection = await self._open()
                return await self._decide(connection, query, parameter, work)
            except psycopg.Error as cause:
                if self._connection is not None:
                    await self._connection.close()
                reason = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
                if self._last_s is not None and away.is_of(cause):
                    # Whether the turn was kept nobody knows: at worst a call is counted that is not made.
                    raise errors.DatabaseAway(
                        f"The table of Xero's limits went away: {reason}.", remedy=RESTARTED
                    ) from cause
                raise errors.StoreError(
                    f"The table of Xero's limits cannot be used: {reason}.", remedy="Is Postgres running? Run again."
                ) from cause
            except BaseException:  # cancelled in the middle: whoever comes next begins on a fresh connection
                if self._connection is not None:
                    await self._connection.close()
                raise

    async def _decide(self, connection: "psycopg.AsyncConnection[Any]", query: str, parameter: Any, work: Work[T]) -> T:
        """A turn in two trips to the server: lock and read; write and commit."""
        async with connection.pipeline():
            await connection.execute("BEGIN", prepare=True)
            # Each statement sees what was committed when it begins: the second begins when the lock is ours, and so does
            # its reading of the time, which then is the time of this turn.
            locked = await connection.execute(self._hold, prepare=True)
            cursor = await connection.execute(f"{NOW} UNION ALL {query}", (parameter,), prepare=True)
        row = await locked.fetchone()
        (raw, _), *found = await cursor.fetchall()
        elapsed_s = self._clock.elapsed_s()
        most = None if self._last_s is None else round((elapsed_s - self._last_s) * 1_000_000)
        passed = _passed(row[0] if row else None).moved("postgres", int(raw), most)
        result, changed = work(passed.now, {key: bytes(state) for key, state in found})
        written = {**changed, CLOCK: msgspec.msgpack.encode(passed)}
        async with connection.pipeline():
            await connection.execute(WRITE, (passed.now, list(written), list(written.values())), prepare=True)
            await connection.execute("COMMIT", prepare=True)
        self._last_s = elapsed_s
        return result

    async def _open(self) -> "psycopg.AsyncConnection[Any]":
        import psycopg

        options = (
            f"-c lock_timeout={BUSY_TIMEOUT_MS} -c idle_in_transaction_session_timeout={SUSPENDED_MS} "
            "-c synchronous_commit=off"
        )
        connection = await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, options=options, **away.KEEPALIVE
        )
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(7263902)")  # two first starts at once
            await connection.execute(MAKE.replace("BLOB", "BYTEA"))
            first = msgspec.msgpack.encode(Passed())
            await connection.execute("INSERT INTO limits VALUES ('clock', %s, 0) ON CONFLICT DO NOTHING", (first,))
        self._hold = BOUND % STUCK_MS if away.ends_stuck(connection) else LOCK
        self._connection = connection
        return connection


def beside(database: Database) -> Kept:
    """The budgets that everybody who uses this database shares."""
    if not database.is_sqlite:
        return OnServer(database.url.set(drivername="postgresql").render_as_string(hide_password=False), database.clock)
    path = database.path
    if path is None:
        return Remembered(database.clock)
    return InFile(path.with_name(path.name + SUFFIX), database.clock, alone=database.alone)


def _passed(state: bytes | None) -> Passed:
    return Passed() if state is None else msgspec.msgpack.decode(state, type=Passed)
