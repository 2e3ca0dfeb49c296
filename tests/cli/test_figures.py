"""receivables, payables and cash as commands: the figures of the API, as tables and as JSON, and their exit codes."""

import pytest

from tests.cli.office import Office

MIRROR = """\
[mirror]
resources = ["Accounts", "Contacts", "Invoices", "CreditNotes", "Overpayments", "Prepayments", "Payments", "BankTransactions", "BankTransfers"]
"""
ENTITIES = """\
[entities.acme-uk]
organisation = "Fernhill Trading Ltd"
bank_balances = "daily"
[entities.acme-au]
organisation = "Wattle & Co Pty Ltd"
"""
FLOW = '[flows.shop]\nkind = "sales_invoices"\nsource = { jsonl = "sales.jsonl" }\n'


@pytest.fixture(scope="module")
def office(tmp_path_factory, sandbox):
    """Two companies; the British one sold something for 120, half of it paid, and owes 36; both are read but the Australian."""
    sandbox.post("/_sandbox/reset")
    office = Office(tmp_path_factory.mktemp("figures"), sandbox)
    office.write(entities=ENTITIES, flows=FLOW + MIRROR)
    office.key()
    office.connect()
    assert office("entities", "bind", "--yes", "--json").code == 0
    tenant = sandbox.tenant(1)
    (contact,) = sandbox.make(tenant, "Contacts", {"Name": "Blue Fern Ltd"})

    def bill(type_, amount):
        line = {"Description": "x", "Quantity": 1, "UnitAmount": amount, "AccountCode": "200", "TaxType": "NONE"}
        return {
            "Type": type_, "Contact": {"ContactID": contact["ContactID"]}, "Status": "AUTHORISED", "LineItems": [line],
            "Date": "2026-01-01", "DueDate": "2026-01-31", "InvoiceNumber": type_,
        }  # fmt: skip

    sale, _bill = sandbox.make(tenant, "Invoices", bill("ACCREC", 120), bill("ACCPAY", 36))
    paid = {"Invoice": {"InvoiceID": sale["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 60, "Date": "2026-02-01"}
    sandbox.make(tenant, "Payments", paid)
    assert office("sync", "acme-uk").code == 0
    return office


def test_who_owes_what(office):
    """The contact in its bucket, the total, and the same as a value; a day before it was due it is not late."""
    ended = office("receivables", "acme-uk")
    assert ended.code == 0
    assert "Blue Fern Ltd  GBP" in ended.out
    assert "60.00" in ended.out
    (value,) = office("receivables", "acme-uk", "--json").value
    assert (value["totals"]["GBP"]["over_90"], value["contacts"][0]["aged"]["total"]) == ("60.00", "60.00")
    (early,) = office("receivables", "acme-uk", "--on", "2026-01-31", "--json").value
    assert (early["totals"]["GBP"]["not_due"], early["basis"]["on"]) == ("60.00", "2026-01-31")
    (bills,) = office("payables", "acme-uk", "--json").value
    assert bills["totals"]["GBP"]["total"] == "36.00"


def test_cash_has_balances_where_they_are_asked_for(office):
    """sync read them with one call; 60 came in."""
    (value,) = office("cash", "acme-uk", "--json").value
    told = {one["code"]: one["balance"] for one in value["accounts"]}
    assert (told["090"]["amount"], told["090"]["currency"]) == ("60.00", "GBP")
    assert value["balance_total"]["amount"] == "60.00"
    ended = office("cash", "acme-uk")
    assert ended.code == 0
    assert "All accounts: 60.00 GBP" in ended.out
    assert "overdue" in ended.out
    before = len(office.sandbox.requests())
    (row,) = [one for one in office("sync", "acme-uk", "--json").value["resources"] if one["resource"] == "BankSummary"]
    assert (row["calls"], row["documents"]) == (0, len(told))
    (row,) = [
        one
        for one in office("sync", "acme-uk", "--full", "--json").value["resources"]
        if one["resource"] == "BankSummary"
    ]
    assert row["calls"] == 1
    asked = [one for one in office.sandbox.requests(before) if "Reports/BankSummary" in one["path"]]
    assert len(asked) == 1


def test_one_that_was_never_read_is_told_beside_the_others(office):
    """By itself an error with its remedy; of all: the others' figures, and exit 2."""
    ended = office("receivables", "acme-au", "--json")
    assert (ended.code, ended.value["error"]["code"]) == (2, "not-read-yet")
    for command in ("receivables", "payables", "cash"):
        ended = office(command, "--json")
        assert ended.code == 2
        assert [one.get("error", {}).get("code") for one in ended.value] == [None, "not-read-yet"]
        assert "counterfoil sync acme-au" in ended.err


@pytest.mark.parametrize(
    "words",
    [("nobody",), ("acme-uk", "--on", "soon"), ("acme-uk", "--on", "0001-01-01"), ("acme-uk", "--on", "9999-12-31")],
)
def test_what_cannot_be_asked(office, words):
    """Exit 2 with what would be right."""
    for command in ("receivables", "cash"):
        ended = office(command, *words, "--json")
        assert ended.code == 2
        assert ended.value["error"]["remedy"]


def test_why_the_scope_is_asked_for(office):
    """connect --explain names the report's scope and whose balances it tells; without the setting it is not asked for."""
    scopes = office("connect", "--explain", "--json").value["scopes"]
    (one,) = [one for one in scopes if "banksummary" in one["scope"]]
    assert one["scope"] == "accounting.reports.banksummary.read"
    assert [need["why"] for need in one["needs"]] == ["tell the balances of acme-uk's bank accounts"]
    office.write(entities=ENTITIES.replace('bank_balances = "daily"\n', ""), flows=FLOW + MIRROR)
    assert "banksummary" not in office("connect", "--explain").out
    office.write(entities=ENTITIES, flows=FLOW + MIRROR)
