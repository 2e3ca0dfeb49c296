"""Line and document arithmetic: the worked examples of the rounding guide, and what must hold for any document."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.sandbox import arithmetic

RATES = {
    "OUTPUT2": Decimal(20),
    "OUTPUT": Decimal(10),
    "GST15": Decimal(15),
    "HALF": Decimal("12.5"),
    "NONE": Decimal(0),
}
D = Decimal


def priced(kind, *lines, places=2):
    return arithmetic.price(kind, lines, RATES.__getitem__, places)


def line(quantity, unit, tax="OUTPUT2", **rest):
    return {"Description": "Tea", "Quantity": D(quantity), "UnitAmount": D(unit), "TaxType": tax, **rest}


def test_tax_is_rounded_per_line_and_then_summed():
    """25.06, 25.61 and 25.63 at 15 % bear 11.44, not the 11.45 of their sum."""
    result = priced("Exclusive", *(line(1, unit, "GST15") for unit in ("25.06", "25.61", "25.63")))
    assert [row["TaxAmount"] for row in result.lines] == [D("3.76"), D("3.84"), D("3.84")]
    assert (result.sub_total, result.total_tax, result.total) == (D("76.30"), D("11.44"), D("87.74"))


def test_inclusive_tax_is_what_the_line_holds():
    """541.25 with 15 % inside holds 70.60 of tax."""
    result = priced("Inclusive", line(1, "541.25", "GST15"))
    assert (result.sub_total, result.total_tax, result.total) == (D("470.65"), D("70.60"), D("541.25"))


@pytest.mark.parametrize(("unit", "tax"), [("0.05", "0.01"), ("-0.05", "-0.01"), ("0.15", "0.02"), ("0.04", "0.00")])
def test_half_a_cent_goes_away_from_zero(unit, tax):
    """0.005 becomes 0.01 and -0.005 becomes -0.01, with 10 % tax."""
    assert priced("Exclusive", line(1, unit, "OUTPUT")).total_tax == D(tax)


def test_the_unit_price_is_rounded_before_it_is_multiplied():
    """Three at 0.3333 make 0.99 with two places and 1.00 with four."""
    assert priced("NoTax", line(3, "0.3333")).total == D("0.99")
    assert priced("NoTax", line(3, "0.3333"), places=4).total == D("1.00")


def test_a_discount_rate_and_a_discount_amount():
    """A tenth off 2 x 9.99, and 1.50 off the same; the discount is reported in total."""
    result = priced("Exclusive", line(2, "9.99", DiscountRate=D(10)), line(2, "9.99", DiscountAmount=D("1.50")))
    assert [row["LineAmount"] for row in result.lines] == [D("17.98"), D("18.48")]
    assert (result.sub_total, result.total_discount) == (D("36.46"), D("3.50"))


def test_no_tax_ignores_rates_and_given_tax():
    """With NoTax a line's TaxType and TaxAmount make no tax."""
    assert priced("NoTax", line(1, "10", TaxAmount=D(2))).total_tax == 0


def test_a_given_tax_amount_wins_over_the_rate():
    """The line's own TaxAmount is taken, whatever the rate is."""
    result = priced("Exclusive", line(1, "100", TaxAmount=D("19.99")))
    assert (result.total_tax, result.total) == (D("19.99"), D("119.99"))


def test_a_line_total_that_disagrees_is_refused_in_xeros_words():
    """A LineAmount that is not quantity times price is named together with the right one."""
    with pytest.raises(arithmetic.LineTotalMismatch) as refusal:
        priced("Exclusive", line(2, "10", LineAmount=D("21.00")))
    assert refusal.value.message == "The line total 21.00 does not match the expected line total 20.00"


def test_a_line_total_that_agrees_passes():
    """The same LineAmount in other digits is the same amount."""
    assert priced("Exclusive", line(2, "10", LineAmount=20)).sub_total == D("20.00")


def test_a_line_with_only_a_total_gets_the_price_that_it_implies():
    """A LineAmount of 10 for 4 pieces is a price of 2.50."""
    result = priced("NoTax", {"Description": "Tea", "Quantity": 4, "LineAmount": D(10)})
    assert (result.lines[0]["UnitAmount"], result.total) == (D("2.50"), D("10.00"))


def test_a_description_stays_a_description():
    """A line without any number gets none."""
    result = priced("Exclusive", {"Description": "Thank you"}, line(1, "10"))
    assert result.lines[0] == {"Description": "Thank you"}
    assert result.total == D("12.00")


def test_the_callers_lines_are_left_alone():
    """Pricing returns copies."""
    mine = line(1, "1.005")
    priced("Exclusive", mine)
    assert mine["UnitAmount"] == D("1.005")


amounts = st.decimals(-10_000, 10_000, places=4)
lines = st.lists(
    st.fixed_dictionaries(
        {"Quantity": st.decimals(0, 1000, places=4), "UnitAmount": amounts, "TaxType": st.sampled_from(sorted(RATES))},
        optional={"DiscountRate": st.decimals(0, 100, places=2)},
    ),
    max_size=12,
)
kinds = st.sampled_from(["Exclusive", "Inclusive", "NoTax"])


@given(kinds, lines, st.sampled_from([2, 4]))
def test_totals_add_up_for_any_document(kind, rows, places):
    """Sub-total and tax make the total, and every sum is the sum of the rounded lines."""
    result = priced(kind, *rows, places=places)
    line_sum = sum((row["LineAmount"] for row in result.lines), D(0))
    assert result.total == result.sub_total + result.total_tax
    assert result.total_tax == sum((row["TaxAmount"] for row in result.lines), D(0))
    assert line_sum == (result.sub_total if kind == "Exclusive" else result.total)


@given(kinds, lines, st.sampled_from([2, 4]))
def test_each_line_is_the_exact_value_rounded_once(kind, rows, places):
    """Against plain fractions: a line is off its exact value by half a cent at most, and by less unless it is a tie."""
    for before, after in zip(rows, priced(kind, *rows, places=places).lines, strict=True):
        unit = before["UnitAmount"].quantize(D(1).scaleb(-places), ROUND_HALF_UP)
        kept = 1 - Fraction(before.get("DiscountRate", D(0))) / 100
        exact = Fraction(before["Quantity"]) * Fraction(unit) * kept
        rate = Fraction(RATES[before["TaxType"]])
        amount = Fraction(after["LineAmount"])
        tax = {"Exclusive": amount * rate / 100, "Inclusive": amount * rate / (100 + rate), "NoTax": Fraction(0)}[kind]
        assert _is_rounded(after["LineAmount"], exact)
        assert _is_rounded(after["TaxAmount"], tax)


def _is_rounded(value, exact):
    error = Fraction(value) - exact
    return abs(error) < Fraction(1, 200) or (abs(error) == Fraction(1, 200) and abs(value) > abs(exact))


@given(lines)
def test_the_order_of_lines_does_not_matter(rows):
    """Totals are sums, so they are the same backwards."""
    forwards, backwards = priced("Exclusive", *rows), priced("Exclusive", *rows[::-1])
    assert (forwards.sub_total, forwards.total_tax) == (backwards.sub_total, backwards.total_tax)
