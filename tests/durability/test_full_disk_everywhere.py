"""The disk fills up at every write of every command, one after the other: said clearly, and with room again each record is there once.

`make soak` goes through all fill levels until the command gets through, `make test` through a fixed few (full_disk has both). The
service and `sync` are test_full_disk_serving's.
"""

import asyncio
from typing import Any

import pytest

from counterfoil.app import backups
from counterfoil.app.places import Reading
from counterfoil.app.running import Runner
from counterfoil.store import backups as copies
from counterfoil.store import schedules
from counterfoil.store.schema import SCHEMA_VERSION
from tests.durability.disks import PAGE
from tests.durability.full_disk import Firm, firm, rounds
from tests.store import older

__all__ = ["firm"]
pytestmark = pytest.mark.soak


def test_a_run(firm: Firm) -> None:
    """It plans and posts new records."""

    def once(pages: int) -> bool:
        firm.more()
        return firm.attempt(pages, lambda books: books.run("shop"))

    firm.through(rounds(0, 9, 21), once)


def test_finishing(firm: Firm) -> None:
    """All is planned while there is room; then it is sent."""

    async def planned(books: Any) -> None:
        def claim(conn: Any) -> None:
            now = books.database.now(conn)
            assert schedules.claim(conn, schedules.know(conn, "shop", "1h", now), books.owner, now, now)

        await books.database.run(claim)
        await Runner(books).schedule(books.flow("shop"), Reading(books.database, books.owner, "shop", None))
        await books.database.run(lambda conn: schedules.end(conn, "shop", books.owner, {"reading": None}))

    def once(pages: int) -> bool:
        firm.more()
        asyncio.run(firm.use(planned))
        return firm.attempt(pages, lambda books: books.finish())

    firm.through(rounds(0, 7, 15), once)


def test_a_backup(firm: Firm) -> None:
    """Half of one is never there; with room it is whole."""
    file = firm.disk.folder / "one.backup"

    def once(pages: int) -> bool:
        file.unlink(missing_ok=True)
        done = firm.attempt(pages, lambda books: backups.backup(books, file))
        assert list(firm.disk.folder.glob(".one.backup*")) == []
        assert file.exists() is done
        return done

    firm.through(rounds(0, 40), once)


def test_a_restore(firm: Firm) -> None:
    """Of a copy from before the last records: nothing is replaced, or all is, and nothing is posted twice."""
    file = firm.folder / "one.backup"

    asyncio.run(firm.use(lambda books: backups.backup(books, file)))
    firm.more()
    firm.whole()

    def once(pages: int) -> bool:
        firm.disk.fill(pages * PAGE)
        done = firm.said_clearly(lambda: asyncio.run(backups.restore(firm.write_config(), None, file, over_newer=True)))
        assert list(firm.disk.folder.glob("*.restoring")) == []
        return done

    firm.through(rounds(0, 40), once)


def test_an_upgrade(firm: Firm) -> None:
    """Of schema 4, with a copy before it: the database is the old one, or the new one."""

    async def opened(books: Any) -> None:
        await books.database.read(lambda _conn: None)

    def once(pages: int) -> bool:
        for left in firm.disk.folder.glob("*.backup"):
            left.unlink()
        older.take_back(firm.disk.folder / "counterfoil.db")
        done = firm.attempt(pages, opened)
        asyncio.run(firm.use(opened))
        assert copies.look(firm.disk.folder / "counterfoil.db").schema == SCHEMA_VERSION
        return done

    firm.through(rounds(0, 40), once)
