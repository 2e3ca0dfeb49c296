"""A Postgres that goes away and comes back: work goes on with the next transaction, and none is done twice."""

import asyncio
import contextlib

import psycopg
import pytest
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import database as database_module
from counterfoil.store import limits
from counterfoil.store.database import Database
from counterfoil.store.limits import OnServer
from counterfoil.store.meta import get_meta, set_meta
from tests.app.test_noticing import Clock

KILL = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
COUNT = sa.text("SELECT count(*) FROM told")


@pytest.fixture
async def database(server):
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS told")
        connection.execute("CREATE TABLE told (n integer)")
    database = Database(server.get_uri(), Clock())
    await database.open()
    yield database
    await database.close()


def kill_all(server):
    """End every connection but our own, as a server that restarts does."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(KILL)


async def pooled(database, number=4):
    """So many connections lie in the pool."""
    meet = asyncio.Barrier(number)

    async def one():
        async with database._async_engine.begin() as connection:
            await connection.execute(sa.text("SELECT 1"))
            await meet.wait()

    await asyncio.gather(*(one() for _ in range(number)))


async def test_connections_that_were_killed_while_they_lay_idle_are_not_even_noticed(database, server):
    """All four of the pool were ended: the next transactions go through, the first one too."""
    await pooled(database)
    kill_all(server)
    for _ in range(4):
        assert (await database.run(lambda conn: conn.execute(COUNT).scalar_one())) == 0


async def test_one_that_is_lost_in_a_transaction_takes_all_of_the_pool_with_it(database):
    """The transaction fails, says that it may be run again, and is undone; no older connection is used again."""
    await pooled(database)
    before = await backends(database)

    def work(conn):
        conn.execute(sa.text("INSERT INTO told VALUES (1)"))
        conn.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(errors.DatabaseAway) as found:
        await database.run(work)
    assert (found.value.exit_code, "run the same command again" in found.value.remedy) == (4, True)
    assert await database.read(lambda conn: conn.execute(COUNT).scalar_one()) == 0
    assert not before & await backends(database)


async def backends(database):
    """The processes of the server that the pool's connections talk to."""
    meet = asyncio.Barrier(4)

    async def one():
        async with database._async_engine.begin() as connection:
            found = (await connection.execute(sa.text("SELECT pg_backend_pid()"))).scalar_one()
            await meet.wait()
            return found

    return set(await asyncio.gather(*(one() for _ in range(4))))


async def test_a_transaction_whose_commit_was_not_answered_is_not_repeated(database, server):
    """The connection ends at COMMIT, when nobody can know whether it was done: it is told, and what is on disk decides."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE CONSTRAINT TRIGGER hang_up AFTER INSERT ON told DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION hang_up()"
        )
    calls = []

    def work(conn):
        calls.append(1)
        conn.execute(sa.text("INSERT INTO told VALUES (1)"))

    with pytest.raises(errors.DatabaseAway):
        await database.run(work)
    assert len(calls) == 1
    assert await database.read(lambda conn: conn.execute(COUNT).scalar_one()) == 0


async def test_a_server_that_cannot_be_reached_at_the_start_is_a_mistake(tmp_path):
    """Nothing was open: the configuration is to be looked at, exit 2."""
    database = Database(f"postgresql://nobody@/none?host={tmp_path}", Clock())
    with pytest.raises(errors.StoreError) as found:
        await database.open()
    await database.close()
    assert (type(found.value), found.value.exit_code) == (errors.StoreError, 2)


async def test_a_statement_that_fails_is_no_server_that_went_away(database):
    """A lock that was waited for in vain, a table that is not there: StoreError, and the pool stays."""
    before = await backends(database)
    with pytest.raises(errors.StoreError) as found:
        await database.run(lambda conn: conn.execute(sa.text("SELECT * FROM nowhere")))
    assert type(found.value) is errors.StoreError
    assert before & await backends(database)


async def test_a_process_that_is_suspended_in_the_middle_of_a_turn_stops_nobody_for_ever(server, monkeypatch):
    """It lay between two statements of a pipeline, which is no idle transaction: no process could call Xero any more."""
    suspended, other = (OnServer(server.get_uri(), SystemClock()) for _ in range(2))
    assert await other.turn(["o"], lambda _now, states: (len(states), {})) == 0
    monkeypatch.setattr(limits, "STUCK_MS", 500)  # of the suspended one alone: the other may be slow
    assert await suspended.turn(["b"], lambda _now, states: (len(states), {"b": b"1"})) == 0
    with contextlib.suppress(psycopg.Error):  # what it hears when it goes on
        async with suspended._connection.pipeline():
            await suspended._connection.execute("BEGIN", prepare=True)
            await (await suspended._connection.execute(suspended._hold, prepare=True)).fetchone()
            assert await other.turn(["b"], lambda _now, states: (len(states), {})) == 1
    assert await suspended.turn(["b"], lambda _now, states: (len(states), {})) == 1
    await suspended.close()
    await other.close()


async def test_who_waits_for_a_suspended_process_is_not_ended_with_it(server, monkeypatch):
    """Both had begun in the same moment, so that the server's patience ended with both."""
    monkeypatch.setattr(limits, "STUCK_MS", 2000)
    waits = OnServer(server.get_uri(), SystemClock())
    assert await waits.turn(["w"], lambda _now, states: (len(states), {"w": b"1"})) == 0
    with psycopg.connect(server.get_uri()) as suspended:
        suspended.execute(limits.LOCK)
        turn = asyncio.create_task(waits.turn(["w"], lambda _now, states: (len(states), {})))
        await asyncio.sleep(limits.STUCK_MS / 1000 + 1)
        assert not turn.done()
    assert await turn == 1
    await waits.close()


async def test_a_process_that_is_suspended_in_the_middle_of_a_batch_lets_go_of_what_it_locked(server, monkeypatch):
    """Of our other tables too, later: a batch of rows goes out as a pipeline."""
    database, other = (Database(server.get_uri(), SystemClock()) for _ in range(2))
    await database.open()
    monkeypatch.setattr(database_module, "STUCK_MS", 500)  # of the suspended one alone: who waits began with it
    await other.open()
    suspended = await other._async_engine.connect()
    driver = (await suspended.get_raw_connection()).driver_connection
    with contextlib.suppress(psycopg.Error):  # what it hears when it goes on
        async with driver.pipeline():
            await (await driver.execute("SELECT 1 FROM meta FOR UPDATE")).fetchone()
            await database.run(lambda conn: set_meta(conn, "schema_version", "6"))
    await suspended.invalidate()
    await suspended.close()
    assert await database.read(lambda conn: get_meta(conn, "schema_version")) == "6"
    await database.close()
    await other.close()


async def test_a_lock_that_is_waited_for_in_vain_is_told_with_what_to_do(server, monkeypatch):
    """It named the configuration, where nothing is wrong."""
    monkeypatch.setattr(database_module, "POSTGRES_OPTIONS", "-c lock_timeout=200")
    database = Database(server.get_uri(), SystemClock())
    await database.open()
    with psycopg.connect(server.get_uri()) as other:
        other.execute("SELECT 1 FROM meta FOR UPDATE")
        with pytest.raises(errors.StoreError) as found:
            await database.run(lambda conn: set_meta(conn, "schema_version", "6"))
    await database.close()
    assert "Another process holds what this one needs" in found.value.remedy


async def test_the_budgets_notice_it_too(database, server):
    """Their connection was killed while it lay idle: the next turn is done on a new one."""
    budgets = OnServer(server.get_uri(), SystemClock())
    assert await budgets.turn(["a"], lambda _now, states: (len(states), {"a": b"1"})) == 0
    kill_all(server)
    assert await budgets.turn(["a"], lambda _now, states: (len(states), {})) == 1
    await budgets.close()
