"""One flow lacks a scope: its postings wait, with a link to click, and everybody else's go on. Judged by the sandbox's books."""

import sqlite3

import pytest

from counterfoil.app import needs
from counterfoil.xero import scopes
from tests.cli.office import sale

FLOWS = """\
[flows.shop]
kind = "sales_invoices"
source = { jsonl = "sales.jsonl" }
[flows.fair]
kind = "sales_invoices"
source = { jsonl = "fair.jsonl" }
"""
MORE = scopes.writes("ManualJournals", "book what the fair costs")


@pytest.fixture
def business(office):
    """Two flows of one entity, connected and bound, with a sale of each that waits; both customers are new."""
    office.sandbox.post("/_sandbox/reset")
    office.sandbox.clear_faults()
    office.write(flows=FLOWS)
    office.key()
    office.connect()
    assert office("entities", "bind", "--yes", "--json").code == 0
    office.records(sale(1))
    office.records(sale(2), sale(3), name="fair.jsonl")
    office.sandbox.fault("503_offline", method="PUT", count=1000)
    for flow in ("shop", "fair"):
        assert office("run", flow).code == 4
    office.next_day()
    assert sorted(office.sandbox.ledger(office.sandbox.tenant(1))["Invoices"]) == []
    return office


@pytest.fixture
def narrow(business, monkeypatch):
    """The consent does not cover what the fair does; `narrow(False)`: it does again."""
    of_flow = needs.of_flow

    def wider(flow):
        return (*of_flow(flow), MORE) if flow.table == "fair" and narrowed else of_flow(flow)

    narrowed = [True]
    monkeypatch.setattr(needs, "of_flow", wider)
    return narrowed


def invoices(office):
    """The numbers in the books."""
    return sorted(one["InvoiceNumber"] for one in office.sandbox.ledger(office.sandbox.tenant(1))["Invoices"])


def customers(office):
    """The contacts in the books that are ours."""
    found = office.sandbox.ledger(office.sandbox.tenant(1))["Contacts"]
    return sorted(one["ContactNumber"] for one in found if (one.get("ContactNumber") or "").startswith("cust-"))


def test_only_that_flows_postings_wait(business, narrow):
    """finish posts the shop's sale, asks nothing for the fair, and ends with 3; with the scope the fair's follow, each once."""
    ended = business("finish", "--json")
    assert (ended.code, ended.value["posted"], ended.value["planned"]) == (3, 1, 2)
    assert (invoices(business), customers(business)) == (["order-1"], ["cust-1"])
    for text in ("flow fair", "accounting.manualjournals", "/connect?entity=acme-uk"):
        assert text in ended.err
    narrow.clear()
    ended = business("finish", "--json")
    assert (ended.code, ended.value["posted"]) == (0, 2)
    assert invoices(business) == ["order-1", "order-2", "order-3"]


def test_another_flows_run_is_not_stopped(business, narrow):
    """`run shop` ends with 0 and says that the fair waits; `run fair` asks nothing and ends with 3."""
    assert narrow
    business.records(sale(1), sale(4))
    ended = business("run", "shop", "--json")
    assert (ended.code, ended.value["posted"], "flow fair" in ended.err) == (0, 2, True)
    assert invoices(business) == ["order-1", "order-4"]
    before = business.sandbox.requests()[-1]["n"]
    assert business("run", "fair").code == 3
    assert business.sandbox.requests(before) == []


def test_when_no_flow_is_covered_nothing_is_asked(business, narrow):
    """As before: the refusal comes before the first call."""
    assert business("finish", "--json").code == 3
    before = business.sandbox.requests()[-1]["n"]
    assert narrow
    assert business("finish", "--json").code == 3
    assert business.sandbox.requests(before) == []


@pytest.mark.parametrize("shared", [True, False])
def test_a_request_that_is_unclear(business, narrow, shared):
    """Of both flows it is brought to its end; of the one that lacks a scope alone it waits, and is not asked about."""
    told, narrow[:] = list(narrow), []
    business.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices", count=20)
    business.sandbox.fault("503", method="GET", path="/api.xro/2.0/Invoices", count=50)
    business("finish")
    with sqlite3.connect(business.folder / "counterfoil.db") as database:
        states = {row[0] for row in database.execute("SELECT state FROM postings WHERE kind = 'invoice'")}
        if shared:  # beside the fair's order-2
            database.execute("UPDATE postings SET flow_id = 'shop' WHERE external_id = 'order-3'")
    database.close()
    assert states == {"uncertain"}
    business.next_day()
    narrow[:] = told
    ended = business("finish", "--json")
    assert (ended.value["adopted"] + ended.value["posted"], ended.value["uncertain"]) == ((3, 0) if shared else (1, 2))
    assert invoices(business) == ["order-1", "order-2", "order-3"]
    assert business("finish").code == (0 if shared else 3)
    narrow.clear()
    assert business("finish").code == 0


def test_status_doctor_and_the_notice_have_the_link(business, narrow):
    """What is lacking, per flow and entity, with the page and the command; over when it is there."""
    assert narrow
    page, command = "http://localhost:8321/connect?entity=acme-uk", "counterfoil connect --entity acme-uk"
    told = [one for one in business("status", "--json").value["lacking"] if one["entity"] == "acme-uk"]
    assert [(one["kind"], one["link"]) for one in told] == [("scope", page)]
    checks = business("doctor", "--offline", "--json").value["checks"]
    (found,) = [one for one in checks if one["check"] == "scopes" and one["subject"] == "fair/acme-uk"]
    for text in (business("status").out, told[0]["remedy"], found["remedy"]):
        assert page in text
        assert command in text
    notices = business("notify", "--json").value["notices"]
    assert {(one["entity"], one["link"]) for one in notices if one["kind"] == "scope"} == {
        ("acme-uk", page), ("acme-au", page.replace("uk", "au")),
    }  # fmt: skip
    narrow.clear()
    notices = business("notify", "--json").value["notices"]
    assert all(one["over_at"] for one in notices if one["kind"] == "scope")
    assert business("status", "--json").value["lacking"] == []
