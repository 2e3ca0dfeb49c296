"""What only a person sets up, and an app then reads: budgets, CIS; and what a person breaks."""

import pytest

from counterfoil.sandbox import edits, person
from tests.sandbox.conftest import invoice
from tests.sandbox.ledger.desk import Desk


@pytest.fixture
def desk():
    return Desk()


def set_up(desk, **given):
    """What the control does, and what it refuses: text of the reason, or nothing."""
    try:
        person.changed_organisation(desk.world, desk.books, given)
    except (ValueError, TypeError) as error:
        desk.world.changes.roll_back(0)
        return str(error)
    desk.world.commit()
    return ""


LINE = {"AccountCode": "200", "BudgetBalances": [{"Period": "2026-11", "Amount": 5}]}


@pytest.mark.parametrize(
    ("budgets", "reason"),
    [
        ({}, "budgets is a list"),
        ([1], "budgets is a list"),
        ([{}] * 101, "at most 100"),
        ([{}, {}], "one OVERALL budget"),
        ([{"Type": "SOME"}], "one of OVERALL, TRACKING"),
        ([{"BudgetLines": [{"AccountCode": "nope"}]}], "no such account: nope"),
        ([{"BudgetLines": [{**LINE, "BudgetBalances": [{"Period": "2026-13", "Amount": 5}]}]}], "a budget balance is"),
        ([{"BudgetLines": [{**LINE, "BudgetBalances": [{"Period": "2026-12"}]}]}], "a budget balance is"),
        ([{"Tracking": [{"Name": "Region", "Option": "Nowhere"}]}], "does not exist or is not active"),
    ],
)
def test_a_budget_that_cannot_be_leaves_the_old_ones(desk, budgets, reason):
    """The reason names what is wrong."""
    assert set_up(desk, budgets=[{"BudgetLines": [LINE]}]) == ""
    before = list(desk.books.table("Budgets"))
    assert reason in set_up(desk, budgets=budgets)
    assert list(desk.books.table("Budgets")) == before


@pytest.mark.parametrize(
    ("cis", "reason"),
    [
        ([], "cis is an object"),
        ({"x": 1}, "cis is an object"),
        ({"contractor": 1}, "true or false"),
        ({"rate": 101}, "between 0 and 100"),
        ({"rate": "much"}, "between 0 and 100"),
        ({"contacts": {"nobody": 20}}, "no such contact: nobody"),
        ({"contacts": []}, "cis.contacts is an object"),
    ],
)
def test_cis_settings_that_cannot_be(desk, cis, reason):
    """The reason names what is wrong."""
    assert reason in set_up(desk, cis=cis)


def test_archived_invoices_are_listed_only_when_asked_for(desk):
    """The parameter is published, no such status is: a person makes one."""
    made = desk.made("Invoices", **invoice("", Contact={"Name": "Blue Fern Ltd"}))
    edits.edited_document(desk.world, desk.books, made["InvoiceID"], {"Status": "ARCHIVED"})
    desk.world.commit()
    assert desk.ask("GET", "Invoices")[1]["Invoices"] == []
    assert len(desk.ask("GET", "Invoices?includeArchived=true")[1]["Invoices"]) == 1
    assert desk.ask("GET", f"Invoices/{made['InvoiceID']}")[0] == 200
