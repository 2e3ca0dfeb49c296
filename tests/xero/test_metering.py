"""Counting is in the way of nothing: in memory first, written together, and lost only for a bounded time."""

import asyncio
import datetime

import pytest

from counterfoil import errors
from counterfoil.store import usage
from counterfoil.store.database import Database
from counterfoil.xero import metering
from counterfoil.xero.metering import Meter, working_for
from counterfoil.xero.transport import Transport
from tests.xero.fakes import FakeClock, RawServer, reply

API = "https://api.xero.com/api.xro/2.0/"
EPOCH = datetime.date(1970, 1, 1)


@pytest.fixture
async def database(tmp_path):
    found = Database(f"sqlite:///{tmp_path / 'counterfoil.db'}", FakeClock())
    await found.open()
    yield found
    await found.close()


async def kept(database):
    """What is on disk."""
    return await database.read(lambda conn: usage.since(conn, EPOCH))


async def until(database, calls):
    """Turns of the event loop until so many calls are on disk; fails when that never comes."""
    for _ in range(10_000):
        if sum(one.calls for one in await kept(database)) == calls:
            return
        await asyncio.sleep(0)
    raise AssertionError(await kept(database))


def get(meter, path="Invoices?page=1", tenant="t", status=200, unpacked=100, packed=30):
    meter.count(tenant, "sync", "GET", API + path, status, unpacked, packed)


async def test_counts_are_written_together_after_a_while(database):
    """Not with each call, but once, WRITE_S after the first; a later call starts the next time."""
    meter = Meter(database, write_s=0.0)
    get(meter)
    get(meter)
    assert await kept(database) == []
    await until(database, 2)
    get(meter)
    await until(database, 3)
    await meter.close()


async def test_closing_writes_the_rest_at_once(database):
    """A command that ends loses nothing."""
    meter = Meter(database)
    get(meter, unpacked=7, packed=7)
    meter.count("t", "sync", "PUT", API + "Invoices", 200, 11, 9)
    await meter.close()
    (only,) = await kept(database)
    assert (only.calls, only.read_bytes, only.write_bytes, only.wire_bytes) == (2, 7, 11, 16)


async def test_a_killed_process_loses_what_was_counted_since_a_moment_ago(database, monkeypatch):
    """Never closed: all but the calls after the last writing are there, and that comes WRITE_S after the first, however many follow."""
    loop, timers = asyncio.get_running_loop(), []
    monkeypatch.setattr(loop, "call_later", lambda delay_s, act: timers.append((delay_s, act)) or act)
    killed = Meter(database)
    for _ in range(100):
        get(killed)
    assert [delay_s for delay_s, _act in timers] == [metering.WRITE_S]
    timers.pop()[1]()
    await until(database, 100)
    get(killed)
    get(killed)
    assert [delay_s for delay_s, _act in timers] == [metering.WRITE_S]
    assert sum(one.calls for one in await kept(database)) == 100
    assert metering.WRITE_S <= 15


async def test_a_database_that_cannot_be_written_keeps_nothing_back(database, monkeypatch):
    """The counts wait for the next time; whoever asks for them now is told."""
    meter = Meter(database)
    real = database.run

    async def full(work):
        raise errors.StoreError("The disk is full.")

    get(meter)
    monkeypatch.setattr(database, "run", full)
    with pytest.raises(errors.StoreError):
        await meter.write()
    get(meter)
    monkeypatch.setattr(database, "run", real)
    await meter.write()
    assert [one.calls for one in await kept(database)] == [2]
    get(meter)
    monkeypatch.setattr(database, "run", full)
    await meter.close()


async def test_a_call_is_its_flows_also_in_tasks_that_the_flow_started(database):
    """Two flows at once in one process do not take each other's calls; a consent's are nobody's."""
    meter = Meter(database)

    async def work(flow):
        with working_for(flow):
            await asyncio.gather(*(asyncio.create_task(one()) for _ in range(3)))

    async def one():
        await asyncio.sleep(0)
        get(meter)
        meter.count("", "", "POST", "https://identity.xero.com/connect/token", 200, 5, 5)

    await asyncio.gather(work("a"), work("b"))
    get(meter)
    await meter.write()
    assert {(one.flow_id, one.resource): one.calls for one in await kept(database)} == {
        ("", "Invoices"): 1,
        ("a", "Invoices"): 3,
        ("b", "Invoices"): 3,
        ("", "token"): 6,
    }


@pytest.mark.parametrize(
    ("url", "resource"),
    [
        (API + "Invoices/0000-11?unitdp=4", "Invoices"),
        (API + "Organisation/Actions", "Organisation"),
        ("http://127.0.0.1:8320/connections?authEventId=1", "connections"),
        ("http://127.0.0.1:8320/connections/77-88", "connections"),
        ("https://identity.xero.com/connect/token", "token"),
        ("https://identity.xero.com/.well-known/openid-configuration", ".well-known"),
        ("https://identity.xero.com/", ""),
    ],
)
def test_what_a_call_is_about(url, resource):
    """The first word that names no document and nobody."""
    assert metering.resource_of(url) == resource


async def test_what_never_left_is_no_call_and_a_lost_answer_is_one(database):
    """Xero counts what reaches it."""
    async with RawServer(reply({"a": 1}, zipped=True), None) as server:
        door = Transport(database.clock, meter=Meter(database))
        url = f"{server.url}/api.xro/2.0/Invoices"
        whole = await door.send("GET", url, {}, tenant_id="t", lane="sync")
        with pytest.raises(errors.Unclear):
            await door.send("GET", url, {}, tenant_id="t", lane="sync")
    with pytest.raises(errors.XeroUnavailable):
        await door.send("PUT", "http://127.0.0.1:9/api.xro/2.0/Invoices", {}, b"{}", tenant_id="t", lane="sync")
    await door.close()
    (only,) = await kept(database)
    assert (only.calls, only.failed, only.read_bytes, only.wire_bytes) == (2, 1, len(whole.body), whole.bytes_in)
