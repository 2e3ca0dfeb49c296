import datetime
from decimal import Decimal

import pytest

from counterfoil.model.ledger import Ledger
from tests.model import books


def test_the_organisation():
    """Facts and lock dates of the wire are read; a lock date that is not set is none."""
    ledger = books.ledger({"PeriodLockDate": books.wire_day("2026-09-30"), "PaymentTerms": {}})
    assert (ledger.base_currency, ledger.country, ledger.entity) == ("GBP", "GB", "acme-uk")
    assert (ledger.period_lock_date, ledger.end_of_year_lock_date) == (datetime.date(2026, 9, 30), None)
    assert ledger.sales_terms is None


def test_rates_are_exact():
    """A rate that a JSON reader made a float of is the decimal that Xero wrote."""
    rates = [books.rate("X", "x", 8.1225)]
    ledger = Ledger.from_wire(books.ORGANISATION, [], rates, [], [], books.entity())
    assert ledger.tax_rates["X"].percent == Decimal("8.1225")


def test_the_base_currency_needs_no_subscription():
    """An organisation without a list of currencies still has its own."""
    ledger = Ledger.from_wire(books.ORGANISATION, [], [], [], [], books.entity())
    assert ledger.currencies == {"GBP"}


@pytest.mark.parametrize(("name", "code"), [("sales", "200"), ("Advertising", "400"), ("gone", None), ("nope", None)])
def test_own_names_of_accounts(name, code):
    """The settings' names come first, then Xero's; a code that does not exist is nobody's."""
    found = books.ledger().own_account(name)
    assert (found and found.code) == code


@pytest.mark.parametrize(
    ("name", "tax_type"),
    [("standard", "OUT20"), ("zero", "ZERO"), ("5% (VAT on Income)", "OUT5"), ("odd", None), ("OUT5", None)],
)
def test_own_names_of_taxes(name, tax_type):
    """The settings may name a rate or a TaxType; without them only a rate's exact name counts."""
    found = books.ledger().own_tax(name)
    assert (found and found.tax_type) == tax_type


def test_the_active_one_of_two_namesakes():
    """Where an archived account has the same name, the active one is meant, in whatever order they come."""
    rows = [books.account("1", "Sales"), books.account("2", "Sales", status="ARCHIVED")]
    for accounts in (rows, rows[::-1]):
        ledger = Ledger.from_wire(books.ORGANISATION, accounts, [], [], [], books.entity(accounts={}))
        assert ledger.accounts_by_name["Sales"].code == "1"


def test_rows_without_their_key():
    """A bank account may have no code; it is left out and disturbs nothing."""
    ledger = Ledger.from_wire(books.ORGANISATION, [{"Name": "Bank"}, {}], [{}], [{}], [{}], books.entity())
    assert (ledger.accounts, ledger.tax_rates, ledger.tracking) == ({}, {}, {})


def test_accounts_that_take_payments():
    """Bank accounts, with or without a code, and accounts that payments are enabled to; the entity's own name first."""
    more = [
        books.account("", "Stripe", type="BANK", category="ASSET") | {"AccountID": "stripe-id"},
        books.account("091", "Clearing") | {"EnablePaymentsToAccount": True},
        books.account("", "Sales", type="BANK", category="ASSET"),
    ]
    ledger = books.ledger(more_accounts=more)
    assert sorted(ledger.payment_accounts) == ["Bank", "Clearing", "Sales", "Stripe"]
    assert ledger.own_payment_account("Stripe").id == "stripe-id"
    assert ledger.own_payment_account("sales").code == "200"
    assert (ledger.own_payment_account("Sales").type, ledger.own_account("Sales").code) == ("BANK", "200")
    assert (ledger.own_payment_account("gone"), ledger.own_payment_account("nowhere")) == (None, None)
