"""docs/howto: the three exports, from the file to the ledger. The judge is the sandbox's own ledger."""

import csv
from decimal import Decimal


def _ledger(office, n):
    tenant = office.sandbox.ready["organisations"][n - 1]["tenant_id"]
    return {one["InvoiceNumber"]: one for one in office.sandbox.ledger(tenant)["Invoices"]}


def _orders(office):
    with (office.folder / "orders.csv").open(newline="") as file:
        return {row["Name"]: Decimal(row["Total"]) for row in csv.DictReader(file) if row["Total"]}


def test_a_shops_export_is_posted_to_the_penny(example):
    """One invoice per order, each with the shop's own total, though the shop rounds VAT per order."""
    office = example("shop-export")
    assert office("plan", "orders").code == 0
    report = office("run", "orders", "--json").value
    assert (report["posted"], report["rejected"], report["held"]) == (30, 0, 0)
    totals = {number: Decimal(str(one["Total"])) for number, one in _ledger(office, 1).items()}
    assert {name.replace("#", "WEB-"): total for name, total in _orders(office).items()} == totals
    assert office("run", "orders", "--json").value["unchanged"] == 30


def test_a_payout_becomes_one_invoice_over_the_money_that_arrives(example):
    """Sales, refunds and negative fees of each payout add up to what was paid out, to the cent; below zero it is credited."""
    office = example("marketplace-payout")
    report = office("run", "payouts", "--json").value
    assert (report["records"], report["posted"]) == (4, 4)
    text = (office.folder / "payout.csv").read_text(encoding="cp1252")
    rows = csv.DictReader(text.splitlines(), delimiter=";")
    paid = {
        row["Auszahlung"]: Decimal(row["Auszahlung gesamt"].replace(".", "").replace(",", "."))
        for row in rows
        if row["Auszahlung gesamt"]
    }
    invoiced = {number: Decimal(str(one["Total"])) for number, one in _ledger(office, 3).items()}
    tenant = office.sandbox.ready["organisations"][2]["tenant_id"]
    notes = office.sandbox.ledger(tenant)["CreditNotes"]
    credited = {one["CreditNoteNumber"]: -Decimal(str(one["Total"])) for one in notes}
    assert invoiced | credited == paid
    assert credited == {"P-7704": Decimal("-159.75")}


def test_a_days_receipts_become_one_document_and_each_is_found_from_it(example):
    """One document per day; `why` finds it by any of its receipts."""
    office = example("invoicing-tool")
    report = office("run", "till", "--json").value
    assert (report["records"], report["posted"]) == (3, 3)
    days = {number: one for number, one in _ledger(office, 1).items() if number.startswith("daily-")}
    assert sorted(days) == ["daily-2026-11-02-GBP", "daily-2026-11-03-GBP", "daily-2026-11-04-GBP"]
    (story,) = office("why", "till-9000", "--json").value
    assert story["posting"]["document"]["number"] == "daily-2026-11-04-GBP"
    assert "till-9000" in story["contents"][0]["sales"]
    assert "till-9000" in office("why", "till-9000").out
