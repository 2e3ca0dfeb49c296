"""The engine on Postgres, where transactions really run side by side (READ COMMITTED): the same promises hold."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from counterfoil.app import adopt_copy
from tests.durability.histories import Child, History
from tests.posting.workbench import NO_KEY, SHORT, Workbench, sale
from tests.sandbox_process import SandboxProcess

INVOICES = "/api.xro/2.0/Invoices"


@pytest.fixture
def bench(server: Any, sandbox: SandboxProcess, tmp_path: Path) -> Workbench:
    """A fresh database on the server."""
    sandbox.post("/_sandbox/reset")
    sandbox.clear_faults()
    url = sa.make_url(server.get_uri())
    name = tmp_path.name.replace("-", "_")
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return Workbench(tmp_path, sandbox, store=url.set(database=name).render_as_string(hide_password=False))


def once(bench: Workbench, count: int) -> None:
    """The ledger holds each sale once."""
    assert count == len(bench.living())
    assert {1} == set(bench.marks().values())


def answers(children: list[Child]) -> list[dict[str, Any]]:
    """What processes told at their end; nothing unforeseen may have escaped."""
    found = [child.answer() for child in children]
    for answer in found:
        assert "crash" not in answer, answer["crash"]
        assert "error" not in answer, answer["message"]
    return found


@pytest.mark.parametrize("times", [SHORT, NO_KEY], ids=["key alive", "key expired"])
@pytest.mark.parametrize("fault", ["lost_answer", "500_before", "one_short"])
def test_a_lost_or_broken_answer_ends_in_one_document_each(
    bench: Workbench, fault: str, times: dict[str, float]
) -> None:
    """A sample of the fault matrix."""
    bench.configure(**times)
    bench.sandbox.fault(fault, method="PUT", path=INVOICES, count=1)
    report = bench.run([sale(n) for n in range(60)])
    assert (report.posted, report.uncertain, report.exit_code) == (60, 0, 0)
    once(bench, 60)


@pytest.mark.parametrize("point", ["after-freeze", "after-attempt", "after-send", "mid-outcome"])
def test_killed_at_a_named_point_the_next_run_ends_it(bench: Workbench, point: str) -> None:
    """The process dies with SIGKILL; Postgres rolls back what it had open."""
    bench.write([sale(n) for n in range(60)])
    assert Child(bench, 1, "run", (point, 2, "kill")).answer() == {"killed": True}
    report = bench.run()
    assert (report.posted + report.unchanged, report.exit_code) == (60, 0)
    once(bench, 60)


def test_four_runs_at_once_end_as_one_would(bench: Workbench) -> None:
    """They plan the same records, customers and bad rows and send each document once, with its customer."""
    bench.configure(batch=7)
    records: list[dict[str, Any]] = [sale(n) for n in range(150)]
    bad: list[dict[str, Any] | str] = ["{broken", sale(900, lines=[]), {"nothing": 1}]
    bench.write([*records, *bad])
    reports = [answer["report"] for answer in answers([Child(bench, n, "run") for n in range(4)])]
    assert [(r["posted"] + r["unchanged"] + r["adopted"], r["rejected"]) for r in reports] == [(150, 3)] * 4
    once(bench, 150)
    names = [one["Name"] for one in bench.sandbox.ledger(bench.sandbox.tenant(1))["Contacts"]]
    assert sorted(set(names)) == sorted(names)
    assert {f"Customer {n}" for n in range(7)} <= set(names)


def test_two_first_starts_at_once(bench: Workbench) -> None:
    """Tables, environment and installation id are made once."""
    bench.write([sale(1)])
    answers([Child(bench, n, "run") for n in range(3)])
    once(bench, 1)


def test_an_attempt_is_counted_once_however_many_are_made_at_once(bench: Workbench) -> None:
    """The count that the sentinel is compared with grows by one for each attempt."""
    bench.configure(batch=1)
    bench.write([sale(n) for n in range(40)])
    answers([Child(bench, n, "run") for n in range(3)])
    counted = asyncio.run(bench.use(_count_attempts))
    assert counted[0] == counted[1] > 40


async def _count_attempts(books: Any) -> tuple[int, int]:
    from counterfoil.store import requests, schema

    def read(connection: Any) -> tuple[int, int]:
        rows = connection.execute(sa.select(sa.func.count()).select_from(schema.attempts)).scalar_one()
        return requests.sequence(connection), rows

    found: tuple[int, int] = await books.database.read(read)
    return found


def test_an_older_database_reads_xero_before_it_sends(bench: Workbench, server: Any) -> None:
    """A restore on Postgres is noticed by the count alone: what was forgotten is adopted."""
    bench.configure(flow='number = "xero"')
    bench.run([sale(1, number="xero")])
    url = sa.make_url(bench.store)
    assert url.database is not None
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg", database="postgres"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{url.database}_copy" TEMPLATE "{url.database}"'))
    engine.dispose()
    assert bench.run([sale(1, number="xero"), sale(2, number="xero")]).posted == 1
    bench.store = url.set(database=f"{url.database}_copy").render_as_string(hide_password=False)
    asyncio.run(adopt_copy(bench.write_config(), None, moved=True))  # a person's word that the original is gone
    report = bench.run()
    assert (report.adopted, report.posted, report.unchanged) == (1, 0, 1)
    once(bench, 2)


@pytest.mark.parametrize("seed", [9002])
def test_a_random_history_on_postgres(bench: Workbench, seed: int) -> None:
    """Faults, kills, suspends and several processes at once: each record once or named."""
    History(bench, seed).play()
