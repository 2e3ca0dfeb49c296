"""Stock, links, services, receipts, claims, balances, budgets: every member with every value that it cannot have."""

import itertools
import json

import pytest

from counterfoil.sandbox import person
from tests.sandbox.ledger.desk import Desk
from tests.sandbox.test_bad_values import BAD, IMPOSSIBLE, changed, leaves

NEWER_REPORTS = ["BudgetSummary", "ExecutiveSummary", "TenNinetyNine"]
DATES = {"Date": "2026-11-01", "DueDate": "2026-12-01", "Status": "AUTHORISED"}
BUDGET = {
    "Type": "OVERALL", "Description": "Plan", "Tracking": [{"Name": "Region", "Option": "North"}],
    "BudgetLines": [{"AccountCode": "200", "BudgetBalances": [{"Period": "2026-11", "Amount": 5, "Notes": "x"}]}],
}  # fmt: skip


def everything():
    """A desk with goods, and what made it by (method, path)."""
    desk = Desk()
    contact = {"ContactID": desk.made("Contacts", Name="Blue Fern Ltd")["ContactID"]}
    user = {"UserID": desk.world.user().user_id}
    costs = {"COGSAccountCode": "310", "UnitPrice": 2, "TaxType": "INPUT2"}
    item = {"Code": "TEA", "InventoryAssetAccountCode": "630", "PurchaseDetails": costs}
    desk.made("Items", **item)
    goods = {"ItemCode": "TEA", "Description": "x", "Quantity": 9, "UnitAmount": 2}
    bought = {**DATES, "Type": "ACCPAY", "Contact": contact, "LineItems": [goods]}
    bill = desk.made("Invoices", **bought)
    sold = {**bought, "Type": "ACCREC", "LineItems": [{**goods, "Quantity": 1, "AccountCode": "200"}]}
    sale = desk.made("Invoices", **sold)
    cost = {"Description": "Lunch", "Quantity": 1, "UnitAmount": 5, "AccountCode": "429"}
    receipt = {"User": user, "Contact": contact, "Date": "2026-11-01", "LineItems": [cost]}
    link = {
        "SourceTransactionID": bill["InvoiceID"], "SourceLineItemID": bill["LineItems"][0]["LineItemID"],
        "TargetTransactionID": sale["InvoiceID"], "TargetLineItemID": sale["LineItems"][0]["LineItemID"],
        "ContactID": contact["ContactID"],
    }  # fmt: skip
    return desk, {
        ("PUT", "Items"): item | {"Code": "CUP", "Name": "x"},
        ("POST", "Items"): item,
        ("PUT", "Invoices?allowBackorders=true"): sold,
        ("PUT", "Invoices"): bought,
        ("PUT", "CreditNotes"): {**sold, "Type": "ACCRECCREDIT"},
        ("PUT", "BankTransactions"): {
            "Type": "SPEND", "Contact": contact, "BankAccount": {"Code": "090"}, "LineItems": [goods],
        },
        ("PUT", "LinkedTransactions"): link,
        ("PUT", "PaymentServices"): {"PaymentServiceName": "x", "PaymentServiceUrl": "https://pay.example/", "PayNowText": "x"},
        ("PUT", "Receipts"): receipt,
        ("PUT", "ExpenseClaims"): {"User": user, "Receipts": [{"ReceiptID": desk.made("Receipts", **receipt)["ReceiptID"]}]},
        ("POST", "Setup"): {
            "ConversionDate": {"Month": 9, "Year": 2026}, "Accounts": [{"Code": "777", "Name": "x", "Type": "EXPENSE"}],
            "ConversionBalances": [
                {"AccountCode": "090", "Balance": 5},
                {"AccountCode": "900", "BalanceDetails": [{"Balance": -5, "CurrencyCode": "EUR", "CurrencyRate": 2}]},
            ],
        },
        ("POST", "Contacts"): {
            "ContactID": contact["ContactID"], "TaxNumberType": "SSN", "BatchPayments": {"Details": "x"},
            "SalesTrackingCategories": [{"TrackingCategoryName": "Region", "TrackingOptionName": "North"}],
        },
    }  # fmt: skip


DESK, BODIES = everything()


@pytest.mark.parametrize("call", BODIES, ids="-".join)
def test_no_value_breaks_a_write(call):
    """The answer is below 500 (501 for what is not there), also to those who read it later; the books balance."""
    body = BODIES[call]
    for path, value in itertools.product(leaves(body), BAD):
        status, _ = DESK.ask(*call, changed(body, path, value))
        assert status < 500 or status == 501, (path, value)
    for plural in (
        "Items",
        "Invoices?page=1&pageSize=1000",
        "LinkedTransactions",
        "PaymentServices",
        "Receipts",
        "Contacts",
    ):
        assert DESK.ask("GET", plural)[0] == 200
    for report in ("TrialBalance", "ExecutiveSummary?date=2026-11-30", "ExecutiveSummary?date=2026-09-30"):
        assert DESK.ask("GET", f"Reports/{report}")[0] == 200
    assert sum(DESK.sums().values()) == 0
    assert DESK.sums().get("630", 0) == sum(item.get("TotalCostPool", 0) for item in DESK.books.table("Items"))


@pytest.mark.parametrize("report", NEWER_REPORTS)
@pytest.mark.parametrize("asked", [*IMPOSSIBLE, "reportYear=" + "9" * 5_000, "reportYear=%00", "timeframe=\u0663"])
def test_no_date_breaks_a_report(report, asked):
    """400, or the report."""
    assert DESK.ask("GET", f"Reports/{report}?{asked}")[0] in {200, 400}


def set_up(desk, given):
    """Whether a person may do this; else nothing is changed."""
    try:
        person.changed_organisation(desk.world, desk.books, given)
    except (ValueError, TypeError):
        desk.world.changes.roll_back(0)
        return False
    return True


@pytest.mark.parametrize("field", ["budgets", "cis"])
def test_what_a_person_sets_up_is_refused_or_readable(field):
    """ValueError or TypeError with a reason; what was taken can be read and added up."""
    desk = Desk()
    contact = desk.made("Contacts", Name="x")["ContactID"]
    good = {"budgets": [BUDGET], "cis": {"contractor": True, "rate": 20, "contacts": {contact: 20}}}[field]
    for path, value in itertools.product(leaves({field: good}), [*BAD, "NaN", "Infinity", 1e300]):
        given = json.loads(json.dumps(changed({field: good}, path, value)))
        if not set_up(desk, given):
            continue
        desk.world.commit()
        for call in (
            "Budgets",
            "Reports/BudgetSummary?date=2026-11-01",
            f"Organisation/{desk.books.tenant_id}/CISSettings",
        ):
            assert desk.ask("GET", call)[0] == 200, (path, value)
        for own_id in desk.books.table("Budgets").rows:
            assert desk.ask("GET", f"Budgets/{own_id}?DateFrom=2026-11-01")[0] == 200


def test_no_switch_takes_what_is_no_reading(sandbox):
    """400 with what there is, whatever was sent."""
    for value in BAD[:-1]:
        for body in ({"texts": value}, {str(value)[:50]: "ours"}, value):
            if body == {"texts": None} or body in ({}, ""):
                continue
            sent = json.dumps(body).encode()
            assert sandbox.request("POST", "/_sandbox/unknowns", sent).status == 400, body
    assert all(each["chosen"] == each["safer"] for each in sandbox.get("/_sandbox/unknowns")["unknowns"])
