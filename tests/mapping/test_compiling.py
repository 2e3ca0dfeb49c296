"""Mistakes in a mapping are found when the configuration is loaded: the line, the key, why, and what to write instead."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import mapping
from counterfoil.errors import ConfigurationError
from tests.mapping.desk import FLOW, LINE, MAP, flow, mapper, mistakes

VAT = '[lookups.vat]\nrows = { "S" = "standard" }\n'
RATES = """[lookups.rates]
key = ["Country", "Class"]
value = "Tax"
from = "Since"
rows = [{ Country = "DE", Class = "food", Since = "2020-07-01", Tax = "five" }]
"""
COLUMNS = ("Order", "Email", "Customer", "Ordered on", "Item", "Qty", "Price", "Total")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"{Item}"', '"row.Item"', 'counterfoil.toml:17: [flows.shop.line] `description` looks like an expression without =: row.Item. Write "=row.Item", or "{Item}" for the column alone.'),
        ('"{Item}"', '"lower(row.Item)"', 'counterfoil.toml:17: [flows.shop.line] `description` looks like an expression without =: lower(row.Item). Write "=lower(row.Item)".'),
        ('"{Item}"', '"{{Item}}"', 'counterfoil.toml:17: [flows.shop.line] `description` has `{{`: {{Item}}. A column is written {Name}, once; a text with braces as an expression: ="{…}".'),
        ('"{Item}"', '"{Item"', "counterfoil.toml:17: [flows.shop.line] `description` has `{` that is not closed: {Item. A column is written {Name}."),
        ('"{Item}"', '"of Item}"', "counterfoil.toml:17: [flows.shop.line] `description` has `}` without `{` before it (character 8): of Item}. A column is written {Name}."),
        ('"{Item}"', '"{}"', "counterfoil.toml:17: [flows.shop.line] `description` has `{}` without a name: {}. A column is written {Name}."),
        ('"{Item}"', '"=lowr(row.Item)"', "counterfoil.toml:17: [flows.shop.line] `description` has the unknown function `lowr` (character 2): =lowr(row.Item). Did you mean `lower`?"),
        ('"{Price}"', '"=row.Price > row.Qty"', 'counterfoil.toml:19: [flows.shop.line] `unit_amount` compares texts with >, by which "9" is more than "10" (character 2): =row.Price > row.Qty. Write gt(a, b).'),
        ('"{Price}"', '"=gt(row.Price, 0)"', 'counterfoil.toml:19: [flows.shop.line] `unit_amount` gives yes or no, but must be a number: =gt(row.Price, 0). Such as condition ? "a" : "b", or list[0].'),
        ('"{Item}"', '"=row.Price == row.Qty ? row.Item : row.Order"', "counterfoil.toml:17: [flows.shop.line] `description` compares the amount `Qty` as text, by which 1 is not 1.0. Write eq(a, b) or !eq(a, b)."),
        ('"{Item}"', '"="', 'counterfoil.toml:17: [flows.shop.line] `description` has no expression after =: =. Such as "=lower(head.Email)".'),
        ('"{Item}"', '""', "counterfoil.toml:17: [flows.shop.line] `description` is blank. Take it out, or write what it shall be."),
        ('"{Item}"', "7", 'counterfoil.toml:17: [flows.shop.line] `description` must be text: 7. Write it in quotes: "7".'),
        ("quantity", "quantitiy", "counterfoil.toml:18: [flows.shop.line] `quantitiy` is no field of the record. Did you mean `quantity`?"),
        ('"{Qty}"', '"two"', 'counterfoil.toml:18: [flows.shop.line] `quantity` is not a number: two. [flows.shop.read] says decimal = "." and no thousands separator. Correct the cell, or what it says.'),
        ('quantity = "{Qty}"\n', "", 'counterfoil.toml:16: [flows.shop.line] `quantity` is missing. Give it, such as quantity = "{…}".'),
        ('date = "{Ordered on}"', 'date = "03/13/2026"', "counterfoil.toml:15: [flows.shop.map] `date` is no date as %d/%m/%Y writes it: 03/13/2026."),
        ('date = "{Ordered on}"', "date = true", "counterfoil.toml:15: [flows.shop.map] `date` must be a date: true."),
        ('name = "{Customer}", ', "", "counterfoil.toml:14: [flows.shop.map] `contact.name` is missing."),
        ("name =", "nme =", "counterfoil.toml:14: [flows.shop.map] `contact.nme` is no field of the record. Did you mean `name`?"),
        ("head.Email", "row.Email", "counterfoil.toml:14: [flows.shop.map] `contact.external_id` uses `row`, which stands for one row of several (character 8): =lower(row.Email). Write head.Name, for which all rows of a record must agree."),
        ("contact = {", 'contact = "x" #', 'counterfoil.toml:14: [flows.shop.map] `contact` must be a table such as { name = … }. Such as { external_id = "{…}", name = "{…}" }.'),
        ('external_id = "{Order}"', 'external_id = "{Order}"\namounts = "inclusiv"', "counterfoil.toml:14: [flows.shop.map] `amounts` must be one of exclusive, inclusive, no_tax: inclusiv. Did you mean `inclusive`?"),
        ('external_id = "{Order}"', 'external_id = "{Order}"\nlines = []', "counterfoil.toml:14: [flows.shop.map] `lines` the lines have tables of their own. Write [[flows.shop.line]]."),
        ('external_id = "{Order}"', 'external_id = "{Order}"\nattachments = []', "counterfoil.toml:14: [flows.shop.map] `attachments` attachments cannot be mapped. Take it out."),
        ('external_id = "{Order}"', 'external_id = "{Order}"\npayments = "x"', "counterfoil.toml:14: [flows.shop.map] `payments` must be a list of tables. Such as payments = [{ … }]."),
        ('"{Order}"\n[flows.shop.read]', '"Order"\n[flows.shop.read]', 'counterfoil.toml:9: [flows.shop] `group_by` names no column: Order. Write group_by = "{Order}".'),
        ('"{Order}"\n[flows.shop.read]', "7\n[flows.shop.read]", 'counterfoil.toml:9: [flows.shop] `group_by` must be text: 7. Write a text, "{Column}" or "=expression".'),
        ('"standard"', '{ lookup = "vta", key = "{Item}" }', "counterfoil.toml:21: [flows.shop.line] `tax` names the unknown lookup `vta`. Did you mean `vat`?"),
        ('"standard"', '{ lookup = "vat", keys = "{Item}" }', "counterfoil.toml:21: [flows.shop.line] `tax.keys` is no key of a lookup. Did you mean `key`?"),
        ('"standard"', '{ lookup = "rates", key = "{Item}" }', 'counterfoil.toml:21: [flows.shop.line] `tax.key` must give 2 key(s): Country, Class. Such as key = "{Code}".'),
        ('"standard"', '{ lookup = "vat", key = "{Item}", date = "{Ordered on}" }', "counterfoil.toml:21: [flows.shop.line] `tax.date` does not fit: the rows of vat have no days from which they hold. Take it out."),
        ('"standard"', '{ lookup = "rates", key = ["DE", "{Item}"] }', 'counterfoil.toml:21: [flows.shop.line] `tax.date` does not fit: the rows of rates have days from which they hold. Give the day: date = "{Date}".'),
        ("[[flows.shop.line]]", '[[flows.shop.line]]\nwhen = "{Item}"', 'counterfoil.toml:17: [flows.shop.line] `when` must be an expression that gives yes or no: {Item}. Such as when = "=nonzero(row.Price)"'),
        ("[[flows.shop.line]]", '[[flows.shop.line]]\nwhen = "=row.Item"', "counterfoil.toml:17: [flows.shop.line] `when` gives a value, not yes or no: =row.Item."),
        ("[[flows.shop.line]]", '[[flows.shop.line]]\neach = "order"', "counterfoil.toml:17: [flows.shop.line] `each` is neither row nor record."),
        ("[[flows.shop.line]]", '[[flows.shop.line]]\neach = "record"\nwhen = "=blank(row.Item)"', "counterfoil.toml:18: [flows.shop.line] `when` uses `row`, which stands for one row of several"),
    ],
)  # fmt: skip
def test_mistakes(old, new, expected):
    """One each."""
    text = (FLOW + MAP + LINE).replace(old, new, 1)
    assert text != FLOW + MAP + LINE
    assert any(found.startswith(expected) for found in mistakes(text + VAT + RATES)), mistakes(text + VAT + RATES)


def test_columns_of_the_sample():
    """A column that the source does not have is a mistake, when its header is known; one that may be lacking is not."""
    assert mistakes(FLOW + MAP + LINE, COLUMNS) == []
    wrong = (FLOW + MAP + LINE).replace("{Item}", "{Itm}").replace("head.Email", "head.Mail")
    assert mistakes(wrong, COLUMNS) == [
        "counterfoil.toml:14: [flows.shop.map] `contact.external_id` names the column `Mail`, which the source does not have. Did you mean `Email`?",
        "counterfoil.toml:17: [flows.shop.line] `description` names the column `Itm`, which the source does not have. Did you mean `Item`?",
    ]  # fmt: skip
    assert mistakes(wrong.replace('date = "%d', 'optional = ["Itm", "Mail"]\ndate = "%d'), COLUMNS) == []


def test_a_map_without_lines():
    """A record without lines would be refused every time."""
    (found,) = mistakes(FLOW + MAP)
    assert "[flows.shop] `line` is missing: a record without lines is refused." in found


def test_a_total_given_twice():
    """By the check and by the map."""
    text = FLOW + MAP + 'expected_total = "{Total}"\n' + LINE + '[flows.shop.check]\ntotal = "{Total}"\n'
    (found,) = mistakes(text)
    assert found.startswith("counterfoil.toml:16: [flows.shop.map] `expected_total` is given by check.total as well.")


def test_every_mistake_at_once():
    """In the order of the file."""
    text = FLOW + MAP.replace("{Customer}", "{Customer") + LINE.replace("{Qty}", "=row.Qty * 2").replace("tax", "tacks")
    lines = [int(re.match(r"counterfoil.toml:(\d+)", found)[1]) for found in mistakes(text)]
    assert lines == [14, 18, 21]


def test_row_in_the_map_where_a_row_is_a_record():
    """Without group_by there is only one row, so `row` says what it means."""
    mapper(FLOW + MAP.replace('group_by = "{Order}"\n', "").replace("head.Email", "row.Email") + LINE)


def test_the_mistakes_are_values():
    """Each with its parts, for whoever shows them otherwise."""
    (found,) = mapping.compile_flow(flow(FLOW + MAP + LINE.replace("{Item}", "{Item")), _sale())
    assert (found.place, found.table, found.key) == ("counterfoil.toml:17", "flows.shop.line", "description")


def _sale():
    from counterfoil.model import records

    return records.SalesInvoice


VALUES = st.sampled_from([
    '"{A}"', '"="', '"=row.A"', '"=sum(rows, \\"A\\")"', "7", "true", "2026-01-01", "2026-01-01T10:00:00", "10:00:00", "1.5", "[]",
    "[1]", "{}", '{ lookup = "x" }', "{ lookup = 3 }", '{ lookup = "vat", key = 3 }', '{ lookup = "vat", key = [] }',
    '{ lookup = "vat", key = { lookup = "vat", key = "{A}" } }', "{ a = 1 }", "[{}]", "[{ when = 3 }]", '"{{"',
])  # fmt: skip
HEAD = st.sampled_from(
    ["external_id", "contact", "date", "payments", "terms", "sent", "amounts", "lines", "entity", "rate"]
)
OF_A_LINE = st.sampled_from(["description", "quantity", "tracking", "tax", "when", "each", "tax_amount"])


@given(st.dictionaries(HEAD, VALUES, max_size=5), st.dictionaries(OF_A_LINE, VALUES, max_size=5), VALUES, VALUES)
def test_whatever_is_written_is_a_mapping_or_mistakes(head, line, group_by, total):
    """Nothing is raised, and each mistake has its place and a remedy or a reason that needs none."""
    written = ["\n".join(f"{key} = {value}" for key, value in one.items()) for one in (head, line)]
    text = f"{FLOW}group_by = {group_by}\n[flows.shop.map]\n{written[0]}\n[[flows.shop.line]]\n{written[1]}\n"
    with contextlib.suppress(ConfigurationError):
        found = mistakes(f"{text}[flows.shop.check]\ntotal = {total}\n{VAT}")
        assert all(re.match(r"counterfoil\.toml:\d+: \[flows\.shop", one) for one in found), found
