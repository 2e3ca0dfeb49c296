"""The chart and the balances that an organisation comes with, through the SDK (facts 5.23)."""

from decimal import Decimal

import pytest
from xero_python.accounting import Account, AccountType, ConversionBalances, ConversionDate, Setup
from xero_python.exceptions import BadRequestException

from tests import sandbox_process
from tests.conformance import foreign


@pytest.fixture
def moving():
    """A sandbox of its own: what is set up would stand in everybody's reports."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--organisations", "1") as process:
        yield foreign.Foreign(process.ready)


def balances(moving, day="2026-08-31"):
    """Debits less credits of the year by the names of accounts."""
    report = moving.raw("GET", f"/Reports/TrialBalance?date={day}").json()["Reports"][0]
    rows = [row["Cells"] for part in report["Rows"] for row in part.get("Rows", [])]
    return {
        cells[0]["Value"]: sum(
            sign * Decimal(cells[place]["Value"] or 0) for place, sign in ((3, 1), (4, -1))
        )
        for cells in rows
    }  # fmt: skip


def setup(moving, *opening, month=9, year=2026, accounts=()):
    rows = [ConversionBalances(account_code=code, balance=amount) for code, amount in opening]
    sent = Setup(
        conversion_date=ConversionDate(month=month, year=year), conversion_balances=rows, accounts=list(accounts)
    )
    return moving.api.post_setup(moving.tenant, sent).import_summary


def test_a_chart_and_its_balances_come_in_one_call(moving):
    """New and changed accounts are counted; balances stand on the day before the conversion, the rest on an adjustment."""
    chart = (
        Account(code="205", name="Teapots", type=AccountType.REVENUE),
        Account(code="200", name="Tea sales", type=AccountType.REVENUE),
        Account(code="206", name="Tea sales", type=AccountType.REVENUE),
        Account(code="610", name="Anything", type=AccountType.CURRENT, system_account="DEBTORS"),
    )
    summary = setup(moving, ("090", Decimal("120.50")), ("950", Decimal(-100)), accounts=chart).accounts
    assert (summary.new, summary.updated, summary.errored, summary.new_or_updated) == (1, 1, 1, 2)
    assert summary.total > summary.system > 0
    told = balances(moving)
    assert told["Total"] == 0
    assert sorted(amount for name, amount in told.items() if name != "Total") == [
        -100,
        Decimal("-20.5"),
        Decimal("120.5"),
    ]
    assert set(balances(moving, "2026-08-30").values()) <= {0}


def test_sent_again_it_replaces_what_was_there(moving):
    """The old balances are reversed."""
    setup(moving, ("090", Decimal(120)))
    setup(moving, ("090", Decimal(70)), month=8)
    assert max(balances(moving).values()) == 70


@pytest.mark.parametrize(
    ("opening", "date", "message"),
    [
        ((("610", Decimal(5)),), {}, "Account code '610' gets its balance from documents."),
        ((("nope", Decimal(5)),), {}, "Account code 'nope' does not exist."),
        ((("090", Decimal(5)),), {"month": 13}, "A ConversionDate needs a Month from 1 to 12 and a Year after 2006."),
        ((("090", Decimal(5)),), {"year": 1999}, "A ConversionDate needs a Month from 1 to 12 and a Year after 2006."),
    ],
)
def test_balances_that_cannot_be_leave_nothing(moving, opening, date, message):
    """Not even the accounts that came with them."""
    new = Account(code="205", name="Teapots", type=AccountType.REVENUE)
    with pytest.raises(BadRequestException) as refused:
        setup(moving, *opening, accounts=(new,), **date)
    assert foreign.messages(refused.value.error_data["Elements"][0]) == [message]
    assert moving.raw("GET", "/Accounts?where=Code%3D%3D%22205%22").json()["Accounts"] == []
    assert moving.raw("GET", "/Setup").status == 501
