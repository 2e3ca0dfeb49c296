"""An installation of schema 4 with requests on their way is upgraded: each record ends in Xero once."""

import asyncio
import os
import signal

import psutil
import pytest

from counterfoil.store import backups
from counterfoil.store.meta import set_meta
from counterfoil.store.schema import SCHEMA_VERSION
from tests.durability import processes
from tests.posting.workbench import Workbench, sale
from tests.store import older

COUNT = 60


@pytest.mark.parametrize("nth", [1, 2], ids=["contacts", "invoices"])
@pytest.mark.parametrize("point", ["after-freeze", "after-attempt", "after-send", "mid-outcome"])
def test_requests_in_sending_survive_an_upgrade(bench: Workbench, point: str, nth: int) -> None:
    """The old version dies at a named point, the new one opens its database, upgrades it and ends the work."""
    bench.write([sale(n) for n in range(COUNT)])
    processes.killed(processes.start(bench, point, nth, "kill"))
    older.take_back(bench.folder / "counterfoil.db")
    assert bench.finish().exit_code in (0, 4)
    assert bench.run().exit_code == 0
    assert len(bench.living()) == COUNT
    assert {1} == set(bench.marks().values())
    assert backups.look(bench.folder / "counterfoil.db").schema == SCHEMA_VERSION
    assert len(list(bench.folder.glob("*.schema-4-*.backup"))) == 1


@pytest.mark.parametrize(("least", "code", "made"), [(SCHEMA_VERSION, 0, COUNT), (SCHEMA_VERSION + 1, 2, 0)])
def test_a_worker_that_was_running_goes_on_or_stops(bench: Workbench, least: int, code: int, made: int) -> None:
    """Upgraded to the next schema behind its back: beside an additive step it ends its work, else it sends nothing more."""
    bench.write([sale(n) for n in range(COUNT)])
    worker = processes.start(bench, "after-freeze", 1, "stop")
    while psutil.Process(worker.pid).status() != psutil.STATUS_STOPPED:
        os.sched_yield()

    async def upgraded(books: object) -> None:
        def work(connection: object) -> None:
            set_meta(connection, "schema_version", str(SCHEMA_VERSION + 1))  # type: ignore[arg-type]  # a Connection
            set_meta(connection, "schema_least", str(least))  # type: ignore[arg-type]  # a Connection

        await books.database.run(work)  # type: ignore[attr-defined]  # Books

    asyncio.run(bench.use(upgraded))
    os.kill(worker.pid, signal.SIGCONT)
    assert processes.ended(worker)["exit"] == code
    assert len(bench.living()) == made
