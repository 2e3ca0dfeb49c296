"""What docs/howto/mapping.md shows is so: its table maps its rows, its expressions give what stands beside them."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from counterfoil.mapping import expressions, functions, scopes
from counterfoil.model import records
from tests.mapping.desk import LONDON, flow, mapper, record, sheet
from tests.mapping.test_expressions import around

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "mapping.md").read_text(encoding="utf-8")
EXPRESSIONS = re.findall(r"^\| `(=.+?)` \| (.+) \|$", PAGE, re.MULTILINE)


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


def test_the_example():
    """Its rows become its record."""
    by = mapper(block("toml"))
    table = list(csv.DictReader(io.StringIO(block("csv"))))
    rows = [sheet(row, n) for n, row in enumerate(table, 2)]
    assert record(by, rows, LONDON) == json.loads(block("json"))
    assert isinstance(records.decode(by.record(rows, LONDON).raw), records.SalesInvoice)


@pytest.mark.parametrize(("source", "value"), EXPRESSIONS)
def test_the_expressions(source, value):
    """Each gives what the page says, for the cells that it names."""
    row = sheet({"Price": "10.50", "Qty": "3", "Name": "Blue Fern Ltd", "Off": ""})
    expression = expressions.Expression(source.removeprefix("="), around())
    assert expression.run(scopes.RowOf(scopes.Group((row,), frozenset()), row)) == value


def test_every_function_is_shown():
    """No function of ours is missing on the page."""
    shown = {name for source, _ in EXPRESSIONS for name in re.findall(r"(\w+)\(", source)}
    assert functions.SIGNATURES.keys() <= shown


def test_the_policies_are_read():
    """The example's check is a policy that flows get."""
    assert flow(block("toml")).difference.kind == "rounding"
