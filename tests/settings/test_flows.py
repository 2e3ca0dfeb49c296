"""A flow's source, how it is read, its check, and the lookups: what is right, and every mistake with its line."""

import datetime
import subprocess
import sys
from decimal import Decimal

import pytest

from counterfoil import errors, settings
from counterfoil.errors import ConfigurationError
from counterfoil.settings.lookups import LookupRow

TOP = '[xero]\nclient_id = "abc"\n[entities.acme-uk]\n'
FLOW = '[flows.shop]\nkind = "sales_invoices"\nsource = { csv = "orders.csv" }\n'
MAP = '[flows.shop.map]\nexternal_id = "{Order}"\n'


def load(tmp_path, text):
    path = tmp_path / "counterfoil.toml"
    path.write_text(TOP + text, encoding="utf-8")
    return settings.load(path, None, {})


def compiled(tmp_path, text=FLOW + MAP):
    return settings.compile_flows(load(tmp_path, text), ["sales_invoices"])["shop"]


def mistakes(tmp_path, text):
    with pytest.raises(ConfigurationError) as caught:
        compiled(tmp_path, text)
    return list(caught.value.problems)


def test_a_csv_source(tmp_path):
    """Options have defaults, none of them guessed from the file."""
    assert compiled(tmp_path).source == settings.SourceSettings(kind="csv", path=tmp_path / "orders.csv")
    options = 'csv = "a.csv", delimiter = ";", quote = "", encoding = "cp1252", header_row = 3'
    found = compiled(tmp_path, FLOW.replace('csv = "orders.csv"', options) + MAP).source
    assert (found.delimiter, found.quote, found.encoding, found.header_row, found.is_tabular) == (
        ";",
        "",
        "cp1252",
        3,
        True,
    )


def test_the_other_sources(tmp_path):
    """JSON with a path and an inner list, JSON Lines, Excel."""
    for written, expected in (
        ('json = "a.json", path = "data.orders", explode = "lines"', {"kind": "json", "json_path": "data.orders", "explode": "lines"}),
        ('jsonl = "a.jsonl", explode = "lines"', {"kind": "jsonl", "explode": "lines"}),
        ('excel = "a.xlsx", sheet = "Orders", header_row = 2', {"kind": "excel", "sheet": "Orders", "header_row": 2}),
    ):  # fmt: skip
        found = compiled(tmp_path, FLOW.replace('csv = "orders.csv"', written) + MAP).source
        assert found == settings.SourceSettings(**expected, path=tmp_path / written.split('"')[1])


def test_without_a_map_rows_are_records(tmp_path):
    """Only where a row can be one."""
    found = compiled(tmp_path, FLOW.replace("csv", "jsonl").replace("orders.csv", "orders.jsonl"))
    assert (found.map, found.lines, found.group_by) == (None, (), None)


def test_the_mapping_stays_raw_with_its_lines(tmp_path):
    """What mapping/ compiles, and where each key is written."""
    line = '[[flows.shop.line]]\ndescription = "{Item}"\n'
    found = compiled(tmp_path, FLOW + 'group_by = "{Order}"\n' + MAP + line + line)
    assert (found.group_by, found.map, found.lines) == ("{Order}", {"external_id": "{Order}"}, ({"description": "{Item}"},) * 2)  # fmt: skip
    assert found.place("line", 1, "description") == "counterfoil.toml:13"
    assert found.place("map", "external_id") == "counterfoil.toml:9"


def test_policies(tmp_path):
    """Each has the careful default."""
    found = compiled(tmp_path)
    assert (found.on_change, found.lock_date, found.negative, found.post) == ("hold", "hold", "refuse", "each")
    assert (found.limit_first, found.complete, found.contact_update, found.difference) == (None, False, "never", None)
    given = 'on_change = "reissue"\nlock_date = "next-open-day"\nnegative = "credit_note"\npost = "daily"\nlimit_first = 5\ncomplete = true\n'  # fmt: skip
    found = compiled(tmp_path, FLOW + given + MAP)
    assert (found.on_change, found.lock_date, found.negative) == ("reissue", "next-open-day", "credit_note")
    assert (found.post, found.limit_first, found.complete) == ("daily", 5, True)


def test_how_a_source_is_read(tmp_path):
    """Formats, signs and words."""
    read = '[flows.shop.read]\ndecimal = ","\nthousands = "."\ndate = ["%d.%m.%Y", "%d.%m.%y"]\nyes = ["Ja"]\nno = ["Nein"]\noptional = ["Fax"]\n'  # fmt: skip
    found = compiled(tmp_path, FLOW + MAP + read).read
    assert (found.decimal, found.thousands, found.dates) == (",", ".", ("%d.%m.%Y", "%d.%m.%y"))
    assert (found.yes, found.no, found.optional) == ({"ja"}, {"nein"}, {"Fax"})
    assert compiled(tmp_path).read == settings.ReadSettings()


def test_a_difference(tmp_path):
    """How much is mended, and where it goes."""
    check = '[flows.shop.check]\ntotal = "{Total}"\ndifference = { up_to = "0.05", as = "line", account = "rounding", tax = "zero" }\n'
    found = compiled(tmp_path, FLOW + MAP + check)
    assert found.total == "{Total}"
    assert found.difference == settings.Difference(up_to=Decimal("0.05"), kind="line", account="rounding", tax="zero")
    assert compiled(tmp_path, FLOW + MAP + '[flows.shop.check]\ndifference = { as = "refuse" }\n').difference is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('csv = "orders.csv"', "", '[flows.shop] `source` needs one of csv, excel, json, jsonl and push. Such as { csv = "orders.csv" }.'),
        ('csv = "orders.csv"', 'csv = "a", json = "b"', "[flows.shop] `source` has csv and json; give one."),
        ('csv = "orders.csv"', 'csv = "a", path = "x"', "[flows.shop.source] `path` is no option of a csv source. Its options: delimiter, quote, encoding, header_row."),
        ('csv = "orders.csv"', 'csv = "a", encoding = "utf-88"', "[flows.shop.source] `encoding` is no encoding of text: utf-88."),
        ('csv = "orders.csv"', 'csv = "a", encoding = "base64"', "[flows.shop.source] `encoding` is no encoding of text: base64."),
        ('csv = "orders.csv"', 'csv = "a", delimiter = "ab"', "[flows.shop.source] `delimiter` is 2 characters long; at most 1 are allowed: ab."),
        ('csv = "orders.csv"', "csv = \"a\", delimiter = '\"'", "[flows.shop.source] `quote` is the delimiter as well."),
        ('csv = "orders.csv"', 'csv = "a", header_row = 0', "[flows.shop.source] `header_row` must be 1 or more: 0."),
        (MAP, "", "[flows.shop] `map` is missing: rows of a table are no records by themselves."),
        (MAP, 'group_by = "{Order}"\n', "[flows.shop] `map` is missing"),
        ("limit_first", "limit_frist", "[flows.shop] unknown key `limit_frist`; did you mean `limit_first`?"),
        ("limit_first = 3", "limit_first = 0", "[flows.shop] `limit_first` must be 1 or more: 0."),
        ("limit_first = 3", 'on_change = "overwrite"', "[flows.shop] `on_change` must be one of hold, reissue, update: overwrite."),
        ("limit_first = 3", 'negative = "credit"', "[flows.shop] `negative` must be one of credit_note, refuse: credit."),
        ("limit_first = 3", 'approve = "all"', "[flows.shop] `approve` comes with a later version; take it out."),
        ("limit_first = 3", 'every = "15m"\ncron = "0 6 * * *"', "[flows.shop] `cron` stands beside `every`. Take one of the two out."),
        ("limit_first = 3", 'timezone = "localtime"', "[flows.shop] `timezone` is no time zone: localtime. Such as Europe/London."),
        ("limit_first = 3", 'timezone = "Mars"', "[flows.shop] `timezone` is no time zone: Mars. Such as Europe/London."),
        ("limit_first = 3", 'lane = "looking"', "[flows.shop] `lane`"),
        ("date =", 'thousands = "."\ndate =', "[flows.shop.read] `thousands` is the decimal sign as well: .."),
        ('"%d/%m/%Y"', '["%d/%m/%Y", "%m/%d/%Y"]', "[flows.shop.read] `date` could be read as %d/%m/%Y or as %m/%d/%Y: […]. Keep one of them; ask whoever writes the file which day comes first."),
        ('"%d/%m/%Y"', '"%Y-%d-%m"', "[flows.shop.read] `date` could be read as %Y-%d-%m or as %Y-%m-%d"),
        ('"%d/%m/%Y"', '"%d/%m"', "[flows.shop.read] `date` does not give a day, a month and a year: %d/%m."),
        ('"%d/%m/%Y"', '"%x"', "[flows.shop.read] `date` has %x, which is not known or depends on the machine's language: %x."),
        ('"%d/%m/%Y"', '"dd/mm/yyyy"', "[flows.shop.read] `date` does not give a day, a month and a year: dd/mm/yyyy. Such as %d/%m/%Y"),
        ('"%d/%m/%Y"', '"%d/%m/%Y %H:%M"', "[flows.shop.read] `date` has a time, but nothing says in which time zone: %d/%m/%Y %H:%M. Give `timezone`"),
        ('"%d/%m/%Y"', "[]", "[flows.shop.read] `date` must give 1 to 8 formats"),
        ('"%d/%m/%Y"', '"%d/%m/%Y"\ntimezone = "Berlin"', "[flows.shop.read] `timezone` is no time zone: Berlin."),
        ('"%d/%m/%Y"', '"%d/%m/%Y"\nyes = ["J"]\nno = ["j"]', "[flows.shop.read] `no` shares j with `yes`"),
        ('as = "tax"', 'as = "line"', "[flows.shop.check.difference] `account` or `account_code` must be given for a line, and only one of them."),
        ('as = "tax"', 'as = "tax", account = "x"', '[flows.shop.check.difference] `account` goes with as = "line" only. Take it out.'),
        ('as = "tax"', 'as = "lines"', "[flows.shop.check.difference] `as` must be one of line, refuse, rounding, tax: lines."),
        ('up_to = "0.05", ', "", '[flows.shop.check.difference] `up_to` is missing. Write how much may be mended: up_to = "0.05".'),
        ('up_to = "0.05"', "up_to = 0.05", "[flows.shop.check.difference] `up_to` must be text: 0.05."),
        ('up_to = "0.05"', 'up_to = "50"', "[flows.shop.check.difference] `up_to` must be more than 0 and at most 10: 50."),
        ('up_to = "0.05"', 'up_to = "0,05"', "[flows.shop.check.difference] `up_to` has characters or a form that is not allowed: 0,05. An amount in quotes"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path, old, new, problem):
    """Each with its line, its table and key, and what would be right."""
    text = (
        FLOW
        + "limit_first = 3\n"
        + MAP
        + '[flows.shop.read]\ndate = "%d/%m/%Y"\n'
        + '[flows.shop.check]\ntotal = "{Total}"\ndifference = { up_to = "0.05", as = "tax" }\n'
    )
    assert old in text
    found = mistakes(tmp_path, text.replace(old, new))
    assert any(problem in one and one.startswith("counterfoil.toml:") for one in found), found


def test_what_needs_a_map(tmp_path):
    """Where rows already are records, nothing is grouped or mapped."""
    text = FLOW.replace('csv = "orders.csv"', 'jsonl = "a", explode = "lines"')
    found = mistakes(tmp_path, text + 'group_by = "{Order}"\n[flows.shop.check]\ntotal = "{Total}"\n')
    assert [one.split("`")[1] for one in found] == ["source", "group_by", "check"]


def test_lookups(tmp_path):
    """Written in the file, or read from a CSV beside it; keys and values are trimmed."""
    (tmp_path / "vat.csv").write_text("Country;Class;From;Tax\nDE; food ;01.07.2020;five\n\nDE;food;01.01.2021;seven\n", "cp1252")  # fmt: skip
    text = """[lookups.plain]
rows = { "S" = "standard", " Z" = "zero" }
otherwise = "none"
[lookups.vat]
csv = "vat.csv"
delimiter = ";"
encoding = "cp1252"
key = ["Country", "Class"]
value = "Tax"
from = "From"
date = "%d.%m.%Y"
[lookups.listed]
key = "Code"
value = "Tax"
rows = [{ Code = "S", Tax = "standard" }]
"""
    found = compiled(tmp_path, FLOW + MAP + text).lookups
    assert found["plain"].rows == (LookupRow(("S",), "standard"), LookupRow(("Z",), "zero"))
    assert (found["plain"].otherwise, found["vat"].otherwise, found["vat"].keys) == ("none", None, ("Country", "Class"))
    assert found["vat"].dated
    assert found["vat"].rows == (
        LookupRow(("DE", "food"), "five", datetime.date(2020, 7, 1)),
        LookupRow(("DE", "food"), "seven", datetime.date(2021, 1, 1)),
    )
    assert found["listed"].rows == (LookupRow(("S",), "standard"),)
    assert found["listed"].place == "counterfoil.toml:20"


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("otherwise = 'x'", 'counterfoil.toml:9: [lookups] `vat` needs `rows` or `csv`. Such as rows = { "S" = "standard" }.'),
        ("rows = {}\ncsv = 'a'", "counterfoil.toml:9: [lookups] `vat` has both `rows` and `csv`."),
        ("rows = { S = 'a' }\nkey = 'K'", "counterfoil.toml:11: [lookups.vat] `key` has no use when `rows` is one table of keys and values."),
        ("csv = 'none.csv'\nkey = 'K'\nvalue = 'V'", "counterfoil.toml:9: [lookups.vat] none.csv cannot be read: No such file or directory."),
        ("csv = 'vat.csv'\nvalue = 'V'", "counterfoil.toml:9: [lookups.vat] `key` is missing."),
        ("csv = 'vat.csv'\nkey = 'X'\nvalue = 'V'", "vat.csv:2: [lookups.vat] has no `X`."),
        ("csv = 'vat.csv'\nkey = 'K'\nvalue = 'V'", "vat.csv:3: [lookups.vat] has a twice; first at vat.csv:2."),
        ("csv = 'vat.csv'\nkey = 'K'\nvalue = 'V'\nfrom = 'V'", "vat.csv:2: [lookups.vat] 1 is no day as %Y-%m-%d writes it."),
        ("rows = [{ K = 7, V = 'x' }]\nkey = 'K'\nvalue = 'V'", "counterfoil.toml:9 (row 1): [lookups.vat] `K` must be text in quotes."),
        ("rows = { S = 'a' }\nkeys = 'K'", "counterfoil.toml:11: [lookups.vat] unknown key `keys`; did you mean `key`?"),
    ],
)  # fmt: skip
def test_mistakes_of_lookups(tmp_path, table, problem):
    """With the line of the file or of the CSV."""
    (tmp_path / "vat.csv").write_text("K,V\na,1\na,2\n")
    assert problem in "\n".join(mistakes(tmp_path, f"{FLOW}{MAP}[lookups.vat]\n{table}\n"))


def test_a_process_that_compiled_flows_ends_well(tmp_path):
    """msgspec 0.22 frees a union of a bounded text and a list twice when the interpreter ends; no declaration has one."""
    (tmp_path / "counterfoil.toml").write_text(f"{TOP}{FLOW}{MAP}[lookups.vat]\nrows = {{ S = 'standard' }}\n")
    program = (
        "import pathlib, sys; from counterfoil import settings; "
        "settings.compile_flows(settings.load(pathlib.Path(sys.argv[1]), None, {}), ['sales_invoices'])"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path / "counterfoil.toml")], check=False)
    assert ended.returncode == 0


PUSHED = '[flows.shop]\nkind = "sales_invoices"\nsource = { push = true }\n'


def test_a_flow_may_read_no_file(tmp_path):
    """Programs hand its records over; whoever wants to read its file is told so."""
    source = compiled(tmp_path, PUSHED).source
    assert (source.kind, source.is_tabular) == ("push", False)
    with pytest.raises(errors.InputError) as refused:
        source.file("shop")
    assert "/v1/flows/shop/records" in refused.value.remedy


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('every = "15m"\n', "`every` has no use where programs hand records over"),
        ('cron = "0 6 * * *"\ntimezone = "UTC"\n', "`cron` has no use where programs hand records over"),
        ('post = "daily"\n', "`post` has no use where programs hand records over"),
    ],
)
def test_what_has_no_use_where_records_are_handed_over(tmp_path, more, said):
    """It would wait for a file that there is not."""
    with pytest.raises(errors.ConfigurationError) as refused:
        compiled(tmp_path, PUSHED + more)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "source", ['push = true, csv = "a"', "push = false", 'push = "yes"', "push = true, sheet = 'x'"]
)
def test_push_stands_alone(tmp_path, source):
    """With no file beside it, and nothing but true."""
    with pytest.raises(errors.ConfigurationError):
        compiled(tmp_path, PUSHED.replace("push = true", source))
