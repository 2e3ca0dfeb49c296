"""The payments of a sale: which are wanted and how they look at Xero, which are refused and why."""

import datetime
import json
from decimal import Decimal

import pytest

from counterfoil.flows import sales_invoices
from counterfoil.model.prepared import PaymentWanted, Prepared
from tests.flows.test_sales_invoices import LOCKED, flow, line
from tests.model import books

ACCOUNTS = [
    books.account("", "Stripe", type="BANK", category="ASSET", tax="NONE") | {"AccountID": "stripe-id"},
    books.account("091", "Clearing", type="CURRENT", category="ASSET", tax="NONE") | {"EnablePaymentsToAccount": True},
    books.account("092", "Old till", type="BANK", category="ASSET", tax="NONE", status="ARCHIVED"),
]


def ledger(organisation=None):
    """The small ledger with accounts that payments go to."""
    return books.ledger(organisation, more_accounts=ACCOUNTS, accounts={"till": "091", "sales": "200", "gone": "999"})


def paid(*payments, **changes):
    """The good sale, with these payments of 10.00 on its day."""
    default = {"date": "2026-11-01", "amount": "10.00"}
    return line() | {"payments": [default | payment for payment in payments]} | changes


def prepare(value, organisation=None, **flow_changes):
    record = sales_invoices.decode(json.dumps(value).encode())
    return sales_invoices.prepare(record, ledger(organisation), flow(**flow_changes))


def test_a_payment_to_a_bank_account_without_a_code():
    """Named by Xero's name of it; the account goes out by its id, the invoice and our mark are added later."""
    [payment] = prepare(paid({"account": "Stripe", "amount": "25.20", "reference": "ch_1"})).payments
    assert payment == PaymentWanted(
        external_id="order-1001/payment",
        date=datetime.date(2026, 11, 1),
        amount=Decimal("25.20"),
        account="account Stripe",
        reference="ch_1",
        element={
            "Account": {"AccountID": "stripe-id"}, "Date": "2026-11-01", "Amount": Decimal("25.20"),
            "Reference": "ch_1",
        },
    )  # fmt: skip


def test_two_payments():
    """Each under its own key, in their order; by code and by the entity's own name."""
    both = [{"external_id": "a", "account_code": "090"}, {"external_id": "b", "account": "till", "amount": "15.20"}]
    payments = prepare(paid(*both)).payments
    assert [(payment.external_id, payment.element["Account"]) for payment in payments] == [
        ("order-1001/a", {"Code": "090"}), ("order-1001/b", {"Code": "091"}),
    ]  # fmt: skip


def test_a_payment_in_a_foreign_currency():
    """Its own rate goes with it."""
    [payment] = prepare(paid({"account": "till", "rate": "1.17"}, currency="EUR")).payments
    assert payment.element["CurrencyRate"] == Decimal("1.17")


@pytest.mark.parametrize(
    ("value", "cause", "field", "words"),
    [
        (paid({}), "account-missing", "payments[0]", "has no account"),
        (paid({"account": "till", "account_code": "090"}), "account-missing", "payments[0]", "has both"),
        (paid({"account": "Strpe"}), "account-unknown", "payments[0].account", "Did you mean `Stripe`?"),
        (paid({"account": "gone"}), "account-unknown", "payments[0].account", "gone"),
        (paid({"account_code": "9O0"}), "account-unknown", "payments[0].account_code", "Known: `090`"),
        (paid({"account_code": "092"}), "account-archived", "payments[0].account_code", "archived"),
        (paid({"account": "Old till"}), "account-archived", "payments[0].account", "archived"),
        (paid({"account": "sales"}), "account-not-for-payments", "payments[0].account", "enable payments"),
        (paid({"account": "till", "amount": "25.21"}), "payments-too-large", "payments", "25.21 GBP, more than"),
        (paid({"account": "till"}, status="DRAFT"), "payment-too-early", "payments", "will be DRAFT"),
        (paid({"account": "till", "rate": "1"}), "rate-needless", "payments[0].rate", "base currency"),
        (paid({"account": "till", "reference": "x" * 239}), "reference-too-long", "payments[0].reference", "238"),
    ],
)
def test_what_is_refused(value, cause, field, words):
    """Each reason is named by its cause, with the field and what to do."""
    (finding,) = prepare(value)
    assert (finding.cause, finding.field) == (cause, field)
    assert words in f"{finding.reason} {finding.remedy}"


@pytest.mark.parametrize(
    ("keys", "causes"),
    [
        (("a", None), ["payment-key-missing"]),
        ((None, None), ["payment-key-missing", "payment-key-missing"]),
        (("a", "a"), ["payment-key-twice"]),
    ],
)
def test_two_payments_need_keys(keys, causes):
    """Without one of its own a second payment could not be told from the first."""
    payments = [{"account": "till"} | ({"external_id": key} if key else {}) for key in keys]
    assert [finding.cause for finding in prepare(paid(*payments))] == causes


def test_payments_together_are_not_more_than_the_total():
    """Also when each of them is less."""
    payments = [{"account": "till", "external_id": key, "amount": "12.61"} for key in ("a", "b")]
    assert [finding.cause for finding in prepare(paid(*payments))] == ["payments-too-large"]


@pytest.mark.parametrize(
    ("lock_date", "result"),
    [("refuse", "before-lock-date"), ("hold", "before-lock-date"), ("next-open-day", "2026-11-06")],
)
def test_a_payment_on_a_locked_day(lock_date, result):
    """The flow's `lock_date` speaks for payments as for documents."""
    value = paid({"account": "till", "date": "2026-11-05"}, date="2026-11-07")
    made = prepare(value, LOCKED, lock_date=lock_date)
    if lock_date == "refuse":
        assert [(finding.cause, finding.field) for finding in made] == [(result, "payments[0].date")]
        return
    assert isinstance(made, Prepared)
    assert made.element["Date"] == "2026-11-07"
    if lock_date == "hold":
        assert (made.hold.cause, made.hold.field) == (result, "payments[0].date")
        return
    assert (made.hold, made.payments[0].element["Date"]) == (None, result)
    assert "so 2026-11-06 is posted" in made.predicted.notes[0]


def test_no_payments():
    """Nothing is wanted of a sale that was not paid."""
    assert prepare(line()).payments == ()
