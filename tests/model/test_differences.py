"""Cents are moved onto taxes as promised: all of them, the largest line first, never across zero, always alike."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.model import differences, totals
from counterfoil.model.differences import TaxedLine


def taxed(*lines):
    """Lines as (amount, tax), all of which may be moved."""
    return [TaxedLine(Decimal(amount), Decimal(tax), open=True) for amount, tax in lines]


@pytest.mark.parametrize(
    ("difference", "lines", "taxes"),
    [
        ("0.01", [("5.00", "1.00"), ("7.00", "1.40")], ["1.00", "1.41"]),
        ("-0.01", [("7.00", "1.40"), ("7.00", "1.40")], ["1.39", "1.40"]),
        ("0.03", [("5.00", "1.00"), ("7.00", "1.40")], ["1.01", "1.42"]),
        ("-0.02", [("0.04", "0.01"), ("0.03", "0.01")], ["0.00", "0.00"]),
        ("0.02", [("0.02", "0.00"), ("0.02", "0.00")], ["0.01", "0.01"]),
        ("0.01", [("-9.00", "-1.80"), ("7.00", "1.40")], ["-1.79", "1.40"]),
        ("0.02", [("-9.00", "-0.01"), ("7.00", "1.40")], ["0.00", "1.41"]),
    ],
)
def test_where_the_cents_go(difference, lines, taxes):
    """A cent to each line in turn, beginning with the largest; lines alike in their order."""
    assert differences.spread(Decimal(difference), taxed(*lines)) == tuple(Decimal(tax) for tax in taxes)


@pytest.mark.parametrize(
    ("difference", "lines"),
    [
        ("-0.03", [("0.04", "0.01"), ("0.03", "0.01")]),
        ("0.01", []),
        ("0.01", [("0.00", "0.00")]),
        ("100.01", [("1000.00", "200.00")]),
    ],
)
def test_where_they_cannot_go(difference, lines):
    """No tax enough, no line that bears any, or far too much: nothing is spread."""
    assert differences.spread(Decimal(difference), taxed(*lines)) is None


cents = st.integers(-5_000, 5_000).map(lambda number: Decimal(number) / 100)
line = st.tuples(cents, st.sampled_from([Decimal(0), Decimal(5), Decimal(20)]), st.booleans())


@given(cents.filter(bool), st.lists(line, max_size=8))
def test_every_cent_is_moved_and_no_sign_is_turned(difference, drawn):
    """Whatever the lines: the sum of the taxes moves by the difference or nothing is done; closed lines stay."""
    lines = [
        TaxedLine(amount, totals.line_tax(amount, percent, "exclusive"), may and bool(percent))
        for amount, percent, may in drawn
    ]
    taxes = differences.spread(difference, lines)
    if taxes is None:
        return
    assert sum(taxes) - sum(one.tax for one in lines) == difference
    for one, tax in zip(lines, taxes, strict=True):
        assert tax == one.tax if not one.open else tax * one.amount >= 0
    moved = {abs(tax - one.tax) for one, tax in zip(lines, taxes, strict=True) if one.open and one.amount}
    free = all(abs(tax) > abs(difference) for tax in taxes)
    assert not free or max(moved) - min(moved) <= Decimal("0.01")


@given(cents.filter(bool), st.sampled_from(["0", "5", "20", "33.3333"]), st.sampled_from(["exclusive", "inclusive"]))
def test_a_line_makes_the_whole_difference_or_there_is_none(difference, percent, amounts):
    """With its tax the line comes to the difference exactly; without tax it always can."""
    amount = differences.line_of(difference, Decimal(percent), amounts)
    if amount is None:
        assert (amounts, percent != "0") == ("exclusive", True)
        return
    tax = totals.line_tax(amount, Decimal(percent), amounts)
    assert totals.document([(amount, tax)], amounts).total == difference


def test_a_cent_that_no_line_can_make():
    """At 20 % on prices without tax no whole number of cents comes to 0.03 with its tax."""
    assert differences.line_of(Decimal("0.03"), Decimal(20), "exclusive") is None
    assert differences.line_of(Decimal("0.06"), Decimal(20), "exclusive") == Decimal("0.05")
