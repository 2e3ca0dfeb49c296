from decimal import Decimal

import pytest

from counterfoil.model import money
from counterfoil.model.money import Money


@pytest.mark.parametrize(
    ("amount", "cents"),
    [("0.005", "0.01"), ("-0.005", "-0.01"), ("2.675", "2.68"), ("2.6749999", "2.67"), ("3", "3.00")],
)
def test_rounding(amount, cents):
    """An exact half cent goes away from zero, on both sides of it."""
    assert str(money.to_cents(Decimal(amount))) == cents


@pytest.mark.parametrize(
    ("amount", "places"),
    [("1.50", 1), ("100", 0), ("1E+3", 0), ("0.00001", 5), ("0.0000", 0), ("1." + "0" * 70 + "1", 71)],
)
def test_places(amount, places):
    """Zeros at the end are no decimals, and a digit far behind the point is not lost."""
    assert money.places(Decimal(amount)) == places


@pytest.mark.parametrize(("amount", "text"), [("1E+2", "100"), ("100.00", "100"), ("-0.00", "0"), ("0.10", "0.1")])
def test_plain(amount, text):
    """Equal amounts are written alike."""
    assert money.plain(Decimal(amount)) == text


def test_currencies_do_not_mix():
    """Money adds up within its currency, and nowhere else."""
    assert str(Money(Decimal("1.10"), "GBP") + Money(Decimal("2.2"), "GBP")) == "3.30 GBP"
    assert str(Money(Decimal(1), "GBP") - Money(Decimal("2.2"), "GBP")) == "-1.20 GBP"
    with pytest.raises(AssertionError, match="GBP is not EUR"):
        Money(Decimal(1), "GBP") + Money(Decimal(1), "EUR")
