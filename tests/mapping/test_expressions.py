"""What expressions give, and that nothing in them is a float, a comparison of texts or an exception."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.mapping import checking, expressions, functions, lookups, scopes, syntax, texts
from counterfoil.settings import LookupSettings, ReadSettings
from counterfoil.settings.lookups import LookupRow
from tests.mapping.desk import sheet

VAT = LookupSettings(
    name="vat", keys=("key",), rows=(LookupRow(("S",), "standard"),), otherwise=None, dated=False, place="x.toml:1"
)
CELLS = {
    "A": "10.50",
    "B": "3",
    "N": "Blue Fern Ltd",
    "Blank": "",
    "Odd one": "x",
    "customer.name": "Jane",
    "Größe": "5",
}


def around(read=None, row=""):
    reader = texts.Reader(read or ReadSettings(), "shop")
    found = {"vat": lookups.Lookup(VAT)}
    return checking.Surroundings(reader, found, functions.Functions(reader, found), row)


def run(source, cells=None, read=None):
    row = sheet(cells or CELLS)
    group = scopes.Group((row, sheet({**(cells or CELLS), "A": "1.25"}, 3)), frozenset())
    return expressions.Expression(source, around(read)).run(scopes.RowOf(group, row))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("add(row.A, row.B)", "13.50"),
        ("add(row.A, 1, 0.05)", "11.55"),
        ("sub(row.B, row.A)", "-7.50"),
        ("mul(row.A, row.B, 1.1)", "34.650"),
        ('div(row.A, row.B, 2, "half_up")', "3.50"),
        ('div(1, 3, 4, "down")', "0.3333"),
        ('div(1, 3, 4, "up")', "0.3334"),
        ('div(5, 2, 0, "half_even")', "2"),
        ("neg(row.A)", "-10.50"),
        ("neg(0)", "0"),
        ("round(2.345, 2)", "2.35"),
        ('round(2.345, 2, "down")', "2.34"),
        ("round(-0.004, 2)", "0.00"),
        ('sum(rows, "A")', "11.75"),
        ('sum(rows, "A", "B")', "35.25"),
        ('sum(rows, "Blank", "B")', "0"),
        ("sum([row.A, row.B])", "13.50"),
        ("gt(row.A, row.B)", True),
        ("lt(row.A, 9)", False),
        ('eq(row.B, "3.00")', True),
        ("nonzero(row.Blank)", False),
        ("nonzero(row.A) && !blank(row.N)", True),
        ("blank(row.Blank) || false", True),
        ('replace(row.N, "Ltd", "Limited")', "Blue Fern Limited"),
        ("lower(row.N)", "blue fern ltd"),
        ("upper(row['Odd one'])", "X"),
        ('split(row.N, " ")[1]', "Fern"),
        ("substr(row.N, 5, 4)", "Fern"),
        ("substr(row.N, 5)", "Fern Ltd"),
        ('date("5.4.2026", "%d.%m.%Y")', "2026-04-05"),
        ('lookup("vat", "S")', "standard"),
        ('row.N == "Blue Fern Ltd" ? "a" : "b"', "a"),
        ('row.N != "x" && row.N in ["x", "y"]', False),
        ('row.N.startsWith("Blue") && row.N.contains("Fern")', True),
        ('"Fee for " + row.N + "."', "Fee for Blue Fern Ltd."),
        ("row.customer.name", "Jane"),
        ('row["customer.name"].endsWith("e")', True),
        ("add(row.Größe, 1)", "6"),
        ("(row.A)", "10.50"),
        ('"\\"é\\" \\\\"', '"é" \\'),
        ("null", None),
    ],
)
def test_what_expressions_give(source, value):
    """Amounts are exact texts, conditions are yes or no."""
    assert run(source) == value


def test_amounts_are_read_and_written_as_the_source_does():
    """With a decimal comma too, so that a result can be read again; a number in the expression has a point."""
    read = ReadSettings(decimal=",", thousands=".")
    assert run("add(row.A, 0.05)", {"A": "1.234,50"}, read) == "1234,55"
    assert run("mul(add(row.A, 1), 1.5)", {"A": "1,5"}, read) == "3,75"


@given(
    one=st.decimals(-(10**9), 10**9, places=4),
    other=st.decimals(-(10**9), 10**9, places=4),
    sign=st.sampled_from([".", ","]),
)
def test_arithmetic_is_exact(one, other, sign):
    """It is Decimal's own, never a float's."""
    read = ReadSettings(decimal=sign)
    cells = {"A": f"{one:f}".replace(".", sign), "B": f"{other:f}".replace(".", sign)}

    def amount(source):
        return Decimal(run(source, cells, read).replace(sign, "."))

    assert amount("add(row.A, row.B)") == one + other
    assert amount("sub(row.A, row.B)") == one - other
    assert amount("mul(row.A, row.B)") == one * other
    if other:
        exact = amount('div(row.A, row.B, 4, "half_up")')
        assert abs(exact * other - one) <= abs(other) * Decimal("0.00005")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("add(row.N, 1)", "Column `N` (orders.csv:2) is not a number: Blue Fern Ltd."),
        ("add(row.Blank, 1)", "Column `Blank` (orders.csv:2) is not a number: (blank)."),
        ("gt(row.A, row['Odd one'])", "Column `Odd one` (orders.csv:2) is not a number: x."),
        ("gt(row.N, 1) || true", "Column `N` (orders.csv:2) is not a number: Blue Fern Ltd."),
        ('div(row.A, 0, 2, "up")', "An expression of column `A` (orders.csv:2) divides by zero: 0."),
        (
            'split(row.N, " ")[9]',
            "An expression of column `N` (orders.csv:2) has fewer parts than the expression asks for.",
        ),
        ('date(row.N, "%Y")', "Column `N` (orders.csv:2) is no day written as %Y: Blue Fern Ltd."),
        ('lookup("vat", row.N)', "Column `N` (orders.csv:2) is not in the lookup vat: Blue Fern Ltd."),
        ('sum(rows, "N")', "An expression of column `N` (orders.csv:2) is not a number: Blue Fern Ltd."),
        ("row.Gone", "There is no column `Gone` (orders.csv:2)."),
        ("head.A", "The rows of one record disagree in column `A`: 10.50 (orders.csv:2); 1.25 (orders.csv:3)."),
    ],
)
def test_what_goes_wrong_is_told_with_its_column(source, reason, capfd):
    """Never an exception of the library, and nothing on the screen."""
    with pytest.raises(scopes.Unmapped) as caught:
        run(source)
    assert caught.value.finding.reason == reason
    assert capfd.readouterr() == ("", "")


def test_a_branch_that_is_not_taken_is_not_worked_out():
    """So a blank cell can be asked for first."""
    assert run('blank(row.Blank) ? "0" : add(row.Blank, 1)') == "0"


def test_a_failure_does_not_last():
    """The next run of the same expression starts afresh."""
    expression = expressions.Expression("add(row.A, 1)", around())
    good, bad = sheet({"A": "1"}), sheet({"A": "x"})
    group = scopes.Group((good, bad), frozenset())
    with pytest.raises(scopes.Unmapped):
        expression.run(scopes.RowOf(group, bad))
    assert expression.run(scopes.RowOf(group, good)) == "2"


@pytest.mark.parametrize(
    ("source", "reason", "remedy"),
    [
        ("row.A > row.B", 'compares texts with >, by which "9" is more than "10"', "Write gt(a, b)."),
        ("row.A <= 3", "compares texts with <=", "Write !gt(a, b)."),
        ("row.A == 3", "compares an amount as text with ==, by which 1 is not 1.0", "Write eq(a, b) for amounts"),
        ('row.A != "0.00"', "compares an amount as text with !=", "Write !eq(a, b) for amounts"),
        ('add(row.A, 1) == "2"', "compares an amount as text", "Write eq(a, b)"),
        ("row.A + row.B", "calculates with +, but values are texts", "Write add(a, b)."),
        ("row.A + 1", "calculates with +", "Write add(a, b)."),
        ("row.A * 2", "calculates with *", "Write mul(a, b)."),
        ("row.A / 2", "calculates with /", 'Write div(a, b, 2, "half_up").'),
        ("-row.A", "has a minus before a text", "Write neg(…)."),
        ("row.A ? 1 : 2", "has a text where something else is expected", "Before ? stands a condition"),
        ("!row.A", "has a text", "! turns yes into no."),
        ("row.A && true", "has a text", "&& joins conditions."),
        ("row.A == null", "compares with null, but a blank cell is an empty text", "Write blank(…)."),
        ("row.A == true", "compares two kinds of value", 'A cell is a text: row.Paid == "true".'),
        ("lowr(row.A)", "has the unknown function `lowr`", "Did you mean `lower`?"),
        ('row.A.matches("x")', "has the unknown function `matches`", "Known"),
        ('startsWith(row.A, "x")', "has the unknown function `startsWith`", 'Write row.Name.startsWith("x").'),
        ("add(row.A)", "gives add 1 values", "Write add(a, b, …)."),
        ("lower(row.A, row.B)", "gives lower 2 values", "Write lower(row.Name)."),
        ("div(row.A, row.B)", "gives div 2 values", 'Write div(a, b, 2, "half_up").'),
        ('div(row.A, row.B, 2, "bankers")', "names the unknown rounding `bankers`", "Known: `down`, `half_even`, `half_up`, `up`."),
        ("round(row.A, row.B)", "needs a whole number from 0 to 10 here", "Write round(a, 2)."),
        ("round(row.A, 11)", "needs a whole number from 0 to 10 here", "Write round(a, 2)."),
        ('lookup("vta", row.A)', "names the unknown lookup `vta`", "Did you mean `vat`?"),
        ("lookup(row.A, row.B)", "needs the name in quotes here", 'Write lookup("vat", row.Code).'),
        ('lookup("vat", [row.A, row.B])', "gives vat 2 keys", 'Write lookup("vat", row["key"]).'),
        ('lookup("vat", row.A, row.B)', "gives vat a day", 'Write lookup("vat", row["key"]).'),
        ("sum(rows)", "sums columns that are not named in quotes", 'Write sum(rows, "Price").'),
        ("sum(rows, row.A)", "sums columns that are not named in quotes", 'Write sum(rows, "Price").'),
        ("rows", "uses `rows` outside sum(…)", 'Write sum(rows, "Price").'),
        ("row", "has `row` without a column", 'Write row.Name, or row["Any name"].'),
        ("row[row.A]", "has a column whose name is computed", 'Write row.Name, or row["Any name"].'),
        ("Price", "has `Price`, which is no value", 'A column is written row.Price; a text "Price".'),
        ('add(row.A, "1,5")', 'calculates with "1,5", which is not a number', 'says decimal = "."'),
        ("row.A row.B", "has `row` where nothing is expected", "Take it out."),
        ("lower(row.A", "has the end where `,` is expected", "Between two items stands a comma"),
        ('"abc', "has a quote that is not closed", "A column is written"),
        ('"a\\d"', "has \\d in a text", "Known are"),
        ("row.A $ 1", "has `$`, which no expression uses", "A column is written"),
        ("(" * 60 + "1" + ")" * 60, "is nested more than 40 deep", "Split it"),
        ("!" * 60 + "true", "is nested more than 40 deep", "Split it"),
        ('"' + "a" * 2000 + '"', "is longer than 2,000 characters", "Split it"),
        ("1.", "has", ""),
        ("", "has the end where a value is expected", "Such as row.Price"),
    ],
)  # fmt: skip
def test_mistakes(source, reason, remedy):
    """Each is found before anything runs, with the reason and what to write instead."""
    with pytest.raises(syntax.Misspelt) as caught:
        expressions.Expression(source, around())
    assert reason in caught.value.reason
    assert remedy in caught.value.remedy


def test_a_mistake_has_its_place():
    """The character where it stands."""
    with pytest.raises(syntax.Misspelt) as caught:
        expressions.Expression('blank(row.A) ? "x" : lowr(row.A)', around())
    assert caught.value.at == 21


PIECES = ["row.A", "head.N", "row", '"x"', "1", "1.5", "(", ")", "[", "]", "add(", "blank(", ",", "==", "+", "-", "?", ":", "&&", "in", "rows", "sum(", '"']  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_whatever_is_written_is_an_expression_or_a_mistake(source):
    """Nothing else is raised, when it is compiled or when it runs."""
    row = sheet(CELLS)
    with contextlib.suppress(syntax.Misspelt, scopes.Unmapped):
        value = expressions.Expression(source, around()).run(scopes.RowOf(scopes.Group((row,), frozenset()), row))
        assert isinstance(value, str | bool | int | list | None)
