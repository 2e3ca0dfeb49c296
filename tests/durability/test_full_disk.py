"""A disk that is full in the middle of a run, and for what tidies up: nothing lost, nothing twice, nothing half done.

Every command at every write: test_full_disk_everywhere.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from counterfoil import errors
from counterfoil.app import backups, housekeeping, pausing
from tests.durability.disks import Disk
from tests.posting.workbench import Workbench, sale
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def bench(sandbox: SandboxProcess, tmp_path: Path, disk: Disk) -> Workbench:
    """An installation whose database, and all that lies beside it, is on the small disk; its configuration is not."""
    sandbox.post("/_sandbox/reset")
    sandbox.clear_faults()
    return Workbench(tmp_path, sandbox, store=disk.store)


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
