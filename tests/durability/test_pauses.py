"""A pause given while `run` works in another process: the sandbox's request log says what was sent after it."""

import asyncio
import os
import signal

import psutil
import pytest

from counterfoil.app import pausing
from tests.durability import processes
from tests.posting.workbench import Workbench, sale

COUNT = 60  # two requests of invoices, one of contacts


def pause(bench: Workbench) -> None:
    asyncio.run(bench.use(lambda books: pausing.pause(books, because="stop")))


def resume(bench: Workbench) -> None:
    asyncio.run(bench.use(pausing.resume))


def sent(bench: Workbench) -> int:
    return len(bench.writes(path="/api.xro/2.0/"))


def until_stopped(pid: int) -> None:
    process = psutil.Process(pid)
    while process.status() != psutil.STATUS_STOPPED:
        assert process.is_running()
        os.sched_yield()


@pytest.mark.parametrize(("point", "more"), [("after-freeze", 0), ("after-attempt", 1)])
@pytest.mark.parametrize("nth", [1, 2], ids=["contacts", "invoices"])
def test_a_pause_holds_before_the_next_request(bench: Workbench, point: str, more: int, nth: int) -> None:
    """Frozen but not begun: it is not sent. Begun (its attempt committed): it ends, and nothing follows it."""
    bench.write([sale(n) for n in range(COUNT)])
    worker = processes.start(bench, point, nth, "stop")
    until_stopped(worker.pid)
    before = sent(bench)
    pause(bench)
    os.kill(worker.pid, signal.SIGCONT)
    report = processes.ended(worker)
    assert before + more == sent(bench)
    assert report["exit"] == 4
    assert bench.finish().exit_code == 4
    assert before + more == sent(bench)
    resume(bench)
    assert bench.finish().exit_code == 0
    assert len(bench.living()) == COUNT
    assert {1} == set(bench.marks().values())


def test_what_may_have_arrived_is_looked_for_while_everything_is_paused(bench: Workbench) -> None:
    """Killed after a send, then paused: the look finds the documents, and not one write is made."""
    bench.write([sale(n) for n in range(20)])
    processes.killed(processes.start(bench, "after-send", 2, "kill"))
    pause(bench)
    before = sent(bench)
    report = bench.finish()
    assert (before, 0, 20) == (sent(bench), report.uncertain, report.posted)
    assert len(bench.living()) == 20


def test_what_did_not_arrive_waits_for_the_end_of_the_pause(bench: Workbench) -> None:
    """Killed before the first byte, then paused: looked for, not found, planned again; sent once after `resume`."""
    bench.write([sale(n) for n in range(20)])
    processes.killed(processes.start(bench, "after-attempt", 2, "kill"))
    pause(bench)
    before = sent(bench)
    report = bench.finish()
    assert (before, 0, 20) == (sent(bench), report.uncertain, report.planned)
    resume(bench)
    assert bench.finish().exit_code == 0
    assert len(bench.living()) == 20
    assert {1} == set(bench.marks().values())
