"""`counterfoil entities export`: the organisation as a file, and a sandbox that is this organisation."""

import json
from pathlib import Path

import jsonschema
import pytest

from tests import sandbox_process

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "organisation-file.schema.json").read_text())
PERSON = {
    "Name": "Ada Fern",
    "ContactNumber": "cust-7",
    "EmailAddress": "ada@fern.example",
    "Addresses": [{"AddressType": "STREET", "AddressLine1": "7 Fern Lane"}],
    "Phones": [{"PhoneType": "MOBILE", "PhoneNumber": "555 0170"}],
    "DefaultCurrency": "EUR",
    "PaymentTerms": {"Sales": {"Day": 14, "Type": "DAYSAFTERBILLDATE"}},
}


@pytest.fixture
def shop(office, sandbox):
    """A firm, bound, with one customer and a lock date at Xero."""
    sandbox.post("/_sandbox/reset")
    sandbox.make(sandbox.tenant(1), "Contacts", PERSON)
    sandbox.organisation(sandbox.tenant(1), period_lock_date="2026-03-31")
    return office.open_for_business()


def without(rows, *keys):
    """Rows less what a file does not carry."""
    return [{key: value for key, value in row.items() if key not in keys} for row in rows]


def test_a_sandbox_from_the_export_is_the_same_organisation(shop, sandbox):
    """The same chart with the same ids, taxes, tracking, currencies, locks and terms; contacts are nobody."""
    ended = shop("entities", "export", "acme-uk", "--json")
    assert (ended.code, ended.value["file"], ended.value["calls"]) == (0, "organisation-acme-uk.json", 6)
    assert ended.value["Contacts"] == 1
    path = shop.folder / "organisation-acme-uk.json"
    jsonschema.validate(json.loads(path.read_text()), SCHEMA)
    before = sandbox.ledger(sandbox.tenant(1))
    with sandbox_process.start("--organisation-file", str(path)) as other:
        after = other.ledger(other.tenant(1))
    for plural in ("TaxRates", "TrackingCategories", "Currencies"):
        assert after[plural] == before[plural]
    stamped = ("UpdatedDateUTC", "BankAccountNumber")
    assert without(after["Accounts"], *stamped) == without(before["Accounts"], *stamped)
    own = ("OrganisationID", "ShortCode", "CreatedDateUTC", "Addresses", "Phones", "TaxNumber", "RegistrationNumber")
    assert without(after["Organisations"], *own) == without(before["Organisations"], *own)
    (contact,) = after["Contacts"]
    assert (contact["ContactID"], contact["Name"]) == (before["Contacts"][0]["ContactID"], "Contact 1")
    assert contact["PaymentTerms"] == before["Contacts"][0]["PaymentTerms"]


def test_personal_data_is_in_the_file_only_when_asked_for(shop, sandbox):
    """--contacts carries names, numbers and addresses, and says so; the default carries none of them."""
    assert shop("entities", "export", "acme-uk").code == 0
    text = (shop.folder / "organisation-acme-uk.json").read_text()
    for word in ("Ada", "ada@", "cust-7", "Fern Lane", "0170"):
        assert word not in text
    ended = shop("entities", "export", "acme-uk", "--contacts", "--out", "mine.json")
    assert "personal data" in ended.err
    with sandbox_process.start("--organisation-file", str(shop.folder / "mine.json")) as other:
        after = other.ledger(other.tenant(1))["Contacts"]
    assert without(after, "UpdatedDateUTC") == without(sandbox.ledger(sandbox.tenant(1))["Contacts"], "UpdatedDateUTC")


def test_bank_account_numbers_never_leave(shop, sandbox):
    """Nor does anything else by which the organisation could be charged."""
    ended = shop("entities", "export", "acme-uk", "--contacts", "--out", "-")
    assert ended.code == 0
    numbers = [row.get("BankAccountNumber") for row in sandbox.ledger(sandbox.tenant(1))["Accounts"]]
    for number in filter(None, numbers):
        assert number not in ended.out
    assert json.loads(ended.out)["Format"] == "counterfoil organisation 1"


def test_an_entity_must_be_named_when_several_are_bound(shop):
    """The message lists them; an unknown one is a usage error."""
    ended = shop("entities", "export")
    assert ended.code == 3
    assert "acme-uk, acme-au" in ended.err
    assert shop("entities", "export", "acme").code == 2
