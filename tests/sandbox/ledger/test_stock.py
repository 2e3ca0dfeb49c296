"""Tracked items: what there is of them, what it cost, and what selling it posts."""

from decimal import Decimal

import pytest

from tests.sandbox.conftest import messages
from tests.sandbox.ledger.desk import Desk

SHORT = "Insufficient stock. Items are eligible for backorder."
GONE = "There is not enough stock: what this would take away has been sold."


@pytest.fixture
def shop():
    """A desk with one tracked item: bought onto 630, its costs on 310."""
    desk = Desk()
    costs = {"UnitPrice": 4, "COGSAccountCode": "310", "TaxType": "INPUT2"}
    sales = {"UnitPrice": 10, "AccountCode": "200", "TaxType": "OUTPUT2"}
    desk.made("Items", Code="TEA", InventoryAssetAccountCode="630", PurchaseDetails=costs, SalesDetails=sales)
    return desk


def body(type, quantity, price, day, **fields):
    line = {"ItemCode": "TEA", "Description": "x", "Quantity": quantity, "UnitAmount": price}
    dates = {"Date": f"2026-11-{day:02}", "DueDate": "2026-12-01", "Status": "AUTHORISED"}
    return {"Type": type, "Contact": {"Name": "Blue Fern Ltd"}, "LineItems": [line], **dates, **fields}


def put(desk, type, quantity, price=10, day=1, query="", **fields):
    plural = "CreditNotes" if type.endswith("CREDIT") else "Invoices"
    return desk.ask("PUT", f"{plural}{query}", body(type, quantity, price, day, **fields))


def done(desk, *args, **fields):
    status, answer = put(desk, *args, **fields)
    assert status == 200, answer
    return (answer.get("Invoices") or answer["CreditNotes"])[0]


def refusal(desk, *args, **fields):
    status, answer = put(desk, *args, **fields)
    assert status == 400, answer
    return messages(answer["Elements"][0])


def tea(desk):
    """Quantity, cost pool, on back order."""
    (item,) = desk.ask("GET", "Items/TEA")[1]["Items"]
    return item["QuantityOnHand"], item["TotalCostPool"], item["QuantityOnBackOrder"]


def costs(desk):
    """The inventory account and cost of sales."""
    sums = desk.sums()
    return sums.get("630", 0), sums.get("310", 0)


def test_a_bill_brings_stock_and_a_sale_costs_the_average(shop):
    """10 at 4 and 10 at 6 cost 5 each; selling 5 posts 25 from the inventory account to cost of sales."""
    done(shop, "ACCPAY", 10, 4, 1)
    done(shop, "ACCPAY", 10, 6, 2)
    assert (tea(shop), costs(shop)) == ((20, 100, 0), (100, 0))
    sale = done(shop, "ACCREC", 5, 10, 3)
    assert (tea(shop), costs(shop)) == ((15, 75, 0), (75, 25))
    journals = shop.books.table("journals").find("live", f"Invoices/{sale['InvoiceID']}")
    assert [(row["source"][1], sum(line[1] for line in row["lines"])) for row in journals] == [("ACCREC", 0)] * 2


def test_the_last_of_it_takes_every_cent(shop):
    """3 for 10.00 cost 3.33, 3.34 and what is left."""
    done(shop, "ACCPAY", 3, "3.3333", 1, query="?unitdp=4")
    assert tea(shop)[:2] == (3, 10)
    for day in (2, 3, 4):
        done(shop, "ACCREC", 1, 10, day)
    assert (tea(shop), costs(shop)) == ((0, 0, 0), (0, 10))


def test_more_than_there_is_cannot_be_sold_without_back_orders(shop):
    """Xero's sentence; with allowBackorders what is short waits, and costs what comes next, on that day."""
    done(shop, "ACCPAY", 2, 4, 1)
    assert refusal(shop, "ACCREC", 5, 10, 2) == [SHORT]
    assert (tea(shop), costs(shop)) == ((2, 8, 0), (8, 0))
    sale = done(shop, "ACCREC", 5, 10, 2, query="?allowBackorders=true")
    assert (tea(shop), costs(shop)) == ((0, 0, 3), (0, 8))
    done(shop, "ACCPAY", 10, 6, 9)
    assert (tea(shop), costs(shop)) == ((7, 42, 0), (42, 26))
    days = [row["day"] for row in shop.books.table("journals").find("live", f"Invoices/{sale['InvoiceID']}")]
    assert len(set(days)) == 2


def test_a_draft_moves_nothing_until_it_is_approved(shop):
    """Nor does what was refused."""
    bill = done(shop, "ACCPAY", 10, 4, 1, Status="DRAFT")
    assert (tea(shop), costs(shop)) == ((0, 0, 0), (0, 0))
    sale = done(shop, "ACCREC", 4, 10, 2, Status="DRAFT")
    status, answer = shop.ask("POST", f"Invoices/{sale['InvoiceID']}", {"Status": "AUTHORISED"})
    assert (status, messages(answer["Elements"][0])) == (400, [SHORT])
    for document in (bill, sale):
        assert shop.ask("POST", f"Invoices/{document['InvoiceID']}", {"Status": "AUTHORISED"})[0] == 200
    assert (tea(shop), costs(shop)) == ((6, 24, 0), (24, 16))


def test_a_void_turns_it_back(shop):
    """The sale's cost comes back; a bill whose goods are sold stays until they are not."""
    bill = done(shop, "ACCPAY", 10, 4, 1)
    sale = done(shop, "ACCREC", 4, 10, 2)
    status, answer = shop.ask("POST", f"Invoices/{bill['InvoiceID']}", {"Status": "VOIDED"})
    assert (status, messages(answer["Elements"][0])) == (400, [GONE])
    for document in (sale, bill):
        assert shop.ask("POST", f"Invoices/{document['InvoiceID']}", {"Status": "VOIDED"})[0] == 200
    assert (tea(shop), shop.sums()) == ((0, 0, 0), {})


def test_a_bill_of_an_earlier_day_changes_what_was_sold_since(shop):
    """As if it had been known: the sale's cost is reversed and posted anew on its own day."""
    done(shop, "ACCPAY", 10, 4, 5)
    done(shop, "ACCREC", 5, 10, 9)
    assert costs(shop) == (20, 20)
    done(shop, "ACCPAY", 10, 8, 1)
    assert (tea(shop), costs(shop)) == ((15, 90, 0), (90, 30))
    assert refusal(shop, "ACCREC", 6, 10, 1, DueDate="2026-10-31", Date="2026-10-31") == [SHORT]  # none was there yet


def test_credit_notes_move_stock_the_other_way(shop):
    """A customer's goods come back at the average cost; a supplier's go at it, and the difference is cost of sales."""
    done(shop, "ACCPAY", 10, 4, 1)
    done(shop, "ACCREC", 5, 10, 2)
    done(shop, "ACCRECCREDIT", 2, 10, 3)
    assert (tea(shop), costs(shop)) == ((7, 28, 0), (28, 12))
    done(shop, "ACCPAYCREDIT", 2, 3, 4)
    assert (tea(shop), costs(shop)) == ((5, 20, 0), (20, 14))
    assert refusal(shop, "ACCPAYCREDIT", 6, 4, 5) == [GONE]


def test_foreign_goods_cost_what_they_are_worth_in_base_currency(shop):
    """10 at 4.00 EUR at a rate of 2, tax included, are 16.67 pounds; money on the bank buys and sells too."""
    done(shop, "ACCPAY", 10, 4, 1, CurrencyCode="EUR", CurrencyRate=2, LineAmountTypes="Inclusive")
    assert tea(shop)[:2] == (10, Decimal("16.67"))
    spent = body("SPEND", 10, 5, 2) | {"BankAccount": {"Code": "090"}}
    shop.made("BankTransactions", **spent)
    assert tea(shop)[:2] == (20, Decimal("66.67"))
    shop.made("BankTransactions", **(spent | {"Type": "RECEIVE", "Date": "2026-11-03"}))
    assert tea(shop)[:2] == (10, Decimal("33.33"))
    assert costs(shop) == (Decimal("33.33"), Decimal("33.34"))


def test_the_inventory_account_is_for_the_goods_alone(shop):
    """No other line names it, the goods are bought on no other, and prepaying them is refused."""
    plain = {"Description": "x", "Quantity": 1, "UnitAmount": 5, "AccountCode": "630"}
    wrong = "Account code '630' is not a valid code for this document."
    assert refusal(shop, "ACCPAY", 1, LineItems=[plain]) == [wrong]
    elsewhere = {"ItemCode": "TEA", "Description": "x", "Quantity": 1, "UnitAmount": 5, "AccountCode": "429"}
    assert refusal(shop, "ACCPAY", 1, LineItems=[elsewhere]) == [wrong.replace("630", "429")]
    assert refusal(shop, "ACCREC", 1, LineItems=[elsewhere | {"AccountCode": "630"}]) == [wrong]
    prepaid = body("SPEND-PREPAYMENT", 1, 5, 1) | {"BankAccount": {"Code": "090"}}
    status, answer = shop.ask("PUT", "BankTransactions", prepaid)
    assert (status, messages(answer["Elements"][0])) == (400, ["Tracked items cannot be prepaid."])


@pytest.mark.parametrize("line", [{"Quantity": 0, "LineAmount": 5}, {"Quantity": 1, "UnitAmount": -5}])
def test_an_amount_without_goods_is_refused(shop, line):
    """It would leave a cost without anything that has it."""
    done(shop, "ACCPAY", 10, 4, 1)
    rows = [
        {"ItemCode": "TEA", "Description": "x", **line},
        {"Description": "y", "UnitAmount": 9, "AccountCode": "429"},
    ]
    assert refusal(shop, "ACCPAY", 1, LineItems=rows) == [
        "A line of a tracked item needs a quantity and an amount of the same sign."
    ]


def test_a_used_item_stays_tracked_on_its_account(shop):
    """Neither untracked nor moved elsewhere; its name may change, and its counts stay."""
    done(shop, "ACCPAY", 10, 4, 1)
    shop.ask("PUT", "Accounts", {"Code": "631", "Name": "More stock", "Type": "INVENTORY"})
    status, answer = shop.ask("POST", "Items", {"Code": "TEA", "InventoryAssetAccountCode": "631"})
    assert (status, messages(answer["Elements"][0])) == (
        400,
        ["An item that is used on an approved document stays tracked, or not, as it is"],
    )
    assert shop.ask("POST", "Items", {"Code": "TEA", "Name": "Green tea"})[0] == 200
    assert tea(shop) == (10, 40, 0)


def test_a_person_may_do_what_the_api_may_not(shop):
    """A bill is voided on Xero's screen although its goods are sold: the sale then waits for goods."""
    from counterfoil.sandbox import edits

    bill = done(shop, "ACCPAY", 10, 4, 1)
    done(shop, "ACCREC", 4, 10, 2)
    edits.edited_document(shop.world, shop.books, bill["InvoiceID"], {"Status": "VOIDED"})
    shop.world.commit()
    assert (tea(shop), costs(shop)) == ((0, 0, 4), (0, 0))


def test_a_crumb_of_a_treasure_comes_back_by_the_ton(shop):
    """An average cost beyond all numbers is refused before anything is worth it."""
    status, _ = put(shop, "ACCPAY", "0.000001", "9000000000", 1)
    assert status == 200
    status, answer = put(shop, "ACCRECCREDIT", "90000000", "0.01", 2)
    assert (status, messages(answer["Elements"][0])) == (400, ["The stock of an item cannot cost so much."])
    assert tea(shop)[1] == 9000
    assert sum(shop.sums().values()) == 0


def test_an_item_is_used_whatever_its_code_was(shop):
    """Renamed, it stays tracked, and cannot be deleted."""
    done(shop, "ACCPAY", 10, 4, 1)
    own_id = next(iter(shop.books.table("Items").rows))
    assert shop.ask("POST", f"Items/{own_id}", {"Code": "CHA"})[0] == 200
    shop.ask("PUT", "Accounts", {"Code": "631", "Name": "More stock", "Type": "INVENTORY"})
    assert shop.ask("POST", f"Items/{own_id}", {"InventoryAssetAccountCode": "631"})[0] == 400
    assert shop.ask("DELETE", f"Items/{own_id}")[0] == 400
