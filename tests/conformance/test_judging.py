"""The judge of every answer sees what Xero does not publish."""

import json

import pytest

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
