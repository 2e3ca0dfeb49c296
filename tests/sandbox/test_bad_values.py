"""Every member of every resource with every value that it cannot have: an answer, and books that still balance."""

import itertools
import os
from copy import deepcopy
from typing import Any

import pytest

from tests.sandbox.conftest import messages
from tests.sandbox.ledger.desk import Desk, line
from tests.sandbox.test_never_500 import NAMES, everything

HUGE = 10**39
BAD: list[Any] = [
    -1, 10**13, 10**15 - 1, 10**15, 10**30, HUGE, 1e-30, "1e-300", "0.00000000000000001", "12345678901234567.12345678901234567",
    "1e400", "1_000", "NaN", "-Infinity", "\u0663", "", " ", "\u0000", "x" * 5_000, [], {}, [[]], [{}], [None], True, None,
    "0001-01-01", "1899-12-31", "9999-12-31", "10000-01-01", "2026-02-30", "/Date(-999999999999999999999)/",
    "/Date(253402300799999)/", "00000000-0000-0000-0000-000000000000", "DELETED", "VOIDED", "PAID", "ZZZ", "JPY",
]  # fmt: skip
# At each place a fourth of the values; at the next one, since 39 is odd, others.
EVERY = 1 if "SOAK" in os.environ else 4
DESK, BODIES = everything()
BODIES |= {
    "Accounts": {"Code": "777", "Name": "Seven", "Type": "EXPENSE"},
    "Contacts": {"Name": "Nobody yet", "Addresses": [{"AddressType": "STREET"}], "PaymentTerms": {"Sales": {"Day": 1}}},
    "Currencies": {"Code": "JPY"},
    "TrackingCategories": {"Name": "Planet", "Options": [{"Name": "Earth"}]},
}
REPORTS = ["TrialBalance", "ProfitAndLoss", "BalanceSheet", "BankSummary", "AgedReceivablesByContact"]
# What a report can be asked for that no calendar has.
IMPOSSIBLE = [
    "date=0001-01-01&periods=11&timeframe=YEAR",
    "date=9999-12-31&periods=11",
    "fromDate=0001-01-01&toDate=9999-12-31&periods=11&timeframe=YEAR",
    "periods=" + "9" * 5_000,
    "periods=%D9%A3",
    "date=%00",
    "fromDate=2026-02-29",
]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value inside is, the containers too."""
    inside: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    own = [path] if path else []
    return own + [found for key, inner in inside for found in leaves(inner, (*path, key))]


def changed(body: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    copied: Any = deepcopy(body)
    place = copied
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return copied


@pytest.mark.soak
@pytest.mark.parametrize("plural", sorted(BODIES.keys() - {"Allocations"}))
def test_no_value_breaks_a_write(plural):
    """Whatever stands where, the answer is below 500 (501 for what is not there), also to those who read it later."""
    body = BODIES[plural]
    places = dict.fromkeys([*leaves(body), *((name,) for name in NAMES)])
    for path, value in itertools.islice(itertools.product(places, BAD), 0, None, EVERY):
        status, _ = DESK.ask("PUT", f"{plural}?summarizeErrors=false", changed(body, path, value))
        assert status < 500 or status == 501, (path, value)
    for query in ("", "?page=1&pageSize=1000"):
        status, _ = DESK.ask("GET", plural + query)
        assert status == 200
    assert sum(DESK.sums().values()) == 0


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("asked", IMPOSSIBLE)
def test_no_date_breaks_a_report(report, asked):
    """A comparison or a financial year that would leave the calendar is the caller's 400."""
    contact = BODIES["Invoices"]["Contact"]["ContactID"]
    status, _ = DESK.ask("GET", f"Reports/{report}?{asked}&contactID={contact}")
    assert status in {200, 400}


@pytest.mark.parametrize("rate", [-1, "-0.5", "1e-30", "1e-11", 10**12, 10**14])
@pytest.mark.parametrize(
    "plural", ["Invoices", "CreditNotes", "BankTransactions", "Quotes", "PurchaseOrders", "Payments"]
)
def test_a_rate_that_turns_money_round_is_refused(plural, rate):
    """An exchange rate of nothing or less would divide by nothing, or make a debt of a credit."""
    desk = Desk()
    contact = {"Name": "Fjord AS"}
    euros = {"CurrencyCode": "EUR", "Contact": contact, "Date": "2026-11-01", "DueDate": "2026-12-01"}
    lines = {"LineItems": [line("200", 100, TaxType="NONE")]}
    sale = desk.made("Invoices", **euros, **lines, Type="ACCREC", Status="AUTHORISED")
    bodies: dict[str, dict[str, Any]] = {
        "Invoices": {**euros, **lines, "Type": "ACCREC", "Status": "AUTHORISED"},
        "CreditNotes": {**euros, **lines, "Type": "ACCRECCREDIT", "Status": "AUTHORISED"},
        "BankTransactions": {"Type": "RECEIVE", "Contact": contact, "BankAccount": {"Code": "092"}, **lines},
        "Quotes": {**euros, **lines},
        "PurchaseOrders": {**euros, **lines},
        "Payments": {"Invoice": {"InvoiceID": sale["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 1},
    }
    before = desk.sums()
    status, answer = desk.ask("PUT", plural, {**bodies[plural], "CurrencyRate": rate})
    assert status == 400
    said = [text for element in answer["Elements"] for text in messages(element)]
    assert "The CurrencyRate must be greater than zero and have at most twelve digits before the point." in said
    assert before == desk.sums()


@pytest.mark.parametrize("sent", [0, -5, "0.004"])
def test_a_payment_brings_the_bank_something(sent):
    """A BankAmount of nothing or less would take money out of the bank for a sale that was paid."""
    desk = Desk()
    foreign = {"CurrencyCode": "EUR", "Contact": {"Name": "Fjord AS"}, "Date": "2026-11-01", "DueDate": "2026-12-01"}
    sale = desk.made("Invoices", **foreign, Type="ACCREC", Status="AUTHORISED", LineItems=[line("200", 100)])
    paid = {"Invoice": {"InvoiceID": sale["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 1, "BankAmount": sent}
    status, answer = desk.ask("PUT", "Payments", paid)
    assert (status, messages(answer["Elements"][0])) == (400, ["Bank amount must be greater than zero"])


def test_half_a_cent_goes_up():
    """A payment of 10.005 is one of 10.01, as a line of that price is."""
    desk = Desk()
    dates = {"Contact": {"Name": "Blue Fern Ltd"}, "Date": "2026-11-01", "DueDate": "2026-12-01"}
    sale = desk.made("Invoices", **dates, Type="ACCREC", Status="AUTHORISED", LineItems=[line("200", 100)])
    paid = desk.made("Payments", Invoice={"InvoiceID": sale["InvoiceID"]}, Account={"Code": "090"}, Amount="10.005")
    assert float(paid["Amount"]) == 10.01


@pytest.mark.parametrize("period", [0, -1, 1_000, 10**12])
def test_a_schedule_has_a_next_date(period):
    """A repeating invoice every nought, or every trillion, weeks is none."""
    status, _ = DESK.ask(
        "PUT", "RepeatingInvoices", changed(BODIES["RepeatingInvoices"], ("Schedule", "Period"), period)
    )
    assert status == 400
