"""`undo RUN` and payments: what only the run itself paid is unpaid, once, and voided; what another hand paid stays."""

import asyncio
from typing import Any

import pytest

from counterfoil.posting import undoing
from tests.posting import taking_back
from tests.posting.test_payments import paid, payment, payments
from tests.posting.test_people import causes, edit, retry, words
from tests.posting.test_undoing import undo
from tests.posting.workbench import NO_KEY, Workbench, WorkbenchBooks, sale

PAYMENTS = "/api.xro/2.0/Payments"


def deletions(bench: Workbench) -> list[dict[str, Any]]:
    """The requests that delete payments."""
    return [one for one in bench.writes(path=f"{PAYMENTS}/") if one["method"] == "POST"]


def fates(plan: undoing.UndoPlan) -> list[tuple[str, str]]:
    """Each line's record and action."""
    return [(line.external_id, line.action) for line in plan.lines]


def pay_by_hand(bench: Workbench, number: str, amount: str, **more: Any) -> None:
    """A person enters a payment at Xero's screen."""
    [invoice] = [one for one in bench.invoices() if one["InvoiceNumber"] == number]
    body = {
        "Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}, "Date": "2026-11-03",
        "Amount": amount, **more,
    }  # fmt: skip
    bench.sandbox.person(bench.sandbox.tenant(1), "PUT", "Payments", {"Payments": [body]})


def test_what_the_run_paid_is_unpaid_and_voided(bench: Workbench) -> None:
    """The plan says so and writes nothing; each payment is deleted by one call; nothing of it comes again."""
    halves = (payment("10", external_id="a"), payment("15.20", external_id="b"))
    run = bench.run([paid(1), paid(2, *halves), paid(3, payment("5")), sale(4)]).run
    plan = undo(bench, run, only_plan=True)
    assert fates(plan) == [
        ("order-1/payment", "unpay"), ("order-1", "void"), ("order-2/a", "unpay"), ("order-2/b", "unpay"),
        ("order-2", "void"), ("order-3/payment", "unpay"), ("order-3", "void"), ("order-4", "void"),
    ]  # fmt: skip
    assert (len(payments(bench)), len(bench.living())) == (4, 4)
    undo(bench, run)
    assert (payments(bench), bench.living(), causes(bench)) == ([], [], [])
    assert len(deletions(bench)) == 4
    assert undo(bench, run).lines == ()
    assert bench.run().unchanged == 4
    assert (payments(bench), bench.living()) == ([], [])


@pytest.mark.parametrize("amount", ["5", "20.20"])
def test_what_somebody_else_paid_too_stays_whole(bench: Workbench, amount: str) -> None:
    """Our payment stays on it as well; the others are taken back."""
    run = bench.run([paid(1, payment("5")), paid(2)]).run
    pay_by_hand(bench, "SHOP-acme-uk-1", amount)
    plan = undo(bench, run)
    assert fates(plan) == [("order-1", "keep"), ("order-2/payment", "unpay"), ("order-2", "void")]
    assert "payments or credit notes" in plan.lines[0].reason
    assert [one["InvoiceNumber"] for one in bench.living()] == ["SHOP-acme-uk-1"]
    assert len(payments(bench)) == 2


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"SentToContact": True}, "sent to the customer"),
        ({"Reference": "Ask Mary"}, "a person changed it: reference"),
    ],
)
def test_a_paid_invoice_that_a_person_touched_stays_paid(bench: Workbench, what: dict[str, Any], reason: str) -> None:
    """What keeps the invoice keeps its payment."""
    run = bench.run([paid(1)]).run
    edit(bench, bench.invoices()[0], **what)
    plan = undo(bench, run)
    assert fates(plan) == [("order-1", "keep")]
    assert reason in plan.lines[0].reason
    assert [one["Status"] for one in bench.invoices()] == ["PAID"]


def test_a_person_who_acts_between_plan_and_deletion_is_heard(bench: Workbench) -> None:
    """The invoice is read again before its payment is deleted: both stay, and both say why."""
    run = bench.run([paid(1, payment("5"))]).run

    async def work(books: WorkbenchBooks) -> None:
        plan = await undoing.plan(books.database, run, books.client, books.catch_up)
        pay_by_hand(bench, "SHOP-acme-uk-1", "1")
        await undoing.carry_out(books.database, plan, run)
        await books.finish()

    asyncio.run(bench.use(work))
    assert [one["Status"] for one in bench.invoices()] == ["AUTHORISED"]
    assert len(payments(bench)) == 2
    assert set(causes(bench)) == {"not-taken-back"}
    assert "its invoice stays: it has payments or credit notes" in words(bench)


def test_a_payment_that_a_person_deleted_is_not_deleted_again(bench: Workbench) -> None:
    """Between plan and write: its invoice is voided all the same."""
    run = bench.run([paid(1)]).run

    async def work(books: WorkbenchBooks) -> None:
        plan = await undoing.plan(books.database, run, books.client, books.catch_up)
        [mine] = payments(bench)
        bench.sandbox.person(bench.sandbox.tenant(1), "POST", f"Payments/{mine['PaymentID']}", {"Status": "DELETED"})
        await undoing.carry_out(books.database, plan, run)
        await books.finish()

    before = len(deletions(bench))
    asyncio.run(bench.use(work))
    assert (bench.living(), len(deletions(bench)) - before, causes(bench)) == ([], 0, [])


@pytest.mark.parametrize("fault", ["lost_answer", "500_before", "500_after", "reset", "truncated", "text_answer"])
@pytest.mark.parametrize("times", [{}, NO_KEY], ids=["key alive", "key expired"])
def test_an_unclear_deletion_ends_as_a_clear_one(bench: Workbench, fault: str, times: dict[str, float]) -> None:
    """The answer is lost, or the request."""
    bench.configure(**times)
    run = bench.run([paid(1), paid(2)]).run
    bench.sandbox.fault(fault, method="POST", path=PAYMENTS, count=1)
    undo(bench, run)
    assert (payments(bench), bench.living(), causes(bench)) == ([], [], [])


def test_an_interrupted_undo_of_payments_goes_on_with_finish(bench: Workbench) -> None:
    """Planned is planned, and the invoice waits for its payments."""
    run = bench.run([paid(n) for n in range(3)]).run

    async def work(books: WorkbenchBooks) -> None:
        plan = await undoing.plan(books.database, run, books.client, books.catch_up)
        await undoing.carry_out(books.database, plan, run)

    asyncio.run(bench.use(work))
    assert (len(payments(bench)), len(bench.living())) == (3, 3)
    bench.finish()
    assert (payments(bench), bench.living(), causes(bench)) == ([], [], [])


def test_a_deletion_that_xero_refuses_keeps_the_invoice_until_it_is_cured(bench: Workbench) -> None:
    """Xero's words are shown; when the period is open again, one `retry` takes both back."""
    run = bench.run([paid(1, payment("25.20", date="2026-10-15")), paid(2)]).run

    async def work(books: WorkbenchBooks) -> None:
        plan = await undoing.plan(books.database, run, books.client, books.catch_up)
        bench.sandbox.organisation(bench.sandbox.tenant(1), period_lock_date="2026-10-31")
        await undoing.carry_out(books.database, plan, run)
        await books.finish()

    asyncio.run(bench.use(work))
    assert [one["InvoiceNumber"] for one in bench.living()] == ["SHOP-acme-uk-1"]
    refused = len(deletions(bench))
    bench.finish()
    bench.run()
    assert len(deletions(bench)) == refused, "what Xero refused is not sent again unasked"
    bench.sandbox.organisation(bench.sandbox.tenant(1), period_lock_date=None)
    retry(bench)
    bench.finish()
    assert (payments(bench), bench.living(), causes(bench)) == ([], [], [])


def test_a_payment_in_a_closed_period_keeps_its_invoice(bench: Workbench) -> None:
    """The plan knows it."""
    run = bench.run([paid(1, payment("25.20", date="2026-10-15"))]).run

    async def work(books: WorkbenchBooks) -> undoing.UndoPlan:
        import datetime

        closed = {"acme-uk": datetime.date(2026, 10, 31)}
        return await undoing.plan(books.database, run, books.client, books.catch_up, closed)

    plan = asyncio.run(bench.use(work))
    assert fates(plan) == [("order-1", "keep")]
    assert "a payment of it stays: it is dated 2026-10-15" in plan.lines[0].reason


def test_a_run_that_only_paid_is_taken_back_alone(bench: Workbench) -> None:
    """The invoice of an earlier run is unpaid again, and is not paid a second time unasked."""
    first = bench.run([sale(1)]).run
    second = bench.run([paid(1)]).run
    plan = undo(bench, first, only_plan=True)
    assert fates(plan) == [("order-1", "keep")]
    assert plan.lines[0].reason == f"run {second} paid it: take that one back first"
    assert fates(undo(bench, second)) == [("order-1/payment", "unpay")]
    assert [one["Status"] for one in bench.living()] == ["AUTHORISED"]
    bench.run()
    assert payments(bench) == []
    assert fates(undo(bench, first)) == [("order-1", "void")]
    assert bench.living() == []


def test_payments_that_were_not_sent_are_cancelled_with_their_invoice(bench: Workbench) -> None:
    """Nothing stays open for ever."""
    bench.sandbox.fault("429_day", method="PUT", path=PAYMENTS, count=1, delay_s=1)
    run = bench.run([paid(1)]).run
    bench.new_day()
    assert fates(undo(bench, run)) == [("order-1/payment", "cancel"), ("order-1", "void")]
    report = bench.finish()
    assert (report.planned, payments(bench), bench.living(), causes(bench)) == (0, [], [], [])


def test_why_tells_the_whole_story_of_a_payment_that_was_taken_back(bench: Workbench) -> None:
    """Made, deleted, and what Xero said to both."""
    run = bench.run([paid(1)]).run
    undo(bench, run)
    [story] = asyncio.run(bench.use(lambda books: books.why("order-1/payment")))
    made, deleted = story.sendings
    assert (story.posting.state, made.outcome, deleted.outcome) == ("cancelled", "posted", "posted")
    assert b'"Status":"DELETED"' in bytes(deleted.element)
    assert b'"DELETED"' in bytes(deleted.answer)


async def _undone_again(books: WorkbenchBooks, run: int) -> None:
    await taking_back.undo(books, run)
    await taking_back.undo(books, run)


def test_undone_twice_deletes_once(bench: Workbench) -> None:
    """A second undo finds nothing."""
    run = bench.run([paid(1)]).run
    asyncio.run(bench.use(lambda books: _undone_again(books, run)))
    assert len(deletions(bench)) == 1
