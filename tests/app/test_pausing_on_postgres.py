"""Pauses on Postgres, where transactions run side by side: a pause that was given holds for every request begun after it."""

import asyncio

import pytest

from counterfoil import errors
from counterfoil.app import backups, pausing
from tests.posting.conftest import sandbox
from tests.posting.test_postgres import bench
from tests.posting.workbench import sale

__all__ = ["bench", "sandbox"]


def test_a_pause_holds_on_postgres_too(bench):
    """Everything, a flow, an entity; resumed, each sale is posted once."""
    bench.write([sale(n) for n in range(5)])
    for of in ({}, {"entity": "acme-uk"}, {"flow": "shop"}):
        asyncio.run(bench.use(lambda books, of=of: pausing.pause(books, because="x", **of)))
        report = bench.run()
        assert (report.exit_code, report.planned, bench.writes(path="/api.xro/2.0/")) == (4, 5, [])
        asyncio.run(bench.use(lambda books, of=of: pausing.resume(books, **of)))
    assert bench.run().posted == 5
    assert set(bench.marks().values()) == {1}


def test_a_pause_given_in_the_middle_of_a_run(bench):
    """It waits for the transaction that begins a request, and the next one sees it."""
    bench.write([sale(n) for n in range(100)])
    sent = []

    async def work(books):
        other = await bench.open()

        async def stop():
            await pausing.pause(other, because="x")
            sent.append(len(bench.sandbox.requests()))

        tasks = []

        def point(name):
            if name == "after-send" and not tasks:
                tasks.append(asyncio.ensure_future(stop()))

        books.point = point
        try:
            report = await books.run("shop")
            await tasks[0]
        finally:
            await other.close()
        return report

    report = asyncio.run(bench.use(work))
    assert report.exit_code == 4
    assert report.planned > 0
    asyncio.run(bench.use(pausing.resume))
    bench.run()
    assert len(bench.living()) == 100
    assert set(bench.marks().values()) == {1}


def test_backup_and_restore_say_what_to_do(bench):
    """pg_dump and pg_restore with the database's address, without its password; exit 2."""
    with pytest.raises(errors.FixInput) as told:
        asyncio.run(bench.use(lambda books: backups.backup(books, None)))
    assert "pg_dump" in told.value.remedy
    with pytest.raises(errors.FixInput) as told:
        asyncio.run(backups.restore(bench.write_config(), None, bench.folder / "x"))
    assert "pg_restore" in told.value.remedy
