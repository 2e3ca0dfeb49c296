"""The sample: deterministic, as varied as promised, and right by the sandbox's charts but for its dozen."""

import datetime
import json
import tomllib
import unicodedata

import pytest

from counterfoil import settings
from counterfoil.cli.sample import bad, customers, day, files, goods
from counterfoil.errors import InputError
from counterfoil.flows import sales_invoices
from counterfoil.model import text
from counterfoil.model.ledger import Ledger
from counterfoil.model.prepared import Finding, Prepared
from counterfoil.sandbox import charts
from counterfoil.sandbox.world import PUBLIC_CLIENT_ID
from counterfoil.sources import BadRow, jsonl

TODAY = datetime.date(2026, 11, 22)
COUNTRIES = {"acme-uk": "GB", "acme-au": "AU", "acme-nl": "NL"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The files as `init` writes them, loaded."""
    folder = tmp_path_factory.mktemp("shop")
    configuration, *_ = files.write_files(folder, today=TODAY, client_id=PUBLIC_CLIENT_ID)
    return settings.load(configuration, None, {})


def outcomes(shop, flow):
    """What becomes of each line of the file: a Prepared, or the Findings."""
    ledgers = {}
    for entity, country in COUNTRIES.items():
        chart = charts.chart(country)
        ledgers[entity] = Ledger.from_wire(
            chart.organisation, chart.accounts, chart.tax_rates, chart.tracking, chart.currencies, shop.entities[entity]
        )
    for row in jsonl.read(flow.source.path):
        record = row.finding if isinstance(row, BadRow) else sales_invoices.decode(row.raw)
        if isinstance(record, Finding | tuple):
            yield record if isinstance(record, tuple) else (record,)
            continue
        entity = sales_invoices.entity_of(record, flow, shop.entities)
        yield (entity,) if isinstance(entity, Finding) else sales_invoices.prepare(record, ledgers[entity], flow)


def test_every_line_becomes_what_it_should(shop):
    """388 sales can be posted, their totals right to the cent; each of the dozen is refused for its one reason."""
    flow = settings.compile_flows(shop, ["sales_invoices"])["shop"]
    found = list(outcomes(shop, flow))
    refused = [[finding.cause for finding in outcome] for outcome in found if not isinstance(outcome, Prepared)]
    assert refused == [[wrong.cause] for wrong in bad.BAD]
    assert len(found) == 400
    assert {(prepared.entity, prepared.predicted.currency) for prepared in found if isinstance(prepared, Prepared)} == {
        (company.key, currency) for company in goods.COMPANIES for currency in (company.currency, *company.foreign)
    }
    assert {prepared.predicted.status for prepared in found if isinstance(prepared, Prepared)} == {
        "DRAFT", "SUBMITTED", "AUTHORISED",
    }  # fmt: skip


def test_the_dozen_are_twelve_kinds():
    """No two are wrong in the same way."""
    assert len({wrong.cause for wrong in bad.BAD}) == len(bad.BAD) == 12


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_other_seeds_and_days(shop, seed):
    """Any seed on any day gives good sales, also around the ends of months and in leap years."""
    for today in (datetime.date(2028, 2, 29), datetime.date(2027, 1, 1)):
        sales = list(day.sales(today, seed))
        assert len({sale["external_id"] for sale in sales}) == day.SALES
        assert all(not isinstance(sales_invoices.decode(bad.line_of(sale)), tuple) for sale in sales)
        assert bad.closed_through(today) < today - datetime.timedelta(days=27)
    assert list(files.lines(TODAY, seed)) == list(files.lines(TODAY, seed))


def test_variety():
    """Inclusive and exclusive, both discounts, tracking, own names and codes, one to six lines, repeat customers."""
    sales = list(day.sales(TODAY))
    lines = [line for sale in sales for line in sale["lines"]]
    assert {sale["amounts"] for sale in sales} == {"inclusive", "exclusive"}
    assert {len(sale["lines"]) for sale in sales} == {1, 2, 3, 4, 5, 6}
    for key in ("discount_rate", "discount_amount", "tracking", "account", "account_code", "tax", "tax_type"):
        assert any(key in line for line in lines), key
    assert any(line.get("tax") == "account default" for line in lines)
    assert {sale["entity"] for sale in sales} == set(COUNTRIES)
    buyers = [(sale["entity"], sale["contact"]["external_id"]) for sale in sales]
    assert 40 < len(set(buyers)) < len(buyers) / 2


def test_scripts():
    """Customers write in many scripts; no two names are the same to Xero."""
    names = [customers.customer(index)["name"] for index in range(customers.count())]
    scripts = {unicodedata.name(letter).split()[0] for name in names for letter in name if letter.isalpha()}
    assert scripts >= {
        "LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "DEVANAGARI",
    } - {"HIRAGANA", "KATAKANA"}  # fmt: skip
    assert len({name.casefold() for name in names}) == len(names)
    assert all(text.is_key(customers.customer(index)["external_id"]) for index in range(customers.count()))


def test_codes_are_the_sandbox_s():
    """The sample's organisations, accounts, taxes and rates are those of the sandbox's charts."""
    for company in goods.COMPANIES:
        chart = charts.chart(COUNTRIES[company.key])
        assert company.organisation == chart.organisation["Name"]
        rates = {row["TaxType"]: row["EffectiveRate"] for row in chart.tax_rates}
        assert all(rates[tax_type] == percent for _, tax_type, percent in company.taxes.values())
        assert set(company.accounts.values()) <= {row["Code"] for row in chart.accounts}


def test_the_configuration(tmp_path):
    """It is TOML, says where the sandbox is, and takes the caller's choices."""
    posting = {"quiet_s": 0.5, "key_life_s": 20}
    written, sales, _orders = files.write_files(
        tmp_path / "new",
        today=TODAY,
        client_id="id",
        sandbox_url="http://localhost:9",
        flow_id="abc",
        listen="127.0.0.1:7",
        posting=posting,
    )
    values = tomllib.loads(written.read_text())
    assert (values["xero"]["api_url"], values["xero"]["client_id"]) == ("http://localhost:9", "id")
    assert (values["posting"], values["flows"]["shop"]["id"]) == (posting, "abc")
    assert values["service"] == {"listen": "127.0.0.1:7", "public_url": "http://localhost:7"}
    assert len(sales.read_bytes().splitlines()) == 400
    assert json.loads(sales.read_bytes().split(b"\n")[0])["external_id"] == "order-1001"


def test_nothing_is_overwritten(tmp_path):
    """A folder that has one of the files is left as it is, unless the caller insists."""
    (tmp_path / "sales.jsonl").write_text("mine")
    with pytest.raises(InputError, match=r"has sales\.jsonl already"):
        files.write_files(tmp_path, today=TODAY, client_id="id")
    assert [path.name for path in tmp_path.iterdir()] == ["sales.jsonl"]
    files.write_files(tmp_path, today=TODAY, client_id="id", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counterfoil.toml", "orders.csv", "sales.jsonl"]


def test_a_folder_that_cannot_be_made(tmp_path):
    """A file where the folder should be is a clear error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        files.write_files(tmp_path / "file" / "folder", today=TODAY, client_id="id")
