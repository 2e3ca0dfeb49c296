"""Manual journals: balance, accounts, states and forms."""

import pytest

from tests.sandbox.conftest import messages
from tests.sandbox.ledger.desk import Desk


@pytest.fixture
def desk():
    return Desk()


def journal(*lines, **fields):
    sides = lines or (("429", 100), ("835", -100))
    made = [{"AccountCode": code, "LineAmount": amount, "Description": "x"} for code, amount in sides]
    return {"Narration": "Accrual", "Date": "2026-11-30", "JournalLines": made, **fields}


def refused(answer):
    status, body = answer
    assert status == 400, body
    return messages(body["Elements"][0])


def test_a_journal_is_a_draft_without_tax_unless_it_says_so(desk):
    """Lists without a page have no lines."""
    made = desk.made("ManualJournals", **journal())
    assert (made["Status"], made["LineAmountTypes"], made["ShowOnCashBasisReports"]) == ("DRAFT", "NoTax", True)
    assert [one["IsBlank"] for one in made["JournalLines"]] == [False, False]
    assert desk.ask("GET", "ManualJournals")[1]["ManualJournals"][0]["JournalLines"] == []
    assert len(desk.ask("GET", "ManualJournals?page=1")[1]["ManualJournals"][0]["JournalLines"]) == 2
    assert desk.sums() == {}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (journal(("429", 100), ("835", -10)), "The total debits (100.00) must equal total credits (-10.00)"),
        (journal(("429", 0)), "A manual journal needs at least two journal lines"),
        (journal(Narration=""), "The Narration field is mandatory"),
        (journal(("610", 1), ("835", -1)), "Account code '610' is not a valid code for this document."),
        (journal(("090", 1), ("835", -1)), "Account code '090' is not a valid code for this document."),
        (journal(("960", 1), ("835", -1)), "Account code '960' is not a valid code for this document."),
        (journal(("630", 1), ("835", -1)), "Account code '630' is not a valid code for this document."),
        (journal(Status="VOIDED"), "Manual journal not of valid status for creation"),
    ],
)
def test_what_a_journal_may_not_be(desk, body, expected):
    """Each broken rule has its message, in Xero's words where they are known."""
    assert refused(desk.ask("PUT", "ManualJournals", body)) == [expected]


def test_a_journal_is_posted_changed_and_voided(desk):
    """A draft is deleted, a posted one voided; what has ended stays."""
    own_id = desk.made("ManualJournals", **journal())["ManualJournalID"]
    path = f"ManualJournals/{own_id}"
    assert refused(desk.ask("POST", path, {"Status": "VOIDED"})) == [
        "Manual journal not of valid status for modification"
    ]
    desk.ask("POST", path, {"Status": "POSTED"})
    assert desk.sums() == {"429": 100, "835": -100}
    desk.ask("POST", path, journal(("429", 50), ("835", -50)))
    assert desk.sums() == {"429": 50, "835": -50}
    assert refused(desk.ask("POST", path, {"Status": "DELETED"})) != []
    desk.ask("POST", path, {"Status": "VOIDED"})
    assert desk.sums() == {}
    assert refused(desk.ask("POST", path, {"Narration": "x"})) != []


def test_tax_on_top_must_balance_too(desk):
    """Exclusive amounts balance with their tax; an unknown account of a draft goes with a warning."""
    lines = [
        {"AccountCode": "429", "LineAmount": 100, "Description": "x", "TaxType": "INPUT2"},
        {"AccountCode": "835", "LineAmount": -120, "Description": "x", "TaxType": "NONE"},
    ]
    desk.made("ManualJournals", **journal(JournalLines=lines, LineAmountTypes="Exclusive", Status="POSTED"))
    assert desk.sums() == {"429": 100, "820": 20, "835": -120}
    made = desk.made("ManualJournals", **journal(("999", 5), ("835", -5)))
    assert made["Warnings"] == [
        {"Message": "Account code '999' has been removed as it does not match a recognised account."}
    ]


def test_a_journal_may_stay_out_of_cash_reports(desk):
    """ShowOnCashBasisReports false: accrual shows it, cash does not."""
    desk.made("ManualJournals", **journal(Status="POSTED", ShowOnCashBasisReports=False))

    def net(query):
        status, answer = desk.ask("GET", f"Reports/ProfitAndLoss?fromDate=2026-11-01&toDate=2026-11-30{query}")
        assert status == 200
        return answer["Reports"][0]["Rows"][-1]["Rows"][0]["Cells"][1]["Value"]

    assert (net(""), net("&paymentsOnly=true")) == ("-100.00", "0.00")
