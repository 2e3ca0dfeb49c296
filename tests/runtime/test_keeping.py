"""Nothing that a process does beside its work ends without a word: what nobody foresaw is logged, counted, and it goes on."""

import asyncio
import contextlib
import datetime
import types

import pytest

from counterfoil import errors
from counterfoil.app.serving import presence
from counterfoil.app.serving.reloading import Reloading
from counterfoil.delivery.carrying import Carrier
from counterfoil.delivery.turn import LeaseLost
from counterfoil.runtime import keeping
from counterfoil.runtime.clock import SystemClock
from counterfoil.runtime.embedded import Embedded
from counterfoil.runtime.port import Due, Work
from counterfoil.service import listening
from counterfoil.store.inbox import Delivery
from counterfoil.webhooks import inbox as writer
from counterfoil.webhooks.hearing import Hearing
from counterfoil.webhooks.inbox import Inbox
from counterfoil.xero.metering import Meter
from counterfoil.xero.pacing import Pacer

AT = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)


class Hurried(SystemClock):
    """Nobody waits."""

    async def sleep(self, seconds: float) -> None:
        """A turn of the loop."""
        del seconds
        await asyncio.sleep(0)


class Broken:
    """A database of which the first transactions raise what nobody foresaw; `asked`: all that came."""

    def __init__(self, failures=2):
        self.left, self.asked = failures, 0
        self.clock = Hurried()
        self.enough, self.tried = asyncio.Event(), asyncio.Event()

    async def run(self, work):
        """Fails, then takes what comes."""
        del work
        self.asked += 1
        self.tried.set()
        if self.left:
            self.left -= 1
            raise RuntimeError("nobody foresaw this")
        self.enough.set()

    read = run


@pytest.fixture(autouse=True)
def counted():
    """What failed in this test alone."""
    keeping.failures.clear()
    yield keeping.failures
    keeping.failures.clear()


async def until(event):
    async with asyncio.timeout(20):
        await event.wait()


@contextlib.asynccontextmanager
async def beside(coroutine):
    task = asyncio.create_task(coroutine)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_webhooks_are_counted_on_after_a_failure_that_nobody_foresaw(counted, caplog):
    """The counts wait, and the log has the place."""
    database = Broken()
    hearing = Hearing(database.clock)
    hearing.ended("forged")
    async with hearing.written(database):
        await until(database.enough)
    assert counted == {"the counting of webhooks": 2}
    assert "nobody foresaw this" in caplog.text


async def test_webhooks_are_kept_on_after_a_failure_behind_the_commit(counted, monkeypatch):
    """Counting them must not end the task that keeps them: the next one is answered in time."""
    hearing = Hearing(SystemClock())
    told = []

    def stored(deliveries):
        told.append(len(deliveries))
        if len(told) == 1:
            raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(hearing, "stored", stored)
    monkeypatch.setattr(writer, "ANSWER_S", 20.0)
    box = Inbox(types.SimpleNamespace(run=_nothing), hearing)
    async with box.opened():
        assert await box.take(Delivery(b"1", b"1", AT)) == "database"
        assert await box.take(Delivery(b"2", b"2", AT)) == "stored"
    assert counted == {"the writing of webhooks": 1}


async def _nothing(_work):
    return ()


async def test_a_process_says_on_that_it_lives(counted):
    """Other processes would take it for dead, and its work from it."""
    database = Broken()
    books = types.SimpleNamespace(clock=database.clock, database=database, owner="here")
    async with beside(presence.keep(books, presence.of_this_process(books, "serve"))):
        await until(database.enough)
    assert counted == {"the sign of life": 2}


async def test_the_configuration_is_watched_on(counted, monkeypatch, tmp_path):
    """A change after the failure is noticed."""
    looks, enough = [], asyncio.Event()

    async def look(_self):
        looks.append(1)
        if len(looks) < 3:
            raise RuntimeError("nobody foresaw this")
        enough.set()

    monkeypatch.setattr(Reloading, "_look_at_the_module", look)
    path = tmp_path / "counterfoil.toml"
    loaded = types.SimpleNamespace(path=path, environment="", lookups={})
    shift = types.SimpleNamespace(books=types.SimpleNamespace(settings=loaded, clock=Hurried()))
    async with beside(Reloading(shift, lambda _settings: None).keep()):
        await until(enough)
    assert counted == {"the look at the configuration": 2}


async def test_the_lease_of_a_feed_is_renewed_on(counted):
    """Else another process takes it over while this one hands over."""
    database = Broken()
    carrier = Carrier(database, owner="here", chance=lambda: 0.0, point=lambda _name: None)
    with contextlib.suppress(LeaseLost):  # the database's answer says so
        async with carrier._leased(types.SimpleNamespace(id="crm")):
            await until(database.enough)
    assert counted == {"the lease of a feed": 2}


async def test_a_search_that_finds_nonsense_ends_no_other_search():
    """An instant without a zone, which cannot be compared: told as a failure, and the other kinds are searched again and again."""
    told, searched = [], []
    enough = asyncio.Event()

    async def nonsense():
        return [Due("key", datetime.datetime(2026, 11, 22))]

    async def other():
        searched.append(1)
        if len(searched) == 3:
            enough.set()
        return ()

    async def never(_key):
        return None

    embedded = Embedded(Hurried(), told.append)
    embedded.register(Work("bad", never, nonsense))
    embedded.register(Work("good", never, other))
    stopping = asyncio.Event()
    async with beside(embedded.run(stopping)):
        await until(enough)
        stopping.set()
    assert {(one.kind, one.key) for one in told} == {("bad", None)}


async def test_a_runtime_whose_search_is_broken_ends_with_the_cause():
    """Whoever runs it begins it anew, and says so; it must not live on with nothing to do."""

    async def find():
        raise RuntimeError("nobody foresaw this")

    def told(_failure):
        raise RuntimeError("nor this")

    async def never(_key):
        return None

    embedded = Embedded(Hurried(), told)
    embedded.register(Work("bad", never, find))
    with pytest.raises(RuntimeError, match="nor this"):
        async with asyncio.timeout(20):
            await embedded.run(asyncio.Event())


async def test_who_waits_for_a_place_hears_of_a_failure_that_nobody_foresaw(counted, monkeypatch):
    """And waits for nothing that never comes; the next one has its place."""
    pacer = Pacer(SystemClock())
    turn, calls = pacer._turn, []

    async def broken(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("nobody foresaw this")
        await turn(*arguments)

    monkeypatch.setattr(pacer, "_turn", broken)
    async with asyncio.timeout(20):
        with pytest.raises(RuntimeError):
            async with pacer.call("t", "sync"):
                pass
        async with pacer.call("t", "sync"):
            pass
        await pacer.close()
    assert counted == {"the pacing of calls": 1}


async def test_what_calls_cost_is_not_forgotten_after_a_failure_that_nobody_foresaw(counted):
    """It is written with the next one."""
    database = Broken(failures=1)
    meter = Meter(database, write_s=0.001)
    meter.count("t", "sync", "GET", "https://api/Invoices", 200, 10, 5)
    await until(database.tried)
    await meter.close()
    assert database.enough.is_set()
    assert counted == {"the metering of calls": 1}


async def test_a_door_that_ends_by_itself_ends_the_service(monkeypatch):
    """A process that answers nobody must not look alive: whoever watches it starts it again."""

    async def broken(_self):
        raise RuntimeError("nobody foresaw this")

    async def app(_scope, _receive, _send):
        """Nothing."""

    monkeypatch.setattr(listening._Server, "main_loop", broken)
    with pytest.raises(errors.Stop, match="nobody foresaw this"):
        async with asyncio.timeout(20), listening.serving(app, listening.bound("127.0.0.1", 0)):
            await asyncio.Event().wait()
