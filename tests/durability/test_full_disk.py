"""A disk that is really full, at whatever write it fills up: said clearly, nothing lost, nothing twice.

The disk is a small one in memory, mounted for the test. Where mounting is not allowed, SQLite's own bound on its file takes
its place; the files beside the database are then not bounded.
"""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from counterfoil import errors
from counterfoil.app import backups, housekeeping, pausing
from tests.posting.test_surroundings import pragma
from tests.posting.workbench import Workbench, sale
from tests.sandbox_process import SandboxProcess

SIZE = 12 << 20
PAGE = 4096
COUNT = 60
OFF = 'sqlite:///{}"\nfree_min_mib = 0 # "'  # the watch would stop before the disk is full


class Disk:
    """A disk that can be filled up to a few free bytes, and freed again."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self.mounted = mounted
        self.left: int | None = None
        self._filler = folder / "filler"

    def fill(self, left: int) -> None:
        """Let so many bytes be free."""
        self.left = left
        if self.mounted:
            free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
            self._filler.write_bytes(bytes(max(0, free - left)))

    def free(self) -> None:
        """Free it again."""
        self.left = None
        self._filler.unlink(missing_ok=True)

    async def bound(self, books: Any) -> None:
        """What stands for a full disk where none can be mounted."""
        if not self.mounted and self.left is not None:
            used = await pragma(books, "PRAGMA page_count")
            await pragma(books, f"PRAGMA max_page_count={used + self.left // PAGE}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield Disk(folder, mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def bench(sandbox: SandboxProcess, tmp_path: Path, disk: Disk) -> Workbench:
    """An installation whose database, and all that lies beside it, is on the small disk; its configuration is not."""
    sandbox.post("/_sandbox/reset")
    sandbox.clear_faults()
    return Workbench(tmp_path, sandbox, store=OFF.format(disk.folder / "counterfoil.db"))


def ended(bench: Workbench, disk: Disk, work: Callable[[Any], Awaitable[Any]]) -> str:
    """Do something while the disk is full: → what was said; "" when it went through all the same."""

    async def bounded(books: Any) -> Any:
        await disk.bound(books)
        return await work(books)

    try:
        report = asyncio.run(bench.use(bounded))
    except errors.StoreError as error:
        return f"{error.message} {error.remedy or 'NO REMEDY'}"
    return " ".join(getattr(report, "stops", ()))


def once(bench: Workbench, count: int) -> None:
    assert len(bench.living()) == count
    assert set(bench.marks().values()) == {1}


@pytest.mark.parametrize("left", [0, 8, 40, 120, 300, 600])
def test_a_run_on_a_full_disk(bench: Workbench, disk: Disk, left: int) -> None:
    """So many KiB are free at its beginning: it ends with the reason; with room again all is posted, each once."""
    bench.run([sale(1000)])
    disk.fill(left << 10)
    bench.write([sale(1000), *(sale(n, reference="x" * 200) for n in range(COUNT))])
    said = ended(bench, disk, lambda books: books.run("shop"))
    assert said == "" or (("full" in said or "No space" in said) and "NO REMEDY" not in said)
    assert left > 100 or said
    disk.free()
    for _ in range(2):  # what was in flight when the disk filled up may wait for its quiet period
        report = bench.run()
    assert report.exit_code == 0
    once(bench, COUNT + 1)


@pytest.mark.parametrize("left", [0, 12, 60])
def test_finishing_on_a_full_disk(bench: Workbench, disk: Disk, left: int) -> None:
    """Everything is planned, then the disk is full: what was sent is known of, the rest goes out later."""
    bench.sandbox.fault("429_day", method="PUT", count=80)
    bench.run([sale(n) for n in range(COUNT)])
    bench.sandbox.clear_faults()
    for file in disk.folder.glob("*-limits*"):
        file.unlink()
    disk.fill(left << 10)
    ended(bench, disk, lambda books: books.finish())
    disk.free()
    bench.finish()
    assert bench.run().exit_code == 0
    once(bench, COUNT)


def test_a_lost_answer_and_a_full_disk(bench: Workbench, disk: Disk) -> None:
    """The outcome cannot be written, and neither can the look's: it is looked for again, never sent again blindly."""
    bench.configure(key_life_s=1)
    bench.run([sale(1000)])
    bench.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices", count=1)
    passed: list[str] = []

    def point(name: str) -> None:
        passed.append(name)
        if name == "after-attempt":
            disk.fill(0)

    bench.write([sale(1000), *(sale(n) for n in range(5))])
    with contextlib.suppress(errors.StoreError):  # in its report, or instead of one
        asyncio.run(bench.use(lambda books: books.run("shop"), point))
    assert "after-attempt" in passed
    disk.free()
    bench.finish()
    assert bench.run().exit_code == 0
    once(bench, 6)


def test_backup_pause_and_tidying_on_a_full_disk(bench: Workbench, disk: Disk) -> None:
    """Each says what is wrong and leaves nothing half done; afterwards each works."""
    bench.run([sale(n) for n in range(5)])
    file = disk.folder / "one.backup"
    acts: list[Callable[[Any], Awaitable[Any]]] = [
        lambda books: backups.backup(books, file),
        lambda books: pausing.pause(books, because="x"),
        housekeeping.tidy,
    ]
    for act in acts:
        disk.fill(0)
        said = ended(bench, disk, act)
        assert said or not disk.mounted
        assert list(disk.folder.glob(".one.backup*")) == []
        disk.free()
        file.unlink(missing_ok=True)
    for act in acts:
        assert ended(bench, disk, act) == ""
    asyncio.run(bench.use(pausing.resume))
    assert bench.run().unchanged == 5


@pytest.mark.parametrize("left", [0, 100, 400])
def test_restoring_on_a_full_disk(bench: Workbench, disk: Disk, left: int) -> None:
    """No room for the copy: nothing is replaced, the database that is there works on; with room it is restored."""
    bench.run([sale(n) for n in range(5)])
    file = bench.folder / "one.backup"
    asyncio.run(bench.use(lambda books: backups.backup(books, file)))
    disk.fill(left << 10)
    before = (disk.folder / "counterfoil.db").stat().st_ino
    said = ""
    try:
        asyncio.run(backups.restore(bench.write_config(), None, file))
    except errors.StoreError as error:
        said = error.remedy
    assert ("Free some space" in said) is ((disk.folder / "counterfoil.db").stat().st_ino == before)
    assert said or left == 400 or not disk.mounted
    disk.free()
    assert list(disk.folder.glob("*.restoring")) == []
    assert bench.run().unchanged == 5
    once(bench, 5)
