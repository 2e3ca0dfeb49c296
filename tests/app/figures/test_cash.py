"""Cash from a copy: movements, balances that Xero told and never a guessed one, and the weeks to come."""

import datetime
from decimal import Decimal

import pytest

from counterfoil import errors
from counterfoil.app.bank_balances import Held
from counterfoil.app.figures import cash
from tests.app.figures.conftest import NOW


def filled(copy):
    """A bank account with one of each movement, an invoice and a bill."""
    copy.put("Accounts", "a", "ACTIVE", AccountID="a", Code="090", Name="Current", Type="BANK", CurrencyCode="GBP")
    copy.put("Accounts", "b", "ACTIVE", AccountID="b", Code="091", Name="Savings", Type="BANK", CurrencyCode="GBP")
    account = {"AccountID": "a"}
    copy.put("Payments", "p1", PaymentType="ACCRECPAYMENT", Amount=100, Date="2026-11-05", Account=account,
             Invoice={"CurrencyCode": "GBP"})  # fmt: skip
    copy.put("Payments", "p2", "DELETED", PaymentType="ACCRECPAYMENT", Amount=900, Date="2026-11-05", Account=account)
    copy.put(
        "BankTransactions", "t1", Type="SPEND", Total=30, Date="2026-10-01", BankAccount=account, CurrencyCode="GBP"
    )
    copy.put(
        "BankTransfers", "x1", Amount=20, Date="2026-11-06", FromBankAccount=account, ToBankAccount={"AccountID": "b"}
    )
    copy.invoice(1, due="2026-11-25", amount=50)
    copy.invoice(2, due="2026-11-27", amount=8, Type="ACCPAY")
    return copy


def test_an_account_is_what_moved_it_and_says_what_its_balance_lacks(copy):
    """100 came in, 30 and 20 went out; the balance is not said, and why."""
    found = filled(copy).ask(lambda books: cash.cash(books, "acme"))
    first = found.accounts[0]
    assert (first.movements, first.balance, str(first.since)) == (Decimal(50), None, "2026-10-01")
    assert {name: (one.count, one.received, one.spent) for name, one in first.made_of.items()} == {
        "payments": (1, 100, 0), "bank_transactions": (1, 0, 30), "transfers": (1, 0, 20),
    }  # fmt: skip
    assert any("opening balance" in one for one in found.lacks)
    assert found.accounts[1].movements == Decimal(20)


def told(copy, **amounts):
    """Xero told these balances, three hours ago."""
    copy.every = datetime.timedelta(hours=24)
    copy.balances = Held(
        NOW - datetime.timedelta(hours=3), NOW.date(), {key: Decimal(one) for key, one in amounts.items()}
    )
    return copy


def test_a_balance_is_what_xero_told_and_how_long_ago(copy):
    """In base currency, of an account in dollars as well; their total; movements are beside it and not in it."""
    copy = told(filled(copy), a="1000.05", b="-20", usd="80")
    copy.put("Accounts", "usd", "ACTIVE", AccountID="usd", Code="092", Name="Dollars", Type="BANK", CurrencyCode="USD")
    copy.put("Accounts", "old", "ARCHIVED", AccountID="old", Code="093", Name="Old", Type="BANK", CurrencyCode="GBP")
    found = copy.ask(lambda books: cash.cash(books, "acme"))
    shown = {one.name: (one.balance.amount, one.balance.currency) for one in found.accounts if one.balance}
    assert shown == {
        "Current": (Decimal("1000.05"), "GBP"),
        "Savings": (Decimal(-20), "GBP"),
        "Dollars": (Decimal(80), "GBP"),
    }
    first = found.accounts[0].balance
    assert (first.lag_s, first.on, first.as_of) == (10_800.0, NOW.date(), NOW - datetime.timedelta(hours=3))
    assert found.balance_total.amount == Decimal("1060.05")
    assert "did not list" in found.accounts[3].balance_unknown.reason


def test_without_each_balance_there_is_no_total(copy):
    """An account in use that the report did not list."""
    found = told(filled(copy), a="1000.05").ask(lambda books: cash.cash(books, "acme"))
    assert (found.accounts[1].balance, found.balance_total) == (None, None)


def test_a_balance_that_nobody_asks_for_is_null_with_the_way_to_it(copy):
    """The setting is named; what was read before it was taken out is not shown as if it were kept up."""
    copy = told(filled(copy), a="1000.05", b="1")
    copy.every = None
    found = copy.ask(lambda books: cash.cash(books, "acme"))
    assert [one.balance for one in found.accounts] == [None, None]
    assert 'bank_balances = "daily"' in found.accounts[0].balance_unknown.remedy


def test_another_day_moves_the_weeks_and_not_the_balance(copy):
    """Up to the end of October only the bank transaction had moved the account; a day of another century is refused."""
    copy = told(filled(copy), a="1000.05", b="1")
    day = datetime.date(2026, 10, 31)
    found = copy.ask(lambda books: cash.cash(books, "acme", on=day))
    assert (found.basis.on, found.accounts[0].movements, found.accounts[0].balance.amount) == (
        day, Decimal(-30), Decimal("1000.05"),
    )  # fmt: skip
    for far in (datetime.date.min, datetime.date.max):
        with pytest.raises(errors.InputError):
            copy.ask(lambda books, far=far: cash.cash(books, "acme", on=far))


def test_what_is_due_stands_in_its_week(copy):
    """An invoice comes in, a bill goes out; this Sunday's week has neither."""
    found = filled(copy).ask(lambda books: cash.cash(books, "acme", weeks_shown=2))
    weeks = [[(flow.coming_in, flow.going_out) for flow in one.flows] for one in found.expected.weeks]
    assert weeks == [[], [(Decimal(50), Decimal(8))]]


def test_cash_needs_its_eight_resources(copy):
    """What was never read is named."""
    copy.unread = {"BankTransfers"}
    with pytest.raises(errors.NotRead) as refused:
        copy.ask(lambda books: cash.cash(books, "acme"))
    assert refused.value.facts["resources"] == ("BankTransfers",)
