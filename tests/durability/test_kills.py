"""kill -9 and SIGSTOP at the named points: each record ends in Xero once."""

import os
import shutil
import signal

import psutil
import pytest

from tests.durability import processes
from tests.posting.workbench import NO_KEY, SHORT, Workbench, sale

POINTS = ["after-freeze", "after-attempt", "after-send", "mid-outcome"]
COUNT = 60  # two requests of invoices, one of contacts


def once(bench: Workbench, count: int = COUNT) -> None:
    """The ledger holds each sale once."""
    assert count == len(bench.living())
    assert {1} == set(bench.marks().values())


@pytest.mark.parametrize("times", [SHORT, NO_KEY], ids=["key alive", "key expired"])
@pytest.mark.parametrize("nth", [1, 2, 3], ids=["contacts", "first invoices", "second invoices"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_named_point_the_next_run_ends_it(
    bench: Workbench, point: str, nth: int, times: dict[str, float]
) -> None:
    """The process dies with SIGKILL; the next run brings every record to its end, once."""
    bench.configure(**times)
    bench.write([sale(n) for n in range(COUNT)])
    processes.killed(processes.start(bench, point, nth, "kill"))
    report = bench.run()
    assert report.posted + report.unchanged == COUNT
    assert report.exit_code == 0
    once(bench)


@pytest.mark.parametrize("point", POINTS)
def test_killed_twice_in_a_row(bench: Workbench, point: str) -> None:
    """The second process dies at the same point; the third ends it."""
    bench.write([sale(n) for n in range(COUNT)])
    processes.killed(processes.start(bench, point, 2, "kill"))
    processes.start(bench, point, 1, "kill").communicate(timeout=processes.TIMEOUT_S)
    assert bench.run().exit_code == 0
    once(bench)


@pytest.mark.parametrize("times", [SHORT, NO_KEY], ids=["key alive", "key expired"])
def test_killed_while_xero_numbers_the_documents(bench: Workbench, times: dict[str, float]) -> None:
    """With Xero's own numbers nothing but looking prevents a second one."""
    bench.configure(flow='number = "xero"', **times)
    bench.write([sale(n, number="xero") for n in range(COUNT)])
    processes.killed(processes.start(bench, "after-send", 2, "kill"))
    assert bench.run().exit_code == 0
    once(bench)


@pytest.mark.parametrize("times", [SHORT, NO_KEY], ids=["key alive", "key expired"])
@pytest.mark.parametrize("number", ["own", "xero"])
def test_suspended_between_attempt_and_send_and_overtaken(
    bench: Workbench, number: str, times: dict[str, float]
) -> None:
    """SIGSTOP after the attempt's commit, another process finishes the work, SIGCONT: still one document each."""
    # With Xero's own numbers and a key that nobody remembers, nothing but the late process itself prevents a second one.
    bench.configure(flow='number = "xero"' if number == "xero" else "", **times)
    bench.write([sale(n) | ({"number": "xero"} if number == "xero" else {}) for n in range(COUNT)])
    stopped = processes.start(bench, "after-attempt", 2, "stop")
    _until_stopped(stopped.pid)
    report = bench.run()
    assert report.exit_code == 0
    once(bench)
    os.kill(stopped.pid, signal.SIGCONT)
    late = processes.ended(stopped)
    assert late["exit"] == 0
    once(bench)


def _until_stopped(pid: int) -> None:
    process = psutil.Process(pid)
    while process.status() != psutil.STATUS_STOPPED:
        assert process.is_running()
        os.sched_yield()


@pytest.mark.parametrize("number", ["own", "xero"])
def test_two_runs_at_once_end_as_one_would(bench: Workbench, number: str) -> None:
    """Both report every record posted or unchanged; the ledger has each once, also where Xero would take a second one."""
    bench.configure(flow='number = "xero"' if number == "xero" else "")
    bench.write([sale(n) | ({"number": "xero"} if number == "xero" else {}) for n in range(200)])
    both = [processes.start(bench) for _ in range(2)]
    reports = [processes.ended(process) for process in both]
    assert [report["exit"] for report in reports] == [0, 0]
    assert [report["posted"] + report["unchanged"] + report["adopted"] for report in reports] == [200, 200]
    once(bench, 200)


@pytest.mark.parametrize("number", ["own", "xero"])
def test_an_old_copy_of_the_database_recovers_first(bench: Workbench, number: str) -> None:
    """Restored to yesterday, it finds by its marks what it has forgotten, and posts nothing twice."""
    flow = 'number = "xero"' if number == "xero" else ""
    bench.configure(flow=flow)
    change = {"number": "xero"} if number == "xero" else {}
    records = [sale(n, **change) for n in range(30)]
    assert bench.run(records[:10]).exit_code == 0
    copy = shutil.copytree(bench.folder, bench.folder / "copy")
    assert bench.run(records).exit_code == 0
    for file in bench.folder.glob("counterfoil.db*"):
        if "sentinel" not in file.name:
            file.unlink()
    for file in copy.glob("counterfoil.db*"):
        if "sentinel" not in file.name:
            shutil.copy(file, bench.folder / file.name)
    report = bench.run(records)
    assert (report.unchanged, report.adopted, report.posted) == (10, 20, 0)
    assert len(bench.living()) == 30
    assert {1} == set(bench.marks().values())


def test_an_empty_database_recognises_its_own_documents(bench: Workbench) -> None:
    """Database and sentinel are gone: the marks at Xero are enough."""
    records = [sale(n) for n in range(12)]
    bench.run(records)
    for file in bench.folder.glob("counterfoil.db*"):
        file.unlink()
    report = bench.run(records)
    assert (report.adopted, report.posted, report.exit_code) == (12, 0, 0)
    assert len(bench.living()) == 12


@pytest.mark.parametrize("number", ["own", "xero"])
@pytest.mark.parametrize("point", ["after-freeze", "after-attempt", "after-send"])
def test_a_copy_with_unsent_requests_does_not_send_them_again(bench: Workbench, point: str, number: str) -> None:
    """The copy believes that its request was never sent, or only once; what happened since is adopted by its mark."""
    bench.configure(flow='number = "xero"' if number == "xero" else "")
    change = {"number": "xero"} if number == "xero" else {}
    bench.write([sale(n, **change) for n in range(10)])
    processes.killed(processes.start(bench, point, 2, "kill"))
    copy = shutil.copytree(bench.folder, bench.folder / "copy")
    assert bench.run().exit_code == 0
    for file in bench.folder.glob("counterfoil.db*"):
        if "sentinel" not in file.name:
            file.unlink()
    for file in copy.glob("counterfoil.db*"):
        if "sentinel" not in file.name:
            shutil.copy(file, bench.folder / file.name)
    bench.finish()
    assert bench.run().exit_code == 0
    assert len(bench.living()) == 10
    assert {1} == set(bench.marks().values())
