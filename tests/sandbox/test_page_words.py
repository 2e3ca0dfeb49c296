"""How wire values read on the pages."""

from decimal import Decimal

import pytest

from counterfoil.sandbox.pages import words


@pytest.mark.parametrize(
    ("value", "text"),
    [("1234.5", "1,234.50"), ("-0.05", "\N{MINUS SIGN}0.05"), ("9999999999.99", "9,999,999,999.99"), (None, "")],
)
def test_money_has_two_places(value, text):
    """Thousands are set apart, a minus is a minus."""
    assert words.money(None if value is None else Decimal(value)) == text


@pytest.mark.parametrize(("value", "text"), [("12.3456", "12.3456"), ("12.5", "12.50"), ("1200", "1,200.00")])
def test_a_price_shows_the_places_it_has(value, text):
    """Two at least."""
    assert words.price(Decimal(value)) == text


@pytest.mark.parametrize(("value", "text"), [("2.0", "2"), ("10", "10"), ("0.25", "0.25"), ("1000", "1,000")])
def test_a_quantity_has_no_needless_zeros(value, text):
    """And keeps those it needs."""
    assert words.quantity(Decimal(value)) == text


@pytest.mark.parametrize(("value", "text"), [("20.0", "20 %"), ("12.5", "12.5 %"), ("0", "0 %"), ("100", "100 %")])
def test_a_rate_reads_as_per_cent(value, text):
    """Without needless zeros."""
    assert words.percent(Decimal(value)) == text


def test_dates_are_written_out():
    """A calendar date, whatever the reader's time zone is."""
    assert words.day("/Date(1793491200000+0000)/") == "1 November 2026"
    assert words.short_day("/Date(1793491200000+0000)/") == "1 Nov 2026"
    assert words.stamp("/Date(1793491201999+0000)/") == "2026-11-01 00:00:01 UTC"


def test_scopes_become_sentences_once_each():
    """Reading is less than changing; an unknown scope is shown as it is."""
    reports = ("accounting.reports.aged.read", "accounting.reports.read")
    assert words.scopes(
        ("openid", "email", "accounting.contacts.read", "accounting.contacts", *reports, "odd.scope")
    ) == [
        "See who you are: your name and e-mail address",
        "See your contacts",
        "See and change your contacts",
        "See your reports",
        "odd.scope",
    ]
