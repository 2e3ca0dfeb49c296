"""Tables for people: aligned in every script, harmless, and no wider than the screen."""

from decimal import Decimal

import pytest

from counterfoil.cli import table


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (Decimal("1234.5"), "GBP", "1,234.50 GBP"),
        (Decimal("0.12345"), "EUR", "0.12345 EUR"),
        (Decimal(-1000), "AUD", "-1,000.00 AUD"),
        (Decimal(7), None, "7.00"),
        (None, "GBP", ""),
    ],
)
def test_money(amount, currency, expected):
    """Thousands separated, two places at least, the currency after it."""
    assert table.money(amount, currency) == expected


def test_wide_characters_keep_columns_aligned():
    """A Chinese character takes two columns, a combining accent none."""
    lines = table.rows(
        ("NAME", "TOTAL"), [["上海云杉", "1.00"], ["Blue Fern", "10.00"], ["Zoe\u0308", "3.00"]], right=(1,)
    )
    assert lines == ["NAME       TOTAL", "上海云杉    1.00", "Blue Fern  10.00", "Zoe\u0308         3.00"]
    assert {table.width(line) for line in lines} == {16}


def test_a_screen_narrower_than_the_table_cuts_the_widest_column():
    """The others stay whole."""
    lines = table.rows(("ID", "WHY"), [["12", "a very long reason that does not fit anywhere at all"]], columns=30)
    assert lines[1] == "12  a very long reason that d…"
    assert max(map(table.width, lines)) == 30


def test_nothing_steers_the_terminal():
    """Control characters and line ends in a name are shown, not obeyed."""
    assert table.harmless("a\x1b[31mred\nb") == "a\ufffd[31mred b"
    assert table.harmless("a\u00a0b\u202ec") == "a b\ufffdc"


def test_lines_that_are_shown_steer_nothing():
    """Line ends stay; escapes, the marks that turn a line's direction and other controls do not."""
    assert table.lines("one\ntwo\t3") == "one\ntwo\t3"
    assert table.lines("a\x1b]0;b\x07\u202e\x9b31m\rc") == "a\ufffd]0;b\ufffd\ufffd\ufffd31m c"
