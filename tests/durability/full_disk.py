"""A firm whose disk fills up at any moment: so many pages are free when its command begins, and afterwards there is room again.

Whatever grows needs a page at some time, so each write that can fail does, when every number of pages is tried. The judge is
the sandbox's ledger.
"""

import asyncio
import gc
import itertools
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from counterfoil import errors
from tests.app.serving.office import Served
from tests.durability.disks import PAGE, Disk
from tests.posting.workbench import sale
from tests.sandbox_process import SandboxProcess

SOAK = "SOAK" in os.environ
MOST = 2_000  # pages: no command of this size needs so many
FEW = 3  # new records of each round
OFTEN = 3  # runs with room again until nothing is open: what was in flight waits for its quiet period


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

        gc.collect()  # what an error of before still holds
        assert list(self.disk.folder.glob("*.db-wal")) == []  # the room in an old one would not be the disk's
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
