"""`serve` and `worker` as processes: started, stopped, killed, started again; the judge is the sandbox's ledger."""

import json
import os
import signal
import subprocess
import time

import pytest

from tests import sandbox_process
from tests.cli.office import sale

PATIENCE_S = 120.0
FLOW = """\
[flows.shop]
kind = "sales_invoices"
source = { jsonl = "sales.jsonl" }
every = "1m"
"""


@pytest.fixture
def sandbox():
    """A sandbox for each test: they count what stands in its ledger."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture
def shop(office):
    """An installation whose flow has a schedule."""
    office.open_for_business()
    office.write(flows=FLOW)
    return office


def until(condition, process=None):
    """Wait until something is so; a process that ended meanwhile says why."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it never came"
        if process is not None and process.poll() is not None:
            raise AssertionError(f"it ended with {process.returncode}: {process.communicate()}")
        time.sleep(0.1)


def numbers(sandbox, organisation=1):
    """The numbers of the invoices in an organisation's ledger, sorted."""
    found = sandbox.ledger(sandbox.tenant(organisation)).get("Invoices", [])
    return sorted(one["InvoiceNumber"] for one in found if one["Status"] not in ("DELETED", "VOIDED"))


def stopped(process):
    """Ask it to end; → exit code, stdout, stderr, and how long it took."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err, time.monotonic() - began


def test_serve_runs_a_flow_by_its_schedule_and_ends_when_it_is_told_to(shop, sandbox):
    """Every sale stands in the ledger once; SIGTERM ends it with 0 within ten seconds; --json is one value at the end."""
    shop.records(*(sale(n) for n in range(1, 31)))
    process = shop.start("serve", "--json")
    until(lambda: len(numbers(sandbox)) == 30, process)
    code, out, err, took_s = stopped(process)
    assert (code, took_s < 10) == (0, True), err
    assert numbers(sandbox) == sorted(f"order-{n}" for n in range(1, 31))
    value = json.loads(out)
    assert value["kind"] == "serve"
    assert value["failures"] == 0


def test_a_second_serve_on_the_same_database_says_so(shop):
    """Exit 2, and the first goes on."""
    first = shop.start("serve")
    until(lambda: "process" in _second(shop).err, first)
    second = _second(shop)
    assert second.code == 2
    assert str(first.pid) in second.err
    assert stopped(first)[0] == 0
    third = shop.start("serve")
    until(lambda: _second(shop).code == 2, third)
    os.kill(third.pid, signal.SIGKILL)
    third.communicate()
    fourth = shop.start("serve", "--json")  # a lock ends with its process, however that ends
    until(lambda: str(fourth.pid) in _second(shop).err, fourth)
    assert stopped(fourth)[0] == 0


def _second(shop):
    """Another one, which is told to go before it works if it should get in."""
    process = shop.start("serve")
    try:
        out, err = process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_S)
    return shop._ended(process.returncode, out, err)


def test_a_worker_has_no_place_on_sqlite(shop):
    """Exit 2, with the reason and what to do instead."""
    ended = shop("worker")
    assert ended.code == 2
    assert "SQLite" in ended.err
    assert "serve" in ended.err
