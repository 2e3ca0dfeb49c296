"""What a command does beside a service is heard at once: the service's own search would come in an hour."""

import asyncio
import contextlib
import threading

import psycopg
import pytest

from counterfoil.app import feeding, nudging, pausing
from counterfoil.app.nudging import PUT_OFF
from counterfoil.app.wishes import Wish
from counterfoil.runtime.port import Pace
from counterfoil.store import bindings, services, waits
from counterfoil.store.waits import Wait
from tests.app.serving.office import Served
from tests.posting.test_postgres import bench
from tests.posting.workbench import sale

__all__ = ["bench"]
SELDOM = Pace(sweep_s=3_600.0, grace_s=5.0, backoff_s=0.2, alive_s=0.3)
HOURLY = 'every = "1h"'


@contextlib.asynccontextmanager
async def command(served):
    """The books of a process beside the service."""
    books = await served.books()
    try:
        yield books
    finally:
        await books.close()


def wrong(n):
    """A sale to an account that nobody has."""
    made = sale(n)
    made["lines"][0]["account_code"] = "9876"
    return made


@pytest.fixture
def on_postgres(bench):
    """An installation on a fresh database of the server."""
    folder = bench.folder / "served"
    folder.mkdir()
    return Served(folder, bench.sandbox, store=bench.store)


async def retried(served):
    served.configure(flow=HOURLY)
    served.sales(wrong(1), sale(2))
    async with served.serving(pace=SELDOM) as at:
        await at.until(lambda: len(served.numbers()) == 1)
        async with command(served) as books:
            (problem,) = await books.problems()
            await books.fix(problem.n, Wish(use="200"))
            assert await books.retry(problem.n) == 1
        await at.until(lambda: len(served.numbers()) == 2)
    assert set(served.marks().values()) == {1}


async def test_a_problem_that_a_command_retries_is_sent_at_once(served):
    """`problems fix` and `retry` in a terminal, while `serve` runs: a person waits for it."""
    await retried(served)


async def test_also_on_postgres(on_postgres):
    """Where the service's jobs are in the database."""
    await retried(on_postgres)


async def test_two_commands_that_say_something_for_the_first_time_at_once(on_postgres):
    """The second waits for the first, and does not fail: its own work is done already."""
    async with command(on_postgres) as books:

        def first():
            """Said, and committed when the other one waits for it."""
            with (
                psycopg.connect(on_postgres.store) as said,
                psycopg.connect(on_postgres.store, autocommit=True) as seen,
            ):
                said.execute("INSERT INTO meta (key, value) VALUES (%s, 'first')", (services.NUDGE,))
                there.set()
                while not seen.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0]:
                    assert not failed.is_set()

        there, failed = threading.Event(), threading.Event()
        one = asyncio.create_task(asyncio.to_thread(first))
        await asyncio.to_thread(there.wait)
        try:
            async with asyncio.timeout(20):
                await books.wake("postings", "acme-uk")
        finally:
            failed.set()
            await asyncio.gather(one, return_exceptions=True)
        assert await books.database.read(services.nudged) not in (None, "first")


async def test_what_a_pause_held_goes_on_at_once_when_a_command_ends_it(served):
    """`resume` in a terminal."""
    served.configure(flow=HOURLY)
    async with served.serving(pace=SELDOM) as at:
        async with command(served) as books:
            await pausing.pause(books, because="the auditor is here")
            await books.run("shop", records=[sale(1)])
            assert served.numbers() == []
            await pausing.resume(books)
        await at.until(lambda: len(served.numbers()) == 1)


async def test_what_was_put_off_until_somebody_binds_is_tried_at_once(served):
    """The copy, the events and the postings of an organisation waited for up to a quarter of an hour."""
    served.configure(flow=f'{HOURLY}\n[mirror]\nresources = ["Items"]')
    async with served.serving(pace=SELDOM) as at:

        async def read():
            return (await at.read(lambda conn: waits.of_kind(conn, "mirror"))).keys() >= {"acme-uk", "acme-au"}

        await at.until(read)
        now = served.clock.now()
        until = now.replace(year=now.year + 1)

        def put_off(conn):
            for kind in PUT_OFF:
                waits.put(conn, Wait(kind, "acme-uk", until, now, "nobody has consented"))

        await at.books.database.run(put_off)
        async with command(served) as books:
            await nudging.nothing_waits(books, ["acme-uk"])

        async def tried():
            found = await at.read(lambda conn: waits.of_kind(conn, "mirror"))
            return "acme-uk" in found and found["acme-uk"].until < until

        await at.until(tried)
        assert [await at.read(lambda conn, kind=kind: waits.of_kind(conn, kind)) for kind in ("catch_up", "records")] == [
            {}, {},
        ]  # fmt: skip


async def test_who_consents_in_another_name_is_worked_for_by_a_service_that_runs(served):
    """A service kept the consent with which it began, also when it was lost and somebody else had connected since."""
    async with served.serving() as at:
        before = await at.books.client("acme-uk")
        assert (await at.books.client("acme-uk")) is before
        async with command(served) as books:
            await books.database.run(lambda conn: bindings.use_grant(conn, "acme-uk", "another"))
        assert (await at.books.client("acme-uk")).binding.grant_id == "another"


async def test_a_feed_that_a_command_sends_back_looks_at_once(served):
    """`feeds replay` and `retry` wake the service."""
    served.configure(flow=f'{HOURLY}\n[feeds.out]\non = ["invoice.*"]\nto = {{ jsonl = "out.jsonl" }}')
    async with command(served) as books:
        said = await books.database.read(services.nudged)
        await feeding.replay(books, "out", "start")
        assert await books.database.read(services.nudged) != said


async def test_a_feed_that_is_tried_again_while_it_is_carried(on_postgres):
    """The command touched what waits before the feed, whoever carries it the other way about: Postgres ended one of them."""
    on_postgres.configure(flow=f'{HOURLY}\n[feeds.out]\non = ["invoice.*"]\nto = {{ jsonl = "out.jsonl" }}')
    async with command(on_postgres) as books:
        await feeding.replay(books, "out", "start")
        row = "INSERT INTO deliveries (feed, n, document, due_at, next_at, tries, down) VALUES ('out', 1, 'd', 0, 0, 0, false)"
        await books.database.run(lambda conn: conn.exec_driver_sql(row))
        with psycopg.connect(on_postgres.store) as carrier:
            carrier.execute("SELECT n FROM feeds WHERE id = 'out' FOR UPDATE")
            retried = asyncio.create_task(feeding.retry(books, "out"))
            while carrier.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,):  # noqa: ASYNC110 - the server's locks tell nobody
                await asyncio.sleep(0.01)
            carrier.execute("UPDATE deliveries SET tries = 1 WHERE feed = 'out'")
        assert await retried == 1


async def test_a_command_that_wakes_again_and_again_says_so_once_a_second_and_at_its_end(served):
    """A bulk run has as many answers as requests: none of its words is lost, and few are written."""
    async with command(served) as books:
        said = set()
        for n in range(50):
            await books.wake(feeding.WORK, str(n))
            said.add(await books.database.read(services.nudged))
        first = max(1, len(said))
    async with command(served) as books:
        assert await books.database.read(services.nudged) not in said
    assert first < 50
