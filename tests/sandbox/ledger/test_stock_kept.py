"""Stock through kill -9, and many hands that reach for the last one."""

import threading

from tests import sandbox_process
from tests.sandbox.conftest import Ledger

GOODS = {"ItemCode": "TEA", "Description": "x", "Quantity": 1, "UnitAmount": 10}
DATES = {"Date": "2026-11-01", "DueDate": "2026-12-01", "Status": "AUTHORISED", "Contact": {"Name": "Blue Fern Ltd"}}
ITEM = {
    "Code": "TEA", "InventoryAssetAccountCode": "630", "SalesDetails": {"AccountCode": "200", "TaxType": "OUTPUT2"},
    "PurchaseDetails": {"COGSAccountCode": "310", "TaxType": "INPUT2"},
}  # fmt: skip


def books(sandbox, tenant):
    """What must be the same after a kill: the items, and every account's balance."""
    ledger = sandbox.ledger(tenant)
    answer = sandbox.person(tenant, "GET", "Reports/TrialBalance?date=2026-11-30")["answer"]
    return ledger["Items"], ledger["ExpenseClaims"], answer["Reports"][0]["Rows"]


def test_stock_costs_and_balances_outlive_kill_9(tmp_path):
    """A sale on back order is served after the kill as it would have been before; what was set up is there."""
    arguments = ("--auto-consent", "--no-limits", "--organisations", "1", "--state", str(tmp_path / "xero.jsonl"))
    first = sandbox_process.start(*arguments)
    tenant = first.tenant(1)
    first.person(tenant, "PUT", "Items", ITEM)
    first.person(tenant, "PUT", "Invoices", {**DATES, "Type": "ACCPAY", "LineItems": [{**GOODS, "Quantity": 3}]})
    sale = {**DATES, "Type": "ACCREC", "LineItems": [{**GOODS, "Quantity": 5}]}
    first.person(tenant, "PUT", "Invoices?allowBackorders=true", sale)
    opening = {
        "ConversionDate": {"Month": 9, "Year": 2026},
        "ConversionBalances": [{"AccountCode": "090", "Balance": 70.5}],
    }
    assert first.person(tenant, "POST", "Setup", opening)["status"] == 200
    before = books(first, tenant)
    first.kill()
    with sandbox_process.start(*arguments) as second:
        assert books(second, tenant) == before
        bill = {
            **DATES,
            "Type": "ACCPAY",
            "Date": "2026-11-09",
            "LineItems": [{**GOODS, "Quantity": 4, "UnitAmount": 8}],
        }
        assert second.person(tenant, "PUT", "Invoices", bill)["status"] == 200
        (item,) = second.ledger(tenant)["Items"]
        assert (item["QuantityOnHand"], item["TotalCostPool"], item["QuantityOnBackOrder"]) == (2, 16, 0)


def test_the_last_one_is_sold_once(sandbox):
    """Of twenty requests at once for three pieces, three get one each."""
    ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))
    assert ledger.call("PUT", "Items", ITEM).status == 200
    assert (
        ledger.call("PUT", "Invoices", {**DATES, "Type": "ACCPAY", "LineItems": [{**GOODS, "Quantity": 3}]}).status
        == 200
    )
    statuses = []

    def sell():
        statuses.append(ledger.call("PUT", "Invoices", {**DATES, "Type": "ACCREC", "LineItems": [GOODS]}).status)

    threads = [threading.Thread(target=sell) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken, refused = statuses.count(200), statuses.count(400)
    assert (taken, refused) == (3, 17)
    (item,) = ledger.stored("Items")
    assert (item["QuantityOnHand"], item["TotalCostPool"]) == (0, 0)


def test_a_batch_that_sells_more_than_there_is(ledger):
    """Each element sees what the ones before it took; with summarizeErrors=true none of them does."""
    assert ledger.call("PUT", "Items", ITEM).status == 200
    ledger.write("PUT", {**DATES, "Type": "ACCPAY", "LineItems": [{**GOODS, "Quantity": 2}]})
    sales = [{**DATES, "Type": "ACCREC", "LineItems": [GOODS]} for _ in range(3)]
    assert ledger.call("PUT", "Invoices", {"Invoices": sales}).status == 400
    assert ledger.stored("Items")[0]["QuantityOnHand"] == 2
    made = ledger.write("PUT", *sales)
    assert [each["StatusAttributeString"] for each in made] == ["OK", "OK", "ERROR"]
    assert ledger.stored("Items")[0]["QuantityOnHand"] == 0
