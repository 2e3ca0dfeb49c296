"""Receivables and payables from a copy: what they stand on, which documents count, and pages."""

from datetime import date
from decimal import Decimal

import pytest

from counterfoil import errors
from counterfoil.app.figures import owed, reading
from counterfoil.reporting.ageing import Chosen


def test_receivables_say_what_they_stand_on(copy):
    """The oldest of the resources' readings, each one's lag, and the organisation's own day."""
    basis = copy.ask(lambda books: owed.owed(books, "acme", "receivables")).basis
    assert [(one.resource, one.lag_s) for one in basis.resources] == [
        ("Invoices", 180.0), ("CreditNotes", 181.0), ("Overpayments", 182.0), ("Prepayments", 183.0),
    ]  # fmt: skip
    assert basis.as_of == basis.resources[-1].caught_up_at
    assert (basis.today, basis.timezone, basis.base_currency) == (date(2026, 11, 22), "Europe/London", "GBP")


@pytest.mark.parametrize(
    ("timezone", "written", "today", "shown"),
    [
        ("NEWZEALANDSTANDARDTIME", None, date(2026, 11, 23), "Pacific/Auckland"),
        ("GMTSTANDARDTIME", "Pacific/Auckland", date(2026, 11, 23), "Pacific/Auckland"),
        ("MARSSTANDARDTIME", None, date(2026, 11, 22), None),
    ],
)
def test_late_is_what_is_late_on_the_organisation_s_calendar(copy, timezone, written, today, shown):
    """In Auckland the invoice that was due on the 22nd is late already; an unknown zone is said to be unknown."""
    copy.timezone, copy.written = timezone, written
    copy.invoice(1, due="2026-11-22")
    found = copy.ask(lambda books: owed.owed(books, "acme", "receivables"))
    assert (found.basis.today, found.basis.timezone) == (today, shown)
    assert found.totals["GBP"].days_1_30 == (10 if today == date(2026, 11, 23) else 0)


def test_a_resource_that_was_never_read_refuses_the_sum(copy):
    """With what to do; a sum that lacks credit notes is none."""
    copy.unread = {"CreditNotes", "Prepayments"}
    with pytest.raises(errors.NotRead) as refused:
        copy.ask(lambda books: owed.owed(books, "acme", "receivables"))
    assert refused.value.facts["resources"] == ("CreditNotes", "Prepayments")
    assert "`counterfoil sync acme`" in refused.value.remedy
    assert "[mirror] resources" in refused.value.remedy


def test_an_entity_that_is_not_there_and_one_that_is_not_bound_are_told_apart(copy):
    """Not found; no binding."""
    with pytest.raises(errors.NotFound):
        copy.ask(lambda books: owed.owed(books, "acmee", "receivables"))
    with pytest.raises(errors.NoBinding):
        copy.ask(lambda books: owed.owed(books, "other", "receivables"))


def test_only_what_is_in_force_counts(copy):
    """No draft, no paid, voided or deleted one, none that is gone; a credit note reduces."""
    for n, status in enumerate(("DRAFT", "SUBMITTED", "PAID", "VOIDED", "DELETED", "AUTHORISED")):
        copy.put(
            "Invoices", f"i{n}", status, Type="ACCREC", AmountDue=10, Total=10, CurrencyCode="GBP", Date="2026-11-01",
            Contact={"ContactID": "c"}, DueDate="2026-12-01",
        )  # fmt: skip
    copy.invoice(90, deleted=True)
    copy.put("CreditNotes", "n", Type="ACCRECCREDIT", RemainingCredit=4, Total=4, CurrencyCode="GBP", Date="2026-11-01",
             Contact={"ContactID": "c"})  # fmt: skip
    copy.put("Invoices", "b", Type="ACCPAY", AmountDue=7, Total=7, CurrencyCode="GBP", Date="2026-11-01",
             Contact={"ContactID": "s"})  # fmt: skip
    asked = {
        side: copy.ask(lambda books, side=side: owed.owed(books, "acme", side)) for side in ("receivables", "payables")
    }
    assert (asked["receivables"].totals["GBP"].total, asked["payables"].totals["GBP"].total) == (Decimal(6), Decimal(7))


def test_documents_that_do_not_say_are_counted_and_named(copy):
    """They are in no number."""
    copy.invoice(1)
    copy.invoice(2, AmountDue=None)
    found = copy.ask(lambda books: owed.owed(books, "acme", "receivables"))
    assert (found.unsaid.count, found.unsaid.ids, found.totals["GBP"].total) == (1, ("i000002",), Decimal(10))


def test_a_document_of_the_copy_that_is_broken_is_an_error_and_no_lower_sum(copy):
    """The copy is to be read anew."""
    copy.invoice(1, Date="yesterday")
    with pytest.raises(errors.StoreError, match="sync --full"):
        copy.ask(lambda books: owed.owed(books, "acme", "receivables"))


def test_pages_of_contacts_and_of_documents_lead_through_all_of_them(copy, monkeypatch):
    """Small lots and small pages: everything once."""
    monkeypatch.setattr(reading, "AT_ONCE", 7)
    for n in range(40):
        copy.invoice(n, due=f"2026-12-{1 + n % 5:02}")

    async def walk(books):
        contacts, after = [], ("", "")
        while after is not None:
            found = await owed.owed(books, "acme", "receivables", after=after, most=3)
            contacts += found.contacts
            after = found.next
        documents, key = [], None
        while True:
            page = await owed.behind(books, "acme", "receivables", Chosen(contact_id="c3"), after=key, most=2)
            documents += page.documents
            key = page.next
            if key is None:
                return contacts, documents

    contacts, documents = copy.ask(walk)
    assert [one.contact_id for one in contacts] == [f"c{n}" for n in range(7)]
    assert [one.document_id for one in documents] == [
        f"i{n:06}" for n in sorted(range(3, 40, 7), key=lambda n: (n % 5, n))
    ]
    mine = next(one for one in contacts if one.contact_id == "c3")
    assert mine.aged.total == sum((one.open for one in documents), Decimal(0))
