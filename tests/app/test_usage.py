"""What a run called and drew is kept per day, organisation, flow, lane and resource, and is what Xero's own meter says."""

import asyncio
import datetime

import pytest

from counterfoil import open_books
from counterfoil.app import usage
from counterfoil.app.usage import Usage
from tests.cli.office import Office
from tests.posting import workbench
from tests.posting.workbench import Workbench, sale

EPOCH = datetime.date(1970, 1, 1)


def used(bench: Workbench) -> list[Usage]:
    """Everything that was ever counted."""
    found: list[Usage] = asyncio.run(bench.use(lambda books: usage.usage(books, EPOCH)))
    return found


def metered(bench: Workbench) -> tuple[int, int, int]:
    """What the sandbox's own meter says: calls, bytes read, bytes of answers to writes."""
    (one,) = [tenant for app in bench.sandbox.get("/_sandbox/usage")["apps"] for tenant in app["tenants"]]
    return one["calls"], one["read_bytes"], one["write_bytes"]


def egress(rows: list[Usage]) -> tuple[int, int, int]:
    """The same of ours."""
    rows = [one for one in rows if one.is_egress]
    return sum(one.calls for one in rows), sum(one.read_bytes for one in rows), sum(one.write_bytes for one in rows)


def sales(count: int, **changes):
    """Sales with a customer each."""
    return [sale(n, contact={"external_id": f"c-{n}", "name": f"Person {n}"}, **changes) for n in range(count)]


def test_ours_is_what_xeros_meter_says_to_the_byte(bench):
    """First run, proof and a second run: reads and writes apart; the organisation's own record is free."""
    bench.run(sales(60))
    asyncio.run(bench.use(lambda books: books.prove("shop")))
    bench.run()
    rows = used(bench)
    assert metered(bench) == egress(rows)
    assert {(one.entity, one.flow) for one in rows} == {("acme-uk", "shop")}
    free = [one for one in rows if not one.is_egress]
    assert {one.resource for one in free} == {"Organisation"}
    assert all(one.read_bytes > 0 for one in free)


def test_a_compressed_answer_counts_as_what_it_holds_and_as_what_travelled(tmp_path):
    """Nobody knows which of the two Xero charges for: both are kept, and the meter's own is the larger one."""
    with workbench.start("--gzip") as sandbox:
        bench = Workbench(tmp_path, sandbox)
        bench.run(sales(20))
        rows = [one for one in used(bench) if one.is_egress]
        _calls, read, written = metered(bench)
    assert egress(rows)[1:] == (read, written)
    assert sum(one.wire_bytes for one in rows) < (read + written) / 3


def test_calls_that_xero_refused_or_lost_are_counted_apart(bench):
    """A 429, a 503 and a lost answer are calls like the others, and known as what they were."""
    bench.sandbox.fault("429_concurrent", method="GET", path="/api.xro/2.0/Contacts")
    bench.sandbox.fault("503", method="GET", path="/api.xro/2.0/Invoices")
    bench.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices")
    assert bench.run(sales(3)).posted == 3
    found = {(one.resource, one.lane): one for one in used(bench)}
    assert (found["Contacts", "interactive"].refused, found["Contacts", "interactive"].failed) == (1, 0)
    assert (found["Invoices", "interactive"].refused, found["Invoices", "interactive"].failed) == (0, 2)
    theirs = [one for one in bench.sandbox.requests() if one["path"].startswith("/api.xro/")]
    assert sum(one.calls for one in found.values()) == len(theirs)


def test_two_processes_and_two_flows_add_up(bench):
    """A row is added to by whoever works; work of no single flow stands apart."""
    bench.run(sales(2))
    before = egress(used(bench))
    bench.run(sales(4))
    bench.finish()
    after = used(bench)
    assert egress(after) > before
    assert metered(bench) == egress(after)


def test_a_flow_that_is_gone_is_named_by_its_id(bench):
    """What it cost is still told."""
    bench.run(sales(1))
    config = bench.write_config
    bench.write_config = lambda: (path := config(), path.write_text(path.read_text().replace("shop", "till")))[0]
    assert {one.flow for one in used(bench)} == {"shop"}


@pytest.mark.parametrize("moved", [0, 1, 40])
def test_only_from_the_day_that_is_asked_for(bench, moved):
    """The first day itself is in it."""
    bench.run(sales(1))
    today = datetime.datetime.now(datetime.UTC).date()
    since = today - datetime.timedelta(days=1) + datetime.timedelta(days=moved)
    rows = asyncio.run(bench.use(lambda books: usage.usage(books, since)))
    assert bool(rows) == (moved <= 1)


def test_tokens_and_connections_stand_apart(tmp_path, sandbox):
    """They belong to no organisation, no flow and no lane, and are no egress."""
    sandbox.post("/_sandbox/reset")
    office = Office(tmp_path, sandbox).open_for_business()

    async def asked():
        async with open_books(office.folder / "counterfoil.toml") as books:
            return await usage.usage(books, EPOCH)

    apart = [one for one in asyncio.run(asked()) if not one.tenant_id]
    assert {"token", "connections"} <= {one.resource for one in apart}
    assert {(one.entity, one.flow, one.lane, one.is_egress) for one in apart} == {(None, "", "", False)}
