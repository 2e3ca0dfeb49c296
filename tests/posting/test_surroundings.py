"""The disk is full, the database read-only, Xero unreachable, the source empty: said clearly, nothing lost."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from counterfoil import errors
from counterfoil.app.reports import RunReport
from tests import sandbox_process
from tests.posting import workbench
from tests.posting.workbench import Workbench, WorkbenchBooks, sale

COUNT = 60


async def pragma(books: WorkbenchBooks, text: str) -> Any:
    """A statement on the installation's own SQLite connection, outside transactions."""
    assert books.database._engine is not None
    assert books.database._thread is not None

    def work() -> Any:
        assert books.database._engine is not None
        with books.database._engine.connect() as connection:
            result = connection.exec_driver_sql(text)
            return result.scalar() if result.returns_rows else None

    return await asyncio.get_running_loop().run_in_executor(books.database._thread, work)


def run_after(bench: Workbench, first: Callable[[WorkbenchBooks], Awaitable[Any]]) -> RunReport:
    """Open, do something to the installation, run."""

    async def work(books: WorkbenchBooks) -> RunReport:
        await first(books)
        return await books.run("shop")

    report: RunReport = asyncio.run(bench.use(work))
    return report


def ended_by_the_store(bench: Workbench, first: Callable[[WorkbenchBooks], Awaitable[Any]], word: str) -> None:
    """The run ends with exit code 2 and the reason: as an error, or in the report when it had begun to post."""
    try:
        report = run_after(bench, first)
        told = (report.exit_code, " ".join(report.stops))
    except errors.StoreError as error:
        told = (error.exit_code, str(error))
    assert told[0] == 2
    assert word in told[1]


@pytest.mark.parametrize("pages", [1, 10, 20, 30, 40, 50])
def test_a_full_disk_ends_the_run_and_loses_nothing(bench: Workbench, pages: int) -> None:
    """Whenever it fills up: exit 2 with the reason; with space again the next run posts the rest, once."""
    bench.run([sale(1000)])
    records = [sale(n, reference="x" * 200) for n in range(COUNT)]
    bench.write([sale(1000), *records])

    async def fill(books: WorkbenchBooks) -> None:
        used = await pragma(books, "PRAGMA page_count")
        await pragma(books, f"PRAGMA max_page_count={used + pages}")

    ended_by_the_store(bench, fill, "full")
    assert bench.run().exit_code == 0
    assert len(bench.living()) == COUNT + 1
    assert set(bench.marks().values()) == {1}


def test_a_database_that_cannot_be_written_sends_nothing(bench: Workbench) -> None:
    """Exit 2 with the reason and what to do."""
    bench.write([sale(1)])

    async def lock(books: WorkbenchBooks) -> None:
        await pragma(books, "PRAGMA query_only=ON")

    ended_by_the_store(bench, lock, "readonly")
    assert bench.writes() == []


def test_a_folder_that_cannot_be_written_sends_nothing(bench: Workbench) -> None:
    """Without its sentinel an old copy could not be told from a new database: not a byte leaves."""
    bench.write([sale(1)])

    async def away(books: WorkbenchBooks) -> None:
        books.sentinel._path = bench.folder / "no such folder" / "sentinel"

    ended_by_the_store(bench, away, "cannot be written")
    assert bench.writes() == []
    assert bench.run().posted == 1
    assert len(bench.living()) == 1


def test_no_records_is_nothing_to_do(bench: Workbench) -> None:
    """An empty file is a run of 0 records."""
    report = bench.run([])
    assert (report.records, report.posted, report.exit_code) == (0, 0, 0)


def test_xero_that_cannot_be_reached_is_left_for_the_next_run(tmp_path: Path) -> None:
    """Away before, then away in the middle of a run, then back: exit 4 each time, and each document once."""
    state = str(tmp_path / "xero.state")
    with workbench.start("--state", state) as first:
        bench = Workbench(tmp_path, first)
        port = first.url.rsplit(":", 1)[1]
    down = bench.run([sale(n) for n in range(3)])
    assert (down.planned, down.exit_code) == (3, 4)
    assert "acme-uk" in down.stops[0]
    gone = []

    def point(name: str) -> None:
        if name == "after-send" and not gone:
            gone.append(bench.sandbox.stop())

    with _again(state, port) as second:
        bench.sandbox = second
        cut = bench.run(None, point)
        assert (cut.posted, cut.exit_code) == (0, 4)
    with _again(state, port) as third:
        bench.sandbox = third
        assert bench.run().exit_code == 0
        assert len(bench.living()) == 3
        assert set(bench.marks().values()) == {1}


def _again(state: str, port: str) -> sandbox_process.SandboxProcess:
    return workbench.start("--state", state, "--port", port)
