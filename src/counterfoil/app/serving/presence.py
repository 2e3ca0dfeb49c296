"""One process of the service among others: the only `serve` of an SQLite database, and a row that says that it lives.

Called by serving. SQLite has one writer, and work there is shared by nobody: a second `serve` is refused by a lock on a file
beside the database, which ends with its process however that ends. On Postgres any number work side by side.
"""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from counterfoil import __version__, errors
from counterfoil.runtime import keeping
from counterfoil.store import feeds, schedules, services
from counterfoil.store.database import Connection, make_private
from counterfoil.store.services import Service

SUFFIX: Final = "-serve"


@contextlib.contextmanager
def only_one(path: Path | None) -> Iterator[None]:
    """Hold the database's service lock. `path`: its file; None: there is none to hold. Raises StoreError if somebody has it."""
    if path is None:
        yield
        return
    path = path.resolve()  # two links to one database are one database
    beside = path.with_name(path.name + SUFFIX)
    make_private(beside)
    try:
        file = beside.open("r+")
    except OSError as cause:
        raise errors.StoreError(
            f"{beside} cannot be opened: {cause.strerror}.", remedy="Look at its rights."
        ) from cause
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            who = file.read(20).strip()
            raise errors.StoreError(
                f"Another `counterfoil serve`{f' (process {who})' if who else ''} works on {path}.",
                remedy="One is enough: it does everything. For several, put the database on Postgres.",
            ) from cause
        with contextlib.suppress(
            OSError
        ):  # a full disk: the lock holds all the same, and the database says what is wrong
            os.ftruncate(file.fileno(), 0)
            os.pwrite(file.fileno(), f"{os.getpid()}\n".encode(), 0)
        yield


def of_this_process(books: Any, kind: str) -> Service:
    """What this process says of itself. `kind`: serve | worker."""
    now = books.clock.now()
    return Service(books.owner, kind, socket.gethostname(), os.getpid(), __version__, now, now)


async def begin(books: Any, service: Service) -> None:
    """Say that it lives; on SQLite nobody else can, so what others were at is free at once."""

    def work(conn: Connection) -> None:
        now = books.database.now(conn)
        dead = [one.owner for one in services.everything(conn) if books.database.is_sqlite or not one.is_alive(now)]
        services.end(conn, dead)
        if books.database.is_sqlite:
            schedules.free(conn, books.owner)
            feeds.free(conn, books.owner)
        services.begin(conn, service)

    await books.database.run(work)


async def keep(books: Any, service: Service) -> None:
    """Say so again and again, until cancelled; a database that is away is tried again."""

    async def beat() -> None:
        with contextlib.suppress(errors.StoreError):  # the works meet the same, and tell of it
            await books.database.run(lambda conn: services.beat(conn, service, books.database.now(conn)))

    await keeping.keep("the sign of life", books.clock, services.BEAT_S, beat)


async def end(books: Any, service: Service) -> None:
    """It ends on its own accord."""
    with contextlib.suppress(errors.StoreError):  # then it is silent, which says the same a minute later
        await books.database.run(lambda conn: services.end(conn, [service.owner]))
