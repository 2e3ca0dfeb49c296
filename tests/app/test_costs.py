"""What a month costs, from the meter's rows to the lines of `status`."""

import asyncio
import datetime
from decimal import Decimal

import pytest

from counterfoil.app import costs
from counterfoil.app.costs import Price, size
from counterfoil.cli import cost_lines
from counterfoil.cli.screen import Screen
from counterfoil.model.tiers import GIB
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import notices, runs, usage
from counterfoil.store.usage import Drawn
from tests.posting.workbench import ENTITIES, sale

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)


class At(SystemClock):
    """A clock that stands."""

    def now(self):
        """Noon of a Friday."""
        return NOW


@pytest.fixture
def told(bench, capsys):
    """Rows of usage and runs → the standing then, and what `status` shows of it."""

    def ask(rows, *, tier="core", ended=(), app=""):
        config = bench.write_config
        bench.write_config = lambda: (
            path := config(),
            path.write_text(path.read_text().replace("[store]", f'tier = "{tier}"\n{app}\n[store]')),
        )[0]

        async def work(books):
            tenants = [one["tenant_id"] for one in bench.sandbox.ready["organisations"]]
            drawn = [Drawn(day, tenants[n], "shop", lane, what, *sums) for day, n, lane, what, sums in rows]
            await books.database.run(lambda conn: usage.add(conn, drawn))
            for counts in ended:
                await books.database.run(lambda conn, counts=counts: ran(conn, counts))
            books.clock = At()
            books.database.clock = At()
            return await books.standing()

        found = asyncio.run(bench.use(work))
        capsys.readouterr()
        cost_lines.show(Screen(json=False), found.costs, found.advice)
        return found, capsys.readouterr().out

    return ask


def ran(conn, counts):
    """A run of this morning that ended so."""
    at = NOW - datetime.timedelta(hours=3)
    run = runs.start(conn, flow="shop", flow_id="shop", command="run", source="x", actor="me", now=at)
    runs.end(conn, run, at, counts)


def november(calls=100, read=GIB // 10, written=GIB // 20, what="Invoices", lane="sync"):
    """The same each day from the 1st to the 19th, and half of it today."""
    whole = [(datetime.date(2026, 11, n), 0, lane, what, (calls, 0, 0, read, written, read // 8)) for n in range(1, 20)]
    return [*whole, (NOW.date(), 0, lane, what, (calls // 2, 0, 0, read // 2, written // 2, read // 16))]


def test_nothing_was_called_yet(told):
    """Then `status` says nothing of it."""
    found, out = told([])
    assert (found.costs.since, found.costs.calls.at_end, out) == (None, None, "")


def test_a_month_on_core(told):
    """Weekday-aware from two weeks on; the price is a pair while nobody knows whether writes' answers count."""
    found, out = told(november())
    of = found.costs
    assert (of.month, of.since, of.calls.so_far, of.calls.at_end, of.calls.is_rough) == (
        "2026-11", datetime.date(2026, 11, 1), 1950, 3000, False,
    )  # fmt: skip
    assert of.reads.at_end == 30 * (GIB // 10)
    assert of.price == of.price_at_end == Price(Decimal("35.00"), Decimal("35.00"), "AUD")
    assert "Tier core with 10 GiB: 35.00 AUD this month. Without tax" in out
    assert "acme-uk 50 1 % 1,950 51.2 MiB 1.95 GiB" in [" ".join(line.split()) for line in out.splitlines()]
    assert "This month so far: 1,950 calls, 1.95 GiB read; at its end 3,000 calls, 3.00 GiB." in out


def test_over_the_included_volume(told):
    """What is over is priced, and said before it is reached."""
    found, out = told(november(read=GIB // 2, written=GIB // 4))
    assert found.costs.price == Price(Decimal("35.00"), Decimal("46.10"), "AUD")
    assert found.costs.price_at_end == Price(Decimal("47.00"), Decimal("65.00"), "AUD")
    assert "47.00 AUD, 65.00 AUD if answers to writes count this month." in out
    assert "This month comes to 15.00 GiB of the 10 GiB that the core tier includes" in out


def test_whoever_is_to_be_told_is_told_once_and_again_when_it_is_over(bench):
    """A notice stands while the month's data nearly reaches what the tier includes."""

    async def tell(books):
        books.database.clock = books.clock = At()
        await books.transport.meter.write()
        await costs.tell_near(books)
        return await books.database.read(notices.standing)

    async def near(books):
        tenant = bench.sandbox.tenant(1)
        rows = [Drawn(day, tenant, "", lane, what, *sums) for day, _n, lane, what, sums in november(read=GIB // 2)]
        await books.database.run(lambda conn: usage.add(conn, rows))
        return await tell(books)

    async def over(books):
        await books.database.run(lambda conn: usage.forget(conn, NOW.date() + usage.KEPT))
        return await tell(books)

    assert asyncio.run(bench.use(tell)) == []
    assert [one.kind for one in asyncio.run(bench.use(near))] == ["cap"]
    assert asyncio.run(bench.use(over)) == []


def test_the_organisations_own_record_is_free_and_still_a_call(told):
    """Facts §2.4: reading it is no egress."""
    found, _out = told(november(what="Organisation"))
    assert (found.costs.calls.so_far, found.costs.reads.so_far) == (1950, 0)


def test_starter_has_no_volume_and_a_short_day(told):
    """1,400 calls on one day are more than it allows."""
    found, out = told(november(calls=1_400), tier="starter")
    assert (found.costs.included_bytes, found.costs.price.most, found.costs.fits) == (None, Decimal("0.00"), "core")
    assert "more than tier starter allows: core fits" in out
    assert "acme-uk used 1,400 of the 1,000 calls of a day" in out


def test_a_tier_that_is_larger_than_needed(told):
    """After a week the smaller one is named with both prices; five organisations and less fit Starter."""
    found, _out = told(november(), tier="plus")
    assert [one.text for one in found.advice] == [
        "Tier starter is enough: this month would cost 0.00 AUD instead of 245.00.",
    ]


def test_a_custom_connection_is_in_no_tier(told):
    """Its price hangs on the country, and where that is not one of four it is not made up."""
    found, out = told(november(read=GIB), app='app = "custom"\nclient_secret = "not-a-real-one"')
    assert (found.costs.fits, found.costs.price, found.costs.near) == (None, None, ())
    assert "A custom connection is in no tier" in out


def test_polling_and_idle_runs_are_told_by_share(told):
    """From the rows of the last whole day, and the runs of the last 24 hours."""
    idle = [{"api_calls": 3, "unchanged": 400, "posted": 0}] * 1_440
    found, out = told(november(calls=1_900, what="Contacts"), ended=idle)
    assert "To save: 1,440 of 1,440 runs of shop in a day found nothing and cost 4,320 calls" in out
    assert "To save: 38 % of acme-uk's day goes to asking what changed in Contacts (1,900 calls)" in out
    assert found.advice[0].kind == "idle"


def test_two_organisations_are_two_days(told):
    """Xero's day is one organisation's."""
    rows = [*november(), (NOW.date(), 1, "bulk", "Invoices", (900, 3, 2, 10, 10, 5))]
    found, out = told(rows)
    assert {one.name: one.calls_today for one in found.costs.entities} == {ENTITIES[0]: 50, ENTITIES[1]: 900}
    assert "Today 3 calls were refused as too many, 2 failed." in out


def test_status_counts_what_a_run_did(bench):
    """End to end: the calls of the run's report are those of the standing."""
    report = bench.run([sale(n) for n in range(5)])
    found = asyncio.run(bench.use(costs.costs))
    assert sum(one.calls_today for one in found.entities) == report.api_calls
    assert [one.name for one in found.flows] == ["shop"]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (GIB, "1.00 GiB"),
        (12 * GIB, "12.00 GiB"),
    ],
)
def test_sizes_for_people(amount, text):
    """In the units that Xero's volumes are in."""
    assert size(amount) == text
