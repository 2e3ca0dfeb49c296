"""The person at the other side: nothing that a person did is ever overwritten, or made again unasked."""

import os
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from tests.posting.bookkeeper import Bookkeeper
from tests.posting.test_payments import payment
from tests.posting.test_undoing import undo
from tests.posting.workbench import Workbench, sale
from tests.sandbox_process import SandboxProcess

SOAK = "SOAK" in os.environ
# No shrinking: each step is a whole run with its waits, and shrinking one failure would take longer than all else.
CALM = settings(
    deadline=None,
    derandomize=not SOAK,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)


def play(sandbox: SandboxProcess, examples: int, steps: int) -> None:
    machine = type("Machine", (Bookkeeper,), {"sandbox": sandbox})
    run_state_machine_as_test(machine, settings=settings(CALM, max_examples=examples, stateful_step_count=steps))


def test_a_random_bookkeeper_and_a_flow_that_runs_again(sandbox: SandboxProcess) -> None:
    """Edits, voids, payments, locks, faults, undo: the ledger is judged after each step of ours."""
    play(sandbox, 4, 8)


DAY = {"changes": [], "acts": [], "both": [], "policy": "hold", "fault": None}
FOUND = {
    "a line that a person added and took away again": [DAY | {"acts": [(0, "add"), (0, "remove")]}, DAY],
    "what a person approved, and then ended": [DAY | {"acts": [(0, "approve")]}, DAY | {"acts": [(0, "end")]}],
    "a person's price that the source took over": [
        DAY | {"acts": [(0, "price")]},
        DAY | {"changes": [(0, "agree")]},
        DAY | {"changes": [(0, "reference")], "policy": "reissue"},
    ],
}


@pytest.mark.parametrize("days", FOUND.values(), ids=list(FOUND))
def test_the_judge_lets_a_person_take_back_what_they_did(sandbox: SandboxProcess, days: list[Any]) -> None:
    """Histories of a long play in which the judge was wrong: it held us to what the person no longer wants."""
    machine = type("Machine", (Bookkeeper,), {"sandbox": sandbox})()
    machine.first(statuses=["DRAFT", "DRAFT"])
    machine.count = 3  # so that the line that goes is the one that came
    for day in days:
        machine.a_day(**day)
    machine.teardown()


@pytest.mark.soak
def test_many_random_bookkeepers(sandbox: SandboxProcess) -> None:
    """The proof's size; `make test` plays a fiftieth."""
    play(sandbox, 300 if SOAK else 1, 12)


def balances(bench: Workbench) -> dict[str, Any]:
    """Per customer what is owed, and what living documents come to."""
    found: dict[str, Any] = {}
    for one in bench.living():
        key = one["Contact"]["Name"], one["Status"]
        owed, total = found.get(key, (Decimal(0), Decimal(0)))
        found[key] = owed + Decimal(str(one["AmountDue"])), total + Decimal(str(one["Total"]))
    return found


@given(
    old=st.lists(st.sampled_from(["DRAFT", "AUTHORISED"]), max_size=3),
    new=st.lists(
        st.tuples(
            st.sampled_from(["DRAFT", "SUBMITTED", "AUTHORISED"]),
            st.integers(1, 9),
            st.sampled_from([None, "1", "3.60"]),
        ),
        min_size=1,
        max_size=6,
    ),
    fault=st.sampled_from([None, "lost_answer", "500_before"]),
    path=st.sampled_from(["Invoices", "Payments"]),
)
@settings(CALM, max_examples=200 if SOAK else 4)
def test_undo_leaves_every_balance_as_it_was(
    sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[Any],
    fault: str | None, path: str,
) -> None:  # fmt: skip
    """Each customer's outstanding amount and the totals of living documents: as before the run, its payments gone."""
    sandbox.clear_faults()
    sandbox.post("/_sandbox/reset")
    bench = Workbench(tmp_path_factory.mktemp("undo"), sandbox)
    first = [sale(n, status=status) for n, status in enumerate(old)]
    bench.run(first)
    before = balances(bench)
    sales = []
    for n, (status, quantity, paid) in enumerate(new, 10):
        sales.append(sale(n, status=status))
        sales[-1]["lines"][0]["quantity"] = str(quantity)
        if paid is not None and status == "AUTHORISED":
            sales[-1]["payments"] = [payment(paid)]
    run = bench.run([*first, *sales]).run
    if fault is not None:
        sandbox.fault(fault, method="POST", path=f"/api.xro/2.0/{path}", count=1)
    undo(bench, run)
    sandbox.clear_faults()
    assert balances(bench) == before
    assert bench.run().unchanged == len(first) + len(sales)
    assert balances(bench) == before
