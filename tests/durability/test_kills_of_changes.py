"""kill -9 at the named points while documents are changed, reissued or taken back: each ends once, and whole."""

import pytest

from tests.durability import processes
from tests.durability.test_kills import POINTS
from tests.posting.test_payments import paid, payments
from tests.posting.workbench import NO_KEY, SHORT, Workbench, sale

COUNT = 12
KEYS = pytest.mark.parametrize("times", [SHORT, NO_KEY], ids=["key alive", "key expired"])


def ended(bench: Workbench) -> None:
    """Run until nothing is open."""
    assert bench.run().exit_code == 0


@KEYS
@pytest.mark.parametrize("point", POINTS)
def test_killed_while_documents_are_updated(bench: Workbench, point: str, times: dict[str, float]) -> None:
    """Every document has the new content once, in the lines that it had."""
    bench.configure(flow='on_change = "update"', **times)
    bench.run([sale(n) for n in range(COUNT)])
    lines = [*sale(0)["lines"], {**sale(0)["lines"][1], "description": "Gift wrap"}]
    bench.write([sale(n, reference="New", lines=lines) for n in range(COUNT)])
    processes.killed(processes.start(bench, point, 1, "kill"))
    ended(bench)
    assert [one["Reference"] for one in bench.invoices()] == ["New"] * COUNT
    assert [len(one["LineItems"]) for one in bench.invoices()] == [3] * COUNT
    assert bench.run().unchanged == COUNT


@KEYS
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("nth", [1, 2], ids=["the old document", "the new one"])
def test_killed_while_documents_are_reissued(bench: Workbench, point: str, nth: int, times: dict[str, float]) -> None:
    """One living document of each record, with the new content."""
    bench.configure(flow='on_change = "reissue"', **times)
    bench.run([sale(n) for n in range(COUNT)])
    bench.write([sale(n, reference="New") for n in range(COUNT)])
    processes.killed(processes.start(bench, point, nth, "kill"))
    ended(bench)
    assert [one["Reference"] for one in bench.living()] == ["New"] * COUNT
    assert len(bench.invoices()) == 2 * COUNT


@KEYS
@pytest.mark.parametrize("point", POINTS)
def test_killed_while_a_run_is_taken_back(bench: Workbench, point: str, times: dict[str, float]) -> None:
    """`finish` takes back the rest; nothing comes again."""
    bench.configure(**times)
    run = bench.run([sale(n, status="DRAFT" if n % 2 else "AUTHORISED") for n in range(COUNT)]).run
    processes.killed(processes.start(bench, point, 1, "kill", command=f"undo:{run}"))
    bench.finish()
    assert bench.living() == []
    assert bench.run().unchanged == COUNT
    assert len(bench.invoices()) == COUNT


@KEYS
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("nth", [1, 3], ids=["a payment", "the invoices"])
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
