"""A database server that goes away: noticed before a connection is used where that is possible, else at the first failure.

Called by database and limits. A server that stops or kills a connection hangs up, and what it said then waits unread in
the socket: a connection that lies idle has nothing to read, so one poll of a microsecond tells (a trip to the server for
each transaction would cost more than most of them). Where nobody hangs up (a network that is cut) the system gives a
connection up after UNANSWERED_S. Nothing here repeats anything: of a transaction whose COMMIT was not answered nobody
knows here whether it is on disk. Whoever finds the work again from the tables decides: each of them changes a row only
from the state that it saw, so that what was committed is not done twice.
"""

import select
from typing import Any, Final

import sqlalchemy as sa

UNANSWERED_S: Final = 20
KEEPALIVE: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": UNANSWERED_S * 1000,
}
# SQLSTATEs: the server ended it, the connection broke, or nothing came of a suspended process for too long.
ENDED: Final = ("57P", "08", "25P03", "25P04")
ENDS_STUCK: Final = 170_000  # the first server that ends a transaction that lasts too long, whatever it waits for
NO_END: Final = "SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'"  # of this one


def hung_up(connection: Any) -> bool:
    """Whether the other side of an idle connection of psycopg's has ended it, or said something that nobody asked for."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def ends_stuck(connection: Any) -> bool:
    """Whether this connection of psycopg's is to a server that has `transaction_timeout`.

    `idle_in_transaction_session_timeout` does not do: a process that is suspended between two statements of a pipeline
    counts as active there, and what it has locked stayed locked for as long as it slept.
    """
    return bool(connection.info.server_version >= ENDS_STUCK)


def end_stuck(connection: Any, most_ms: int) -> str | None:
    """What has the server end a transaction of this connection after so long, waits for locks included; None: too old."""
    return f"SET transaction_timeout = {most_ms}" if ends_stuck(connection) else None


def end_stuck_of(engine: sa.Engine, most_ms: int) -> None:
    """The same for every connection of a pool."""

    def made(driver: Any, _record: Any) -> None:
        said = end_stuck(driver.driver_connection, most_ms)
        if said is not None:
            cursor = driver.cursor()
            cursor.execute(said)
            cursor.close()
            driver.commit()

    sa.event.listen(engine, "connect", made)


def is_of(error: Exception) -> bool:
    """Whether a driver's error says that the server cannot be talked to just now, and nothing about the statement."""
    if isinstance(error, sa.exc.TimeoutError):
        return True  # no connection of the pool became free in time: those that have one wait for the server
    if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return True
    cause = getattr(error, "orig", error)
    if type(cause).__module__.partition(".")[0] != "psycopg":
        return False
    state = getattr(cause, "sqlstate", None)
    names = {one.__name__ for one in type(cause).__mro__}
    return state.startswith(ENDED) if state else bool(names & {"OperationalError", "InterfaceError"})


class Generations:
    """Throws a whole pool of connections away at the first failure: those from before it are not used again.

    One that is in use meanwhile is left to whoever uses it, and thrown away when it would be used next.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._now = 0
        sa.event.listen(engine, "connect", self._made)
        sa.event.listen(engine, "checkout", self._wanted)

    def end(self) -> None:
        """A connection failed: begin anew with all of them."""
        self._now += 1

    def _made(self, _driver: Any, record: Any) -> None:
        record.info["generation"] = self._now

    def _wanted(self, driver: Any, record: Any, _proxy: Any) -> None:
        if record.info["generation"] != self._now:
            raise sa.exc.DisconnectionError
        if hung_up(driver.driver_connection):
            self.end()
            raise sa.exc.DisconnectionError
