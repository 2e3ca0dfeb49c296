"""Taking a run back: what is taken, what is kept with its reason, and that nothing comes again unasked."""

import asyncio
import contextlib
import itertools
from typing import Any

import pytest

from counterfoil.posting import plans, undoing
from counterfoil.posting.undoing import UndoPlan
from tests.posting import taking_back
from tests.posting.test_people import causes, edit
from tests.posting.workbench import Workbench, WorkbenchBooks, sale


async def _undo(books: WorkbenchBooks, run_id: int, *, only_plan: bool) -> UndoPlan:
    plan = await taking_back.planned(books, run_id)
    if not only_plan:
        await taking_back.undo(books, run_id)
    return plan


def undo(bench: Workbench, run_id: int, point: Any = None, *, only_plan: bool = False) -> UndoPlan:
    """`counterfoil undo RUN`."""
    more = {} if point is None else {"point": point}
    found: UndoPlan = asyncio.run(bench.use(lambda books: _undo(books, run_id, only_plan=only_plan), **more))
    return found


def test_drafts_are_deleted_and_unpaid_authorised_ones_voided(bench: Workbench) -> None:
    """The plan says so first and writes nothing; a second undo finds nothing to do."""
    bench.run([sale(9)])
    run = bench.run([sale(9), sale(1), sale(2, status="DRAFT")]).run
    plan = undo(bench, run, only_plan=True)
    assert [(line.external_id, line.action) for line in plan.lines] == [("order-1", "void"), ("order-2", "delete")]
    assert len(bench.living()) == 3
    undo(bench, run)
    assert sorted(one["Status"] for one in bench.invoices()) == ["AUTHORISED", "DELETED", "VOIDED"]
    assert undo(bench, run).lines == ()
    assert causes(bench) == []


def test_what_was_taken_back_is_not_posted_again_unasked(bench: Workbench) -> None:
    """The same records are unchanged; a changed one is held by name."""
    run = bench.run([sale(1), sale(2)]).run
    undo(bench, run)
    assert bench.run().unchanged == 2
    report = bench.run([sale(1), sale(2, reference="PO 3")])
    assert (report.unchanged, report.held, causes(bench)) == (1, 1, ["undone"])
    assert bench.living() == []


def test_asked_for_it_is_posted_again_under_a_new_number(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Xero never frees a number: the second document has -2 behind it, the third -3."""
    run = bench.run([sale(1), sale(2)]).run
    undo(bench, run)
    again(monkeypatch)
    report = bench.run([sale(1), sale(2, reference="PO 3")])
    assert report.posted == 2
    assert sorted(one["InvoiceNumber"] for one in bench.living()) == ["SHOP-acme-uk-1-2", "SHOP-acme-uk-2-2"]
    undo(bench, report.run)
    assert bench.run().posted == 2
    assert sorted(one["InvoiceNumber"] for one in bench.living()) == ["SHOP-acme-uk-1-3", "SHOP-acme-uk-2-3"]
    assert bench.run().unchanged == 2


def test_an_empty_database_knows_the_later_documents_too(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The voided one and the one after it carry different marks of one record."""
    run = bench.run([sale(1)]).run
    undo(bench, run)
    with monkeypatch.context() as patched:
        again(patched)
        bench.run()
    for file in bench.folder.glob("counterfoil.db*"):
        file.unlink()
    report = bench.run()
    assert (report.adopted, report.posted, report.exit_code) == (1, 0, 0)
    assert len(bench.living()) == 1


def again(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run --again`."""
    monkeypatch.setattr(plans.Plan, "policy", _policy_with_again(plans.Plan.policy))


def _policy_with_again(original: Any) -> Any:
    import msgspec

    return lambda self, entity: msgspec.structs.replace(original(self, entity), again=True)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"AmountPaid": 5}, "payments"),
        ({"SentToContact": True}, "sent to the customer"),
        ({"Reference": "Ask Mary"}, "a person changed it: reference from 'PO 1' to 'Ask Mary'"),
        ({"Url": "https://example.com/other"}, "our mark"),
        ({"Status": "VOIDED"}, "voided in Xero already"),
    ],
)
def test_what_a_person_did_is_kept_with_the_reason(bench: Workbench, what: dict[str, Any], reason: str) -> None:
    """Only the others are taken back."""
    run = bench.run([sale(1), sale(2)]).run
    [first] = [one for one in bench.invoices() if one["InvoiceNumber"] == "SHOP-acme-uk-1"]
    edit(bench, first, **what)
    plan = undo(bench, run)
    assert [(line.external_id, line.action) for line in plan.lines] == [("order-1", "keep"), ("order-2", "void")]
    assert reason in plan.lines[0].reason
    [after] = [one for one in bench.invoices() if one["InvoiceNumber"] == "SHOP-acme-uk-1"]
    assert all(after[key] == value for key, value in what.items())


def test_what_a_later_run_changed_is_kept(bench: Workbench) -> None:
    """It names that run; and that run's undo names the one that made the document."""
    bench.configure(flow='on_change = "update"')
    first = bench.run([sale(1), sale(2)]).run
    second = bench.run([sale(1, reference="PO 9"), sale(2)]).run
    assert [(line.action, line.reason) for line in undo(bench, first, only_plan=True).lines] == [
        ("keep", f"run {second} changed it later"),
        ("void", ""),
    ]
    [line] = undo(bench, second, only_plan=True).lines
    assert (line.action, "changed it and did not make it" in line.reason) == ("keep", True)


def test_a_person_who_acts_between_plan_and_write_is_not_overwritten(bench: Workbench) -> None:
    """The document is read again right before; what was edited meanwhile stays, and is named."""
    run = bench.run([sale(1)]).run

    async def work(books: WorkbenchBooks) -> None:
        plan = await undoing.plan(books.database, run, books.client, books.catch_up)
        edit(bench, bench.invoices()[0], Reference="Ask Mary")
        await undoing.carry_out(books.database, plan, run)
        await books.finish()

    asyncio.run(bench.use(work))
    assert [one["Status"] for one in bench.invoices()] == ["AUTHORISED"]
    assert causes(bench) == ["not-taken-back"]


@pytest.mark.parametrize("fault", ["lost_answer", "500_before", "500_after", "reset"])
@pytest.mark.parametrize("key_life_s", [360, 1])
def test_an_unclear_undo_ends_as_a_clear_one(bench: Workbench, fault: str, key_life_s: float) -> None:
    """The answer is lost, or the request."""
    bench.configure(key_life_s=key_life_s)
    run = bench.run([sale(1), sale(2, status="DRAFT")]).run
    bench.sandbox.fault(fault, method="POST", path="/api.xro/2.0/Invoices", count=1)
    undo(bench, run)
    assert sorted(one["Status"] for one in bench.invoices()) == ["DELETED", "VOIDED"]
    assert causes(bench) == []


def test_an_interrupted_undo_goes_on_with_finish(bench: Workbench) -> None:
    """Planned is planned: nothing has to be said twice."""
    run = bench.run([sale(n) for n in range(3)]).run

    async def work(books: WorkbenchBooks) -> None:
        plan = await undoing.plan(books.database, run, books.client, books.catch_up)
        await undoing.carry_out(books.database, plan, run)

    asyncio.run(bench.use(work))
    assert len(bench.living()) == 3
    bench.finish()
    assert bench.living() == []


def test_contradicting_records_do_not_stop_an_undo_that_is_on_its_way(bench: Workbench) -> None:
    """A person's word stands: what the source says twice has no part in it."""
    run = bench.run([sale(1)]).run

    async def work(books: WorkbenchBooks) -> None:
        plan = await undoing.plan(books.database, run, books.client, books.catch_up)
        await undoing.carry_out(books.database, plan, run)

    asyncio.run(bench.use(work))
    bench.run([sale(1), sale(1, reference="PO 2")])
    bench.finish()
    assert bench.living() == []


def test_what_was_not_sent_yet_is_cancelled(bench: Workbench) -> None:
    """It never reaches Xero, also not by `finish`."""
    bench.sandbox.fault("429_day", method="PUT", path="/api.xro/2.0/Invoices", count=1, delay_s=1)
    run = bench.run([sale(1)]).run
    assert [line.action for line in undo(bench, run).lines] == ["cancel"]
    bench.finish()
    assert bench.run().unchanged == 1
    assert bench.invoices() == []


class Killed(Exception):
    """As if the process ended here."""


@pytest.mark.parametrize("unsent", ["document", "payment"])
def test_what_a_copy_believes_to_be_unsent_and_xero_has_is_not_cancelled(bench: Workbench, unsent: str) -> None:
    """Seed 930106: of a database from before the sending, `undo` first reads whether Xero has it; what lives there stays posted here."""
    paid = [{"external_id": "p1", "date": "2026-11-03", "amount": "20.00", "account": "Business Bank Account"}]
    passed = itertools.count(1)

    def point(name: str) -> None:
        if name == "after-freeze" and next(passed) == (2 if unsent == "document" else 3):
            raise Killed

    with contextlib.suppress(BaseExceptionGroup):
        bench.run([sale(1, payments=paid)], point)
    copied = {file: file.read_bytes() for file in bench.folder.glob("counterfoil.db*") if "limits" not in file.name}
    bench.finish()
    (living,) = bench.living()
    assert living["AmountPaid"] == 20
    for file, content in copied.items():
        if not file.name.endswith("sentinel"):
            file.write_bytes(content)
    assert "cancel" not in [line.action for line in undo(bench, 1).lines]
    assert (bench.finish().posted, bench.run().posted) == (0, 0)
    (after,) = bench.living()
    assert (after["InvoiceID"], after["AmountPaid"]) == (living["InvoiceID"], 20)
