"""The judge of every answer sees what Xero does not publish."""

import json

import pytest
from xero_python.accounting import Contact, Contacts
from xero_python.exceptions import HTTPStatusException

from tests.conformance import foreign, judging


@pytest.mark.parametrize(
    ("element", "found"),
    [
        ({"InvoiceID": "x", "Shade": "blue"}, ["Invoice.Shade"]),
        ({"LineItems": [{"Colour": "blue"}]}, ["Invoice.LineItem.Colour"]),
        ({"Status": "HALF-PAID"}, ["Invoice.Status=HALF-PAID"]),
        ({"Total": "12.00"}, ["Invoice.Total: '12.00' is no number"]),
        ({"Date": "1 November 2026"}, ["Invoice.Date: '1 November 2026' is no date"]),
        ({"Status": "PAID", "DateString": "2026-11-01T00:00:00"}, []),
    ],
)
def test_a_key_or_a_value_of_our_own_is_found(element, found):
    """However deep; what was seen on the wire is none."""
    body = json.dumps({"Status": "OK", "Invoices": [element]})
    assert found == judging.wrong(f"http://x{foreign.API}/Invoices?page=1", body)


def test_every_answer_is_judged(xero, monkeypatch):
    """A bare request and the SDK alike."""
    monkeypatch.setitem(judging.SCHEMAS, "Currency", {"members": {"Code": {}}})
    with pytest.raises(AssertionError, match=r"Currency\.Description"):
        xero.raw("GET", "/Currencies")
    with pytest.raises(AssertionError, match=r"Currency\.Description"):
        xero.api.get_currencies(xero.tenant)


def test_a_refusal_is_judged_through_the_sdk_too(xero, monkeypatch):
    """The SDK raises for a 400; the elements of the refusal were looked at before."""
    bad = Contacts(contacts=[Contact(name="x", email_address="not an address")])
    with pytest.raises(HTTPStatusException):
        xero.api.create_contacts(xero.tenant, bad)
    monkeypatch.setitem(judging.SCHEMAS, "Contact", {"members": {"ContactID": {}}})
    with pytest.raises(AssertionError, match=r"Contact\.Name"):
        xero.api.create_contacts(xero.tenant, bad)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/Contacts", "Contact"),
        ("/CreditNotes/x/Allocations", "Allocation"),
        ("/TrackingCategories/x/Options", "TrackingOption"),
        ("/Invoices/x/History", "HistoryRecord"),
        ("/Reports/TrialBalance", ""),
    ],
)
def test_what_is_refused_is_of_the_paths_own_kind(path, name):
    """A refusal lists what was sent, under a name that says nothing."""
    assert name == judging.schema_of(foreign.API + path, "Elements")
