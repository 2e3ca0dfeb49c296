"""Payments that come with the sale: a chain behind the invoice, each once."""

import asyncio
from typing import Any

import pytest

from counterfoil.posting import looking_through, reading
from tests.posting.test_people import causes, edit, retry, stranger, words
from tests.posting.workbench import NO_KEY, Workbench, sale

PAYMENTS = "/api.xro/2.0/Payments"


def paid(n: int, *payments: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A sale with payments."""
    return sale(n, payments=list(payments or [payment("25.20")]), **changes)


def payment(amount: str, **more: Any) -> dict[str, Any]:
    """A payment to the bank account."""
    return {"date": "2026-11-02", "amount": amount, "account": "Business Bank Account", **more}


def payments(bench: Workbench) -> list[dict[str, Any]]:
    """Payments that were not deleted, in the ledger of organisation 1."""
    found = bench.sandbox.ledger(bench.sandbox.tenant(1))["Payments"]
    return [one for one in found if one["Status"] != "DELETED"]


def test_a_payment_follows_its_invoice(bench: Workbench) -> None:
    """The invoice is paid; a second run does nothing."""
    report = bench.run([paid(1), paid(2, payment("10", external_id="a"), payment("15.20", external_id="b"))])
    assert (report.posted, report.exit_code) == (2, 0)
    assert [one["Status"] for one in bench.invoices()] == ["PAID", "PAID"]
    assert len(payments(bench)) == 3
    before = len(bench.sandbox.requests())
    assert bench.run().unchanged == 2
    assert not [one for one in bench.sandbox.requests()[before:] if one["method"] != "GET"]


def test_payments_share_requests(bench: Workbench) -> None:
    """Sixty payments are two requests."""
    assert bench.run([paid(n) for n in range(60)]).posted == 60
    assert len(payments(bench)) == 60
    assert len(bench.writes(path=PAYMENTS)) <= 4


def test_a_payment_that_comes_later_is_no_change_of_the_invoice(bench: Workbench) -> None:
    """The export says "paid" a week later: the payment is made, under on_change = "hold" too."""
    bench.run([sale(1)])
    report = bench.run([paid(1)])
    assert (report.unchanged, report.exit_code, len(payments(bench))) == (1, 0, 1)
    assert bench.run([sale(1)]).unchanged == 1
    assert len(payments(bench)) == 1


@pytest.mark.parametrize("times", [{}, NO_KEY])
@pytest.mark.parametrize("fault", ["lost_answer", "500_after", "500_before", "reset", "one_short", "reordered"])
def test_an_unclear_payment_is_made_once(bench: Workbench, fault: str, times: dict[str, float]) -> None:
    """Looked for through its document; Xero would take a second one."""
    bench.configure(**times)
    bench.sandbox.fault(fault, method="PUT", path=PAYMENTS, count=1)
    halves = (payment("5", external_id="a"), payment("5", external_id="b"))
    report = bench.run([paid(n, *halves) for n in range(3)])
    assert (report.posted, report.exit_code) == (3, 0)
    assert len(payments(bench)) == 6


def test_unclear_requests_that_are_looked_at_at_once_each_keep_what_they_saw(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four answers are lost in one outage. One look forgot what another had read, and those payments were made again."""
    bench.configure(**NO_KEY)
    bench.run([sale(n) for n in range(200)])
    bench.sandbox.fault("lost_answer", method="PUT", path=PAYMENTS, count=4)
    read = looking_through._candidates

    async def together(*arguments: Any) -> Any:
        """All readings of one second end in the same instant."""
        found = await read(*arguments)
        await asyncio.sleep(1 - asyncio.get_running_loop().time() % 1)
        return found

    monkeypatch.setattr(looking_through, "_candidates", together)
    report = bench.run([paid(n, payment("5")) for n in range(200)])
    assert (report.unchanged, report.exit_code) == (200, 0)
    assert len(payments(bench)) == 200


def test_an_unclear_payment_whose_invoice_xero_does_not_show_is_held(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not seen is not "not there": a person looks, and nothing is sent again."""
    bench.configure(**NO_KEY)
    bench.run([sale(1)])
    bench.sandbox.fault("lost_answer", method="PUT", path=PAYMENTS, count=1)

    fetch = reading.fetch

    async def hidden(*arguments: Any, **more: Any) -> Any:
        """Nothing is shown once the payment was sent."""
        return {} if bench.writes(path=PAYMENTS) else await fetch(*arguments, **more)

    monkeypatch.setattr(reading, "fetch", hidden)
    bench.run([paid(1, payment("5"))])
    assert causes(bench) == ["parent-not-shown"]
    assert len(bench.writes(path=PAYMENTS)) == len(payments(bench)) == 1


def test_a_refused_payment_blocks_only_its_own_chain(bench: Workbench) -> None:
    """A person has paid the invoice meanwhile; the others are paid by us."""
    bench.run([sale(1), sale(2)])
    [first] = [one for one in bench.invoices() if one["InvoiceNumber"] == "SHOP-acme-uk-1"]
    edit(bench, first, AmountPaid=25.2, AmountDue=0, Status="PAID")
    report = bench.run([paid(1), paid(2)])
    assert (report.unchanged, report.exit_code, len(payments(bench))) == (2, 1, 1)
    assert len(causes(bench)) == 1


def test_the_payment_of_a_held_invoice_waits_with_it(bench: Workbench) -> None:
    """Cured, both go."""
    taken = stranger(bench, InvoiceNumber="SHOP-acme-uk-1")
    assert bench.run([paid(1)]).held == 1
    assert causes(bench) == ["number-taken"]
    edit(bench, taken, InvoiceNumber="OTHER-1")
    retry(bench)
    bench.run()
    assert len(payments(bench)) == 1
    assert causes(bench) == []


def test_a_changed_payment_is_named_and_nothing_is_made(bench: Workbench) -> None:
    """Payments are immutable at Xero."""
    bench.run([paid(1, payment("10"))])
    bench.run([paid(1, payment("12"))])
    assert causes(bench) == ["payment-changed"]
    assert "was made with 10 on 2026-11-02; the record now says 12" in words(bench)
    assert len(payments(bench)) == 1


@pytest.mark.parametrize("reference", ["kept", "erased"])
def test_an_empty_database_recognises_its_payments(bench: Workbench, reference: str) -> None:
    """By the mark, or by amount, day and account."""
    records = [paid(1), paid(2, payment("10"))]
    bench.run(records)
    if reference == "erased":
        for one in bench.invoices():
            edit(bench, one, Payments=[{**shown, "Reference": ""} for shown in one["Payments"]])
    for file in bench.folder.glob("counterfoil.db*"):
        file.unlink()
    report = bench.run(records)
    assert (report.adopted, report.posted, report.exit_code) == (2, 0, 0)
    assert len(payments(bench)) == 2
