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
ENDED: Final = ("57P", "08")  # SQLSTATEs: the server ended it, or the connection broke


def hung_up(connection: Any) -> bool:
    """Whether the other side of an idle connection of psycopg's has ended it, or said something that nobody asked for."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


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
