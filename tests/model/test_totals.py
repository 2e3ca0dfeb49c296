"""The prediction against worked examples and against a slow, obvious model in fractions."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model import totals


def test_the_published_example():
    """25.06, 25.61 and 25.63 at 15 % carry 3.76 + 3.84 + 3.84 = 11.44, not the 11.45 of the rounded sum (facts 4.6)."""
    amounts = [Decimal("25.06"), Decimal("25.61"), Decimal("25.63")]
    lines = [(amount, totals.line_tax(amount, Decimal(15), "exclusive")) for amount in amounts]
    assert totals.document(lines, "exclusive") == totals.Totals(Decimal("76.30"), Decimal("11.44"), Decimal("87.74"))


def test_the_recorded_inclusive_example():
    """541.25 with 15 % inside holds 70.60 of tax and leaves 470.65 (facts 4.6)."""
    tax = totals.line_tax(Decimal("541.25"), Decimal(15), "inclusive")
    sums = totals.document([(Decimal("541.25"), tax)], "inclusive")
    assert sums == totals.Totals(Decimal("470.65"), Decimal("70.60"), Decimal("541.25"))


@pytest.mark.parametrize(
    ("quantity", "price", "rate", "amount", "line"),
    [
        ("3", "7.92", None, None, "23.76"),
        ("1", "0.005", None, None, "0.01"),
        ("-1", "0.005", None, None, "-0.01"),
        ("2.5", "9.125", "12.5", None, "19.96"),
        ("3", "10.00", "33.33", None, "20.00"),
        ("4", "1.25", None, "2.50", "2.50"),
        ("1", "10", "100", None, "0.00"),
        ("-1", "10", "100", None, "0.00"),
        ("-1", "0.004", None, None, "0.00"),
    ],
)
def test_line_amounts(quantity, price, rate, amount, line):
    """Quantity times price less the discount, rounded once; a discount amount is for the whole line."""
    given_rate, given_amount = (None if text is None else Decimal(text) for text in (rate, amount))
    assert str(totals.line_amount(Decimal(quantity), Decimal(price), given_rate, given_amount)) == line


def _rounded(value: Fraction) -> Fraction:
    """Half away from zero, spelled out."""
    cents = abs(value) * 100
    whole = cents.numerator // cents.denominator
    if cents - whole >= Fraction(1, 2):
        whole += 1
    return Fraction(whole if value >= 0 else -whole, 100)


def _slow(lines, amounts):
    gross = tax = Fraction(0)
    for quantity, price, discount, percent in lines:
        line = _rounded(Fraction(quantity) * Fraction(price) * (100 - Fraction(discount)) / 100)
        rate = Fraction(percent) / 100
        inside = {"exclusive": line * rate, "inclusive": line - line / (1 + rate), "no_tax": Fraction(0)}[amounts]
        gross, tax = gross + line, tax + _rounded(inside)
    return (gross - tax, tax, gross) if amounts == "inclusive" else (gross, tax, gross + tax)


line = st.tuples(
    st.decimals("-9999.9999", "9999.9999", places=4),
    st.decimals("-999999.9999", "999999.9999", places=4),
    st.decimals("0", "100", places=2),
    st.sampled_from([Decimal(text) for text in ("0", "5", "9", "10", "15", "17.5", "20", "21", "8.1225", "33.3333")]),
)


@given(st.lists(line, max_size=6), st.sampled_from(["exclusive", "inclusive", "no_tax"]))
def test_predicted_totals_equal_the_obvious_model(lines, amounts):
    """Any lines: the fast decimals and the slow fractions agree to the cent, and total = sub total + tax."""
    figures = []
    for quantity, price, discount, percent in lines:
        amount = totals.line_amount(quantity, price, discount)
        figures.append((amount, totals.line_tax(amount, percent, amounts)))
    sums = totals.document(figures, amounts)
    assert (Fraction(sums.sub_total), Fraction(sums.total_tax), Fraction(sums.total)) == _slow(lines, amounts)
    assert sums.total == sums.sub_total + sums.total_tax


@given(st.integers(-10_000_000, 10_000_000), st.sampled_from(["exclusive", "inclusive"]))
def test_exact_half_cents_of_tax(cents, amounts):
    """Every amount at the rates where exact halves are common is rounded as the obvious model does."""
    amount = Decimal(cents) / 100
    for percent in ("5", "10", "25", "50", "100"):
        rate = Fraction(percent) / 100
        inside = Fraction(amount) * rate if amounts == "exclusive" else Fraction(amount) * rate / (1 + rate)
        assert Fraction(totals.line_tax(amount, Decimal(percent), amounts)) == _rounded(inside)
