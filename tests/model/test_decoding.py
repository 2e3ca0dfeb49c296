"""Decoding: amounts digit for digit however Xero writes them, dates wherever they stand, and no mistake passes."""

import datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model import amounts, record
from counterfoil.model.credit_note import CreditNote
from counterfoil.model.invoice import Invoice


def total(text: str) -> Decimal | None:
    """The total of an invoice in whose JSON it is written like this."""
    return record.decode(Invoice, f'{{"InvoiceID":"i","Total":{text}}}'.encode()).total


WRITINGS = {
    "541.250": "541.250",
    "2.0000": "2.0000",
    "-0.01": "-0.01",
    "1.5e3": "1.5E+3",
    "12": "12",
    '"12.50"': "12.50",
    "0": "0",
    "123456789012345678901234567890": "123456789012345678901234567890",
    "0.1234567890123456789012345678901234567890": "0.1234567890123456789012345678901234567890",
}


@pytest.mark.parametrize(("text", "digits"), WRITINGS.items())
def test_every_way_to_write_an_amount(text, digits):
    """A number with a point, without one, with an exponent or as text: always a Decimal with these very digits."""
    found = total(text)
    assert (type(found), str(found)) == (Decimal, digits)


@pytest.mark.parametrize("text", ["true", '"soon"', '""', '"NaN"', '"Infinity"', "[]", '{"a":1}'])
def test_what_is_no_amount(text):
    """Anything else is a mistake, and not an amount that nobody can add up."""
    with pytest.raises(msgspec.ValidationError):
        total(text)


def test_no_amount_at_all():
    """An explicit null is no amount."""
    assert total("null") is None


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=4), min_size=1, max_size=50))
def test_amounts_are_exact(given_amounts):
    """Whatever was read before, each amount is its own."""
    lines = ",".join(f'{{"Quantity":{amount:f}}}' for amount in given_amounts)
    invoice = record.decode(Invoice, f'{{"InvoiceID":"i","LineItems":[{lines}]}}'.encode())
    assert [str(line.quantity) for line in invoice.line_items] == [f"{amount:f}" for amount in given_amounts]


def test_more_amounts_than_are_remembered():
    """A memory that is full reads on as exactly, the old amounts and the new ones."""
    texts = [f"{n}.25" for n in range(amounts.REMEMBERED_MAX + 10)]
    for _ in range(2):
        assert [Decimal(text) for text in texts] == [amounts.exact(text) for text in texts]


def test_dates_of_the_parts_of_a_record():
    """A payment's date on an invoice, an allocation's on a credit note: read with the rest, whoever looks at them."""
    invoice = record.decode(
        Invoice,
        b'{"InvoiceID":"i","Payments":[{"PaymentID":"p","Date":"/Date(1782604800000+0000)/","Amount":1}],'
        b'"CreditNotes":[{"CreditNoteID":"c","Date":"2026-06-28T00:00:00"}]}',
    )
    note = record.decode(CreditNote, b'{"CreditNoteID":"c","Allocations":[{"Date":"2026-06-28","Amount":2.50}]}')
    dates = (invoice.payments[0].date, invoice.credit_notes[0].date, note.allocations[0].date)
    assert dates == (datetime.date(2026, 6, 28),) * 3
    assert (invoice.payments[0].amount, note.allocations[0].amount) == (Decimal(1), Decimal("2.50"))


@pytest.mark.parametrize("date", ['"soon"', "20260628", "{}"])
def test_a_date_that_is_none(date):
    """It is refused with the field's name, also beside an amount that is a whole number."""
    with pytest.raises(msgspec.ValidationError, match=r"(?i)date"):
        record.decode(Invoice, f'{{"InvoiceID":"i","Total":1,"Payments":[{{"PaymentID":"p","Date":{date}}}]}}'.encode())
