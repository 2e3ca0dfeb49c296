"""Any number of processes share one budget: no window of Xero's ever holds more calls than it may.

Real processes, a real file and a real Postgres, with a window of two seconds instead of sixty; some are killed and some
suspended in the middle. The judge counts what they wrote down, with a model that knows nothing of the budget.
"""

import asyncio
import os
import random
import signal
import time
from collections import defaultdict

import msgspec
import pytest

from counterfoil import errors
from counterfoil.runtime.clock import SystemClock
from counterfoil.store.limits import InFile, OnServer, Passed
from counterfoil.xero.pacing import Pacer
from tests import warm
from tests.xero.caller import LIMITS, TENANTS
from tests.xero.fakes import FakeClock
from tests.xero.test_budget import most_in_a_minute

SOAK = bool(os.environ.get("SOAK"))
PROCESSES = 8 if SOAK else 3
CALLS = 3_000 if SOAK else 200
PATIENCE_S = 600.0 if SOAK else 120.0  # a broken budget ends here
# How long a call lasts at Xero at most: of its lease, what its process may not spend before it begins (a third is left over
# for a stop in the very instant of beginning). Whoever made it may be stopped or starved and hear of its end later.
LASTS = LIMITS.lease // 3


@pytest.fixture(params=["file", "postgres"])
def address(request, tmp_path):
    if request.param == "file":
        return str(tmp_path / "counterfoil.db-limits")
    import psycopg

    uri = request.getfixturevalue("server").get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS limits")
    return uri


def spans(folder):
    """What the processes wrote: tenant → (start, end) of each call; one whose end was not heard, or late, lasted LASTS."""
    found = defaultdict(list)
    for log in folder.glob("*.log"):
        began = {}
        for line in log.read_text().splitlines():
            words = line.split()
            if len(words) != 4 or line.count(" ") != 3:
                continue  # torn by a kill
            sign, tenant, number, at = words
            if sign == "+":
                began[tenant, number] = int(at)
            else:
                start = began.pop((tenant, number))
                found[tenant].append((start, min(int(at), start + LASTS)))
        for (tenant, _), at in began.items():
            found[tenant].append((at, at + LASTS))
    return found


def at_once(calls):
    """The most calls that ran at the same instant."""
    return max((sum(start <= at < end for start, end in calls) for at, _ in calls), default=0)


@pytest.mark.parametrize("seed", range(4 if SOAK else 1))
def test_no_interleaving_of_processes_exceeds_a_limit(address, tmp_path, seed):
    """Calls of three tenants in three lanes from several processes, some killed and replaced, some suspended."""
    dice = random.Random(seed)
    running, started = {}, 0
    ends = time.monotonic() + PATIENCE_S

    def log_of(number):
        return tmp_path / f"{number}.log"

    def start():
        nonlocal started
        started += 1
        words = [
            "-m",
            "tests.xero.caller",
            address,
            str(log_of(started)),
            str(PATIENCE_S),
            str(started),
        ]
        running[started] = warm.start(*words, cwd=warm.ROOT)

    for _ in range(PROCESSES):
        start()
    while time.monotonic() < ends and sum(map(len, spans(tmp_path).values())) < CALLS:
        time.sleep(dice.uniform(0.2, 0.6))
        at_work = [number for number in running if log_of(number).exists() and log_of(number).stat().st_size]
        if not at_work:
            continue
        victim = dice.choice(at_work)
        if dice.random() < 0.5:
            running[victim].send_signal(signal.SIGSTOP)
            time.sleep(dice.uniform(0.05, 0.5))
            running[victim].send_signal(signal.SIGCONT)
        else:
            running[victim].kill()
            running.pop(victim).wait()
            start()
    for process in running.values():
        process.kill()
        process.wait()
    found = spans(tmp_path)
    assert set(TENANTS) == set(found)
    for tenant, calls in found.items():
        assert most_in_a_minute(calls, LIMITS.window) <= LIMITS.minute, tenant
        assert at_once(calls) <= LIMITS.slots, tenant
    everything = [call for calls in found.values() for call in calls]
    assert most_in_a_minute(everything, LIMITS.window) <= LIMITS.app_minute


async def test_what_one_process_used_another_knows(address):
    """The second process waits for the first one's places; a file that is gone is begun anew."""
    first, second = (Pacer(SystemClock(), open_place(address), limits=LIMITS) for _ in range(2))
    for _ in range(LIMITS.minute):
        async with first.call("a", "interactive"):
            pass
    asked = asyncio.create_task(one_call(second))
    async with second.call("b", "interactive"):
        pass
    assert not asked.done()
    began = await asked
    assert began > 0
    await first.close()
    await second.close()


async def test_a_killed_processs_calls_give_their_slots_back_after_the_times_of_posting(tmp_path):
    """Five calls that were never answered hold everybody up for `request_timeout_s` + `quiet_s`, and not longer."""
    clock = FakeClock()
    place = tmp_path / "limits"
    killed = Pacer(clock, InFile(place, clock), lease_s=30)
    unanswered = [killed.call("a", "interactive") for _ in range(5)]
    for one in unanswered:
        await one.__aenter__()
    next_one = Pacer(clock, InFile(place, clock), lease_s=30)
    before = clock.elapsed
    async with next_one.call("a", "interactive"):
        assert 30 <= clock.elapsed - before <= 31
    await next_one.close()
    for one in unanswered:
        await one.__aexit__(None, None, None)
    await killed.close()


async def one_call(pacer):
    async with pacer.call("a", "interactive"):
        return SystemClock().elapsed_s()


def open_place(address, clock=None):
    clock = clock or SystemClock()
    return OnServer(address, clock) if address.startswith("postgres") else InFile(pathlib_of(address), clock)


def pathlib_of(address):
    from pathlib import Path

    return Path(address)


async def test_a_file_that_cannot_be_used_is_an_error_with_a_remedy(tmp_path):
    """Whoever waits hears it; nothing hangs."""
    file = tmp_path / "limits"
    file.write_bytes(b"this is no database, and long enough to be looked at by SQLite as one" * 20)
    pacer = Pacer(FakeClock(), InFile(file, FakeClock()))
    with pytest.raises(errors.StoreError, match="limits") as caught:
        await one_call(pacer)
    assert "deleted" in caught.value.remedy
    await pacer.close()


async def test_a_full_disk_is_said_to_be_one(tmp_path):
    """SQLite ends the transaction by itself then: what is told is the disk, not that there is nothing to take back."""
    place = InFile(tmp_path / "limits", FakeClock())
    await place.turn([], lambda _now, _states: (None, {}))
    place._connection.execute("PRAGMA max_page_count=1")
    with pytest.raises(errors.StoreError, match="is full") as caught:
        await place.turn([], lambda _now, _states: (None, {"a": bytes(1 << 16)}))
    assert "disk full" in caught.value.remedy
    place._connection.execute("PRAGMA max_page_count=1000")
    await place.turn([], lambda _now, _states: (None, {"a": b"there is room"}))
    assert await place.turn(["a"], lambda _now, states: (states["a"], {})) == b"there is room"
    await place.close()


@pytest.mark.parametrize(
    ("epoch", "raw", "most", "expected"),
    [
        ("one", 150, None, 1_050),  # time passed
        ("one", 40, None, 1_000),  # the clock was put back: time stands still
        ("two", 5_000, None, 1_000),  # the machine was started anew
        ("one", 90_000_100, 1_000_000, 1_051_000),  # the server's clock was put forward: no more than passed here
    ],
)
def test_the_shared_clock_never_jumps(epoch, raw, most, expected):
    """Places come back by time that really passed; a clock that is changed brings none back."""
    assert expected == Passed("one", 100, 1_000).moved(epoch, raw, most).now
    assert Passed("one", 100, 1_000) == msgspec.msgpack.decode(
        msgspec.msgpack.encode(Passed("one", 100, 1_000)), type=Passed
    )
