"""Documents settled in random parts: to the cent nothing is left on any account, on either basis."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.sandbox.ledger import sums
from tests.sandbox.ledger.desk import ZERO, Desk, line

CENT = Decimal("0.01")
cents = st.integers(1, 90_000).map(lambda number: Decimal(number) / 100)
rates = st.integers(37, 311).map(lambda number: Decimal(number) / 100)
splits = st.lists(st.integers(1, 100), min_size=1, max_size=5)
taxes = st.sampled_from(["OUTPUT2", "RROUTPUT", "NONE"])


@pytest.fixture(scope="module")
def desk():
    """One desk for all examples; each begins with an empty ledger."""
    made = Desk()
    made.contact = {"ContactID": made.made("Contacts", Name="Blue Fern Ltd")["ContactID"]}
    return made


def emptied(desk):
    """The desk without documents and journals."""
    for plural in (
        "Invoices",
        "CreditNotes",
        "Payments",
        "BankTransactions",
        "Overpayments",
        "Prepayments",
        "journals",
    ):
        table = desk.books.table(plural)
        for key in list(table.rows):
            table.drop(key)
    desk.world.changes.take()
    return desk


def parts_of(total, weights):
    """The total in parts, none of them nothing."""
    shares = [(total * weight / sum(weights)).quantize(CENT) for weight in weights[:-1]]
    found = [*shares, total - sum(shares, ZERO)]
    return [part for part in found if part > 0] if min(found) >= 0 else [total]


def sold(desk, lines, rate, **fields):
    foreign = {"CurrencyCode": "EUR", "CurrencyRate": str(rate)}
    items = [line("200", amount, TaxType=tax) for amount, tax in lines]
    dates = {"Date": "2026-11-01", "DueDate": "2026-12-01", "Status": "AUTHORISED"}
    return desk.made("Invoices", Type="ACCREC", Contact=desk.contact, LineItems=items, **dates, **foreign, **fields)


def balances(desk, *, cash):
    """Every account's sum by its code, on one basis."""
    codes = {row["AccountID"]: row["Code"] for row in desk.books.table("Accounts")}
    found = sums.summed(sums.movements(desk.books, cash=cash), lambda _: True)
    return {codes[own_id]: amount for own_id, amount in found.items() if amount}


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(st.tuples(cents, taxes), min_size=1, max_size=3), rate=rates, weights=splits, paid_at=rates)
def test_a_foreign_sale_paid_in_parts_owes_nothing(desk, lines, rate, weights, paid_at):
    """Nothing is left receivable; the gain is what the bank got beyond the sale's worth; cash and accrual agree."""
    emptied(desk)
    sale = sold(desk, lines, rate)
    worth = desk.sums().get("610", ZERO)
    for part in parts_of(sale["Total"], weights):
        account = {"Code": "092"}
        paid = {"Invoice": {"InvoiceID": sale["InvoiceID"]}, "Account": account, "Date": "2026-11-05"}
        desk.made("Payments", **paid, Amount=str(part), CurrencyRate=str(paid_at))
        assert sum(balances(desk, cash=True).values(), ZERO) == 0
    after = desk.sums()
    assert "610" not in after
    got = sum(
        ((row["Amount"] / row["CurrencyRate"]).quantize(CENT, "ROUND_HALF_UP") for row in desk.books.table("Payments")),
        ZERO,
    )
    assert after.get("092", ZERO) == got
    assert after.get("499", ZERO) == worth - got
    assert balances(desk, cash=True) == after


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(st.tuples(cents, taxes), min_size=1, max_size=3), rate=rates, weights=splits, sold_at=rates)
def test_a_foreign_prepayment_used_in_parts_leaves_its_accounts(desk, lines, rate, weights, sold_at):
    """Its own accounts and its tax are empty when it is used up; what is left of the rates is a gain."""
    emptied(desk)
    items = [line("830", amount, TaxType=tax) for amount, tax in lines]
    money = {
        "Type": "RECEIVE-PREPAYMENT",
        "BankAccount": {"Code": "092"},
        "Date": "2026-11-01",
        "CurrencyRate": str(rate),
    }
    prepaid = desk.made("BankTransactions", Contact=desk.contact, LineItems=items, **money)
    bank = desk.sums().get("092", ZERO)
    for part in parts_of(prepaid["Total"], weights):
        sale = sold(desk, [(part, "NONE")], sold_at)
        path = f"Prepayments/{prepaid['PrepaymentID']}/Allocations"
        desk.made(path, Invoice={"InvoiceID": sale["InvoiceID"]}, Amount=str(part))
    after = desk.sums()
    assert not {"610", "830", "820", "860"} & after.keys()
    assert after.get("092", ZERO) == bank
    assert after.get("200", ZERO) + after.get("499", ZERO) == -bank
