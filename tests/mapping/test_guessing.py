"""A guessed table is TOML that says what it guessed; what cannot be told is left to a person, never chosen silently."""

import csv
import io
import tomllib
from pathlib import Path

import pytest

from counterfoil import mapping, settings
from counterfoil.errors import ConfigurationError
from counterfoil.mapping import guessing, recognising
from counterfoil.model import records
from tests.mapping.desk import LONDON, TOP, configuration, record, sheet

SHOP = """\
Name,Email,Paid at,Currency,Total,Shipping,Lineitem quantity,Lineitem name,Lineitem price,Tax code,Billing Name,Notes
#1001,ap@fern.uk,25/04/2026,GBP,29.20,4.00,2,Widgets,10.50,S,Blue Fern Ltd,
#1001,,,,,,1,Gloves,3.00,Z,,
#1002,x@y.uk,26/04/2026,GBP,1200.00,0.00,1,Table,1000.00,S,Jane Roe,
"""
GERMAN = """\
Bestellnummer;Kunde;E-Mail;Bestelldatum;Artikel;Menge;Einzelpreis;MwSt;Gesamtbetrag;Versandkosten
9001;Müller GmbH;a@b.de;24.12.2026;Stuhl;2;1.049,50;19%;2.500,00;4,90
"""


def sample(text, delimiter=","):
    rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    return guessing.Sample(tuple(rows[0]), tuple(rows))


def guessed(text, delimiter=",", entities=("acme-uk",)):
    source = settings.SourceSettings(kind="csv", path=Path("orders.csv"), delimiter=delimiter)
    return guessing.table(
        "shop", "k3x9", "sales_invoices", records.SalesInvoice, source, "orders.csv", sample(text, delimiter), entities
    )


def test_a_shop_s_export():
    """The usual names of columns are known, and the first guess already maps the sample."""
    text = guessed(SHOP)
    flow = settings.compile_flows(
        configuration(TOP + text.replace('# tax = "…"', 'tax = "standard"')), ["sales_invoices"]
    )["shop"]
    by = mapping.compile_flow(flow, records.SalesInvoice, sample(SHOP).columns)
    assert isinstance(by, mapping.Mapper), by
    rows = [sheet(dict(row), n) for n, row in enumerate(sample(SHOP).rows[:2], 2)]
    assert record(by, rows, LONDON) == {
        "external_id": "#1001",
        "contact": {"external_id": "ap@fern.uk", "name": "Blue Fern Ltd", "email": "ap@fern.uk"},
        "date": "2026-04-25",
        "currency": "GBP",
        "lines": [
            {"description": "Widgets", "quantity": "2", "unit_amount": "10.50", "account": "sales", "tax": "S"},
            {"description": "Gloves", "quantity": "1", "unit_amount": "3.00", "account": "sales", "tax": "Z"},
            {"description": "Delivery", "quantity": "1", "unit_amount": "4.00", "account": "shipping", "tax": "standard"},
        ],
        "expected_total": "29.20",
    }  # fmt: skip
    assert "# not used: Notes" in text


def test_every_guess_is_marked():
    """Each line that was taken from the sample says so."""
    taken = [line for line in guessed(SHOP).splitlines() if '"{' in line and not line.startswith("#")]
    assert taken
    assert [line for line in taken if "# guess" not in line] == []


def test_a_german_export():
    """Decimal commas, days first, German names."""
    text = guessed(GERMAN, ";")
    found = tomllib.loads(text)["flows"]["shop"]
    assert found["source"] == {"csv": "orders.csv", "delimiter": ";", "encoding": "utf-8"}
    assert found["read"] == {"decimal": ",", "thousands": ".", "date": "%d.%m.%Y"}
    assert found["map"]["contact"] == {"external_id": '=lower(head["E-Mail"])', "name": "{Kunde}", "email": "{E-Mail}"}
    assert found["line"][0]["unit_amount"] == "{Einzelpreis}"


def test_what_cannot_be_told_is_left_to_a_person():
    """Dates that could be read two ways are all shown, numbers that could be do not even load."""
    text = guessed(SHOP.replace("25/04", "05/04").replace("26/04", "06/04"))
    assert "date" not in tomllib.loads(text)["flows"]["shop"]["read"]
    assert '# date = "%d/%m/%Y"' in text
    assert '# date = "%m/%d/%Y"' in text
    unclear = guessed(SHOP.replace("10.50", "1.234").replace("29.20", "29").replace(".00", ""))
    with pytest.raises(ConfigurationError, match=r"`decimal` must be one of"):
        settings.compile_flows(configuration(TOP + unclear), ["sales_invoices"])


def test_a_sample_without_known_columns():
    """Everything that a record needs is there as a question; it does not load until it is answered."""
    text = guessed("A,B\n1,2\n", entities=("acme-uk", "acme-nl"))
    assert text.count("# decide") + text.count("   # decide") >= 5
    flow = settings.compile_flows(configuration(TOP + text), ["sales_invoices"])["shop"]
    missing = [mistake.key for mistake in mapping.compile_flow(flow, records.SalesInvoice)]
    assert missing == ["external_id", "contact", "date", "description", "unit_amount"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["10.50", "3"], (".", "")),
        (["10,50"], (",", "")),
        (["1.234,56"], (",", ".")),
        (["1,234,567"], (".", ",")),
        (["1 234,5"], (",", " ")),
        (["1'234.5"], (".", "'")),
        (["-0.4567"], (".", "")),
        (["1.234"], None),
        (["1.5", "1,5"], None),
        (["7", "x"], (".", "")),
    ],
)
def test_numbers(texts, expected):
    """The sign and the separator, when the sample tells."""
    assert recognising.numbers(texts) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2026-04-03", "2026-04-03T10:00:00Z"], ("ISO",)),
        (["03/04/2026"], ("%d/%m/%Y", "%m/%d/%Y")),
        (["03/04/2026", "13/04/2026"], ("%d/%m/%Y",)),
        (["04/13/2026"], ("%m/%d/%Y",)),
        (["3 Apr 2026"], ("%d %b %Y",)),
        (["soon"], ()),
        ([], ()),
    ],
)
def test_dates(texts, expected):
    """Every format that reads all of them."""
    assert recognising.dates(texts) == expected
