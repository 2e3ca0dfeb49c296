"""What every runtime does, whatever happens to wake-ups and workers. One suite for both adapters.

What is open stands in a table of the test's own, as it does in the product; a wake-up is only a hint.
"""

import asyncio
import contextlib
import datetime
import itertools
import signal

import pytest

from counterfoil.runtime.clock import SystemClock
from counterfoil.runtime.port import Due, Pace, Work
from tests import warm
from tests.runtime.adapters import opened

CLOCK = SystemClock()
PATIENCE_S = 60.0  # a broken runtime ends here; a sound one takes a second


@pytest.fixture(params=["embedded", "distributed"])
def adapter(request):
    return request.param


@pytest.fixture
def address(adapter, request):
    if adapter == "embedded":
        return ""
    import psycopg

    uri = request.getfixturevalue("server").get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS counterfoil_jobs CASCADE")
    return uri


class Table:
    """What is open, who does it now, and what was done, in order."""

    def __init__(self, *keys, lane="sync"):
        self.open = set(keys)
        self.lane = lane
        self.done = []
        self.started = []
        self.now = {}
        self.at_once = 0
        self.changed = asyncio.Event()

    async def find(self):
        """All that is open."""
        return [Due(key, lane=self.lane) for key in sorted(self.open)]

    @contextlib.contextmanager
    def doing(self, key):
        """Count who does the same at once."""
        self.started.append(key)
        self.now[key] = self.now.get(key, 0) + 1
        self.at_once = max(self.at_once, self.now[key])
        self.changed.set()
        try:
            yield
        finally:
            self.now[key] -= 1

    async def handle(self, key):
        """Do a piece, if it is open."""
        with self.doing(key):
            await asyncio.sleep(0)
            if key in self.open:
                self.open.discard(key)
                self.done.append(key)
        self.changed.set()

    async def until(self, condition):
        """Wait until the test's condition holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.changed.wait(), 0.05)


@contextlib.asynccontextmanager
async def running(adapter, address, *works, told=None, **options):
    """A runtime that runs these kinds of work until the block ends."""
    failures = [] if told is None else told
    async with opened(adapter, address, CLOCK, failures.append, **options) as runtime:
        for work in works:
            runtime.register(work)
        stopping = asyncio.Event()
        task = asyncio.create_task(runtime.run(stopping))
        try:
            yield runtime, stopping, task
        finally:
            stopping.set()
            await task


async def test_work_whose_wake_up_was_lost_is_found(adapter, address):
    """Nobody said anything; the sweep reads it from the table."""
    table = Table("a", "b")
    async with running(adapter, address, Work("finish", table.handle, table.find)):
        await table.until(lambda: not table.open)
        table.open.add("c")
        await table.until(lambda: not table.open)
    assert sorted(table.done) == ["a", "b", "c"]


async def test_work_is_found_at_once_when_somebody_says_that_there_is_some(adapter, address):
    """By what stands in the table: no piece is named. The next sweep would come in an hour."""
    table, quiet = Table("a"), Table()
    works = [Work("finish", table.handle, table.find), Work("other", quiet.handle, quiet.find)]
    async with running(adapter, address, *works, pace=Pace(sweep_s=3_600.0, grace_s=2.0, alive_s=0.3)) as (
        runtime,
        _,
        _,
    ):
        await table.until(lambda: not table.open)
        table.open.add("b")
        quiet.open.add("c")
        runtime.look()
        await table.until(lambda: not table.open and not quiet.open)
    assert (table.done, quiet.done) == (["a", "b"], ["c"])


async def test_a_doubled_wake_up_does_nothing_twice_and_never_at_once(adapter, address):
    """The handler looks into the table each time; two of a piece never run side by side in one installation."""
    table = Table("a")

    async def nothing():
        return []

    async with running(adapter, address, Work("finish", table.handle, nothing)) as (runtime, _, _):
        for _ in range(20):
            await runtime.wake("finish", "a")
        await table.until(lambda: not table.open)
        await runtime.wake("finish", "a")
        await table.until(lambda: len(table.started) > 1)
    assert table.done == ["a"]
    assert table.at_once == 1


async def test_a_wake_up_while_its_piece_runs_has_it_run_again(adapter, address):
    """What turned up after the handler had looked is not left until the next sweep."""
    table = Table("a")
    go_on = asyncio.Event()

    async def slow(key):
        with table.doing(key):
            table.open.discard(key)
            await go_on.wait()

    async def nothing():
        return []

    async with running(adapter, address, Work("finish", slow, nothing)) as (runtime, _, _):
        await runtime.wake("finish", "a")
        await table.until(lambda: len(table.started) == 1)
        await runtime.wake("finish", "a")
        go_on.set()
        await table.until(lambda: len(table.started) == 2)
    assert table.at_once == 1


async def test_nothing_is_done_before_its_time_and_a_late_wake_up_is_still_done(adapter, address):
    """`not_before` is kept; what a handler asked to be woken for comes."""
    table = Table()
    times = {}
    due_at = CLOCK.now() + datetime.timedelta(seconds=0.6)

    async def handle(key):
        first = key not in times
        times.setdefault(key, []).append(CLOCK.now())
        table.changed.set()
        return CLOCK.now() + datetime.timedelta(seconds=0.3) if first else None

    async def nothing():
        return []

    async with running(adapter, address, Work("finish", handle, nothing)) as (runtime, _, _):
        await runtime.wake("finish", "later", not_before=due_at)
        await runtime.wake("finish", "long ago", not_before=due_at - datetime.timedelta(days=1))
        await table.until(lambda: len(times.get("later", ())) > 1 and len(times.get("long ago", ())) > 1)
    assert times["later"][0] >= due_at
    assert times["long ago"][0] < times["later"][0]
    assert times["later"][1] - times["later"][0] >= datetime.timedelta(seconds=0.3)


async def test_a_poison_piece_is_told_put_off_and_starves_nobody(adapter, address):
    """It fails each time, later each time; everybody else's work is done meanwhile, with a single slot too."""
    table = Table("poison", *(f"good-{n:02}" for n in range(20)))
    told = []

    async def handle(key):
        if key == "poison":
            raise RuntimeError("never")
        await table.handle(key)

    async with running(adapter, address, Work("finish", handle, table.find), told=told, slots=2):
        await table.until(lambda: table.open == {"poison"})
        await table.until(lambda: len(told) >= 3)
    counts = [one.count for one in told if one.key == "poison"]
    assert counts[:3] == [1, 2, 3]
    waits = [(later.again_at - sooner.again_at).total_seconds() for sooner, later in itertools.pairwise(told)]
    assert all(wait >= 0.5 for wait in waits[:2]), waits
    assert str(told[0].error) == "never"


async def test_a_piece_that_is_woken_while_it_fails_is_put_off_all_the_same(adapter, address):
    """Found by the sweep of a loaded machine, which brought it back at once, as if it had never failed."""
    told, woken = [], asyncio.Event()

    async def handle(_key):
        await asyncio.wait_for(woken.wait(), 30)
        await here[0].wake("finish", "poison")
        raise RuntimeError("never")

    async def nothing():
        return []

    here = []
    async with running(adapter, address, Work("finish", handle, nothing), told=told) as (runtime, _, _):
        here.append(runtime)
        await runtime.wake("finish", "poison")
        woken.set()
        await Table().until(lambda: len(told) >= 3)
    assert [one.count for one in told[:3]] == [1, 2, 3]
    waits = [(later.again_at - sooner.again_at).total_seconds() for sooner, later in itertools.pairwise(told)]
    assert all(wait >= 0.5 for wait in waits[:2]), waits


async def test_a_kind_whose_search_fails_does_not_stop_the_others(adapter, address):
    """It is told; the other kind's work is done."""
    table = Table("a")
    told = []

    async def broken():
        raise RuntimeError("no such table")

    works = (Work("broken", table.handle, broken), Work("finish", table.handle, table.find))
    async with running(adapter, address, *works, told=told):
        await table.until(lambda: not table.open and bool(told))
    assert (told[0].kind, told[0].key) == ("broken", None)


async def test_a_handler_that_takes_too_long_is_cut_off_and_told(adapter, address):
    """Its bound ends it; the slot is free again."""
    table = Table("endless", "a")
    told = []

    async def handle(key):
        if key == "endless":
            await asyncio.Event().wait()
        await table.handle(key)

    async with running(adapter, address, Work("finish", handle, table.find, bound_s=0.3), told=told, slots=2):
        await table.until(lambda: "a" in table.done and bool(told))
    assert isinstance(told[0].error, TimeoutError)


async def test_what_is_in_flight_is_finished_when_the_process_is_asked_to_stop(adapter, address):
    """It ends in its own time, within the grace; nothing new begins."""
    table = Table("a")
    asked = asyncio.Event()

    async def handle(key):
        with table.doing(key):
            await asked.wait()
            table.open.discard(key)
            table.done.append(key)
            table.open.add("too late")

    async with running(adapter, address, Work("finish", handle, table.find), slots=2) as (_, stopping, task):
        await table.until(lambda: table.started == ["a"])
        stopping.set()
        await asyncio.sleep(0)
        asked.set()
        await task
    assert table.done == ["a"]
    assert table.started == ["a"]


async def test_what_does_not_end_within_the_grace_is_cancelled(adapter, address):
    """A stop never hangs."""
    table = Table("a")
    ended = []

    async def handle(key):
        try:
            with table.doing(key):
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append(key)
            raise

    async with running(adapter, address, Work("finish", handle, table.find)) as (_, stopping, task):
        await table.until(lambda: table.started == ["a"])
        stopping.set()
        async with asyncio.timeout(PATIENCE_S):
            await task
    assert ended == ["a"]


async def test_the_first_lanes_go_first_and_keep_slots_of_their_own(adapter, address):
    """However much bulk work hangs about, somebody who waits at a screen is served."""
    slow = Table(*(f"import-{n}" for n in range(12)), lane="bulk")
    quick = Table("person", lane="interactive")
    hold = asyncio.Event()

    async def hang(key):
        with slow.doing(key):
            await hold.wait()
            slow.open.discard(key)

    works = (Work("import", hang, slow.find), Work("ask", quick.handle, quick.find))
    async with running(adapter, address, works[0], Work("ask", quick.handle, _none), slots=8) as (runtime, _, _):
        await slow.until(lambda: sum(slow.now.values()) == 4)
        await runtime.wake("ask", "person", lane="interactive")
        await quick.until(lambda: quick.done == ["person"])
        assert sum(slow.now.values()) == 4
        hold.set()
        await slow.until(lambda: not slow.open)


async def _none():
    return []


async def test_the_work_of_a_killed_worker_is_taken_up_by_another(adapter, address, tmp_path):
    """kill -9 in the middle of a piece: whoever runs next finds it, and a job that says that it runs is no obstacle."""
    file = tmp_path / "started"
    words = ["-m", "tests.runtime.worker", adapter, address, str(file)]
    process = await asyncio.to_thread(warm.start, *words, cwd=warm.ROOT)
    table = Table("piece")
    try:
        await table.until(lambda: file.exists() or process.poll() is not None)
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    async with running(adapter, address, Work("finish", table.handle, table.find)):
        await table.until(lambda: not table.open)
    assert table.done == ["piece"]


async def test_an_unknown_kind_of_work_is_refused_and_a_kind_is_registered_once(adapter, address):
    """A mistake of ours is found at once."""
    table = Table()
    async with opened(adapter, address, CLOCK, print) as runtime:
        runtime.register(Work("finish", table.handle, table.find))
        with pytest.raises(ValueError, match="finish"):
            runtime.register(Work("finish", table.handle, table.find))
        with pytest.raises(KeyError):
            await runtime.wake("finnish", "a")
