"""`--organisation-file`: a sandbox of somebody's own organisation, and errors that say what to mend."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest

from counterfoil.sandbox import organisation_file
from counterfoil.sandbox.organisation_file import OrganisationFileError, schema
from tests import sandbox_process

DOCS = Path(__file__).parents[2] / "docs"
GUID = "11111111-2222-3333-4444-555555555555"
SMALL = {
    "Format": "counterfoil organisation 1",
    "Organisation": {
        "Name": "Prairie Tools Inc",
        "CountryCode": "US",
        "BaseCurrency": "USD",
        "PeriodLockDate": "2026-03-31",
    },
    "Accounts": [
        {"Code": "1000", "Name": "Checking", "Type": "BANK"},
        {"Code": "4000", "Name": "Tool sales", "Type": "REVENUE", "TaxType": "OUTPUT", "AccountID": GUID},
        {"Code": "6000", "Name": "Rent", "Type": "EXPENSE", "TaxType": "INPUT"},
    ],
    "TaxRates": [
        {"Name": "Sales tax", "TaxType": "OUTPUT", "EffectiveRate": 8.25},
        {"Name": "Tax on purchases", "TaxType": "INPUT", "EffectiveRate": 0},
    ],
    "TrackingCategories": [{"Name": "Store", "Options": [{"Name": "Fargo"}, {"Name": "Omaha", "Status": "ARCHIVED"}]}],
    "Contacts": [{"Name": "Blue Fern Ltd", "ContactNumber": "cust-7", "DefaultCurrency": "USD"}],
}


@pytest.fixture
def file(tmp_path):
    """Writes a document as a file."""

    def write(document, name="own.json"):
        path = tmp_path / name
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write


def test_the_sandbox_is_the_organisation_of_the_file(file):
    """Its chart, taxes, tracking, contacts and locks; invoices are priced by them, and it alone is there."""
    with sandbox_process.start("--auto-consent", "--organisation-file", str(file(SMALL))) as sandbox:
        assert [one["name"] for one in sandbox.ready["organisations"]] == ["Prairie Tools Inc"]
        token, tenant = sandbox.connect()["access_token"], sandbox.tenant(1)
        ledger = sandbox.ledger(tenant)
        assert ledger["Organisations"][0]["PeriodLockDate"] == "/Date(1774915200000+0000)/"
        assert ledger["Accounts"][1]["AccountID"] == GUID
        assert [row["Status"] for row in ledger["TrackingCategories"][0]["Options"]] == ["ACTIVE", "ARCHIVED"]
        element = {
            "Type": "ACCREC",
            "Status": "AUTHORISED",
            "Contact": {"ContactNumber": "cust-7"},
            "Date": "2026-11-02",
            "DueDate": "2026-12-02",
            "LineItems": [
                {
                    "Description": "Saw",
                    "Quantity": 1,
                    "UnitAmount": 100,
                    "AccountCode": "4000",
                    "Tracking": [{"Name": "Store", "Option": "Fargo"}],
                }
            ],
        }
        (made,) = sandbox.api("PUT", "Invoices", token, tenant, element).json["Invoices"]
        assert (made["Total"], made["CurrencyCode"], made["Contact"]["Name"]) == (108.25, "USD", "Blue Fern Ltd")
        locked = sandbox.api("PUT", "Invoices", token, tenant, {**element, "Date": "2026-03-31"})
        assert locked.status == 400


def test_several_files_come_first_and_the_others_after_them(file):
    """--organisations counts them all."""
    other = copy.deepcopy(SMALL)
    other["Organisation"]["Name"] = "Second Inc"
    paths = [str(file(SMALL)), str(file(other, "second.json"))]
    options = ["--organisation-file", paths[0], "--organisation-file", paths[1], "--organisations", "3"]
    with sandbox_process.start(*options) as sandbox:
        names = [one["name"] for one in sandbox.ready["organisations"]]
    assert names == ["Prairie Tools Inc", "Second Inc", "Grachtenhuis BV"]


def test_an_own_organisation_can_have_a_past(file):
    """Months are lived by its own chart and locked afterwards."""
    options = ("--organisation-file", str(file(SMALL)), "--history", "12")
    with sandbox_process.start(*options) as sandbox:
        ledger = sandbox.ledger(sandbox.tenant(1))
    assert "PeriodLockDate" in ledger["Organisations"][0]
    assert {line["AccountCode"] for row in ledger["Invoices"] for line in row["LineItems"]} == {"4000", "6000"}


def test_a_chart_without_what_a_past_needs_lives_without_it(file):
    """No bank account, no costs: invoices are open for ever, and nothing breaks."""
    bare = copy.deepcopy(SMALL)
    bare["Accounts"] = [bare["Accounts"][1]]
    with sandbox_process.start("--organisation-file", str(file(bare)), "--history", "3") as sandbox:
        ledger = sandbox.ledger(sandbox.tenant(1))
    assert ledger["Invoices"]
    assert ledger["Payments"] == ledger["BankTransactions"] == []


def broken(**changes):
    """The small file with these members replaced; a path such as Accounts.0.Type names one."""
    document = copy.deepcopy(SMALL)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = document
        for part in parents:
            place = place[int(part) if part.isdecimal() else part]
        place[last] = value
    return document


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", ["it is not JSON"]),
        (broken(Format="x"), ["Format", '"x"']),
        (broken(Accounts__0__Type="BNK"), ["Accounts[0].Type", '"BNK"', "docs/organisation-file.schema.json"]),
        (broken(Accounts__1__Code=4000), ["Accounts[1].Code", "4000", "expected `str`"]),
        (broken(Accounts__1__Cod="1"), ["Accounts[1].Cod", "Take it out"]),
        (broken(Organisation={"Name": "A", "BaseCurrency": "USD"}), ["Organisation.CountryCode", "missing"]),
        (broken(Organisation__PeriodLockDate="31/03/2026"), ["Organisation.PeriodLockDate", '"31/03/2026"']),
        (broken(Accounts__1__TaxType="VAT"), ["Accounts[1].TaxType", '"VAT"', "INPUT, OUTPUT"]),
        (broken(Accounts__2__Code="4000"), ["Accounts[2].Code", '"4000"', "Accounts[1] has the same"]),
        (broken(Accounts__2__Code=""), ["Accounts[2].Code", "Give it a code"]),
        (broken(TaxRates__0__EffectiveRate=825), ["TaxRates[0].EffectiveRate", "825", "e.g. 20"]),
        (broken(Contacts__0__DefaultCurrency="EUR"), ["Contacts[0].DefaultCurrency", '"EUR"', "Currencies"]),
    ],
)
def test_a_file_that_cannot_be_used_says_where_what_and_how_to_mend_it(file, document, words):
    """File, field, value and remedy, in one sentence or two."""
    path = file(document)
    with pytest.raises(OrganisationFileError) as caught:
        organisation_file.read(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_a_sandbox_does_not_start_on_a_bad_file(tmp_path):
    """Exit 2, and the reason on stderr."""
    command = [sys.executable, "-m", "counterfoil.sandbox", "--port", "0", "--organisation-file", str(tmp_path / "no")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "it cannot be read" in ended.stderr


def test_the_published_schema_is_that_of_the_code():
    """Made by `python -m counterfoil.sandbox.organisation_file`."""
    assert json.loads((DOCS / "organisation-file.schema.json").read_text()) == schema.published()
