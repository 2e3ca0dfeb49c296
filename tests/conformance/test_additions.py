"""What Xero added lately and the published file does not have yet, or only in part (facts 2.5, 4.5, 4.6, 8)."""

from decimal import Decimal

import pytest
from xero_python.accounting import Contact, Contacts, SalesTrackingCategory
from xero_python.exceptions import BadRequestException

from tests.conformance import foreign


def money(contact, **fields):
    line = {"Description": "x", "Quantity": 1, "UnitAmount": 10, "AccountCode": "200"}
    account = {"Contact": {"ContactID": contact}, "BankAccount": {"Code": "090"}}
    return {"Type": "RECEIVE", "LineItems": [line], **account, **fields}


def test_bank_transactions_are_chosen_by_references(xero, contact, number):
    """References= in any case, in pages; unknown ones find nothing (since 9 August 2026)."""
    for reference in (f"{number}-a", f"{number}-b", ""):
        xero.raw("PUT", "/BankTransactions", body=money(contact, Reference=reference))
    reply = xero.raw("GET", f"/BankTransactions?References={number}-A,{number}-b,nope&page=1").json()
    assert sorted(row["Reference"] for row in reply["BankTransactions"]) == [f"{number}-a", f"{number}-b"]
    assert reply["pagination"]["itemCount"] == 2
    assert all(row["LineItems"] for row in reply["BankTransactions"])
    assert xero.raw("GET", f"/BankTransactions?References={number}").json()["BankTransactions"] == []


@pytest.mark.parametrize(("rate", "warned"), [("1.1", False), ("0.9", False), ("114", True), ("0.01", True)])
def test_a_rate_far_from_the_days_is_warned_of_and_kept(xero, contact, rate, warned):
    """On documents, money and payments; nothing is refused (since 7 April 2026)."""
    invoice = foreign.wire_invoice(contact, CurrencyCode="EUR", CurrencyRate=Decimal(rate))
    made = xero.raw("PUT", "/Invoices?summarizeErrors=false", body=invoice).json()["Invoices"][0]
    payment = foreign.wire_payment(made["InvoiceID"], CurrencyRate=Decimal(rate), Amount=1)
    paid = xero.raw("PUT", "/Payments?summarizeErrors=false", body=payment).json()["Payments"][0]
    for one in (made, paid):
        assert one["StatusAttributeString"] == ("WARNING" if warned else "OK")
        assert bool(one.get("Warnings")) == warned
        assert one["CurrencyRate"] == Decimal(rate)


def test_a_contact_keeps_its_defaults_of_tracking_and_its_bank_details(xero):
    """By names, as the SDK sends them; an option that is not there is refused."""
    region = [SalesTrackingCategory(tracking_category_name="Region", tracking_option_name="North")]
    name = f"Tracked {foreign.unique()}"
    new = Contact(name=name, sales_tracking_categories=region, purchases_tracking_categories=[])
    (made,) = xero.api.create_contacts(xero.tenant, Contacts(contacts=[new])).contacts
    assert made.sales_tracking_categories[0].tracking_option_name == "North"
    (found,) = xero.api.get_contact(xero.tenant, made.contact_id).contacts
    assert found.sales_tracking_categories[0].tracking_category_name == "Region"
    details = {"BankAccountNumber": "12-3456", "BankAccountName": "Main", "Details": "ref"}
    body = {"ContactID": made.contact_id, "BatchPayments": details}
    assert xero.raw("POST", "/Contacts", body=body).json()["Contacts"][0]["BatchPayments"] == details
    nowhere = [SalesTrackingCategory(tracking_category_name="Region", tracking_option_name="Nowhere")]
    wrong = Contacts(contacts=[Contact(name=f"{name} 2", sales_tracking_categories=nowhere)])
    with pytest.raises(BadRequestException) as refused:
        xero.api.create_contacts(xero.tenant, wrong)
    assert "Nowhere" in foreign.messages(refused.value.error_data["Elements"][0])[0]


def test_a_request_holds_500_items(xero, number):
    """More are refused as a whole."""
    rows = [{"Code": f"{number}-{place}"} for place in range(501)]
    assert xero.raw("PUT", "/Items", body={"Items": rows}).status == 400
    assert xero.raw("PUT", "/Items", body={"Items": rows[:500]}).status == 200


def test_a_credit_card_is_an_account_of_its_own_type(xero, number):
    """BankAccountType is kept as it was sent."""
    card = {"Code": number[:10], "Name": f"Card {number}", "Type": "BANK", "BankAccountNumber": "1234"}
    made = xero.raw("PUT", "/Accounts", body=card | {"BankAccountType": "CREDITCARD"}).json()["Accounts"][0]
    assert made["BankAccountType"] == "CREDITCARD"


def test_the_tracking_of_a_quote_is_named_by_its_options_id(xero, contact):
    """Alone; names, which other documents take, are refused."""
    (region,) = [
        each for each in xero.raw("GET", "/TrackingCategories").json()["TrackingCategories"] if each["Name"] == "Region"
    ]
    option = region["Options"][0]
    line = {"Description": "x", "Quantity": 1, "UnitAmount": 10, "AccountCode": "200"}
    quote = {"Contact": {"ContactID": contact}, "Date": "2026-11-01"}
    by_id = [{**line, "Tracking": [{"TrackingOptionID": option["TrackingOptionID"]}]}]
    made = xero.raw("PUT", "/Quotes", body=quote | {"LineItems": by_id}).json()["Quotes"][0]
    assert [each["Option"] for each in made["LineItems"][0]["Tracking"]] == [option["Name"]]
    by_name = [{**line, "Tracking": [{"Name": "Region", "Option": option["Name"]}]}]
    assert xero.raw("PUT", "/Quotes", body=quote | {"LineItems": by_name}).status == 400
    invoice = foreign.wire_invoice(contact, LineItems=by_name)
    assert xero.raw("PUT", "/Invoices", body=invoice).status == 200
