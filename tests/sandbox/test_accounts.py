"""The chart: what an account may become, and which writes know summarizeErrors."""

import pytest

from tests.sandbox.conftest import messages
from tests.sandbox.ledger.desk import Desk, line

BANK = {"Name": "Second Bank", "Type": "BANK", "Code": "095", "BankAccountNumber": "12345678"}


@pytest.fixture
def desk():
    return Desk()


def test_the_class_follows_the_type(desk):
    """An account that becomes an expense is no revenue any more, in lists and in reports."""
    made = desk.made("Accounts", Code="777", Name="Seven", Type="SALES")
    assert made["Class"] == "REVENUE"
    status, answer = desk.ask("POST", f"Accounts/{made['AccountID']}", {"Type": "EXPENSE"})
    assert (status, answer["Accounts"][0]["Class"]) == (200, "EXPENSE")


@pytest.mark.parametrize(
    ("code", "sent"), [("200", {"Type": "BANK"}), ("610", {"Type": "EXPENSE"}), ("200", {"Status": "DELETED"})]
)
def test_what_an_account_cannot_become(desk, code, sent):
    """A bank account, a system account of another type, or one that is deleted without DELETE."""
    account = desk.books.table("Accounts").first("code", code)
    status, _ = desk.ask("POST", f"Accounts/{account['AccountID']}", sent)
    assert status == 400
    assert account == desk.books.table("Accounts").first("code", code)


def test_a_new_bank_account_has_a_currency_and_moves_money(desk):
    """Its currency is the organisation's unless another was sent, which must be subscribed."""
    assert desk.made("Accounts", **BANK)["CurrencyCode"] == "GBP"
    transfer = {"FromBankAccount": {"Code": "090"}, "ToBankAccount": {"Code": "095"}, "Amount": 5}
    assert desk.ask("PUT", "BankTransfers", transfer)[0] == 200
    other = {**BANK, "Name": "Third Bank", "Code": "096", "CurrencyCode": "eur"}
    assert desk.made("Accounts", **other)["CurrencyCode"] == "EUR"
    status, answer = desk.ask("PUT", "Accounts", {**BANK, "Name": "Fourth", "Code": "097", "CurrencyCode": "JPY"})
    assert (status, messages(answer["Elements"][0])) == (400, ["Organisation is not subscribed to currency JPY"])


def test_a_line_that_is_sent_twice_is_two_lines(desk):
    """The same LineItemID in two lines: the second is a new one, so that every line has an id of its own."""
    dates = {"Contact": {"Name": "Blue Fern Ltd"}, "Date": "2026-11-01", "DueDate": "2026-12-01"}
    sale = desk.made("Invoices", **dates, Type="ACCREC", LineItems=[line("200", 5)])
    (own_id,) = (one["LineItemID"] for one in sale["LineItems"])
    twice = [{"LineItemID": own_id}, {"LineItemID": own_id, **line("200", 7)}]
    _, answer = desk.ask("POST", f"Invoices/{sale['InvoiceID']}", {"LineItems": twice})
    ids = [one["LineItemID"] for one in answer["Invoices"][0]["LineItems"]]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("Accounts", {"Name": "No code"}),
        ("Currencies", {"Code": "?"}),
        ("TaxRates", {"Name": ""}),
        ("TrackingCategories", {"Name": ""}),
        ("ContactGroups", {"Name": ""}),
        ("BankTransfers", {"Amount": 0}),
    ],
)
def test_an_endpoint_without_summarize_errors_ignores_it(desk, path, sent):
    """A refusal is a 400, whatever the parameter says."""
    assert desk.ask("PUT", f"{path}?summarizeErrors=false", sent)[0] == 400
