"""A Postgres that ends every connection under a service at work: it goes on by itself, and nothing is posted twice."""

import asyncio

import psycopg
import pytest
from procrastinate import exceptions, manager

from counterfoil.service import logs
from tests.app.serving.office import Served
from tests.posting.test_postgres import bench
from tests.posting.workbench import sale
from tests.store.test_away import KILL

__all__ = ["bench"]
HERE = " AND datname = current_database()"


@pytest.fixture
def served(bench):
    """An installation on a fresh database of the server."""
    folder = bench.folder / "served"
    folder.mkdir()
    return Served(folder, bench.sandbox, store=bench.store)


def ended(served):
    """Every connection of the service's; → how many."""
    with psycopg.connect(served.store, autocommit=True) as connection:
        return len(connection.execute(KILL + HERE).fetchall())


async def test_it_goes_on(served, caplog):
    """While it posts, and when it has nothing to do: each record is there once, it is ready again, and no traceback is logged."""
    served.configure(flow='entity = "acme-uk"\nevery = "1h"', batch=1)
    served.sales(*(sale(n) for n in range(8)))
    served.sandbox.fault("slow", method="PUT", path="/api.xro/2.0/Invoices", count=8, delay_s=0.1)
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers()) > 1)
        assert await asyncio.to_thread(ended, served) > 2
        await at.until(lambda: len(served.numbers()) == 8)
        assert await asyncio.to_thread(ended, served) > 2

        async def swept():
            return all(at > again for at in at_work.health().sweeps.values()) and at_work.health().ready

        at_work, again = at.service, served.clock.now()
        await at.until(swept)
    assert set(served.marks().values()) == {1}
    told = [one for one in caplog.records if one.exc_info and not logs.is_theirs(one.name, one.exc_info[1])]
    assert [one.getMessage() for one in told] == []  # what the job engine says of it, service/logs makes one line of


async def test_it_is_ready_again_after_a_failure_among_the_jobs(served, monkeypatch):
    """The look for the jobs of dead workers failed once as the connections ended: for good, `serve` was not ready."""
    look = manager.JobManager.get_stalled_jobs
    failing = [exceptions.ConnectorException(), exceptions.ConnectorException()]
    failing[0].__cause__ = psycopg.OperationalError("terminating connection\nCONTEXT: nobody's")

    async def fails(self, *given, **named):
        if failing:
            raise failing.pop(0)
        return await look(self, *given, **named)

    monkeypatch.setattr(manager.JobManager, "get_stalled_jobs", fails)
    served.configure(flow='entity = "acme-uk"\nevery = "1h"')
    async with served.serving() as at:
        await at.until(lambda: not failing)
        await at.until(lambda: at.service.health().ready)
        assert at.service.health().troubles == ()
    said = served.said("jobs", bad=True)
    assert ["terminating connection." in one for one in said] == [True, False]
    assert not any("\n" in one for one in said)
