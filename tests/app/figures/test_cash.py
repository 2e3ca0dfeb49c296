"""Cash from a copy: movements and never a guessed balance, and the weeks to come."""

from decimal import Decimal

import pytest

from counterfoil import errors
from counterfoil.app.figures import cash


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
