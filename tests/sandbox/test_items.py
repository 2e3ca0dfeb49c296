"""Items: their code, their two sides, and what lines take from them."""

import pytest

from tests.sandbox.conftest import messages
from tests.sandbox.ledger.desk import Desk

TEA = {
    "Code": "TEA",
    "Name": "Tea",
    "Description": "Green tea",
    "PurchaseDescription": "Tea, wholesale",
    "SalesDetails": {"UnitPrice": "10.505", "AccountCode": "200", "TaxType": "ZERORATEDOUTPUT"},
    "PurchaseDetails": {"UnitPrice": 4, "AccountCode": "310", "TaxType": "INPUT2"},
}


@pytest.fixture
def desk():
    made = Desk()
    made.contact = {"ContactID": made.made("Contacts", Name="Blue Fern Ltd")["ContactID"]}
    return made


def refused(answer):
    status, body = answer
    assert status == 400, body
    return messages(body["Elements"][0])


def test_an_item_is_kept_by_its_code(desk):
    """Prices have two places, or four when asked; the stamp has no offset; PUT of the same code is refused."""
    made = desk.made("Items", **TEA)
    assert (str(made["SalesDetails"]["UnitPrice"]), made["IsTrackedAsInventory"], made["IsSold"]) == (
        "10.51",
        False,
        True,
    )
    assert made["UpdatedDateUTC"].endswith(")/")
    assert "+" not in made["UpdatedDateUTC"]
    assert refused(desk.ask("PUT", "Items", {"Code": "tea"})) == ["Price List Item with Code 'tea' already exists"]
    status, answer = desk.ask("POST", "Items?unitdp=4", {"Code": "TEA", "SalesDetails": {"UnitPrice": "10.1234"}})
    changed = answer["Items"][0]
    assert (status, changed["ItemID"], str(changed["SalesDetails"]["UnitPrice"])) == (200, made["ItemID"], "10.1234")
    assert changed["SalesDetails"]["AccountCode"] == "200"
    assert desk.ask("GET", "Items/TEA")[1]["Items"][0]["Name"] == "Tea"


def test_lines_take_what_they_do_not_say_from_their_item(desk):
    """Sold with the price, account and tax of a sale, bought with those of a purchase."""

    def lines(type, *items):
        dates = {"Date": "2026-11-01", "DueDate": "2026-12-01", "Status": "AUTHORISED"}
        return desk.made("Invoices", Type=type, Contact=desk.contact, **dates, LineItems=list(items))["LineItems"]

    desk.made("Items", **TEA)
    sold, cheap = lines(
        "ACCREC", {"ItemCode": "tea", "Quantity": 2}, {"ItemCode": "TEA", "UnitAmount": 1, "Description": "x"}
    )
    assert (sold["Description"], str(sold["LineAmount"]), sold["AccountCode"], sold["TaxType"]) == (
        "Green tea", "21.02", "200", "ZERORATEDOUTPUT",
    )  # fmt: skip
    assert (sold["ItemCode"], sold["Item"]["Code"], sold["Item"]["Name"]) == ("TEA", "TEA", "Tea")
    assert (cheap["LineAmount"], cheap["Description"]) == (1, "x")
    (bought,) = lines("ACCPAY", {"ItemCode": "TEA", "Quantity": 3})
    assert (bought["LineAmount"], bought["AccountCode"], bought["TaxType"]) == (12, "310", "INPUT2")


def test_what_is_not_sold_has_no_selling_side(desk):
    """IsSold false takes the price away; an account that is not there is refused; DELETE answers 204."""
    made = desk.made("Items", **{**TEA, "IsSold": False})
    assert ("SalesDetails" in made, "Description" in made, "PurchaseDetails" in made) == (False, False, True)
    bad = {"Code": "X", "SalesDetails": {"AccountCode": "nope"}}
    assert refused(desk.ask("PUT", "Items", bad)) == ["Account code 'nope' is not a valid code for this item."]
    assert refused(desk.ask("PUT", "Items", {"Name": "x"})) == ["The Code field is mandatory"]
    assert desk.ask("DELETE", f"Items/{made['ItemID']}")[0] == 204
    assert desk.ask("GET", f"Items/{made['ItemID']}")[0] == 404


def test_a_tracked_item_on_an_approved_document_stays(desk):
    """It says that it is tracked; once bought it cannot be deleted."""
    tracked = {**TEA, "InventoryAssetAccountCode": "630"}
    tracked["PurchaseDetails"] = {"UnitPrice": 4, "COGSAccountCode": "310"}
    made = desk.made("Items", **tracked)
    assert (made["IsTrackedAsInventory"], made["QuantityOnHand"]) == (True, 0)
    desk.made(
        "Invoices", Type="ACCPAY", Contact=desk.contact, Date="2026-11-01", DueDate="2026-12-01", Status="AUTHORISED",
        LineItems=[{"ItemCode": "TEA", "Quantity": 1}],
    )  # fmt: skip
    assert len(refused(desk.ask("DELETE", f"Items/{made['ItemID']}"))) == 1


def test_an_unknown_item_is_refused_on_a_line(desk):
    """By its code."""
    body = {"Type": "ACCREC", "Contact": desk.contact, "LineItems": [{"ItemCode": "NOPE", "Description": "x"}]}
    assert refused(desk.ask("PUT", "Invoices", body)) == ["Item code 'NOPE' is not valid"]
