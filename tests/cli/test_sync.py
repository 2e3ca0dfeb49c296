"""sync as a command: what is kept, what it costs, what stops it, in words and as JSON, and the exit codes."""

import sqlite3

import pytest

from tests.cli.office import Office, sale

OFFLINE = "503_offline"


@pytest.fixture
def office(office):
    """Connected and bound, with one sale at Xero."""
    office.sandbox.clear_faults()
    office.sandbox.post("/_sandbox/reset")
    office.open_for_business()
    office.records(sale(1))
    assert office("run", "shop").code == 0
    return office


def by_name(value, entity="acme-uk"):
    """The rows of an entity by resource."""
    return {row["resource"]: row for row in value["resources"] if row["entity"] == entity}


def test_the_first_sync_keeps_all_that_the_consent_opens(office):
    """Both entities; what the flow's scopes do not open is not even asked for; status says how old the copy is."""
    ended = office("sync", "--json")
    assert ended.code == 0
    rows = by_name(ended.value)
    assert rows["Invoices"]["created"] == rows["Invoices"]["documents"] == 1
    assert rows["Invoices"]["first"]
    assert rows["Organisation"]["documents"] == 1
    assert "BankTransactions" not in rows
    assert by_name(ended.value, "acme-au").keys() == rows.keys()
    assert ended.value["api_calls"] == sum(row["calls"] for row in ended.value["resources"])
    assert ended.value["egress_bytes"] > 0
    assert "Copy of acme-uk: as Xero had it at" in office("status").out
    assert {one["entity"] for one in office("status", "--json").value["mirror"]} == {"acme-uk", "acme-au"}


def test_one_resource_again_costs_one_call(office):
    """By its name in any case; what a person did meanwhile is one changed document."""
    assert office("sync", "acme-uk", "invoices").code == 0
    tenant = office.sandbox.tenant(1)
    (invoice,) = office.sandbox.ledger(tenant)["Invoices"]
    office.sandbox.advance(5)
    office.sandbox.edit(tenant, invoice["InvoiceID"], Reference="BY-HAND", Novelty="x")
    value = office("sync", "acme-uk", "invoices", "--json").value
    (row,) = value["resources"]
    assert [(one["resource"], one["field"], one["times"]) for one in value["drift"]] == [("Invoices", "Novelty", 1)]
    assert "Invoices Novelty, in 1 document" in office("sync", "acme-uk", "invoices").out
    assert (row["resource"], row["calls"], row["updated"], row["first"]) == ("Invoices", 1, 1, False)


def test_full_says_what_it_repaired(office):
    """A document that is not as Xero has it, one that is not there: both are named, and the next time nothing is."""
    assert office("sync").code == 0
    with sqlite3.connect(office.folder / "counterfoil.db") as database:
        database.execute("DELETE FROM mirrored WHERE resource = 'Invoices'")
        database.execute(
            "UPDATE mirrored SET body = CAST(replace(CAST(body AS TEXT), 'Customer', 'Somebody') AS BLOB) "
            "WHERE resource = 'Contacts' AND tenant_id = ?",
            (office.sandbox.tenant(1),),
        )
    database.close()
    ended = office("sync", "acme-uk", "--full")
    assert ended.code == 0
    assert "Repaired 2 documents." in ended.out
    assert "acme-uk Invoices: 1 were missing, 0 differed, 0 are gone" in ended.out
    assert "acme-uk Contacts: 0 were missing, 1 differed, 0 are gone" in ended.out
    assert "Repaired nothing" in office("sync", "acme-uk", "--full").out


def test_what_is_refused_is_told_with_the_nearest_name(office):
    """Exit 2 before any call."""
    for words, nearest in ((("acme-ku",), "acme-uk"), (("acme-uk", "Invoises"), "Invoices")):
        ended = office("sync", *words)
        assert (ended.code, nearest in ended.err) == (2, True), words


def test_a_scope_that_is_missing_is_exit_3_and_the_rest_is_kept(office):
    """A resource that the consent does not open names what to write, and what to run."""
    ended = office("sync", "acme-uk", "BankTransactions")
    assert ended.code == 3
    assert "[mirror] resources" in ended.out
    text = (office.folder / "counterfoil.toml").read_text()
    (office.folder / "counterfoil.toml").write_text(text + '[mirror]\nresources = ["BankTransactions", "Invoices"]\n')
    ended = office("sync", "acme-uk", "--json")
    rows = by_name(ended.value)
    assert (ended.code, rows["BankTransactions"]["code"], rows["Invoices"]["error"]) == (3, "missing-scope", None)
    assert "accounting.banktransactions.read" in office("connect", "--explain", "--json").out


FEED = '[feeds.bank]\non = ["bank_transaction.*"]\nto = { jsonl = "bank.jsonl" }\n'


@pytest.mark.parametrize("chosen", ["", '[mirror]\nresources = ["Contacts"]\n'])
def test_what_a_feed_is_about_is_asked_for_and_missed(office, chosen):
    """It was neither asked for nor kept, whatever the feed waited for, and nobody said so."""
    text = (office.folder / "counterfoil.toml").read_text()
    (office.folder / "counterfoil.toml").write_text(text + chosen + FEED)
    asked = office("connect", "--explain", "--json").value["scopes"]
    [bank] = [one for one in asked if one["scope"] == "accounting.banktransactions.read"]
    assert "feed bank" in bank["needs"][0]["why"]
    ended = office("sync", "acme-uk", "--json")
    row = by_name(ended.value)["BankTransactions"]
    assert (ended.code, row["code"], "[mirror] resources" in row["remedy"]) == (3, "missing-scope", False)
    found = [one for one in office("doctor", "--offline", "--json").value["checks"] if one["check"] == "scopes"]
    assert [one["subject"] for one in found] == ["acme-au/BankTransactions", "acme-uk/BankTransactions"]
    [lacking] = [one for one in office("status", "--json").value["lacking"] if one["entity"] == "acme-uk"]
    assert lacking["message"].endswith("BankTransactions: it lacks accounting.banktransactions.read.")
    assert "does not cover BankTransactions" in office("status").out
    explained = office("connect", "--explain", "--json").value
    assert explained["lacking"] == []  # no flow lacks anything
    assert [one["entity"] for one in explained["copies_lacking"]] == ["acme-au", "acme-uk"]
    assert "counterfoil connect" in explained["copies_lacking"][1]["remedy"]
    assert "does not cover BankTransactions" in office("connect", "--explain").out
    office.connect()
    assert office("connect", "--explain", "--json").value["copies_lacking"] == []


def test_a_feed_about_everything_asks_for_no_more(office):
    """It gets what is kept anyway."""
    before = office("connect", "--explain", "--json").value["scopes"]
    text = (office.folder / "counterfoil.toml").read_text()
    (office.folder / "counterfoil.toml").write_text(text + FEED.replace("bank_transaction.*", "*"))
    assert office("connect", "--explain", "--json").value["scopes"] == before


def test_an_organisation_that_is_offline_keeps_no_other_waiting(office):
    """Exit 4: its rows say why, the other entity is caught up; a failed read deletes nothing."""
    assert office("sync").code == 0
    office.sandbox.fault(OFFLINE, method="GET", tenant=office.sandbox.tenant(1), count=50)
    ended = office("sync", "--json")
    assert ended.code == 4
    assert by_name(ended.value)["Organisation"]["code"] == "organisation-offline"
    assert by_name(ended.value)["Organisation"]["documents"] == 1
    assert all(row["error"] is None for row in by_name(ended.value, "acme-au").values())


def test_nothing_is_bound(tmp_path, sandbox):
    """Exit 3, with what to do."""
    office = Office(tmp_path, sandbox)
    office.write()
    office.key()
    ended = office("sync")
    assert (ended.code, "counterfoil connect" in ended.err) == (3, True)
