"""`undo` from words to exit code: what would happen, what was done, what stays and why."""

import pytest

from tests.cli.office import Office, sale

PAID = [{"date": "2026-11-02", "amount": "12.00", "account": "Business Bank Account"}]


@pytest.fixture
def shop(tmp_path, sandbox):
    """A firm whose first run posted a draft, an approved sale, and one that came with its payment."""
    sandbox.post("/_sandbox/reset")
    office = Office(tmp_path, sandbox).open_for_business()
    office.records(
        sale(1), sale(2, status="AUTHORISED"), sale(3, status="AUTHORISED", payments=PAID),
        sale(4, status="AUTHORISED", payments=PAID),
    )  # fmt: skip
    office.run = office("run", "shop", "--json").value["run"]
    return office


def statuses(office):
    """What became of the invoices, by number."""
    invoices = office.sandbox.ledger(office.sandbox.tenant(1))["Invoices"]
    return {one["InvoiceNumber"][-1]: one["Status"] for one in invoices}


def test_the_plan_names_payments_and_documents_and_does_nothing(shop):
    """Counted by what would happen; without a terminal nothing is done before --yes."""
    ended = shop("undo", str(shop.run))
    assert ended.code == 2
    assert f"Undoing run {shop.run}: 6 documents and payments" in ended.out
    assert "2  payments to be deleted first" in ended.out
    assert "3  to be voided" in ended.out
    assert f"Nothing was done: nobody can be asked here. Say so: counterfoil undo {shop.run} --yes" in ended.err
    value = shop("undo", str(shop.run), "--plan", "--json").value
    assert {name: value[name] for name in ("unpay", "delete", "void", "cancel", "keep")} == {
        "unpay": 2, "delete": 1, "void": 3, "cancel": 0, "keep": 0,
    }  # fmt: skip
    assert [line["kind"] for line in value["lines"]] == [
        "invoice",
        "invoice",
        "payment",
        "invoice",
        "payment",
        "invoice",
    ]
    assert statuses(shop) == {"1": "DRAFT", "2": "AUTHORISED", "3": "PAID", "4": "PAID"}


def test_what_somebody_else_paid_stays_and_is_exit_1(shop):
    """The rest is taken back; a second undo names only what stays."""
    [fourth] = [
        one for one in shop.sandbox.ledger(shop.sandbox.tenant(1))["Invoices"] if one["InvoiceNumber"][-1] == "2"
    ]
    by_hand = {
        "Invoice": {"InvoiceID": fourth["InvoiceID"]},
        "Account": {"Code": "090"},
        "Date": "2026-11-03",
        "Amount": 1,
    }
    shop.sandbox.person(shop.sandbox.tenant(1), "PUT", "Payments", {"Payments": [by_hand]})
    ended = shop("undo", str(shop.run), "--yes")
    assert (ended.code, "5 documents and payments taken back." in ended.out) == (1, True)
    assert statuses(shop) == {"1": "DELETED", "2": "AUTHORISED", "3": "VOIDED", "4": "VOIDED"}
    again = shop("undo", str(shop.run), "--yes")
    assert (again.code, "it has payments or credit notes" in again.out) == (1, True)
    assert shop("run", "shop", "--json").value["unchanged"] == 4
