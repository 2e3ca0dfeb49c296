"""`serve` and `worker` as processes: started, stopped, killed, started again; the judge is the sandbox's ledger."""

import contextlib
import json
import random
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from tests import sandbox_process
from tests.cli.office import POSTING, sale

PATIENCE_S = 90.0
FLOW = """\
[service]
listen = "127.0.0.1:0"
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
        if time.monotonic() > end:
            if process is not None:
                process.kill()
            raise AssertionError(f"it never came: {process and process.communicate()}")
        if process is not None and process.poll() is not None:
            raise AssertionError(f"it ended with {process.returncode}: {process.communicate()}")
        time.sleep(0.1)


def numbers(sandbox, organisation=1):
    """The numbers of the invoices in an organisation's ledger, sorted."""
    found = sandbox.ledger(sandbox.tenant(organisation)).get("Invoices", [])
    return sorted(one["InvoiceNumber"] for one in found if one["Status"] not in ("DELETED", "VOIDED"))


def serving_now(shop):
    """The process ids of services that said so lately; a killed one is among them for a while."""
    return [one["pid"] for one in shop("status", "--json").value["services"]]


def stopped(process):
    """Ask it to end; → exit code, stdout, stderr, and how long it took."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err, time.monotonic() - began


def test_serve_runs_a_flow_by_its_schedule_and_ends_when_it_is_told_to(shop, sandbox):
    """Every sale stands in the ledger once; SIGTERM ends it with 0 within ten seconds; --json is one value at the end."""
    shop.records(*(sale(n) for n in range(1, 31)))
    process = shop.start("serve", "--json", cold=True)
    until(lambda: len(numbers(sandbox)) == 30, process)
    code, out, err, took_s = stopped(process)
    assert (code, took_s < 10) == (0, True), err
    assert numbers(sandbox) == sorted(f"order-{n}" for n in range(1, 31))
    value = json.loads(out)
    assert value["kind"] == "serve"
    assert value["failures"] == 0


def test_a_second_serve_on_the_same_database_says_so(shop):
    """Exit 2, and the first goes on; the lock ends with its process, however that ends."""
    first = shop.start("serve")
    until(lambda: at_work(shop) == first.pid, first)
    second = shop.process("serve", "--json")
    assert second.code == 2
    assert str(first.pid) in second.err
    assert first.poll() is None
    first.kill()
    first.communicate()
    third = shop.start("serve")
    until(lambda: at_work(shop) == third.pid, third)
    assert stopped(third)[0] == 0


def at_work(shop):
    """The process that serves the database; 0: none ever did."""
    beside = shop.folder / "counterfoil.db-serve"
    return int(beside.read_text() or 0) if beside.exists() else 0


def test_a_worker_has_no_place_on_sqlite(shop):
    """Exit 2, with the reason and what to do instead."""
    ended = shop("worker")
    assert ended.code == 2
    assert "SQLite" in ended.err
    assert "serve" in ended.err


def test_sigterm_in_the_middle_of_an_import_leaves_nothing_in_doubt(shop, sandbox):
    """What was on its way is answered, the rest planned again: exit 0 within ten seconds, and no request is ever sent twice."""
    shop.write(flows=FLOW + "\n[posting]\nbatch = 1\nrequest_timeout_s = 30\nquiet_s = 2\n")
    config = shop.folder / "counterfoil.toml"
    config.write_text(config.read_text().replace(POSTING, "", 1))
    shop.records(*(sale(n) for n in range(1, 41)))
    sandbox.fault("slow", method="PUT", path="/api.xro/2.0/Invoices", count=1000, delay_s=0.5)
    process = shop.start("serve", "--json")
    until(lambda: len(numbers(sandbox)) >= 4, process)
    code, _out, err, took_s = stopped(process)
    assert (code, took_s < 10) == (0, True), err
    assert 4 <= len(numbers(sandbox)) < 40
    sandbox.clear_faults()
    process = shop.start("serve", "--json")
    until(lambda: len(numbers(sandbox)) == 40, process)
    assert stopped(process)[0] == 0
    sent = [one for one in sandbox.requests() if one["method"] == "PUT" and "/Invoices" in one["path"]]
    keys = [one["idempotency_key"] for one in sent]
    assert len(keys) == len(set(keys)) == 40
    assert numbers(sandbox) == sorted(f"order-{n}" for n in range(1, 41))


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_points_it_posts_each_record_once(shop, sandbox, seed):
    """Killed and started again six times, while answers are lost and slow; the ledger has each record once."""
    dice = random.Random(seed)
    shop.records(*(sale(n) for n in range(1, 121)))
    config = shop.folder / "counterfoil.toml"
    config.write_text(config.read_text().replace("[posting]\n", "[posting]\nbatch = 5\nsecond_look_s = 0.5\n"))
    sandbox.fault("lost_answer", method="PUT", probability=0.1, count=1000, seed=seed)
    sandbox.fault("slow_answer", method="PUT", probability=0.3, count=1000, seed=seed, delay_s=0.4)
    for _ in range(6):
        process = shop.start("serve")
        have = len(numbers(sandbox))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0.8, 4.0))
        process.kill()
        process.communicate()
        assert len(numbers(sandbox)) >= have
    sandbox.clear_faults()
    process = shop.start("serve", "--json")
    until(lambda: process.pid in serving_now(shop), process)  # from here on it knows what SIGTERM means
    until(lambda: len(numbers(sandbox)) >= 120, process)
    assert stopped(process)[0] == 0
    assert shop("finish", "--json").code == 0
    assert numbers(sandbox) == sorted(f"order-{n}" for n in range(1, 121))


def test_run_beside_serve_posts_nothing_twice(shop, sandbox):
    """Both read the same file at the same time; both end well, and each record is there once."""
    sandbox.fault("slow_answer", method="PUT", probability=0.5, count=1000, seed=3, delay_s=0.3)
    shop.records(*(sale(n) for n in range(1, 61)))
    served = shop.start("serve", "--json")
    ran = shop.process("run", "shop", "--json")
    assert ran.code == 0, ran.err
    assert ran.value["records"] == 60
    until(lambda: len(numbers(sandbox)) == 60, served)
    status = shop("status", "--json")
    assert [one["kind"] for one in status.value["services"]] == ["serve"]
    assert [one["flow"] for one in status.value["schedules"]] == ["shop"]
    assert stopped(served)[0] == 0
    assert shop("status", "--json").value["services"] == []
    assert numbers(sandbox) == sorted(f"order-{n}" for n in range(1, 61))


def test_a_dry_run_says_what_would_run_and_leaves_schedules_alone(shop, sandbox):
    """The plan's counts and the next time; nothing is written to Xero, and the first serve still runs it at once."""
    shop.records(*(sale(n) for n in range(1, 4)))
    ended = shop("serve", "--dry-run", "--json")
    assert ended.code == 0
    (flow,) = ended.value["flows"]
    assert (flow["source"], flow["plan"]["create"], flow["schedule"]["schedule"]) == ("new", 3, "1m")
    assert flow["schedule"]["last"] is None
    assert {one["method"] for one in sandbox.requests() if one["path"].startswith("/api.xro")} == {"GET"}
    shown = shop("serve", "--dry-run")
    assert "3 create" in shown.out
    process = shop.start("serve")
    until(lambda: len(numbers(sandbox)) == 3, process)
    assert stopped(process)[0] == 0
    again = shop("serve", "--dry-run", "--json").value["flows"][0]
    assert (again["source"], again["plan"]) == ("same", None)


def test_the_door_is_open_while_it_serves_and_its_logs_name_the_work(shop, sandbox):
    """The address is printed; it is ready once everything was looked for; a flow that cannot be read is a line of the log."""
    process = shop.start("serve")
    url = next(line.split()[-1] for line in process.stdout if line.startswith("Listening on"))

    def ready():
        with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(f"{url}/readyz") as answer:
            return answer.status == 200
        return False

    until(ready, process)
    lines = []
    for line in process.stderr:
        lines.append(json.loads(line))
        if lines[-1].get("work") == "flow" and lines[-1]["level"] == "warning":
            break
    assert "sales.jsonl" in lines[-1]["event"]
    assert lines[-1]["key"] == "shop"
    assert stopped(process)[0] == 0
