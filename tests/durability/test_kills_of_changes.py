"""kill -9 at the named points while documents are changed, credited, reissued or taken back: each ends once, and whole."""

import itertools
import os
from decimal import Decimal

import pytest

from tests.durability import processes
from tests.durability.test_kills import POINTS
from tests.posting.test_credit_notes import returned
from tests.posting.test_payments import paid, payments
from tests.posting.test_people import edit, words
from tests.posting.test_reissue_by_credit import balance, notes, pay
from tests.posting.workbench import NO_KEY, SHORT, Workbench, sale

COUNT = 12
SOAK = "SOAK" in os.environ
TIMES = {"key alive": SHORT, "key expired": NO_KEY}
pytestmark = pytest.mark.soak


def kills(*nths: int) -> pytest.MarkDecorator:
    """Every named point at every `nth` time it is passed: in the soak with both lifetimes, else with them in turns."""
    found = []
    for (row, point), (column, nth) in itertools.product(enumerate(POINTS), enumerate(nths)):
        turn = list(TIMES)[(row + column) % 2]
        chosen = TIMES if SOAK else (turn,)
        found += [pytest.param(point, nth, TIMES[key], id=f"{point}-{nth}-{key}") for key in chosen]
    return pytest.mark.parametrize(("point", "nth", "times"), found)


def ended(bench: Workbench) -> None:
    """Run until nothing is open."""
    assert bench.run().exit_code == 0, words(bench)


@kills(1)
def test_killed_while_documents_are_updated(bench: Workbench, point: str, nth: int, times: dict[str, float]) -> None:
    """Every document has the new content once, in the lines that it had."""
    bench.configure(flow='on_change = "update"', **times)
    bench.run([sale(n) for n in range(COUNT)])
    lines = [*sale(0)["lines"], {**sale(0)["lines"][1], "description": "Gift wrap"}]
    bench.write([sale(n, reference="New", lines=lines) for n in range(COUNT)])
    processes.killed(processes.start(bench, point, nth, "kill"))
    ended(bench)
    assert [one["Reference"] for one in bench.invoices()] == ["New"] * COUNT
    assert [len(one["LineItems"]) for one in bench.invoices()] == [3] * COUNT
    assert bench.run().unchanged == COUNT


@kills(1, 2)
def test_killed_while_documents_are_reissued(bench: Workbench, point: str, nth: int, times: dict[str, float]) -> None:
    """One living document of each record, with the new content."""
    bench.configure(flow='on_change = "reissue"', **times)
    bench.run([sale(n) for n in range(COUNT)])
    bench.write([sale(n, reference="New") for n in range(COUNT)])
    processes.killed(processes.start(bench, point, nth, "kill"))
    ended(bench)
    assert [one["Reference"] for one in bench.living()] == ["New"] * COUNT
    assert len(bench.invoices()) == 2 * COUNT


@kills(1, 2, 4)
def test_killed_while_paid_and_sent_documents_are_credited(
    bench: Workbench, point: str, nth: int, times: dict[str, float]
) -> None:
    """One credit note and one new invoice of each record, and customers owe what the records say less what they paid."""
    bench.configure(flow='on_change = "reissue"', **times)
    bench.run([sale(n) for n in range(3)])
    sent, partly, wholly = sorted(bench.invoices(), key=lambda one: str(one["InvoiceNumber"]))
    edit(bench, sent, SentToContact=True)
    pay(bench, partly, 10)
    pay(bench, wholly, "25.20")
    dearer = [{**sale(0)["lines"][0], "unit_amount": "19.00"}, sale(0)["lines"][1]]
    bench.write([sale(n, lines=dearer) for n in range(3)])
    processes.killed(processes.start(bench, point, nth, "kill"))
    ended(bench)
    assert sorted(one["CreditNoteNumber"] for one in notes(bench)) == [f"SHOP-acme-uk-{n}-CN" for n in range(3)]
    assert sorted(len(one["Allocations"]) for one in notes(bench)) == [0, 1, 1]
    assert [one["Total"] for one in bench.invoices()] == [25.2] * 3 + [49.2] * 3
    assert balance(bench) == 3 * Decimal("49.20") - Decimal("35.20")
    assert bench.run().unchanged == 3


@kills(2)
def test_killed_while_records_below_zero_are_posted(
    bench: Workbench, point: str, nth: int, times: dict[str, float]
) -> None:
    """Each is one credit note, whoever numbers it."""
    bench.configure(flow='negative = "credit_note"', **times)
    bench.write([returned(n) | ({"number": "xero"} if n % 2 else {}) for n in range(COUNT)])
    processes.killed(processes.start(bench, point, nth, "kill"))
    ended(bench)
    assert len({one["Reference"] for one in notes(bench)}) == len(notes(bench)) == COUNT
    assert bench.run().unchanged == COUNT


@kills(1)
def test_killed_while_a_run_is_taken_back(bench: Workbench, point: str, nth: int, times: dict[str, float]) -> None:
    """`finish` takes back the rest; nothing comes again."""
    bench.configure(**times)
    run = bench.run([sale(n, status="DRAFT" if n % 2 else "AUTHORISED") for n in range(COUNT)]).run
    processes.killed(processes.start(bench, point, nth, "kill", command=f"undo:{run}"))
    bench.finish()
    assert bench.living() == []
    assert bench.run().unchanged == COUNT
    assert len(bench.invoices()) == COUNT


@kills(1, 3)
def test_killed_while_payments_are_taken_back(bench: Workbench, point: str, nth: int, times: dict[str, float]) -> None:
    """Each is deleted by one request that Xero carries out, then the invoices are voided; nothing comes again."""
    bench.configure(**times)
    run = bench.run([paid(n) for n in range(2)]).run
    processes.killed(processes.start(bench, point, nth, "kill", command=f"undo:{run}"))
    bench.finish()
    assert (payments(bench), bench.living()) == ([], [])
    done = [one for one in bench.writes(path="/api.xro/2.0/Payments/") if one["status"] == 200]
    assert len({one["path"] for one in done}) == 2
    assert bench.run().unchanged == 2
    assert len(bench.invoices()) == 2
