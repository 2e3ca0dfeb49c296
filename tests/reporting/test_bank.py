"""What is counted on a bank account, and what is named instead of guessed."""

from datetime import date
from decimal import Decimal

import msgspec

from counterfoil.reporting.bank import NO_AMOUNT, OTHER_CURRENCY, UNKNOWN_TYPE, Banking, Uncounted

TODAY = date(2026, 11, 23)
CHART = (
    {"AccountID": "a", "Code": "090", "Name": "Current", "Type": "BANK", "Status": "ACTIVE", "CurrencyCode": "GBP"},
    {"AccountID": "b", "Code": "092", "Name": "Euro", "Type": "BANK", "Status": "ACTIVE", "CurrencyCode": "EUR"},
    {"AccountID": "s", "Code": "200", "Name": "Sales", "Type": "REVENUE", "Status": "ACTIVE"},
)


def wire(*rows):
    """Xero's JSON."""
    return [msgspec.json.encode({"Date": "2026-11-02", **row}) for row in rows]


def bank():
    """Two bank accounts, one of them in euros."""
    return Banking([msgspec.json.encode(one) for one in CHART], TODAY, "GBP")


def payment(**fields):
    """10.00 from a customer into the current account."""
    return {
        "PaymentType": "ACCRECPAYMENT", "Amount": 10, "Account": {"AccountID": "a"}, "Invoice": {"CurrencyCode": "GBP"},
    } | fields  # fmt: skip


def balances(counted):
    """By account id."""
    return {one.account_id: one for one in counted.balances()}


def test_refunds_and_bills_go_out_and_payments_of_customers_come_in():
    """By the type of the payment."""
    counted = bank()
    out = ("ACCPAYPAYMENT", "ARCREDITPAYMENT", "AROVERPAYMENTPAYMENT", "ARPREPAYMENTPAYMENT")
    into = ("APCREDITPAYMENT", "APOVERPAYMENTPAYMENT", "APPREPAYMENTPAYMENT", "ACCRECPAYMENT")
    counted.payments(wire(*(payment(PaymentType=one, Amount=1) for one in out)))
    counted.payments(wire(*(payment(PaymentType=one, Amount=2) for one in into)))
    moved = balances(counted)["a"].made_of["payments"]
    assert (moved.count, moved.received, moved.spent) == (8, Decimal(8), Decimal(4))


def test_a_foreign_payment_counts_by_what_the_bank_got():
    """BankAmount is in the account's currency."""
    counted = bank()
    counted.payments(wire(payment(Invoice={"CurrencyCode": "EUR"}, BankAmount=8.5)))
    assert balances(counted)["a"].movements == Decimal("8.5")


def test_what_cannot_be_told_is_named_and_in_no_sum():
    """An amount in another currency, a payment of a new type, one without an amount; each says why."""
    counted = bank()
    counted.payments(wire(payment(Invoice={"CurrencyCode": "EUR"}), payment(PaymentType="NEW"), payment(Amount=None)))
    found = balances(counted)["a"]
    assert found.movements == 0
    assert set(found.uncounted) == {
        Uncounted("payments", OTHER_CURRENCY, 1), Uncounted("payments", UNKNOWN_TYPE, 1), Uncounted("payments", NO_AMOUNT, 1),
    }  # fmt: skip


def test_a_transfer_counts_once_on_each_account():
    """Its halves among the bank transactions are passed over."""
    counted = Banking([msgspec.json.encode(one | {"CurrencyCode": "GBP"}) for one in CHART], TODAY, "GBP")
    ends = {"FromBankAccount": {"AccountID": "a"}, "ToBankAccount": {"AccountID": "b"}}
    counted.transfers(wire({"Amount": 40, **ends}))
    halves = [
        {"Type": f"{one}-TRANSFER", "Total": 40, "BankAccount": {"AccountID": "a"}} for one in ("SPEND", "RECEIVE")
    ]
    counted.bank_transactions(wire(*halves))
    assert {key: one.movements for key, one in balances(counted).items()} == {"a": Decimal(-40), "b": Decimal(40)}


def test_a_transfer_into_another_currency_is_named_where_its_amount_is_not_said():
    """It left the pounds; how many euros arrived nobody says."""
    counted = bank()
    ends = {"FromBankAccount": {"AccountID": "a"}, "ToBankAccount": {"AccountID": "b"}}
    counted.transfers(wire({"Amount": 40, **ends}))
    found = balances(counted)
    assert (found["a"].movements, found["b"].movements) == (Decimal(-40), Decimal(0))
    assert found["b"].uncounted == (Uncounted("transfers", OTHER_CURRENCY, 1),)


def test_since_says_from_which_day_on_something_is_known():
    """And what is dated after today is in no sum."""
    counted = bank()
    received = {"Type": "RECEIVE", "Total": 5, "BankAccount": {"AccountID": "a"}, "CurrencyCode": "GBP"}
    days = ("2026-11-20", "2025-03-04", "2026-12-24")
    counted.bank_transactions(wire(*(received | {"Date": day} for day in days)))
    found = balances(counted)["a"]
    assert (found.since, found.until) == (date(2025, 3, 4), date(2026, 11, 20))
    assert (found.movements, found.dated_later) == (Decimal(10), Decimal(5))


def test_an_account_that_is_no_bank_is_not_listed():
    """Only what a bank keeps."""
    counted = bank()
    counted.payments(wire(payment(Account={"AccountID": "s"})))
    assert [one.account_id for one in counted.balances()] == ["a", "b"]
    assert [one.since for one in counted.balances()] == [None, None]
