"""What is read of a document, and what is said of one that does not tell enough."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from counterfoil.reporting import papers


def invoice(**fields):
    """Xero's JSON of an open invoice of 120.00 GBP, as (id, JSON); None takes a field away."""
    whole = {
        "Type": "ACCREC", "InvoiceID": "i1", "InvoiceNumber": "INV-1", "Reference": "PO 7", "Payments": [],
        "AmountDue": 120.00, "CurrencyRate": 1.0, "Contact": {"ContactID": "c1", "Name": "Blue Fern"},
        "Date": "/Date(1793491200000+0000)/", "DueDate": "/Date(1796083200000+0000)/", "Status": "AUTHORISED",
        "LineItems": [{"Description": "x", "Quantity": 1}], "Total": 120.00, "CurrencyCode": "GBP",
    } | fields  # fmt: skip
    return "i1", msgspec.json.encode({name: value for name, value in whole.items() if value is not None})


def read(*rows, resource="Invoices", base="GBP"):
    """What is open of documents."""
    return papers.read(resource, rows, base)


def test_an_open_invoice_is_what_is_due_of_it():
    """Number, contact, days and amounts as Xero has them."""
    (one,), unsaid = read(invoice())
    assert unsaid == []
    assert (one.document_id, one.side, one.kind, one.number, one.contact_id) == (
        "i1",
        "receivables",
        "invoice",
        "INV-1",
        "c1",
    )
    assert (one.date, one.due) == (date(2026, 11, 1), date(2026, 12, 1))
    assert (one.open, one.base, one.currency) == (Decimal("120.00"), Decimal("120.00"), "GBP")


def test_a_settled_document_is_in_no_figure():
    """Nothing is left of it."""
    assert read(invoice(AmountDue=0)) == ([], [])


@pytest.mark.parametrize("field", ["AmountDue", "Total", "Date", "CurrencyCode", "Contact", "Type"])
def test_a_document_that_does_not_say_where_it_belongs_is_named_and_in_no_figure(field):
    """Nothing is guessed for it."""
    assert read(invoice(**{field: None})) == ([], ["i1"])


def test_a_type_that_nobody_knows_is_named_too():
    """Which side it is on cannot be told."""
    assert read(invoice(Type="ACCNEW")) == ([], ["i1"])


def test_an_amount_that_no_ledger_holds_is_in_no_figure():
    """It would take the cents of all others away."""
    assert read(invoice(AmountDue=1e70, Total=1e70)) == ([], ["i1"])


def test_a_foreign_document_is_cleared_part_by_part_at_its_own_rate():
    """100.00 at 3, of which 33.33 was paid twice: 33.33 less 11.11 twice, where the rest alone were 11.11."""
    paid = [{"PaymentID": "p", "Amount": 33.33}, {"PaymentID": "q", "Amount": 33.34}]
    (one,), _unsaid = read(invoice(CurrencyCode="EUR", CurrencyRate=3, Total=100, AmountDue=33.33, Payments=paid))
    assert (one.open, one.base) == (Decimal("33.33"), Decimal("33.33") - Decimal("11.11") - Decimal("11.11"))


def test_where_the_parts_are_not_all_known_the_rest_is_converted_by_itself():
    """A summary has no payments: 50.00 left at 3."""
    (one,), _unsaid = read(invoice(CurrencyCode="EUR", CurrencyRate=3, Total=100, AmountDue=50, Payments=None))
    assert one.base == Decimal("16.67")


@pytest.mark.parametrize("rate", [None, 0, -1])
def test_without_a_rate_there_is_no_amount_in_base_currency(rate):
    """It still counts in its own currency."""
    (one,), unsaid = read(invoice(CurrencyCode="EUR", CurrencyRate=rate))
    assert (one.base, one.open, unsaid) == (None, Decimal("120.00"), [])


def test_a_document_in_base_currency_needs_no_rate():
    """One for one."""
    (one,), _unsaid = read(invoice(CurrencyRate=None))
    assert one.base == Decimal("120.00")


@pytest.mark.parametrize(
    ("resource", "type_", "side", "kind"),
    [
        ("CreditNotes", "ACCRECCREDIT", "receivables", "credit_note"),
        ("CreditNotes", "ACCPAYCREDIT", "payables", "credit_note"),
        ("Overpayments", "RECEIVE-OVERPAYMENT", "receivables", "overpayment"),
        ("Overpayments", "AROVERPAYMENT", "receivables", "overpayment"),
        ("Overpayments", "SPEND-OVERPAYMENT", "payables", "overpayment"),
        ("Prepayments", "ARPREPAYMENT", "receivables", "prepayment"),
        ("Prepayments", "SPEND-PREPAYMENT", "payables", "prepayment"),
    ],
)
def test_credit_that_nobody_allocated_is_below_zero(resource, type_, side, kind):
    """Its remaining part alone."""
    row = invoice(Type=type_, AmountDue=None, RemainingCredit=20, Allocations=[{"Amount": 100}])
    (one,), _unsaid = read(row, resource=resource)
    assert (one.side, one.kind, one.open, one.base) == (side, kind, Decimal(-20), Decimal(-20))


def test_what_is_no_document_is_an_error():
    """Broken JSON of the copy is not left out in silence."""
    with pytest.raises(msgspec.DecodeError):
        read(("i1", b"{"))
