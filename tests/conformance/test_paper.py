"""Documents as PDF, through the SDK and by the Accept header (facts 4.1)."""

import re

import pytest

from tests.conformance import foreign


def test_the_sdk_prints_an_invoice(xero, contact):
    """A PDF that says its number, its lines and its total; letters that its font lacks do not break it."""
    line = foreign.line(description="Tea (black) 東京")
    (sale,) = xero.created(xero.invoice(contact, line, invoice_number=f"PDF-{foreign.unique()}"))
    path = xero.api.get_invoice_as_pdf(xero.tenant, sale.invoice_id)
    with open(path, "rb") as file:  # noqa: PTH123 - the SDK's own answer is a file's name
        printed = file.read()
    assert printed.startswith(b"%PDF-1.4\n")
    assert printed.endswith(b"%%EOF\n")
    for said in (sale.invoice_number.encode(), rb"Tea \(black\) ??", b"Total 12.0 GBP"):
        assert said in printed


def test_the_table_of_a_pdf_points_at_its_objects(xero, contact):
    """As readers find them."""
    (sale,) = xero.created(xero.invoice(contact, foreign.line()))
    printed = xero.raw("GET", f"/Invoices/{sale.invoice_id}", headers={"Accept": "application/pdf"}).body
    places = [int(place) for place in re.findall(rb"^(\d{10}) 00000 n", printed, re.MULTILINE)]
    for n, place in enumerate(places, 1):
        assert printed[place:].startswith(b"%d 0 obj" % n)
    assert printed[int(re.search(rb"startxref\n(\d+)", printed)[1]) :].startswith(b"xref")


@pytest.mark.parametrize("resource", ["Contacts", "Invoices"])
def test_what_is_not_there_is_not_printed(xero, contact, resource):
    """404 for an unknown invoice; a contact has no paper, and no JSON was asked for."""
    ids = {"Contacts": contact, "Invoices": "00000000-0000-0000-0000-000000000001"}
    reply = xero.raw("GET", f"/{resource}/{ids[resource]}", headers={"Accept": "application/pdf"})
    assert reply.status == {"Contacts": 406, "Invoices": 404}[resource]
