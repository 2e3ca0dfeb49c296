"""Prices, tax and totals as Xero rounds them, through the SDK (facts 4.6)."""

from decimal import Decimal

import pytest
from xero_python.accounting import CurrencyCode, LineAmountTypes

from tests.conformance import foreign


def totals(invoice):
    return tuple(foreign.amount(each) for each in (invoice.sub_total, invoice.total_tax, invoice.total))


def test_tax_is_rounded_on_each_line(xero):
    """25.06, 25.61 and 25.63 at 15 % bear 11.44: the sum of rounded taxes, not the tax of the sum."""
    tenant = xero.tenants["NZ"]
    customer = xero.contact(f"Rounding {foreign.unique()}", tenant)
    lines = [foreign.line(unit=unit) for unit in ("25.06", "25.61", "25.63")]
    (made,) = xero.created(xero.invoice(customer, *lines), tenant=tenant)
    assert [foreign.amount(line.tax_amount) for line in made.line_items] == [
        Decimal("3.76"),
        Decimal("3.84"),
        Decimal("3.84"),
    ]
    assert totals(made) == (Decimal("76.30"), Decimal("11.44"), Decimal("87.74"))


def test_inclusive_amounts_hold_their_tax(xero):
    """541.25 with 15 % inside: 470.65 and 70.60."""
    tenant = xero.tenants["NZ"]
    customer = xero.contact(f"Inclusive {foreign.unique()}", tenant)
    invoice = xero.invoice(customer, foreign.line(unit="541.25"), line_amount_types=LineAmountTypes.INCLUSIVE)
    (made,) = xero.created(invoice, tenant=tenant)
    assert totals(made) == (Decimal("470.65"), Decimal("70.60"), Decimal("541.25"))


def test_no_tax_bears_none(xero, contact):
    """NoTax: the lines are the total."""
    invoice = xero.invoice(contact, foreign.line(unit="99.99"), line_amount_types=LineAmountTypes.NOTAX)
    assert totals(xero.created(invoice)[0]) == (Decimal("99.99"), 0, Decimal("99.99"))


@pytest.mark.parametrize(
    ("unitdp", "unit", "line_amount"), [(None, "0.33", "0.99"), (2, "0.33", "0.99"), (4, "0.3333", "1.00")]
)
def test_a_price_keeps_four_places_only_when_asked(xero, contact, unitdp, unit, line_amount):
    """unitdp=4 keeps them, also when the invoice is read; otherwise the price is rounded before it is multiplied."""
    options = {} if unitdp is None else {"unitdp": unitdp}
    (made,) = xero.created(xero.invoice(contact, foreign.line(quantity="3", unit="0.3333")), **options)
    (read,) = xero.api.get_invoice(xero.tenant, made.invoice_id, **options).invoices
    for invoice in (made, read):
        assert foreign.amount(invoice.line_items[0].unit_amount) == Decimal(unit)
        assert foreign.amount(invoice.line_items[0].line_amount) == Decimal(line_amount)


def test_a_four_place_price_reads_as_two_places_without_unitdp(xero, contact):
    """The line total stays what it was."""
    (made,) = xero.created(xero.invoice(contact, foreign.line(quantity="3", unit="0.3333")), unitdp=4)
    (read,) = xero.api.get_invoice(xero.tenant, made.invoice_id).invoices
    assert foreign.amount(read.line_items[0].unit_amount) == Decimal("0.33")
    assert foreign.amount(read.line_items[0].line_amount) == Decimal("1.00")


def test_discounts_by_rate_and_by_amount(xero, contact):
    """A tenth off and 1.50 off 2 x 9.99."""
    lines = [
        foreign.line(quantity="2", unit="9.99", discount_rate=10),
        foreign.line(quantity="2", unit="9.99", discount_amount=1.5),
    ]
    (made,) = xero.created(xero.invoice(contact, *lines))
    assert [foreign.amount(line.line_amount) for line in made.line_items] == [Decimal("17.98"), Decimal("18.48")]
    assert totals(made) == (Decimal("36.46"), Decimal("7.30"), Decimal("43.76"))
    assert made.is_discounted is True


def test_a_tax_amount_of_the_senders_own(xero, contact):
    """The line's TaxAmount is taken as it is."""
    (made,) = xero.created(xero.invoice(contact, foreign.line(unit="100", tax_amount=19.99)))
    assert totals(made) == (100, Decimal("19.99"), Decimal("119.99"))


def test_half_a_cent_goes_away_from_zero(xero):
    """0.05 at 10 % is 0.005 of tax, and that is a cent; so is its negative."""
    tenant = xero.tenants["AU"]
    customer = xero.contact(f"Half {foreign.unique()}", tenant)
    lines = [foreign.line(unit=unit) for unit in ("10.00", "0.05", "-0.05", "0.15")]
    (made,) = xero.created(xero.invoice(customer, *lines), tenant=tenant)
    assert [foreign.amount(line.tax_amount) for line in made.line_items] == [
        Decimal("1.00"),
        Decimal("0.01"),
        Decimal("-0.01"),
        Decimal("0.02"),
    ]


def test_another_currency_of_the_organisation(xero, contact):
    """A subscribed currency is kept; its rate is there."""
    (made,) = xero.created(xero.invoice(contact, currency_code=CurrencyCode.EUR))
    assert made.currency_code.value == "EUR"
    assert made.currency_rate is not None
