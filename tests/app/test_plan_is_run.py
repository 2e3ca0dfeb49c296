"""`plan` is `run`, to the cent: any valid mapped flow on any file, judged by the sandbox's ledger."""

import datetime
import os
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.app.till import Till
from tests.sandbox_process import SandboxProcess

SOAK = "SOAK" in os.environ
# Each example is four plans and runs: no shrinking, and always the same ones but for the proof's size.
CALM = settings(
    deadline=None,
    derandomize=not SOAK,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
COLUMNS = ("Order", "Who", "Day", "Total", "Post", "Item", "Qty", "Price", "Off", "VAT")
PERCENT = {"S": Decimal(20), "R": Decimal(5), "Z": Decimal(0), "?": Decimal(0)}
CENT = Decimal("0.01")
LINE = st.fixed_dictionaries({
    "Item": st.sampled_from(["Cup", "Cake", "Tea, green", 'Mug "big"']),
    "Qty": st.decimals("0.01", 40, places=2),
    "Price": st.decimals(0, 900, places=4),
    "Off": st.sampled_from(["", "", "0", "12.5", "33.33"]),
    "VAT": st.sampled_from(["S", "S", "R", "Z"] * 5 + ["?"]),
})  # fmt: skip
ORDER = st.fixed_dictionaries({
    "Who": st.sampled_from(["Ann", "Ben", "Cy"] * 5 + [""]),
    "Day": st.dates(datetime.date(2026, 11, 1), datetime.date(2026, 11, 3)),
    "Post": st.one_of(st.just(None), st.decimals("0.5", 9, places=2)),
    "off_by": st.sampled_from([Decimal(0)] * 8 + [CENT, Decimal("-0.02"), Decimal(5)]),
    "lines": st.lists(LINE, min_size=1, max_size=4),
})  # fmt: skip
DIFFERENCES = (
    "", 'difference = { up_to = "0.05", as = "tax" }', 'difference = { up_to = "0.05", as = "rounding" }',
    'difference = { up_to = "0.05", as = "line", account = "sales", tax = "zero" }',
)  # fmt: skip


@st.composite
def flows(draw: st.DrawFn) -> dict[str, Any]:
    """A valid configuration."""
    decimal, thousands = draw(st.sampled_from([(".", ""), (",", ""), (",", "."), (".", ",")]))
    return {
        "decimal": decimal,
        "thousands": thousands,
        "date": draw(st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d.%m.%Y"])),
        "amounts": draw(st.sampled_from(["exclusive", "inclusive"])),
        "status": draw(st.sampled_from(["DRAFT", "AUTHORISED"])),
        "difference": draw(st.sampled_from(DIFFERENCES)),
        "total": draw(st.booleans()),
        "post": draw(st.sampled_from(["each", "each", "daily"])),
        "computed": draw(st.booleans()),
        "on_change": draw(st.sampled_from(["hold", "update", "reissue"])),
        "mixed": draw(st.randoms(use_true_random=False)),
    }


def toml(how: dict[str, Any]) -> str:
    """It as its user writes it."""
    who = (
        '{ external_id = "till", name = "Takings" }'
        if how["post"] == "daily"
        else '{ external_id = "{Who}", name = "{Who}" }'
    )
    price = '"=mul(row.Price, 1)"' if how["computed"] else '"{Price}"'
    check = f'[flows.shop.check]\ntotal = "{{Total}}"\n{how["difference"]}' if how["total"] else ""
    return f"""
[flows.shop]
id = "shop"
kind = "sales_invoices"
entity = "acme-uk"
source = {{ csv = "orders.csv" }}
group_by = "{{Order}}"
post = "{how["post"]}"
status = "{how["status"]}"
on_change = "{how["on_change"]}"
complete = true
[flows.shop.read]
decimal = "{how["decimal"]}"
thousands = "{how["thousands"]}"
date = "{how["date"]}"
[flows.shop.map]
external_id = "{{Order}}"
contact = {who}
date = "{{Day}}"
due_date = "2026-12-24"
amounts = "{how["amounts"]}"
currency = "GBP"
[[flows.shop.line]]
description = "{{Item}}"
quantity = "{{Qty}}"
unit_amount = {price}
discount_rate = "{{Off}}"
account = "sales"
tax = {{ lookup = "vat", key = "{{VAT}}" }}
[[flows.shop.line]]
each = "record"
when = "=nonzero(head.Post)"
description = "Post"
quantity = "1"
unit_amount = "{{Post}}"
account = "sales"
tax = "zero"
{check}
[lookups.vat]
rows = {{ "S" = "standard", "R" = "reduced", "Z" = "zero" }}
"""


def total(order: dict[str, Any], how: dict[str, Any]) -> Decimal:
    """What the shop says that it comes to: rounded once per order, as shops do and Xero does not."""
    found = order["Post"] or Decimal(0)
    for line in order["lines"]:
        net = line["Qty"] * line["Price"] * (1 - Decimal(line["Off"] or 0) / 100)
        found += net * (1 + PERCENT[line["VAT"]] / 100 if how["amounts"] == "exclusive" else 1)
    return Decimal(found).quantize(CENT, ROUND_HALF_UP) + order["off_by"]


def written(value: Any, how: dict[str, Any]) -> str:
    """A value as the source writes it."""
    if isinstance(value, datetime.date):
        return value.strftime(how["date"])
    if isinstance(value, Decimal):
        text = f"{value:,f}" if how["thousands"] else f"{value:f}"
        return text.translate(str.maketrans({",": how["thousands"], ".": how["decimal"]}))
    return value or ""


def rows(orders: list[dict[str, Any]], how: dict[str, Any]) -> list[tuple[str, ...]]:
    """The file: orders mixed, each one's lines in their order and never twice the same, which would be asked about."""
    queues = []
    for n, order in enumerate(orders):
        head = {**order, "Order": f"#{n}", "Total": total(order, how)}
        queues.append([
            tuple(written(line.get(name, head.get(name)), how) for name in COLUMNS)
            for line in ({**one, "Item": f"{one['Item']} {at}", "Off": one["Off"].replace(".", how["decimal"])}
                         for at, one in enumerate(order["lines"]))
        ])  # fmt: skip
    mixed = []
    while any(queues):
        mixed.append(how["mixed"].choice([queue for queue in queues if queue]).pop(0))
    return mixed


def standing(till: Till) -> dict[str, tuple[str, str]]:
    """Number → total and status of the living documents."""
    return {one["InvoiceNumber"]: (f"{Decimal(str(one['Total'])):.2f}", one["Status"]) for one in till.living()}


def told_and_done(till: Till) -> None:
    """One plan and one run of the same file: what the plan said is what the ledger then has."""
    before, calm = standing(till), len(till.writes())
    plan = till.plan()
    assert (standing(till), len(till.writes())) == (before, calm), "a plan writes nothing"
    report = till.run()
    assert report.planned + report.uncertain == 0, report
    counts = (report.posted, report.updated, report.unchanged, report.held, report.rejected)
    assert tuple(plan.count(sign) for sign in "+~=!×") == counts, (plan.lines, report)
    after = standing(till)
    for line in plan.lines:
        if line.sign == "+":
            assert line.number not in before
            assert after.pop(line.number or "")[0] == f"{line.total:.2f}"
    changed = [f"{line.total:.2f}" for line in plan.lines if line.sign == "~"]
    moved = [amount for number, (amount, _status) in after.items() if before.get(number) != after[number]]
    gone = [number for number in before if number not in after]
    for amount in moved:  # updated, or posted anew under the next number
        assert amount in changed, (amount, changed)
        changed.remove(amount)
    assert len(gone) <= len(moved) + len(changed)
    assert all(proof_of(till)), "prove agrees"


def proof_of(till: Till) -> list[bool]:
    proof = till.do(lambda books: books.prove("shop"))
    return [proof.holds, *(row.agrees for row in proof.rows)]


def played(sandbox: SandboxProcess, folder: Any, how: dict[str, Any], orders: list[Any], later: list[Any]) -> None:
    """A file, the same again, and a later one in which orders are others."""
    sandbox.post("/_sandbox/reset")
    sandbox.clear_faults()
    till = Mixed(folder, sandbox)
    till.flow_text = toml(how)
    till.write_rows(rows(orders, how), columns=COLUMNS)
    told_and_done(till)
    calm = len(till.writes())
    told_and_done(till)
    assert len(till.writes()) == calm, "the same file again writes nothing"
    till.write_rows(rows(later + orders[len(later) :], how), columns=COLUMNS)
    told_and_done(till)


class Mixed(Till):
    """An installation with a reduced rate."""

    def write_config(self) -> Any:
        """Write counterfoil.toml."""
        path = super().write_config()
        path.write_text(path.read_text().replace('zero = "ZERO', 'reduced = "RROUTPUT", zero = "ZERO'))
        return path


CASES = {"how": flows(), "orders": st.lists(ORDER, min_size=1, max_size=6), "later": st.lists(ORDER, max_size=3)}


@given(**CASES)
@settings(CALM, max_examples=4)
def test_plan_says_what_run_does(
    sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory, how: Any, orders: Any, later: Any
) -> None:
    """Signs, amounts, dates, discounts, taxes, differences, days, changes: counted and to the cent."""
    played(sandbox, tmp_path_factory.mktemp("plan"), how, orders, later)


@pytest.mark.soak
@given(**CASES)
@settings(CALM, max_examples=300 if SOAK else 4)
def test_plan_says_what_many_runs_do(
    sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory, how: Any, orders: Any, later: Any
) -> None:
    """The proof's size; `make test` plays a few."""
    played(sandbox, tmp_path_factory.mktemp("plan"), how, orders, later)
