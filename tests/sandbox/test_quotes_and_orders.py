"""Quotes, purchase orders and repeating invoices: their states, numbers and forms; none of them posts."""

import pytest

from tests.sandbox.conftest import messages
from tests.sandbox.ledger.desk import Desk, line


@pytest.fixture
def desk():
    made = Desk()
    made.contact = {
        "ContactID": made.made("Contacts", Name="Blue Fern Ltd", EmailAddress="ap@blue.example")["ContactID"]
    }
    return made


def quote(desk, **fields):
    return {"Contact": desk.contact, "Date": "2026-11-01", "LineItems": [line("200", 10)], **fields}


def order(desk, **fields):
    return {"Contact": desk.contact, "LineItems": [line("429", "0.1234", Quantity=100)], **fields}


def refused(answer):
    status, body = answer
    assert status == 400, body
    return messages(body["Elements"][0])


def test_a_quote_has_forms_of_its_own(desk):
    """Its envelope says SummarizeErrors, dates have no offset, amounts no tax of the account, types are upper case."""
    status, answer = desk.ask("PUT", "Quotes?summarizeErrors=false", quote(desk, LineAmountTypes="Inclusive"))
    assert (status, next(iter(answer)), answer["SummarizeErrors"]) == (200, "SummarizeErrors", False)
    (made,) = answer["Quotes"]
    assert (made["QuoteNumber"], made["Status"], made["LineAmountTypes"]) == ("QU-0001", "DRAFT", "INCLUSIVE")
    assert (made["Date"], made["DateString"]) == ("/Date(1793491200000)/", "2026-11-01T00:00:00")
    assert made["Contact"] == {**desk.contact, "Name": "Blue Fern Ltd", "EmailAddress": "ap@blue.example"}
    assert ("TaxType" in made["LineItems"][0], made["TotalTax"], made["Total"]) == (False, 0, 10)
    status, answer = desk.ask("GET", "Quotes?page=1")
    assert ("pagination" in answer, len(answer["Quotes"])) == (False, 1)
    assert desk.sums() == {}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (["SENT", "ACCEPTED", "INVOICED", "SENT"], True),
        (["SENT", "DECLINED", "DELETED"], True),
        (["SENT", "ACCEPTED", "DELETED"], True),
        (["ACCEPTED"], False),
        (["SENT", "DRAFT"], False),
        (["DELETED", "SENT"], False),
    ],
)
def test_a_quote_moves_as_xero_lets_it(desk, path, allowed):
    """Everything but the known transitions is refused, and the stored state stays."""
    own_id = desk.made("Quotes", **quote(desk))["QuoteID"]
    answers = [desk.ask("POST", f"Quotes/{own_id}", {"Status": status}) for status in path]
    assert [status for status, _ in answers[:-1]] == [200] * (len(path) - 1)
    assert (answers[-1][0] == 200) is allowed
    if not allowed:
        assert refused(answers[-1]) == ["Quote not of valid status for modification"]


def test_a_quotes_number_is_a_key(desk):
    """PUT of a taken number is refused, POST changes that quote; an answered one keeps its lines."""
    made = desk.made("Quotes", **quote(desk, QuoteNumber="Q-1"))
    assert refused(desk.ask("PUT", "Quotes", quote(desk, QuoteNumber="q-1"))) == ["Quote number must be unique"]
    status, answer = desk.ask("POST", "Quotes", {"QuoteNumber": "Q-1", "Title": "New"})
    assert (status, answer["Quotes"][0]["QuoteID"], answer["Quotes"][0]["Title"]) == (200, made["QuoteID"], "New")
    for status in ("SENT", "ACCEPTED"):
        desk.ask("POST", f"Quotes/{made['QuoteID']}", {"Status": status})
    changed = {"LineItems": [line("200", 20)]}
    assert refused(desk.ask("POST", f"Quotes/{made['QuoteID']}", changed)) == [
        "Only draft and sent quotes can be edited"
    ]


def test_quotes_are_filtered_by_their_own_parameters(desk):
    """Status, part of the number, contact, dates."""
    for day in ("2026-11-01", "2026-11-09"):
        desk.made("Quotes", **quote(desk, Date=day, ExpiryDate=f"{day[:8]}28"))

    def numbers(query):
        return [row["QuoteNumber"] for row in desk.ask("GET", f"Quotes?{query}")[1]["Quotes"]]

    assert numbers("DateFrom=2026-11-02") == ["QU-0002"]
    assert numbers("DateTo=2026-11-02&Status=DRAFT") == ["QU-0001"]
    assert numbers("QuoteNumber=0002") == ["QU-0002"]
    assert numbers("ExpiryDateFrom=2026-12-01") == []
    assert len(numbers(f"ContactID={desk.contact['ContactID']}")) == 2


def test_an_orders_price_has_four_places(desk):
    """Its type is in the answer, its contact whole, its lists always paged."""
    made = desk.made("PurchaseOrders", **order(desk))
    assert (made["Type"], made["PurchaseOrderNumber"], made["Status"]) == ("PURCHASEORDER", "PO-0001", "DRAFT")
    assert (str(made["LineItems"][0]["UnitAmount"]), str(made["SubTotal"])) == ("0.1234", "12.34")
    assert made["Contact"]["EmailAddress"] == "ap@blue.example"
    assert (
        desk.ask("GET", "PurchaseOrders/PO-0001")[1]["PurchaseOrders"][0]["PurchaseOrderID"] == made["PurchaseOrderID"]
    )
    assert len(desk.ask("GET", "PurchaseOrders?pageSize=1&Status=DRAFT&DateFrom=2020-01-01")[1]["PurchaseOrders"]) == 1


def test_an_orders_number_edits_what_it_finds(desk):
    """PUT must be unique, POST silently updates a live order, a deleted one's number is refused twice over."""
    made = desk.made("PurchaseOrders", **order(desk, PurchaseOrderNumber="P-1"))
    assert refused(desk.ask("PUT", "PurchaseOrders", order(desk, PurchaseOrderNumber="P-1"))) == [
        "Order number must be unique"
    ]
    status, answer = desk.ask("POST", "PurchaseOrders", order(desk, PurchaseOrderNumber="P-1", Reference="again"))
    assert (status, answer["PurchaseOrders"][0]["PurchaseOrderID"]) == (200, made["PurchaseOrderID"])
    desk.ask("POST", f"PurchaseOrders/{made['PurchaseOrderID']}", {"Status": "DELETED"})
    assert refused(desk.ask("POST", "PurchaseOrders", order(desk, PurchaseOrderNumber="P-1"))) == [
        "PurchaseOrder status change is invalid",
        "Deleted PurchaseOrders cannot be updated",
    ]


def test_an_order_needs_a_contact_that_is_there(desk):
    """A name that nobody has makes no contact, unlike on an invoice."""
    unknown = {"Contact": {"Name": "Nobody Ltd"}, "LineItems": [line("429", 1)]}
    assert refused(desk.ask("PUT", "PurchaseOrders", unknown)) == [
        "A Contact must be specified for this type of transaction"
    ]
    assert [row["Name"] for row in desk.books.table("Contacts")] == ["Blue Fern Ltd"]


def test_only_an_approved_order_is_sent(desk):
    """SentToContact of a draft is refused in Xero's words; a billed order can be deleted."""
    own_id = desk.made("PurchaseOrders", **order(desk))["PurchaseOrderID"]
    assert refused(desk.ask("POST", f"PurchaseOrders/{own_id}", {"SentToContact": True})) == [
        "Only AUTHORISED and BILLED purchase orders may have SentToContact updated."
    ]
    for change in ({"Status": "AUTHORISED", "SentToContact": True}, {"Status": "BILLED"}, {"Status": "DELETED"}):
        assert desk.ask("POST", f"PurchaseOrders/{own_id}", change)[0] == 200
    assert desk.sums() == {}


SCHEDULE = {"Period": 1, "Unit": "MONTHLY", "DueDate": 10, "DueDateType": "OFFOLLOWINGMONTH", "StartDate": "2020-01-31"}


def test_a_repeating_invoice_is_made_and_deleted_but_never_changed(desk):
    """With its next date; a bill cannot be made, nor one without a schedule."""
    template = {"Type": "ACCREC", "Contact": desk.contact, "LineItems": [line("200", 10)], "Schedule": SCHEDULE}
    made = desk.made("RepeatingInvoices", **template, Status="AUTHORISED")
    assert (made["Status"], made["ID"], made["Total"]) == ("AUTHORISED", made["RepeatingInvoiceID"], 12)
    assert made["Schedule"]["NextScheduledDate"] > made["Schedule"]["StartDate"]
    path = f"RepeatingInvoices/{made['RepeatingInvoiceID']}"
    assert refused(desk.ask("POST", path, {"Reference": "x"})) == [
        "A repeating invoice cannot be changed, it can only be deleted."
    ]
    assert desk.ask("POST", path, {"Status": "DELETED"})[1]["RepeatingInvoices"][0]["Status"] == "DELETED"
    bill = {**template, "Type": "ACCPAY", "Schedule": {"Period": 1}}
    assert len(refused(desk.ask("PUT", "RepeatingInvoices", bill))) == 2
    assert desk.sums() == {}
