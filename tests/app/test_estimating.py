"""What files would cost, said before any connection, and held against what a run of them then does."""

import asyncio
import json
import os
import tracemalloc

import pytest

from counterfoil import errors, settings
from counterfoil.app import estimating, estimating_files
from counterfoil.app.estimating import Counted
from counterfoil.model import tiers
from counterfoil.runtime.clock import SystemClock
from tests.app.till import order, small
from tests.cli.office import Office
from tests.posting.workbench import sale

CALLS_OFF = 0.05  # the bound that docs/howto/costs.md states: 5 % of the calls, or 2
BYTES_OFF = 0.10


def estimated(files, config=None, **more):
    """The estimate of files, with a configuration or without one."""
    loaded = settings.load(config) if config else None
    return asyncio.run(estimating_files.estimate(files, loaded, SystemClock(), **more))


def near(expected, actual, share, least=0):
    """Whether an estimate is within its bound."""
    return abs(expected - actual) <= max(least, share * actual)


async def whole_run(books):
    """What `counterfoil run` does: the run, and its proof."""
    report = await books.run("shop")
    await books.prove("shop")
    return report, books.counts()[0]


def customers(count, of):
    return [sale(n, contact={"external_id": f"c-{n % of}", "name": f"Person {n % of}"}) for n in range(count)]


def paid(count):
    payment = {"external_id": "p", "date": "2026-11-02", "amount": "5.00", "account_code": "091"}
    return [one | {"payments": [payment]} for one in customers(count, count)]


SHAPES = {
    "one": customers(1, 1),
    "a shop's day": customers(120, 90),
    "few customers": customers(400, 7),
    "all new": customers(430, 430),
    "drafts": [one | {"status": "DRAFT"} for one in customers(60, 60)],
    "paid": paid(
        50
    ),  # of several requests it is a matter of speed how many are there when payments are looked for first
    "numbered by Xero and by us": [
        one if n % 2 else {k: v for k, v in one.items() if k != "number"} for n, one in enumerate(customers(80, 80))
    ],
    "long": [one | {"lines": one["lines"] * 20} for one in customers(60, 60)],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_foretold_is_what_a_run_then_does(bench, shape):
    """Calls within 5 % or two, bytes of reads and of answers to writes within 10 %."""
    path = bench.write(SHAPES[shape])
    found = estimated([path], bench.write_config())
    report, calls = asyncio.run(bench.use(whole_run))
    (metered,) = [tenant for app in bench.sandbox.get("/_sandbox/usage")["apps"] for tenant in app["tenants"]]
    assert report.posted == len(SHAPES[shape]) == found.documents
    assert near(found.calls, calls, CALLS_OFF, least=2), (found.calls, calls)
    assert near(found.write_bytes, metered["write_bytes"], BYTES_OFF), (found.write_bytes, metered)
    assert near(found.read_bytes, metered["read_bytes"], BYTES_OFF), (found.read_bytes, metered)


def test_several_entities_run_beside_each_other(bench):
    """Each has its own calls; the time is the slowest one's."""
    sales = customers(100, 100) + [sale(n, entity="acme-nl", due_date=None, status="DRAFT") for n in range(300)]
    found = estimated([bench.write(sales)], bench.write_config())
    assert [one.entity for one in found.entities] == ["acme-nl", "acme-uk"]
    assert found.seconds == max(one.seconds for one in found.entities)
    assert found.calls == sum(one.calls for one in found.entities)


def test_rows_are_gathered_by_the_only_flow_that_fits(till):
    """Two rows are one document; the file's own flow is found by its columns, and said."""
    orders = [order(f"o-{n}", "24.00", ("1", "10.00", "S"), ("1", "10.00", "S")) for n in range(70)]
    found = estimated([till.write_rows(*orders)], till.write_config())
    assert (found.records, found.documents, found.refused) == (70, 70, 0)
    assert any("by flow shop" in said for said in found.assumed)
    report, calls = till.do(whole_run)
    assert report.posted == 70
    assert near(found.calls, calls, CALLS_OFF, least=2)


def test_nothing_of_the_users_is_touched(till):
    """No database, no limits file, no key is made."""
    path, config = till.write_rows(small("o-1")), till.write_config()
    before = {path.name for path in till.folder.iterdir()}
    estimated([path], config)
    assert {path.name for path in till.folder.iterdir()} == before


def test_records_and_rows_without_a_configuration(tmp_path):
    """Records say all that is needed; of rows it is said what is assumed."""
    records, rows = tmp_path / "sales.jsonl", tmp_path / "orders.csv"
    records.write_text("".join(json.dumps(one) + "\n" for one in customers(60, 10)))
    rows.write_text("Order,Email\n" + "".join(f"o-{n},p{n}@post.example\n" for n in range(60)))
    of_records, of_rows = estimated([records]), estimated([rows])
    assert (of_records.documents, of_records.entities[0].contacts) == (60, 10)
    assert (of_rows.documents, of_rows.entities[0].contacts) == (60, 60)
    assert any("each row is taken for a document" in said for said in of_rows.assumed)
    both = estimated([records, rows])
    assert both.records == 120


def test_bad_lines_and_records_of_nobody_are_counted_as_refused(bench):
    """They cost nothing."""
    path = bench.write([*customers(3, 3), "{broken", sale(9) | {"entity": "nobody"}, '{"external_id": "x"}'])
    found = estimated([path], bench.write_config())
    assert (found.records, found.refused, found.documents) == (6, 3, 3)


def test_a_flow_that_there_is_not_and_a_file_that_there_is_not(bench, tmp_path):
    """Both are named."""
    with pytest.raises(errors.ConfigurationError, match="'shup'"):
        estimated([bench.write([])], bench.write_config(), flow="shup")
    with pytest.raises(errors.InputError, match=r"gone\.jsonl"):
        estimated([tmp_path / "gone.jsonl"], bench.write_config())


def test_a_pipe_is_refused_at_once(tmp_path):
    """It can be read once, and nobody may be writing into it: no wait without end."""
    pipe = tmp_path / "orders.jsonl"
    os.mkfifo(pipe)
    with pytest.raises(errors.InputError, match="is no file") as caught:
        asyncio.run(estimating_files.estimate([pipe], None, SystemClock()))
    assert "Write it to a file" in caught.value.remedy


def test_an_empty_file_costs_nothing(bench):
    """No records, no calls, the smallest tier."""
    found = estimated([bench.write([])], bench.write_config())
    assert (found.records, found.calls, found.seconds, found.tier) == (0, 0, 0, "starter")


def test_a_hundred_thousand_take_bounded_memory_and_days_of_the_limit(tmp_path):
    """By the arithmetic for 100,000, and by a stream of 6,000 records that is never held."""
    much = Counted("a", documents=100_000, lines=200_000, contacts=100_000, approved=1, own_numbers=100_000)
    cost = estimating.of_entity(much, batch=50, calls_per_minute=60, calls_per_day=1_000, credits=False)
    assert (cost.calls, cost.seconds, cost.days) == (4_009, 4_009, 5)
    path = tmp_path / "sales.jsonl"
    line = json.dumps(sale(1)) + "\n"
    with path.open("w") as file:
        for n in range(6_000):
            file.write(line.replace("order-1", f"order-{n}").replace("cust-1", f"cust-{n}"))
    told = []
    tracemalloc.start()
    found = estimated([path], progress=told.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert abs(found.entities[0].contacts - 6_000) <= 30
    assert peak < path.stat().st_size / 2
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


def test_the_price_is_of_so_many_loads_a_month():
    """A load of 4 GiB three times is over Core's volume, and six organisations are too many for Starter."""
    cost = estimating.Cost("a", 1, 1, 0, 900, 4 * tiers.GIB, tiers.GIB, 60, 1)
    found = estimating.of_all([cost] * 6, records=6, refused=0, times=1, tier_now=tiers.BY_NAME["starter"], assumed=())
    assert (found.tier, str(found.price_least), str(found.price_most)) == ("core", "68.60", "83.00")


def test_the_command(tmp_path):
    """For people a table and sentences, for programs one value, without a configuration."""
    office = Office(tmp_path)
    (tmp_path / "sales.jsonl").write_text("".join(json.dumps(one) + "\n" for one in customers(120, 90)))
    ended = office("estimate", "sales.jsonl")
    assert ended.code == 0
    assert "120 records." in ended.out
    assert "The first load: 15 calls, 15 s" in ended.out
    assert "Tier starter takes it; a month with it once: 0.00 AUD without tax." in ended.out
    value = office("estimate", "sales.jsonl", "--json", "--times", "30").value
    assert (value["calls"], value["calls_a_month"], value["entities"][0]["documents"]) == (15, 450, 120)
    assert office("estimate", "gone.jsonl").code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sales.jsonl"]
