"""Every way in which an answer can go wrong: each record ends in Xero once, whatever the key's life."""

import asyncio
from typing import Any

import msgspec
import pytest

from counterfoil.app.reports import RunReport
from counterfoil.posting import kinds
from counterfoil.store.postings import Brief
from counterfoil.xero.client import XeroClient
from tests.posting.workbench import NO_KEY, SHORT, Workbench, WorkbenchBooks, sale

INVOICES = "/api.xro/2.0/Invoices"
LOST = ["lost_answer", "reset", "500_before", "500_after", "truncated", "bad_gzip", "one_short", "reordered", "503"]


def once(bench: Workbench, count: int, number: int = 1) -> None:
    """The ledger holds each of the `count` sales once, to the cent."""
    assert [25.2] * count == [one["Total"] for one in bench.living(number)]
    assert {1} == set(bench.marks().values())


@pytest.mark.parametrize("times", [SHORT, NO_KEY], ids=["key alive", "key expired"])
@pytest.mark.parametrize("fault", LOST)
def test_a_lost_or_broken_answer_ends_in_one_document_each(
    bench: Workbench, fault: str, times: dict[str, float]
) -> None:
    """Whatever happens to one answer, 60 sales end as 60 invoices and the run says so."""
    bench.configure(**times)
    bench.sandbox.fault(fault, method="PUT", path=INVOICES, count=1)
    report = bench.run([sale(n) for n in range(60)])
    assert (report.posted, report.uncertain, report.exit_code) == (60, 0, 0)
    once(bench, 60)


@pytest.mark.parametrize("fault", LOST)
def test_two_faults_in_a_row_are_no_more_dangerous_than_one(bench: Workbench, fault: str) -> None:
    """The resend with the same key fails too: we look, and send only what is not there."""
    bench.sandbox.fault(fault, method="PUT", path=INVOICES, count=2)
    report = bench.run([sale(n) for n in range(12)])
    assert (report.posted, report.exit_code) == (12, 0)
    once(bench, 12)


@pytest.mark.parametrize("fault", LOST)
def test_a_broken_answer_for_contacts_makes_no_second_customer(bench: Workbench, fault: str) -> None:
    """Contacts are found again by their number."""
    bench.sandbox.fault(fault, method="PUT", path="/api.xro/2.0/Contacts", count=1)
    report = bench.run([sale(n) for n in range(7)])
    assert (report.posted, report.exit_code) == (7, 0)
    names = [
        one["Name"] for one in bench.sandbox.ledger(bench.sandbox.tenant(1))["Contacts"] if one.get("ContactNumber")
    ]
    assert sorted(f"Customer {n}" for n in range(7)) == sorted(names)


@pytest.mark.parametrize("fault", ["lost_answer", "500_after", "reset"])
def test_without_our_own_number_it_is_looked_for_twice(bench: Workbench, fault: str) -> None:
    """With Xero's own numbers nothing refuses a second one: quiet period, two looks, then again, once."""
    bench.configure(flow='number = "xero"', **NO_KEY)
    bench.sandbox.fault(fault, method="PUT", path=INVOICES, count=1)
    report = bench.run([sale(n, number="xero") for n in range(5)])
    assert (report.posted, report.exit_code) == (5, 0)
    once(bench, 5)


def test_a_slow_answer_is_not_sent_twice_without_looking(bench: Workbench) -> None:
    """A timeout is unclear: the document that Xero made late is found, not made again."""
    bench.sandbox.fault("slow_answer", method="PUT", path=INVOICES, count=1, delay_s=4)
    report = bench.run([sale(n) for n in range(5)])
    assert (report.posted, report.exit_code) == (5, 0)
    once(bench, 5)


@pytest.mark.parametrize("fault", ["429_minute", "429_concurrent"])
def test_a_limit_is_waited_for(bench: Workbench, fault: str) -> None:
    """429 comes before processing: the same records go under a new key after the pause."""
    bench.sandbox.fault(fault, method="PUT", path=INVOICES, count=1, delay_s=1)
    report = bench.run([sale(n) for n in range(5)])
    assert (report.posted, report.exit_code) == (5, 0)
    once(bench, 5)
    keys = [one["idempotency_key"] for one in bench.writes()]
    assert len(keys) == len(set(keys))


def test_a_used_up_day_leaves_the_rest_for_the_next_run(bench: Workbench) -> None:
    """Exit 4, nothing lost; the next run posts them."""
    bench.sandbox.fault("429_day", method="PUT", path=INVOICES, count=1)
    report = bench.run([sale(n) for n in range(5)])
    assert (report.posted, report.planned, report.exit_code) == (0, 5, 4)
    assert "day" in report.stops[0]
    same_day = bench.run()
    assert (same_day.planned, same_day.exit_code, len(bench.writes())) == (5, 4, 1), "nobody asks Xero in vain"
    bench.new_day()
    again = bench.run()
    assert (again.posted, again.exit_code) == (5, 0)
    once(bench, 5)


def test_an_organisation_that_goes_offline_loses_nothing(bench: Workbench) -> None:
    """503 "The Organisation is offline": exit 4 with the reason; when it is back, finish brings all to their end."""
    fault = bench.sandbox.fault("503_offline", path="/api.xro/2.0/", tenant=bench.sandbox.tenant(1), count=1000)
    report = bench.run([sale(n) for n in range(5)] + [sale(n, entity="acme-au") for n in range(10, 13)])
    assert report.exit_code == 4
    assert report.posted == 3, "the other organisation goes on"
    assert "offline" in report.stops[0]
    bench.sandbox.clear_faults()
    again = bench.run()
    assert report.planned == 5, "not looked at yet: still to be sent"
    assert (again.posted, again.unchanged, again.exit_code) == (5, 3, 0)
    assert len(bench.living(1)) == 5
    assert fault


def test_an_organisation_that_goes_offline_in_the_middle_loses_nothing(bench: Workbench) -> None:
    """The write itself is answered offline: unclear, looked at when it is back, posted once."""
    bench.run([sale(n) for n in range(3)])
    bench.sandbox.fault("503_offline", method="PUT", path=INVOICES, count=2)
    report = bench.run([sale(n) for n in range(8)])
    assert (report.unchanged, report.uncertain, report.exit_code) == (3, 5, 4)
    bench.sandbox.clear_faults()
    assert bench.run().exit_code == 0
    once(bench, 8)


def test_a_poison_record_among_49_good_ones_stands_alone_in_the_end(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that Xero refuses whole is halved until the bad one is alone; the 49 are posted."""
    poison(monkeypatch, "order-17")
    report = bench.run([sale(n) for n in range(50)])
    assert (report.posted, report.rejected, report.exit_code) == (49, 1, 1)
    once(bench, 49)
    assert len(bench.writes()) <= 1 + 2 * 6, "each halving costs two calls"


def poison(monkeypatch: pytest.MonkeyPatch, external_id: str) -> None:
    """Make Xero refuse whole every request that holds this record."""

    def poisoned(element: bytes, posting: Brief, contact_id: str | None, public_url: str) -> bytes:
        built = kinds.INVOICE.build(element, posting, contact_id, public_url)
        return built.replace(b'"Exclusive"', b'"BOGUS"') if posting.external_id == external_id else built

    bad = msgspec.structs.replace(kinds.INVOICE, build=poisoned)
    monkeypatch.setitem(kinds.BY_RESOURCE, "Invoices", bad)


@pytest.mark.parametrize("times", [SHORT, NO_KEY], ids=["key alive", "key expired"])
@pytest.mark.parametrize("fault", LOST)
def test_one_half_of_a_split_request_is_unclear(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, fault: str, times: dict[str, float]
) -> None:
    """A bad element splits the request and the answer for a half is lost: each good sale is posted once all the same."""
    bench.configure(**times)
    poison(monkeypatch, "order-17")
    armed = []

    def point(name: str) -> None:
        if name == "after-attempt" and not armed and any(one["status"] == 400 for one in bench.writes()):
            armed.append(bench.sandbox.fault(fault, method="PUT", path=INVOICES, count=2))

    report = bench.run([sale(n) for n in range(24)], point)
    assert (report.posted, report.rejected, report.exit_code) == (23, 1, 1)
    assert armed
    once(bench, 23)


def test_an_element_on_which_xero_breaks_each_time_holds_up_nobody_else(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 500 for every request that holds it: halves until it is alone, then a person is asked; the others are posted."""
    send = XeroClient.write

    async def breaking(
        self: XeroClient, method: str, path: str, params: Any, body: bytes, key: str, **rest: Any
    ) -> Any:
        answer = await send(
            self, method, "Invoices/broken" if b'SHOP-acme-uk-3"' in body else path, params, body, key, **rest
        )
        return msgspec.structs.replace(answer, status=500) if b'SHOP-acme-uk-3"' in body else answer

    monkeypatch.setattr(XeroClient, "write", breaking)
    bench.configure(request_timeout_s=0.4, quiet_s=0.1, key_life_s=1)
    report = bench.run([sale(n) for n in range(6)])
    assert (report.posted, report.held, report.exit_code) == (5, 1, 1)
    once(bench, 5)


def test_a_token_that_xero_always_calls_expired_stops_the_run(bench: Workbench) -> None:
    """Three fresh tokens refused are enough: exit 3 with the reason, nothing lost, no endless loop."""
    bench.sandbox.fault("401_expired", method="PUT", path=INVOICES, count=1000)

    async def work(books: WorkbenchBooks) -> RunReport:
        books.patient = True
        return await books.run("shop")

    bench.write([sale(n) for n in range(3)])
    report = asyncio.run(bench.use(work))
    assert (report.planned, report.exit_code) == (3, 3)
    assert len(bench.writes()) <= 5
