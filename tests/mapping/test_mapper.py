"""Rows become records: the example of the design, what rows may lack, and what is said when they cannot be one."""

import json
import zoneinfo

import pytest

from counterfoil.model import records
from tests.mapping.desk import FLOW, LINE, LONDON, MAP, TABLE, mapper, reasons, record, rows, sheet

SHIPPING = """[[flows.shop.line]]
each = "record"
when = "=nonzero(head.Shipping)"
description = "Delivery"
quantity = 1
unit_amount = "{Shipping}"
account = "shipping"
tax = { lookup = "vat", key = "S" }
"""
VAT = """[lookups.vat]
rows = { "S" = "standard", "Z" = "zero" }
"""


def test_rows_of_a_group_make_a_record():
    """Header columns come from the rows that fill them, lines from each row, in the order of the record's schema."""
    found = mapper().record(rows(), LONDON)
    assert json.loads(found.raw) == {
        "external_id": "1001",
        "contact": {"external_id": "ap@fern.uk", "name": "Blue Fern Ltd", "email": "AP@fern.uk"},
        "date": "2026-04-03",
        "lines": [
            {"description": "Widgets", "quantity": "2", "unit_amount": "10.50", "account": "sales", "tax": "standard"},
            {"description": "Gloves", "quantity": "1", "unit_amount": "3.00", "account": "sales", "tax": "standard"},
        ],
    }
    assert list(json.loads(found.raw)) == ["external_id", "contact", "date", "lines"]
    assert found.sources == ("orders.csv:2", "orders.csv:3")
    assert isinstance(records.decode(found.raw), records.SalesInvoice)


def test_the_same_rows_have_the_same_hash():
    """The hash is of the rows alone: another mapping leaves it, another cell changes it."""
    first = mapper().record(rows(), LONDON)
    other_mapping = mapper(FLOW + MAP + LINE.replace('"{Item}"', '"Item: {Item}"')).record(rows(), LONDON)
    other_rows = mapper().record(rows(TABLE.replace("Gloves", "Scarf")), LONDON)
    assert first.rows_hash == other_mapping.rows_hash
    assert first.raw != other_mapping.raw
    assert first.rows_hash != other_rows.rows_hash


def test_rows_group_by_a_value():
    """Adjacent or not, by what group_by says; a blank one is nobody's."""
    by = mapper()
    assert [by.group_key(row) for row in rows()] == ["1001", "1001"]
    found = by.group_key(sheet({"Order": " "}))
    assert (found.cause, found.reason) == (
        "group-blank",
        "Column `Order` is blank (orders.csv:2), so nobody knows which record the row belongs to.",
    )
    assert by.group_key(sheet({"No": "1"})).cause == "column-missing"


def test_without_group_by_each_row_or_object_is_a_record():
    """Rows that were taken out of one JSON object stay together."""
    by = mapper(FLOW + MAP.replace('group_by = "{Order}"\n', "") + LINE)
    assert by.group_key(sheet({}, 7)) == "orders.csv:7"
    assert by.group_key(sheet({}, 7, group="sale 3")) == "sale 3"


def test_a_line_of_the_record_and_a_lookup():
    """`each = "record"` makes one line when its condition holds; a lookup's constant key is looked up too."""
    with_shipping = mapper(FLOW + MAP + LINE + SHIPPING + VAT)
    lines = record(with_shipping, rows(TABLE.replace("Total", "Shipping")))["lines"]
    assert [line["description"] for line in lines] == ["Widgets", "Gloves", "Delivery"]
    assert lines[2] == {
        "description": "Delivery", "quantity": "1", "unit_amount": "25.20", "account": "shipping", "tax": "standard"
    }  # fmt: skip
    without = rows(TABLE.replace("Total", "Shipping").replace("25.20", "0.00"))
    assert len(record(with_shipping, without)["lines"]) == 2


def test_lines_that_all_blank_out():
    """A record of which no line is left is refused."""
    nothing = mapper(FLOW + MAP + LINE.replace("]]\n", ']]\nwhen = "=nonzero(row.Total)"\n'))
    assert len(record(nothing, rows())["lines"]) == 1
    (reason,) = reasons(nothing, rows(TABLE.replace("25.20", "")))
    assert reason == "No line of it is left (orders.csv:2, orders.csv:3): every `when` says no."


def test_rows_that_disagree():
    """A header column with two values is told with the rows and the values."""
    table = TABLE.replace(
        "1001  |            |               |           ", "1001  | x@y.uk     | Blue Fern Ltd | 04/04/2026"
    )
    assert reasons(mapper(), rows(table)) == [
        "The rows of one record disagree in column `Email`: AP@fern.uk (orders.csv:2); x@y.uk (orders.csv:3).",
        "The rows of one record disagree in column `Ordered on`: 03/04/2026 (orders.csv:2); 04/04/2026 (orders.csv:3).",
    ]


@pytest.mark.parametrize(
    ("old", "new", "reason", "field"),
    [
        ("10.50", "1.234,56", "Column `Price` (orders.csv:2) is not a number: 1.234,56.", "lines[0].unit_amount"),
        ("10.50", "1,234", "Column `Price` (orders.csv:2) is not a number: 1,234.", "lines[0].unit_amount"),
        ("10.50", "£10.5", "Column `Price` (orders.csv:2) is not a number: £10.5.", "lines[0].unit_amount"),
        ("10.50", "1E+02", "Column `Price` (orders.csv:2) is not a number: 1E+02.", "lines[0].unit_amount"),
        ("03/04/2026", "13/25/2026", "Column `Ordered on` (orders.csv:2, orders.csv:3) is no date as %d/%m/%Y writes it: 13/25/2026.", "date"),
        ("03/04/2026", "3 April", "Column `Ordered on` (orders.csv:2, orders.csv:3) is no date as %d/%m/%Y writes it: 3 April.", "date"),
        ("Customer  ", "Customers ", "There is no column `Customer` (orders.csv:2).", "contact.name"),
    ],
)  # fmt: skip
def test_cells_that_cannot_be_read(old, new, reason, field):
    """Nothing is guessed: column, row and value are told, with the field and what to do."""
    (finding,) = mapper().record(rows(TABLE.replace(old, new)), LONDON)
    assert (finding.reason, finding.field) == (reason, field)
    assert finding.remedy


def test_all_that_is_wrong_is_told_at_once():
    """Several cells, each once."""
    table = TABLE.replace("10.50", "x").replace("3.00", "y").replace("03/04/2026", "z")
    assert [reason.split(" is ")[0] for reason in reasons(mapper(), rows(table))] == [
        "Column `Ordered on` (orders.csv:2, orders.csv:3)", "Column `Price` (orders.csv:2)", "Column `Price` (orders.csv:3)",
    ]  # fmt: skip


def test_the_day_first_or_the_month():
    """03/04/2026 is what the format says, and only that."""
    assert record(mapper(), rows())["date"] == "2026-04-03"
    assert record(mapper(FLOW + MAP.replace("%d/%m", "%m/%d") + LINE), rows())["date"] == "2026-03-04"
    (finding,) = mapper(FLOW + MAP.replace('date = "%d/%m/%Y"\n', "") + LINE).record(rows(), LONDON)
    assert finding.remedy == (
        'Correct it, or say in [flows.shop.read] which comes first: date = "%d/%m/%Y" for the day, date = "%m/%d/%Y" for '
        "the month."
    )


@pytest.mark.parametrize(
    ("read", "cell", "zone", "day"),
    [
        ("", "2026-07-01T23:30:00Z", "Europe/London", "2026-07-02"),
        ("", "2026-07-01 23:30:00 +0000", "Pacific/Auckland", "2026-07-02"),
        ("", "2026-07-01T02:00:00.123+02:00", "America/New_York", "2026-06-30"),
        ('timezone = "UTC"', "2026-01-01T23:30:00", "Europe/Berlin", "2026-01-02"),
        ('timezone = "organisation"', "2026-01-01 23:30", "Pacific/Auckland", "2026-01-01"),
        ('date = "%d/%m/%Y %H:%M %z"', "01/07/2026 23:30 +0000", "Europe/London", "2026-07-02"),
        ('timezone = "America/New_York"\ndate = "%d/%m/%Y %H:%M"', "01/07/2026 23:30", "Europe/London", "2026-07-02"),
        ('date = ["%d.%m.%Y", "%d.%m.%y"]', "01.07.26", "Europe/London", "2026-07-01"),
    ],
)
def test_an_instant_becomes_the_organisation_s_day(read, cell, zone, day):
    """By its own offset, or by read.timezone."""
    text = FLOW + MAP.replace('date = "%d/%m/%Y"', read) + LINE
    assert record(mapper(text), rows(TABLE.replace("03/04/2026", cell)), zoneinfo.ZoneInfo(zone))["date"] == day


def test_a_time_without_a_zone_is_refused():
    """Neither the source's zone nor the organisation's is guessed."""
    text = FLOW + MAP.replace('date = "%d/%m/%Y"\n', "") + LINE
    (finding,) = mapper(text).record(rows(TABLE.replace("03/04/2026", "2026-04-03 10:00")), LONDON)
    assert finding.cause == "time-zone-missing"
    (finding,) = mapper(text).record(rows(TABLE.replace("03/04/2026", "2026-04-03T10:00Z")), None)
    assert finding.cause == "time-zone-unknown"


@pytest.mark.parametrize(
    ("read", "cell", "written"),
    [
        ('decimal = ","\nthousands = "."', "1.234,56", "1234.56"),
        ('decimal = ","\nthousands = "."', "1234,5", "1234.5"),
        ('decimal = ","\nthousands = " "', "12\u00a0345", "12345"),
        ('thousands = "\'"', "1'234'567.8", "1234567.8"),
        ('thousands = ","', "-1,234.00", "-1234.00"),
        ("", "+.5", "0.5"),
        ("", "\u22127", "-7"),
    ],
)
def test_numbers_as_the_source_writes_them(read, cell, written):
    """A number is what read.decimal and read.thousands make of it."""
    text = FLOW + MAP.replace('date = "%d/%m/%Y"', f'date = "%d/%m/%Y"\n{read}') + LINE
    table = TABLE.replace("10.50", cell).replace("3.00", "3")
    assert record(mapper(text), rows(table))["lines"][0]["unit_amount"] == written


@pytest.mark.parametrize("cell", ["1.23,4", "12.34.567,8", "1.234.56", "1,234.56", ".", "-", "1,2,3", "١٢"])
def test_wrong_groups_of_thousands_are_no_numbers(cell):
    """Separators stand between groups of three, or the cell is refused."""
    read = 'date = "%d/%m/%Y"\ndecimal = ","\nthousands = "."'
    text = FLOW + MAP.replace('date = "%d/%m/%Y"', read) + LINE
    (reason,) = reasons(mapper(text), rows(TABLE.replace("10.50", cell).replace("3.00", "3")))
    assert reason.startswith("Column `Price` (orders.csv:2) is not a number")


def test_an_unknown_key_of_a_lookup():
    """Holds the record, or gives what `otherwise` says."""
    text = FLOW + MAP + LINE.replace('"standard"', '{ lookup = "vat", key = "{Item}" }') + VAT
    (first, _) = mapper(text).record(rows(), LONDON)
    assert (first.cause, first.field, first.value) == ("lookup-unknown", "lines[0].tax", "Widgets")
    assert first.reason == "Column `Item` (orders.csv:2) is not in the lookup vat: Widgets."
    lines = record(mapper(text.replace("[lookups.vat]\n", '[lookups.vat]\notherwise = "none"\n')), rows())["lines"]
    assert [line["tax"] for line in lines] == ["none", "none"]


def test_a_lookup_with_several_keys_and_days():
    """The row that holds on that day; before its first one, the key is unknown."""
    rates = """[lookups.vat]
key = ["Country", "Class"]
value = "Tax"
from = "Since"
rows = [
  { Country = "DE", Class = "food", Since = 2007-01-01, Tax = "seven" },
  { Country = "DE", Class = "food", Since = 2020-07-01, Tax = "five" },
]
"""
    tax = '{ lookup = "vat", key = ["DE", "=lower(row.Item)"], date = "=head[\\"Ordered on\\"]" }'
    text = FLOW + MAP + LINE.replace('"standard"', tax) + rates
    table = TABLE.replace("Widgets", "Food   ").replace("Gloves", "FOOD  ")
    for day, expected in (("30/06/2020", "seven"), ("01/07/2020", "five")):
        lines = record(mapper(text), rows(table.replace("03/04/2026", day)))["lines"]
        assert [line["tax"] for line in lines] == [expected, expected]
    (first, *_) = reasons(mapper(text), rows(table.replace("03/04/2026", "31/12/2006")))
    assert first.endswith("is not in the lookup vat: DE, food on 2006-12-31, only from 2007-01-01.")


def test_blank_tables_are_left_out():
    """A table of which all but the constants is blank is not there; neither are blank fields."""
    text = FLOW + MAP + LINE
    text = text.replace("email = ", 'postal_address = { city = "{City}", country = "GB" }, email = ')
    text = text.replace("[[flows", 'payments = [{ date = "{Paid}", amount = "{Total}", account = "bank" }]\n[[flows', 1)
    table = TABLE.replace("Qty", "City | Paid | Qty").replace("| 2 ", "| | | 2 ").replace("| 1 ", "| | | 1 ")
    found = record(mapper(text), rows(table))
    assert "postal_address" not in found["contact"]
    assert found["payments"] == [{"amount": "25.20", "account": "bank"}]
    assert "payments" not in record(mapper(text), rows(table.replace("25.20", "")))


def test_a_payment_when():
    """A table of a list has a condition of its own."""
    paid = (
        'payments = [{ when = "=nonzero(head.Total)", date = "{Ordered on}", amount = "{Total}", account = "bank" }]\n'
    )
    text = FLOW + MAP + paid + LINE
    assert len(record(mapper(text), rows())["payments"]) == 1
    assert "payments" not in record(mapper(text), rows(TABLE.replace("25.20", "0.00 ")))


def test_the_total_by_the_source():
    """check.total becomes expected_total; where it is blank the record is refused, since nothing would be checked."""
    text = FLOW + MAP + LINE + '[flows.shop.check]\ntotal = "{Total}"\n'
    assert record(mapper(text), rows())["expected_total"] == "25.20"
    (reason,) = reasons(mapper(text), rows(TABLE.replace("25.20", "")))
    assert reason == "Column `Total` (orders.csv:2, orders.csv:3) is blank, so the total cannot be checked."


def test_columns_that_rows_may_lack():
    """A column in read.optional is blank where it is missing; one that other rows of the group have is too."""
    text = FLOW + MAP.replace('date = "%d', 'optional = ["Email"]\ndate = "%d') + LINE
    given = [sheet({**row.cells}, n) for n, row in enumerate(rows(), 2)]
    for row in given:
        del row.cells["Email"]
    assert record(mapper(text.replace("=lower(head.Email)", "7")), given)["contact"] == {
        "external_id": "7", "name": "Blue Fern Ltd"
    }  # fmt: skip
    one_lacks = rows()
    del one_lacks[1].cells["Email"]
    assert record(mapper(), one_lacks)["contact"]["email"] == "AP@fern.uk"


def test_who_it_is_though_it_is_wrong():
    """external_id and entity can be told of rows that are wrong otherwise."""
    by = mapper(
        FLOW.replace('entity = "acme-uk"\n', "") + MAP.replace('date = "{', 'entity = "{Books}"\ndate = "{') + LINE
    )
    table = TABLE.replace("Total", "Books").replace("25.20", "acme-uk").replace("10.50", "x")
    assert by.identify(rows(table)) == ("1001", "acme-uk")
    assert by.entity(rows(table)) == "acme-uk"
    assert mapper().entity(rows()) == "acme-uk"
    assert by.identify([sheet({"Nothing": "1"})]) == (None, None)


def test_findings_of_the_record_s_own_checks_are_told_with_their_column():
    """Whatever `decode` finds goes back to the column and row that the field came from."""
    by = mapper()
    mapped = by.record(rows(TABLE.replace("10.50", "10.12345").replace("AP@fern.uk", "no mail   ")), LONDON)
    findings = records.decode(mapped.raw)
    told = [by.explain(finding, mapped).reason for finding in findings]
    assert told == [
        "`contact.email` has characters or a form that is not allowed: no mail (column `Email`).",
        "`lines[0].unit_amount` has 5 decimals; at most 4 are allowed: 10.12345 (column `Price`, orders.csv:2).",
    ]
    assert by.column_of("contact.external_id") == "Email"
    assert by.column_of("lines[1].unit_amount", mapped) == "Price"
    assert by.column_of("lines[1].account", mapped) is None
    assert by.column_of("contact") == "Email, Customer"
    assert by.column_of("nowhere[3]") is None


def test_tracking_and_yes_or_no():
    """Names of tracking categories are the user's own; words for yes and no may be given."""
    read = 'yes = ["ja"]\nno = ["nein"]\ndate = "%d'
    text = FLOW + MAP.replace('date = "%d', read).replace('date = "{', 'sent = "{Sent}"\ndate = "{') + LINE
    text += 'tracking = { Region = "{Qty}", "Sales person" = "{Email}" }\n'
    found = record(mapper(text), rows(TABLE.replace("Total", "Sent").replace("25.20", "Ja")))
    assert found["sent"] is True
    assert [line["tracking"] for line in found["lines"]] == [
        {"Region": "2", "Sales person": "AP@fern.uk"},
        {"Region": "1"},
    ]
    (reason,) = reasons(mapper(text), rows(TABLE.replace("Total", "Sent").replace("25.20", "yes")))
    assert reason == "Column `Sent` (orders.csv:2, orders.csv:3) is neither yes nor no: yes."


def test_the_day_that_rows_belong_to():
    """Rows of one entity, day and currency share it, in the organisation's own time zone; a bad date has none."""
    by = mapper(FLOW + MAP.replace('date = "%d/%m/%Y"\n', "") + LINE)
    late = rows(TABLE.replace("03/04/2026", "2026-07-01T23:30:00Z"))
    assert by.day(late, LONDON) == by.day(rows(TABLE.replace("03/04/2026", "2026-07-02")), LONDON)
    assert by.day(late, zoneinfo.ZoneInfo("UTC")) != by.day(late, LONDON)
    assert by.day(rows(), LONDON) is None
