"""Xero's wire forms: numbers, dates and the layout of JSON."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.sandbox import wire


@pytest.mark.parametrize(
    ("value", "shown"),
    [("0", "0.0"), ("-0.00", "0.0"), ("24.150", "24.15"), ("21.00", "21.0"), ("1E+3", "1000.0"), ("0.1234", "0.1234")],
)
def test_a_number_has_a_place_and_no_more_than_it_needs(value, shown):
    """Numbers look as they do in Xero's answers: 0.0, 21.0, 24.15."""
    assert str(wire.number(Decimal(value))) == shown


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_showing_a_number_never_changes_it(value):
    """Only the digits shown differ, never the value; the JSON reads back exactly."""
    assert wire.number(value) == value
    assert wire.decode(wire.compact(wire.number(value))) == value


def test_dates_have_their_flavours():
    """Envelope times have no offset, stamps and document dates have one, strings are naive."""
    moment = datetime(2026, 9, 14, 9, 29, 59, 100_999, tzinfo=UTC)
    assert wire.envelope_time(moment) == "/Date(1789378199100)/"
    assert wire.stamp(moment) == "/Date(1789378199100+0000)/"
    assert wire.iso_stamp(moment) == "2026-09-14T09:29:59Z"
    assert wire.seven_digits(moment) == "2026-09-14T09:29:59.1009990"
    assert (wire.day(date(2026, 6, 28)), wire.day_string(date(2026, 6, 28))) == (
        "/Date(1782604800000+0000)/",
        "2026-06-28T00:00:00",
    )


@given(st.dates())
def test_a_document_date_reads_back(day):
    """Every calendar date survives, those before 1970 too."""
    assert wire.day_of(wire.day(day)) == day


def test_stamps_read_back_in_any_flavour():
    """With and without an offset, negative ones too."""
    assert [wire.stamp_ms(text) for text in ("/Date(5)/", "/Date(5+0000)/", "/Date(-5+1300)/", "/Date(-5-0100)/")] == [
        5, 5, -5, -5,
    ]  # fmt: skip


def test_json_has_two_spaces_and_crlf():
    """The layout is Xero's; newlines inside text stay escaped."""
    assert wire.pretty({"a": [{"b": "x\ny"}], "c": []}) == (
        b'{\r\n  "a": [\r\n    {\r\n      "b": "x\\ny"\r\n    }\r\n  ],\r\n  "c": []\r\n}'
    )
