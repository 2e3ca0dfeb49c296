"""The disk fills up at every write of every command, one after the other: said clearly, and with room again each record is there once.

So many pages are free when the command begins: none, one, two, … until it gets through. Whatever grows needs a page at some
time, so each write that can fail does. `make soak` goes through all of them, `make test` through a fixed few. The judge is the
sandbox's ledger.
"""

import asyncio
import contextlib
import itertools
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from counterfoil import errors
from counterfoil.app import backups
from counterfoil.app.places import Reading
from counterfoil.app.running import Runner
from counterfoil.app.serving import Serving
from counterfoil.store import backups as copies
from counterfoil.store import schedules
from counterfoil.store.schema import SCHEMA_VERSION
from tests.app.serving.office import QUICK, At, Served
from tests.durability.disks import PAGE, Disk
from tests.posting.workbench import sale
from tests.sandbox_process import SandboxProcess
from tests.store import older

SOAK = "SOAK" in os.environ
MOST = 2_000  # pages: no command of this size needs so many
FEW = 3  # new records of each round
OFTEN = 3  # runs with room again until nothing is open: what was in flight waits for its quiet period
pytestmark = pytest.mark.soak


def rounds(*fixed: int) -> Iterable[int]:
    """How many pages are left, one round after the other."""
    return itertools.count() if SOAK else fixed


class Firm(Served):
    """An installation whose database, and all that lies beside it, is on the small disk; its configuration is not."""

    disk: Disk
    made = 0  # records that were ever in the source

    def more(self) -> None:
        """New records in the source; the old ones are no longer there."""
        self.write([sale(n, reference="x" * 200) for n in range(self.made, self.made + FEW)])
        self.made += FEW

    def attempt(self, pages: int, work: Callable[[Any], Awaitable[Any]]) -> bool:
        """Do it while so many pages are left; → whether it got through. What stopped it was said, with what to do."""

        async def bounded(books: Any) -> Any:
            await self.disk.bound(books)
            return await work(books)

        self.disk.fill(pages * PAGE)
        return self.said_clearly(lambda: asyncio.run(self.use(bounded)))

    def said_clearly(self, act: Callable[[], Any]) -> bool:
        """The same of whatever opens the database itself."""
        report, stopped = None, None
        try:
            report = act()
        except errors.StoreError as error:
            stopped = error
        finally:
            self.disk.free()
        said = stopped.message if stopped else " ".join(getattr(report, "stops", ()))
        assert not said or names_it(said), said
        assert stopped is None or (stopped.exit_code, bool(stopped.remedy)) == (2, True)
        return not said and getattr(report, "exit_code", 0) == 0

    def whole(self) -> None:
        """With room again all is posted, each record once."""
        for _ in range(OFTEN):
            if self.run().exit_code == 0 and self.finish().exit_code == 0:
                break
        assert len(self.living()) == self.made
        assert set(self.marks().values()) <= {1}

    def through(self, rounds_: Iterable[int], once: Callable[[int], bool]) -> None:
        """Round after round; in the soak until the command gets through."""
        for pages in rounds_:
            assert pages < MOST
            done = once(pages)
            self.whole()
            if done and SOAK:
                print(f"\nthrough with {pages} pages")  # noqa: T201 - the proof's numbers are what a soak is for
                return


def names_it(said: str) -> bool:
    """Whether it says that it is the disk."""
    return any(word in said for word in ("full", "No space", "disk I/O error", "unable to open"))


@pytest.fixture
def firm(sandbox: SandboxProcess, tmp_path: Path, disk: Disk) -> Firm:
    """With one record posted."""
    sandbox.post("/_sandbox/reset")
    sandbox.clear_faults()
    found = Firm(tmp_path, sandbox, store=disk.store)
    found.disk = disk
    found.more()
    found.whole()
    return found


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


async def test_serving(firm: Firm) -> None:
    """It says so and lives on, or says so and ends at its very start; with room again it goes on by itself."""
    firm.configure(flow='entity = "acme-uk"\nevery = "1h"')
    for pages in rounds(0, 12):
        assert pages < MOST
        firm.more()
        firm.clock.forward(hours=2)
        quiet = await served(firm, pages)
        await asyncio.to_thread(firm.whole)
        if quiet and SOAK:
            print(f"\nthrough with {pages} pages")  # noqa: T201 - the proof's numbers are what a soak is for
            return


async def served(firm: Firm, pages: int) -> bool:
    """A service that meets the full disk; → whether nothing went wrong."""
    firm.told.clear()
    books = await firm.books()
    await firm.disk.bound(books)
    firm.disk.fill(pages * PAGE)
    stopping = asyncio.Event()
    service = Serving(books, firm.told.append, pace=QUICK)
    task = asyncio.create_task(service.run(stopping))
    at = At(books, service, task, stopping)
    try:
        with contextlib.suppress(errors.StoreError):  # it ended at once: judged below
            await at.until(lambda: any(one.bad for one in firm.told) or len(firm.living()) == firm.made)
        await firm.disk.unbound(books)
        firm.clock.forward(minutes=5)  # a run that failed is tried again after a minute
        if not task.done():
            await at.until(lambda: len(firm.living()) == firm.made)
    finally:
        firm.disk.free()
        stopping.set()
        ended = (await asyncio.gather(task, return_exceptions=True))[0]
        await books.close()
    bad = [one.said for one in firm.told if one.bad]
    if isinstance(ended, BaseException):
        assert isinstance(ended, errors.StoreError), ended
        bad.append(str(ended))
    assert not bad or any(map(names_it, bad)), bad
    return not bad
