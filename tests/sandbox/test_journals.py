"""Journals: by number, a hundred at a time, for apps of the Advanced tier."""

import pytest

from counterfoil.sandbox.answers import Call, Refusal
from counterfoil.sandbox.resources import journals as journals_resource
from counterfoil.sandbox.world import CLIENT_ID
from tests.sandbox.ledger.desk import Desk, line


@pytest.fixture
def desk():
    """An invoice of 120.00, half paid, the payment deleted."""
    made = Desk()
    contact = {"ContactID": made.made("Contacts", Name="Blue Fern Ltd")["ContactID"]}
    made.sale = made.made(
        "Invoices", Type="ACCREC", Contact=contact, Date="2026-11-01", DueDate="2026-12-01", Status="AUTHORISED",
        Reference="R", LineItems=[line("200", 100, Tracking=[{"Name": "Region", "Option": "North"}])],
    )  # fmt: skip
    paid = {"Invoice": {"InvoiceID": made.sale["InvoiceID"]}, "Account": {"Code": "090"}, "Date": "2026-11-05"}
    made.payment = made.made("Payments", **paid, Amount=60)
    made.ask("POST", f"Payments/{made.payment['PaymentID']}", {"Status": "DELETED"})
    return made


def journals(desk, query=""):
    status, answer = desk.ask("GET", f"Journals?{query}")
    assert status == 200, answer
    return answer["Journals"]


def test_a_journal_says_where_it_is_from(desk):
    """Number, source, reference; net, tax and gross of each line, and its tracking."""
    sale, paid, gone = journals(desk)
    assert [one["JournalNumber"] for one in (sale, paid, gone)] == [1, 2, 3]
    assert (sale["SourceType"], sale["SourceID"], sale["Reference"]) == ("ACCREC", desk.sale["InvoiceID"], "R")
    owed, sales, tax = sale["JournalLines"]
    assert (owed["AccountCode"], owed["NetAmount"], owed["GrossAmount"]) == ("610", 120, 120)
    assert (sales["NetAmount"], sales["TaxAmount"], sales["GrossAmount"], sales["TaxType"]) == (
        -100,
        -20,
        -120,
        "OUTPUT2",
    )
    assert sales["TrackingCategories"][0]["Option"] == "North"
    assert (tax["AccountCode"], tax["NetAmount"]) == ("820", -20)
    assert [line_["NetAmount"] for line_ in paid["JournalLines"]] == [60, -60]
    assert (gone["SourceType"], [line_["NetAmount"] for line_ in gone["JournalLines"]]) == ("ACCRECPAYMENT", [-60, 60])


def test_offset_is_a_number_and_one_is_found_by_either_name(desk):
    """Rows after the number; by number or id, then without its source."""
    assert [one["JournalNumber"] for one in journals(desk, "offset=1")] == [2, 3]
    by_number = desk.ask("GET", "Journals/2")[1]["Journals"][0]
    assert "SourceType" not in by_number
    assert desk.ask("GET", f"Journals/{by_number['JournalID']}")[1]["Journals"] == [by_number]
    assert desk.ask("GET", "Journals/99")[0] == 404
    assert desk.ask("PUT", "Journals", {})[0] == 501


def test_no_more_than_a_hundred_come_at_once(desk):
    """The next call starts after the last number."""
    lines = [
        {"AccountCode": code, "LineAmount": amount, "Description": "x"} for code, amount in (("429", 1), ("835", -1))
    ]
    for _ in range(100):
        desk.made("ManualJournals", Narration="n", Date="2026-11-01", Status="POSTED", JournalLines=lines)
    assert len(journals(desk)) == 100
    assert [one["JournalNumber"] for one in journals(desk, "offset=100")] == [101, 102, 103]


def test_on_cash_basis_a_payment_shows_its_share_of_the_lines(desk):
    """The invoice itself is left out; each entry balances."""
    paid, gone = journals(desk, "paymentsOnly=true")
    for one, sign in ((paid, 1), (gone, -1)):
        amounts = {line_["AccountCode"]: line_["NetAmount"] for line_ in one["JournalLines"]}
        assert amounts == {"090": 60 * sign, "200": -50 * sign, "820": -10 * sign}


def test_an_app_that_lost_its_tier_loses_the_journals(desk):
    """The scope alone does not help below the Advanced tier."""
    apps = desk.world.apps
    apps.put({**apps.rows[CLIENT_ID], "tier": "core"})
    call = Call(desk.world, desk.books, CLIENT_ID, "GET", (), {}, {}, b"")
    with pytest.raises(Refusal) as refused:
        journals_resource.handle(call)
    assert refused.value.answer.status == 403
    apps.put({**apps.rows[CLIENT_ID], "tier": "advanced"})
    assert journals_resource.handle(call).status == 200
