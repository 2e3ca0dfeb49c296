"""A source's reading that was broken off goes on where it was, if it is the same source and nobody planned since."""

import asyncio

import pytest

from counterfoil.app import places
from counterfoil.app.places import Place, Reading, TurnLost
from counterfoil.app.progress import progress
from counterfoil.app.recent import recent
from counterfoil.app.running import Runner
from counterfoil.posting.plans import BATCH
from counterfoil.store import runs, schedules
from tests.posting.workbench import sale

SOURCE = "digest:settings:version"
COUNT = 2 * BATCH + 10


class Broken(Exception):
    """The process dies here."""


TILL = """
[flows.till]
kind = "sales_invoices"
entity = "acme-uk"
source = { csv = "till.csv" }
group_by = "{Order}"
[flows.till.read]
decimal = "."
date = "%Y-%m-%d"
[flows.till.map]
external_id = "{Order}"
contact = { external_id = "till", name = "Till" }
date = "{Date}"
currency = "GBP"
[[flows.till.line]]
description = "{Item}"
quantity = "1"
unit_amount = "{Price}"
account_code = "200"
tax_type = "OUTPUT2"
"""


async def claimed(books, owner, flow="shop"):
    """The flow's turn is this process's."""

    def work(conn):
        now = books.database.now(conn)
        turn = schedules.know(conn, flow, "1h", now)
        assert schedules.claim(conn, turn, owner, now, now)

    await books.database.run(work)


async def read(books, *, batches=None, source=SOURCE, owner=None, flow="shop"):
    """One scheduled reading, broken off after so many batches; → its report, and how many batches were decided."""
    decided = []

    def told(stage):
        decided.append(stage.done)
        if len(decided) == batches:
            raise Broken

    runner = Runner(books, told)
    reading = Reading(books.database, owner or books.owner, flow, source)
    try:
        report, _entities = await runner.schedule(books.flow(flow), reading)
    except Broken:
        report = None
    return report, decided


@pytest.mark.parametrize(
    ("source", "another", "again"),
    [(SOURCE, False, True), ("another:settings:version", False, False), (None, False, False), (SOURCE, True, False)],
    ids=["the same", "other bytes", "unknown", "another run meanwhile"],
)
def test_a_reading_that_was_broken_off_goes_on(bench, source, another, again):
    """The same run ends with all records, those at the front planned once; anything else begins a new run at the beginning."""
    bench.write([sale(n) for n in range(COUNT)])

    async def work(books):
        await claimed(books, books.owner)
        await read(books, batches=1)
        first = (await recent(books, 1))[0]
        if another:
            flow = books.flow("shop")
            await books.database.run(
                lambda conn: runs.start(
                    conn, flow=flow.table, flow_id=flow.id, command="retry", source="", actor="x", now=books.clock.now()
                )
            )
        shown = await books.database.read(places.everywhere)
        report, _ = await read(books, source=source)
        return first, shown["shop"], report, await progress(books)

    first, shown, report, under_way = asyncio.run(bench.use(work))
    assert (first.running, first.counts["planned"]) == (True, BATCH)
    assert (shown.records, 0 < shown.percent < 100) == (BATCH, True)
    assert (report.run == first.id, report.records, report.planned) == (again, COUNT, COUNT)
    assert [one.reading for one in under_way] == [("shop",)]


def test_a_record_that_stands_twice_is_noticed_across_a_restart(bench):
    """The second one, with other content, comes after the place where the first reading ended: it is held, not sent."""
    twice = sale(0, reference="another")
    bench.write([*(sale(n) for n in range(BATCH)), twice, sale(1)])

    async def work(books):
        await claimed(books, books.owner)
        await read(books, batches=1)
        return (await read(books))[0]

    report = asyncio.run(bench.use(work))
    assert (report.records, report.held, report.planned) == (BATCH + 2, 2, BATCH - 1)
    assert report.unchanged == 1
    bench.finish()
    assert len(bench.living()) == BATCH - 1


def test_rows_that_are_gathered_are_gathered_anew_and_passed_over(bench):
    """The two rows of each order stand far apart in the file; every order is planned once, whole, in the same run."""
    bench.configure(flow=TILL)
    rows = [f"T-{n},2026-11-02,{item},1.00" for item in ("Tea", "Scone") for n in range(COUNT)]
    (bench.folder / "till.csv").write_text("\n".join(["Order,Date,Item,Price", *rows]) + "\n")

    async def work(books):
        await claimed(books, books.owner, "till")
        await read(books, batches=1, flow="till")
        first = (await recent(books, 1))[0]
        report, _ = await read(books, flow="till")
        return first, report

    first, report = asyncio.run(bench.use(work))
    assert first.counts["planned"] == BATCH
    assert (report.run, report.records, report.planned) == (first.id, COUNT, COUNT)
    bench.finish()
    assert [len(one["LineItems"]) for one in bench.living()] == [2] * COUNT


def test_whoever_lost_its_turn_plans_nothing_more(bench):
    """Another process took the flow over: nothing of the late one's batch is kept."""
    bench.write([sale(n) for n in range(COUNT)])

    async def work(books):
        await claimed(books, "another")
        with pytest.raises(TurnLost):
            await read(books)
        return await books.database.read(runs.open_by_entity)

    assert asyncio.run(bench.use(work)) == {}


def test_of_a_source_of_no_known_size_no_percentage_is_told():
    """How many records there are, and no percentage."""
    place = Place(source="", run=1, records=5, bytes=10, size=0, since=None)
    assert place.percent is None
