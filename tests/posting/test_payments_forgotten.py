"""An empty database meets records that were posted anew and paid: the ledger is the judge of what is paid once."""

import asyncio
import contextlib
from typing import Any

import pytest

from counterfoil import errors
from tests.posting.test_payments import PAYMENTS, payment, payments
from tests.posting.test_payments import paid as _paid
from tests.posting.test_payments_restored import copy, put_back
from tests.posting.test_people import causes, edit, words
from tests.posting.test_reissue_by_credit import DEARER, REISSUE, lock, send
from tests.posting.workbench import Workbench, WorkbenchBooks

INVOICES = "/api.xro/2.0/Invoices"


@pytest.fixture(autouse=True)
def open_days(bench: Workbench) -> None:
    """Every test starts with open books."""
    lock(bench, None)
    bench.configure(flow=REISSUE)


def paid(**changes: Any) -> dict[str, Any]:
    """A sale with two part payments: nothing but we keeps second ones out."""
    return _paid(1, payment("2", external_id="a"), payment("3", external_id="b"), **changes)


def forget(bench: Workbench) -> None:
    """The database is lost."""
    for file in bench.folder.glob("counterfoil.db*"):
        file.unlink()


def ask_again(bench: Workbench) -> None:
    """A person retries whatever is a problem; one may be gone with the one before."""

    async def each(books: WorkbenchBooks) -> None:
        for problem in await books.problems():
            with contextlib.suppress(errors.NotFound):
                await books.retry(problem.n)

    asyncio.run(bench.use(each))


def standing(bench: Workbench) -> list[str]:
    """What is paid in the ledger."""
    return sorted(str(one["Amount"]) for one in payments(bench))


@pytest.mark.parametrize("times", [1, 2])
def test_payments_of_a_credited_invoice_are_not_made_again_on_the_one_in_its_place(
    bench: Workbench, times: int
) -> None:
    """They stay where they were made. An empty database looked for them on the new invoice alone, and made them again there."""
    bench.run([paid()])
    for n in range(times):
        bench.run([paid(lines=[{**DEARER[0], "unit_amount": f"{19 + n}.00"}, DEARER[1]])])
    assert len(bench.invoices()) == times + 1, (causes(bench), words(bench))
    was = standing(bench)
    forget(bench)
    report = bench.run()
    assert (report.exit_code, causes(bench), standing(bench)) == (0, [], was)
    assert bench.run().exit_code == 0
    assert standing(bench) == was


def test_payments_without_a_mark_on_a_credited_invoice_are_recognised_too(bench: Workbench) -> None:
    """By amount, day and account, as on any other invoice."""
    bench.run([paid()])
    [old] = bench.invoices()
    bench.run([paid(lines=DEARER)])
    edit(bench, old, Payments=[{**shown, "Reference": ""} for shown in bench.invoices()[0]["Payments"]])
    was = standing(bench)
    forget(bench)
    report = bench.run()
    assert (report.exit_code, causes(bench), standing(bench)) == (0, [], was)


def test_payments_of_a_credited_invoice_whose_successor_was_not_made_yet(bench: Workbench) -> None:
    """The empty database makes that one itself: its payments are older than it."""
    bench.run([paid()])
    bench.sandbox.fault("429_day", method="PUT", path=INVOICES, count=40)
    bench.run([paid(lines=DEARER)])
    assert len(bench.sandbox.ledger(bench.sandbox.tenant(1))["CreditNotes"]) == 1
    was = standing(bench)
    bench.sandbox.clear_faults()
    forget(bench)
    report = bench.run()
    assert (report.exit_code, causes(bench), standing(bench)) == (0, [], was)
    assert len(bench.invoices()) == 2


def test_payments_that_were_planned_for_an_invoice_and_made_on_the_next_one(bench: Workbench) -> None:
    """Their marks are those of the first one."""
    bench.sandbox.fault("429_day", method="PUT", path=PAYMENTS, count=40)
    bench.run([paid()])
    assert standing(bench) == []
    bench.sandbox.clear_faults()
    bench.sandbox.fault("429_day", method="PUT", path=PAYMENTS, count=40)
    bench.new_day()
    bench.run([paid(lines=DEARER)])
    bench.sandbox.clear_faults()
    bench.new_day()
    bench.finish()
    was = standing(bench)
    assert len(was) == 2
    forget(bench)
    report = bench.run()
    assert (report.exit_code, causes(bench), standing(bench)) == (0, [], was)


def test_a_payment_that_comes_later_is_made_on_the_invoice_that_stands(bench: Workbench) -> None:
    """What is looked for in vain on all of them is made, once."""
    bench.run([paid()])
    bench.run([paid(lines=DEARER)])
    was = standing(bench)
    forget(bench)
    more = payment("4", external_id="c")
    later = _paid(1, payment("2", external_id="a"), payment("3", external_id="b"), more, lines=DEARER)
    report = bench.run([later])
    assert (report.exit_code, causes(bench)) == (0, [])
    assert standing(bench) == sorted([*was, "4.0"])
    assert bench.run().exit_code == 0
    assert standing(bench) == sorted([*was, "4.0"])


@pytest.mark.parametrize("first", ["finish", "run"])
@pytest.mark.parametrize("ended", ["voided", "credited"])
def test_a_copy_that_has_payments_still_to_make_for_an_invoice_that_was_replaced(
    bench: Workbench, first: str, ended: str
) -> None:
    """They were made on the one in its place, which the copy does not know of: named, not made again, whoever asks."""
    bench.sandbox.fault("429_day", method="PUT", path=PAYMENTS, count=400)
    bench.run([paid()])
    copy(bench)
    if ended == "credited":
        send(bench, bench.living()[0])
    bench.new_day()
    bench.run([paid(lines=DEARER)])
    bench.sandbox.clear_faults()
    bench.new_day()
    bench.finish()
    was = standing(bench)
    assert (len(was), len(bench.invoices())) == (2, 2)
    put_back(bench)
    bench.new_day()
    for _ in range(3):
        bench.finish() if first == "finish" else bench.run([paid(lines=DEARER)])
        bench.run([paid(lines=DEARER)])
        assert standing(bench) == was
        ask_again(bench)
        bench.finish()
        assert standing(bench) == was
