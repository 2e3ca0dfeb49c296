"""Any records, written as a table by any valid configuration, map back to them; what is spoilt on the way never passes."""

import datetime
import json
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from counterfoil import mapping
from tests.mapping.desk import FLOW, LONDON, mapper, sheet

WORD = st.text("abcdefghijABCDEFÄéß &+-#'", min_size=1, max_size=12).map(str.strip).filter(bool)
LINE = st.fixed_dictionaries(
    {
        "description": WORD,
        "quantity": st.decimals(-999, 999, places=2),
        "unit_amount": st.decimals(-99_999, 99_999, places=4),
        "account": st.sampled_from(["sales", "fees"]),
        "tax": st.sampled_from(["standard", "zero"]),
    },
    optional={"tracking": st.fixed_dictionaries({"Region": WORD}), "item_code": WORD},
)
SALE = st.fixed_dictionaries(
    {
        "contact": st.fixed_dictionaries({"external_id": WORD, "name": WORD}, optional={"email": WORD}),
        "date": st.dates(datetime.date(2001, 1, 1), datetime.date(2060, 12, 31)),
        "lines": st.lists(LINE, min_size=1, max_size=4),
    },
    optional={"due_date": st.dates(datetime.date(2001, 1, 1)), "reference": WORD, "currency": st.sampled_from(["GBP", "EUR"])},
)  # fmt: skip
SALES = st.lists(SALE, min_size=1, max_size=4)
HEAD = (
    "external_id",
    "contact.external_id",
    "contact.name",
    "contact.email",
    "date",
    "due_date",
    "reference",
    "currency",
)
LINE_FIELDS = ("description", "quantity", "unit_amount", "account", "tax", "item_code", "tracking.Region")


@st.composite
def configurations(draw):
    """How a source writes things: signs, date format, column names, each field as a column or an expression."""
    decimal, thousands = draw(st.sampled_from([(".", ""), (",", ""), (",", "."), (".", ","), (".", "'"), (",", " ")]))
    names = draw(st.permutations([f"Column {n}" for n in range(len(HEAD) + len(LINE_FIELDS))]))
    return {
        "decimal": decimal,
        "thousands": thousands,
        "date": draw(st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d %b %Y"])),
        "columns": dict(zip((*HEAD, *(f"line.{field}" for field in LINE_FIELDS)), names, strict=True)),
        "computed": draw(st.sets(st.sampled_from([*HEAD, *(f"line.{field}" for field in LINE_FIELDS)]))),
        "first_row_only": draw(st.booleans()),
        "shuffled": draw(st.randoms(use_true_random=False)),
    }


def toml(how):
    """The configuration as its user writes it."""

    def value(field):
        column, scope = how["columns"][field], "row" if field.startswith("line.") else "head"
        return f'\'=replace({scope}["{column}"], "§", "")\'' if field in how["computed"] else f'"{{{column}}}"'

    contact = ", ".join(f"{field} = {value(f'contact.{field}')}" for field in ("external_id", "name", "email"))
    fields = [f"{field} = {value(field)}" for field in HEAD if "." not in field]
    line = [f"{field} = {value(f'line.{field}')}" for field in LINE_FIELDS if "." not in field]
    return "\n".join(
        [
            FLOW + f'group_by = "{{{how["columns"]["external_id"]}}}"',
            f'[flows.shop.read]\ndecimal = "{how["decimal"]}"\nthousands = "{how["thousands"]}"\ndate = "{how["date"]}"',
            "[flows.shop.map]", f"contact = {{ {contact} }}", *fields,
            "[[flows.shop.line]]", *line, f"tracking = {{ Region = {value('line.tracking.Region')} }}", "",
        ]
    )  # fmt: skip


def written(value, how):
    """A value as the source writes it."""
    if isinstance(value, datetime.date):
        return value.strftime(how["date"])
    if isinstance(value, Decimal):
        text = f"{value:,f}" if how["thousands"] else f"{value:f}"
        return text.translate(str.maketrans({",": how["thousands"], ".": how["decimal"]}))
    return value or ""


def cells(sale, line, how, *, with_head):
    """One row: the line's cells, and the sale's own where it has them."""
    row = dict.fromkeys(how["columns"].values(), "")
    row[how["columns"]["external_id"]] = sale["external_id"]
    for field in HEAD[1:] if with_head else ():
        value = sale
        for step in field.split("."):
            value = value.get(step) if value else None
        row[how["columns"][field]] = written(value, how)
    for field in LINE_FIELDS:
        value = line
        for step in field.split("."):
            value = value.get(step) if value else None
        row[how["columns"][f"line.{field}"]] = written(value, how)
    return row


def table(sales, how):
    """All rows, sales mixed but each one's lines in their order."""
    rows = [[cells(sale, line, how, with_head=not n or not how["first_row_only"]) for n, line in enumerate(sale["lines"])] for sale in sales]  # fmt: skip
    mixed = []
    while any(rows):
        mixed.append(how["shuffled"].choice([queue for queue in rows if queue]).pop(0))
    return [sheet(row, n) for n, row in enumerate(mixed, 2)]


def groups(by, rows):
    found = {}
    for row in rows:
        found.setdefault(by.group_key(row), []).append(row)
    return found


def numbered(sales):
    return [{**sale, "external_id": f"S-{n}"} for n, sale in enumerate(sales)]


def plain(sale):
    """The sale as JSON says it."""
    return json.loads(
        json.dumps(sale, default=lambda value: f"{value:f}" if isinstance(value, Decimal) else str(value))
    )


@given(SALES.map(numbered), configurations())
def test_records_map_back_to_themselves(sales, how):
    """Whatever the signs, formats, columns and order of rows are."""
    by = mapper(toml(how))
    found = {key: by.record(rows, LONDON) for key, rows in groups(by, table(sales, how)).items()}
    for sale in sales:
        mapped = found[sale["external_id"]]
        assert isinstance(mapped, mapping.MappedRecord), mapped
        assert json.loads(mapped.raw) == plain(sale)


@given(SALE.map(lambda sale: {**sale, "external_id": "S-1"}), configurations(), st.data())
def test_what_is_spoilt_never_passes_silently(sale, how, data):
    """A header that disagrees, a column that is gone, a number or a day in another writing: a finding that names it."""
    by = mapper(toml(how))
    rows = table([sale], how)
    spoilt = data.draw(st.sampled_from(["disagrees", "gone", "number", "day"]))
    row = data.draw(st.sampled_from(rows))
    columns = how["columns"]
    if spoilt == "disagrees":
        column = columns[data.draw(st.sampled_from(["contact.name", "contact.external_id"]))]
        assume(len(rows) > 1)
        rows[1].cells[column] = "somebody else 7"
    elif spoilt == "gone":
        column = columns[data.draw(st.sampled_from([*HEAD[1:], "line.quantity", "line.description"]))]
        for one in rows:
            del one.cells[column]
    elif spoilt == "number":
        column = columns["line.unit_amount"]
        other = {"decimal": "," if how["decimal"] == "." else ".", "thousands": how["decimal"]}
        row.cells[column] = written(Decimal("1234.56"), other)
    else:
        column = columns["date"]
        day = sale["date"].replace(day=28, month=4)
        other = {"%d/%m/%Y": "%m/%d/%Y", "%m/%d/%Y": "%d/%m/%Y"}.get(how["date"], "%d-%m-%Y")
        for one in rows:
            one.cells[column] = day.strftime(other)
    found = by.record(rows, LONDON)
    assert isinstance(found, tuple)
    assert all(f"`{column}`" in finding.reason and "orders.csv:" in finding.reason for finding in found)
