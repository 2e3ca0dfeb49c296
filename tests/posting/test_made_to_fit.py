"""Differences, locked days and the user's own words, from the record to the ledger: what is sent, stored, held and told."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from counterfoil.app.reports import PlanReport
from counterfoil.app.telling import Story
from tests.posting.test_people import causes
from tests.posting.workbench import Workbench, sale

CHECK = '[flows.shop.check]\ndifference = {{ up_to = "0.05", as = "{}"{} }}'
LINE = ', account_code = "860", tax_type = "ZERORATEDOUTPUT"'


def plan(bench: Workbench, records: list[dict[str, Any]]) -> PlanReport:
    """`counterfoil plan shop`."""
    bench.write(records)
    found: PlanReport = asyncio.run(bench.use(lambda books: books.plan("shop")))
    return found


def why(bench: Workbench, clue: str) -> Story:
    """`counterfoil why CLUE`."""
    [story] = asyncio.run(bench.use(lambda books: books.why(clue)))
    found: Story = story
    return found


def lock(bench: Workbench, **days: str | None) -> None:
    """A person sets or lifts a lock date of organisation 1."""
    bench.sandbox.post(f"/_sandbox/organisation/{bench.sandbox.tenant(1)}", days)


# ---- differences


@pytest.mark.parametrize("total", ["25.18", "25.23"])
@pytest.mark.parametrize(("policy", "keys"), [("tax", ""), ("rounding", ""), ("line", LINE)])
def test_a_difference_ends_in_the_ledger_to_the_cent(bench: Workbench, policy: str, keys: str, total: str) -> None:
    """What Xero stores is the record's total, exactly as predicted; plan and why say what was done."""
    bench.configure(flow=CHECK.format(policy, keys))
    value = sale(1, expected_total=total)
    [line] = plan(bench, [value, sale(2)]).lines[:1]
    assert (line.sign, str(line.total)) == ("+", total)
    assert f"The record's total is {total} GBP, Xero by itself would make it 25.20" in (line.reason or "")
    report = bench.run([value, sale(2, expected_total="25.20")])
    assert (report.posted, report.problems, report.exit_code) == (2, 0, 0)
    stored = {one["InvoiceNumber"]: Decimal(str(one["Total"])) for one in bench.living()}
    assert stored == {"SHOP-acme-uk-1": Decimal(total), "SHOP-acme-uk-2": Decimal("25.20")}
    assert why(bench, "order-1").contents[0].predicted["notes"] == [line.reason]


@pytest.mark.parametrize(("policy", "status"), [("rounding", "DRAFT"), ("refuse", "AUTHORISED")])
def test_a_difference_that_may_not_be_evened_out(bench: Workbench, policy: str, status: str) -> None:
    """Refused with both totals; nothing is sent."""
    up_to = 'up_to = "0.05", ' if policy != "refuse" else ""
    bench.configure(flow=f'[flows.shop.check]\ndifference = {{ {up_to}as = "{policy}" }}')
    report = bench.run([sale(1, expected_total="25.21", status=status)])
    assert (report.rejected, causes(bench), bench.writes()) == (1, ["total-differs"], [])


# ---- locked days


def test_a_locked_day_is_waited_for(bench: Workbench) -> None:
    """Held with its money until a person opens the books; then the next run posts it."""
    lock(bench, period_lock_date="2026-11-02")
    report = bench.run([sale(1), sale(2, date="2026-11-03")])
    assert (report.posted, report.held, causes(bench)) == (1, 1, ["before-lock-date"])
    [problem] = asyncio.run(bench.use(lambda books: books.problems()))
    assert problem.amounts == {"GBP": Decimal("25.20")}
    lock(bench, period_lock_date=None)
    report = bench.run()
    assert (report.posted, report.unchanged, report.exit_code, causes(bench)) == (1, 1, 0, [])
    assert len(bench.living()) == 2


def test_the_next_open_day_is_posted_and_told(bench: Workbench) -> None:
    """The later of both locks counts; what Xero stores agrees with the prediction."""
    bench.configure(flow='lock_date = "next-open-day"')
    lock(bench, period_lock_date="2026-11-04", end_of_year_lock_date="2026-03-31")
    report = bench.run([sale(1)])
    assert (report.posted, report.problems, report.exit_code) == (1, 0, 0)
    assert [one["DateString"] for one in bench.living()] == ["2026-11-05T00:00:00"]
    assert "so 2026-11-05 is posted" in why(bench, "order-1").contents[0].predicted["notes"][0]
    lock(bench, period_lock_date="2026-11-30")
    assert bench.run().unchanged == 1, "what was posted is left alone when more is locked"


@pytest.mark.parametrize("policy", ["hold", "refuse", "next-open-day"])
def test_what_was_posted_before_the_books_were_locked_is_left_alone(bench: Workbench, policy: str) -> None:
    """Nobody closes the books and finds a problem for each old sale."""
    bench.configure(flow=f'lock_date = "{policy}"')
    bench.run([sale(1), sale(2)])
    lock(bench, period_lock_date="2026-11-30")
    report = bench.run()
    assert (report.unchanged, report.exit_code, causes(bench)) == (2, 0, [])


# ---- the user's own words


def test_the_users_link_and_the_rates_source_are_kept_and_not_sent(bench: Workbench) -> None:
    """`why` shows them; Xero has our own link, by which the document is found again."""
    words = {"url": "https://shop.example/1", "rate_source": "ECB, 30 October"}
    assert bench.run([sale(1, currency="EUR", rate="1.15", **words)]).posted == 1
    [made] = bench.living()
    assert "/p/" in made["Url"]
    assert "ECB" not in str(made)
    record = why(bench, "order-1").contents[0].record
    assert {key: record[key] for key in words} == words


def test_payments_are_posted_to_the_account_that_they_name(bench: Workbench) -> None:
    """A payment that was checked is made once its invoice stands."""
    payment = {"date": "2026-11-02", "amount": "25.20", "account_code": "090"}
    report = bench.run([sale(1, payments=[payment]), sale(2)])
    assert (report.posted, report.exit_code, causes(bench)) == (2, 0, [])
    assert sorted(one["Status"] for one in bench.living()) == ["AUTHORISED", "PAID"]
