"""What runs cost in calls: a run that finds nothing new asks nothing, for an hour; everything else is as careful as ever."""

import asyncio
import datetime
from collections import Counter

import pytest

from counterfoil.app import watching
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import bindings
from tests.posting.workbench import Workbench, sale

HOUR = datetime.timedelta(hours=1, minutes=1)


class Later(SystemClock):
    """A clock that is so far ahead."""

    def __init__(self, ahead):
        super().__init__()
        self.ahead = ahead

    def now(self):
        """The time then."""
        return super().now() + self.ahead


def run_later(bench, ahead):
    """The same run so much later; → its report."""

    async def work(books):
        books.clock = books.database.clock = Later(ahead)
        return await books.run("shop")

    return asyncio.run(bench.use(work))


def test_an_entity_that_is_unbound_in_the_middle_of_a_run_keeps_only_itself_back(bench, monkeypatch):
    """Found by a random history: the whole run ended instead, and with it what is another entity's."""
    bench.run([sale(1)])

    async def seen(books, entity):
        await books.database.run(lambda conn: bindings.remove(conn, entity))
        return True

    monkeypatch.setattr(watching, "was_seen", seen)
    report = bench.run([sale(1), sale(2)])
    assert (report.stop_code, report.records, report.posted) == (3, 2, 0)
    assert report.stops


def customer(n):
    return {"external_id": f"c-{n}", "name": f"Person {n}", "email": f"p{n}@example.com"}


def asked(bench, after=0):
    """How often each path was read since request `after`."""
    rows = [one for one in bench.sandbox.requests(after) if one["method"] == "GET"]
    return Counter(one["path"].partition("?")[0].removeprefix("/api.xro/2.0/") for one in rows)


def last(bench):
    """The number of the newest request."""
    return max((one["n"] for one in bench.sandbox.requests()), default=0)


def test_what_a_shops_day_costs(bench):
    """The table of docs/howto/costs.md, as a bound: 400 sales, the same again, one new."""
    sales = [sale(n, contact=customer(n)) for n in range(400)]
    assert bench.run(sales).api_calls <= 25
    before = last(bench)
    again = bench.run()
    assert (again.unchanged, again.api_calls, last(bench)) == (400, 0, before)
    assert bench.run([*sales, sale(1000, contact=customer(1000))]).api_calls <= 5
    known = bench.run([*sales, sale(1000, contact=customer(1000)), sale(1001, contact=customer(1000))])
    assert (known.posted, known.api_calls) == (1, 4)
    assert len(bench.living()) == 402


def test_ten_runs_in_an_hour_read_the_settings_once(bench):
    """Each finds one new sale, and asks only what changed."""
    sales = []
    for n in range(10):
        sales.append(sale(n, contact=customer(0)))
        assert bench.run(sales).posted == 1
    found = asked(bench)
    assert {name: found[name] for name in ("Accounts", "TaxRates", "Currencies", "TrackingCategories")} == {
        "Accounts": 1, "TaxRates": 1, "Currencies": 1, "TrackingCategories": 1,
    }  # fmt: skip


def test_after_an_hour_xero_is_asked_again(bench):
    """Settings, the organisation and what changed."""
    bench.run([sale(n) for n in range(3)])
    before = last(bench)
    assert run_later(bench, HOUR).unchanged == 3
    assert asked(bench, before) == Counter(
        Organisation=1, Accounts=1, TaxRates=1, Currencies=1, TrackingCategories=1, Contacts=1, Invoices=1
    )


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ([sale(999)], "posted"),
        ([sale(0, reference="another")], "held"),
        ([sale(999, lines=[{**sale(9)["lines"][0], "account_code": "999"}])], "rejected"),
        (["{broken"], "rejected"),
    ],
)
def test_one_record_that_is_not_as_it_was_has_its_organisation_asked(bench, more, outcome):
    """Also far behind what is: in another batch of the file."""
    sales = [sale(n) for n in range(320)]
    bench.run(sales)
    before = last(bench)
    there = sales[1:] if outcome == "held" else sales
    report = bench.run([*there, *more])
    assert getattr(report, outcome) == 1
    assert report.unchanged == len(there)
    assert asked(bench, before)["Invoices"] == (0 if more == ["{broken"] else 1)


def test_each_entity_is_asked_by_itself(bench):
    """Nothing new for one is no reason to ask about it."""
    dutch = {"entity": "acme-nl", "due_date": None, "status": "DRAFT"}
    both = [sale(1), sale(2, **dutch)]
    bench.run(both)
    before = last(bench)
    assert bench.run([*both, sale(3, **dutch)]).posted == 1
    tenants = {one["tenant"] for one in bench.sandbox.requests(before)}
    assert tenants == {bench.sandbox.tenant(3)}


def test_an_invoice_that_a_person_voided_stays_voided_whether_xero_is_asked_or_not(bench):
    """A run that finds nothing new does not look, and one that does leaves it."""
    bench.run([sale(1), sale(2)])
    voided = bench.living()[0]
    bench.sandbox.person(bench.sandbox.tenant(1), "POST", f"Invoices/{voided['InvoiceID']}", {"Status": "VOIDED"})
    assert bench.run().unchanged == 2
    assert run_later(bench, HOUR).unchanged == 2
    assert len(bench.living()) == 1


def test_what_is_open_is_finished_though_nothing_is_new(bench):
    """A run that was stopped in the middle goes on."""
    bench.run([sale(1)])
    bench.sandbox.fault("503", method="PUT", path="/api.xro/2.0/Invoices", count=50)
    first = bench.run([sale(1), sale(2)])
    assert first.posted == 0
    bench.sandbox.clear_faults()
    assert bench.run().posted == 1
    assert len(bench.living()) == 2


def test_an_account_that_was_archived_within_the_hour(bench):
    """Xero refuses what names it, in its own words; then the settings are read again, and the next is refused by us."""
    bench.run([sale(1)])
    tenant = bench.sandbox.tenant(1)
    (account,) = [one for one in bench.sandbox.ledger(tenant)["Accounts"] if one.get("Code") == "200"]
    done = bench.sandbox.person(tenant, "POST", f"Accounts/{account['AccountID']}", {"Status": "ARCHIVED"})
    assert done["status"] == 200, done
    assert bench.run([sale(1), sale(2)]).rejected == 1
    before = last(bench)
    assert bench.run([sale(1), sale(2), sale(3)]).rejected == 2
    assert asked(bench, before)["Accounts"] >= 1
    assert bench.writes(before) == []


def test_a_new_database_asks_before_it_believes_anything(bench, tmp_path):
    """Nothing was read yet, so nothing can speak for Xero: what is there is adopted, not made again."""
    bench.run([sale(1), sale(2)])
    (tmp_path / "counterfoil.db").unlink()
    for name in ("counterfoil.db-wal", "counterfoil.db-shm", "counterfoil.db.sentinel"):
        (tmp_path / name).unlink(missing_ok=True)
    assert bench.run().adopted == 2
    assert len(bench.living()) == 2


def test_stopped_writes_are_told_though_nothing_is_new(bench):
    """Another ledger behind the binding is no matter to be quiet about."""
    bench.run([sale(1)])

    async def stop(books):
        from counterfoil.store import bindings

        await books.database.run(lambda conn: bindings.stop(conn, "acme-uk", "It is another organisation now."))

    asyncio.run(bench.use(stop))
    assert any("another organisation" in said for said in bench.run().stops)


@pytest.fixture
def paid_bench(bench: Workbench):
    """One sale with a payment, made."""
    payment = {"external_id": "p", "date": "2026-11-02", "amount": "5.00", "account_code": "091"}
    sales = [sale(1, payments=[payment])]
    assert bench.run(sales).posted == 1
    return bench


def test_payments_that_were_made_are_nothing_new(paid_bench):
    """No call."""
    assert paid_bench.run().api_calls == 0
