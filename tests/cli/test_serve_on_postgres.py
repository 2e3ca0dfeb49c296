"""Several processes of the service on one Postgres: they share schedules and postings, and a dead one's work goes on."""

import signal

import pytest

from tests import sandbox_process
from tests.cli import brisk
from tests.cli.office import sale
from tests.cli.test_serve import FLOW, numbers, stopped, until

RECORDS = 100


@pytest.fixture
def sandbox():
    """A sandbox for each test: they count what stands in its ledger."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture
def shop(office, server):
    """An installation on an empty Postgres."""
    import psycopg

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS counterfoil_jobs CASCADE")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    office.store = f'[store]\nurl = "{server.get_uri()}"\n'
    office.write()
    config(office, "")
    office.key()
    office.connect()
    assert office("entities", "bind", "--yes", "--json").code == 0
    config(office, FLOW)
    return office


def config(office, flows, more=""):
    """The office's configuration on its Postgres."""
    office.write(flows=flows or "[flows.shop]\nkind = \"sales_invoices\"\nsource = { jsonl = 'sales.jsonl' }\n")
    path = office.folder / "counterfoil.toml"
    path.write_text(office.store + path.read_text().replace("[posting]\n", "[posting]\n" + more))


def test_two_serves_and_a_worker_that_is_killed_post_each_record_once(shop, sandbox):
    """While answers are lost: the service that has the work is killed in the middle of it, and a worker; another ends what they had begun."""
    config(shop, FLOW, "batch = 5\nsecond_look_s = 0.5\n")
    shop.records(*(sale(n) for n in range(1, RECORDS + 1)))
    sandbox.fault("lost_answer", method="PUT", probability=0.1, count=1000, seed=5)
    sandbox.fault("slow_answer", method="PUT", count=1000, delay_s=0.5)
    first = soon(shop, "serve")
    until(lambda: numbers(sandbox), first)  # nobody else is there: the work is its
    first.send_signal(signal.SIGSTOP)  # and stays so, however long the others take to begin
    assert len(numbers(sandbox)) < RECORDS
    second, worker = soon(shop, "serve", "--json"), soon(shop, "worker")
    until(lambda: len(shop("status", "--json").value["services"]) == 3, second)
    for process in (first, worker):
        process.kill()
        process.communicate()
    until(lambda: len(numbers(sandbox)) >= RECORDS, second)
    sandbox.clear_faults()
    until(lambda: not any(left(shop)), second)
    code, _out, err, took_s = stopped(second)
    assert (code, took_s < 10) == (0, True), err
    assert numbers(sandbox) == sorted(f"order-{n}" for n in range(1, RECORDS + 1))
    ran = [one for one in shop("runs", "--json").value if one["command"] == "schedule"]
    assert len(ran) >= 1


def soon(shop, *words):
    """A process of the service that misses a dead one after seconds."""
    return shop.start(*words, program=("-P", brisk.__file__))


def left(shop):
    """What is not at its end, per entity."""
    return [one["left"] for one in shop("status", "--json").value["progress"]]


def test_a_worker_alone_runs_no_schedule_but_finishes_what_is_open(shop, sandbox):
    """Its flow's time has come and nobody serves: nothing is read. What somebody planned is sent."""
    shop.records(*(sale(n) for n in range(1, 4)))
    sandbox.fault("429_day", method="PUT", count=100, delay_s=2)
    assert shop("run", "shop", "--json").code == 4
    sandbox.clear_faults()
    shop.records(*(sale(n) for n in range(1, 9)))
    worker = shop.start("worker", "--json")
    until(lambda: len(numbers(sandbox)) == 3, worker)
    assert [one["kind"] for one in shop("status", "--json").value["services"]] == ["worker"]
    assert numbers(sandbox) == ["order-1", "order-2", "order-3"]
    assert stopped(worker)[0] == 0
