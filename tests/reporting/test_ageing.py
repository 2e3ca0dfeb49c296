"""Buckets, sums and the pages behind them."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.reporting import ageing
from counterfoil.reporting.ageing import Ageing, Chosen
from counterfoil.reporting.papers import Open

TODAY = date(2026, 11, 23)


def item(
    amount="10.00", late=0, *, n=1, kind="invoice", contact="c1", name="Blue Fern", currency="GBP", base=None, age=None
):
    """A document that is `late` days late and `age` days old."""
    value = Decimal(amount)
    return Open(
        f"d{n}", "Invoices", "receivables", kind, f"INV-{n}", "", contact, name, TODAY - timedelta(days=age or 0),
        TODAY - timedelta(days=late), currency, None, value, value, Decimal(base) if base else value if currency == "GBP" else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("late", "bucket"),
    [
        (-400, "not_due"), (-1, "not_due"), (0, "not_due"), (1, "days_1_30"), (30, "days_1_30"), (31, "days_31_60"),
        (60, "days_31_60"), (61, "days_61_90"), (90, "days_61_90"), (91, "over_90"), (5000, "over_90"),
    ],
)  # fmt: skip
def test_the_edges_of_the_buckets(late, bucket):
    """Due today is not late; the thirtieth day still is of the first thirty."""
    assert ageing.bucket_of(item(late=late), TODAY) == bucket


def test_by_invoice_date_the_age_counts_and_not_the_delay():
    """Forty days old and not due yet."""
    assert ageing.bucket_of(item(late=-10, age=40), TODAY, "invoice_date") == "days_31_60"


@pytest.mark.parametrize("kind", ["credit_note", "overpayment", "prepayment"])
def test_credit_stands_beside_the_buckets_and_reduces_the_total(kind):
    """No invoice is made to look younger by it."""
    sums = Ageing(TODAY, "GBP")
    sums.add([item("100.00", 95), item("-30.00", 95, n=2, kind=kind)])
    (row,) = sums.contacts()
    assert (row.aged.over_90, row.aged.credit, row.aged.total) == (Decimal(100), Decimal(-30), Decimal(70))


def test_a_contact_has_a_row_per_currency_and_currencies_are_never_added():
    """Pounds and euros of one contact."""
    sums = Ageing(TODAY, "GBP")
    sums.add([item("10.00"), item("20.00", n=2, currency="EUR", base="17.00")])
    assert [(one.currency, one.aged.total, one.base_total) for one in sums.contacts()] == [
        ("EUR", Decimal("20.00"), Decimal("17.00")), ("GBP", Decimal("10.00"), Decimal("10.00")),
    ]  # fmt: skip
    assert (sums.base().aged.total, sums.base().without_rate) == (Decimal("27.00"), 0)


def test_what_has_no_rate_is_counted_beside_the_base_currency():
    """Its row says that nobody knows."""
    sums = Ageing(TODAY, "GBP")
    sums.add([item("10.00"), item("20.00", n=2, currency="EUR")])
    assert (sums.base().aged.total, sums.base().without_rate) == (Decimal("10.00"), 1)
    assert [one.base_total for one in sums.contacts()] == [None, Decimal("10.00")]


def test_a_contact_is_called_as_its_newest_document_calls_it():
    """In whatever order they come."""
    for order in (1, -1):
        sums = Ageing(TODAY, "GBP")
        sums.add([item(age=9, name="Old Name", n=1), item(age=1, name="New Name", n=2)][::order])
        assert sums.contacts()[0].contact == "New Name"


@given(st.integers(0, 40), st.integers(1, 7), st.integers(0, 5))
def test_pages_of_documents_are_all_of_them_once_and_in_order(count, most, seed):
    """However they arrive and however small a page is."""
    found = [item(late=n % 5, n=n, contact=f"c{n % 3}") for n in range(count)]
    Random(seed).shuffle(found)
    seen, after = [], None
    while True:
        page = ageing.Page(after, most)
        for one in found:
            page.add([one])
        seen += page.documents()
        if len(page.documents()) < most:
            break
        after = ageing.key(seen[-1])
    assert seen == sorted(found, key=ageing.key)


@given(st.integers(0, 30), st.integers(1, 7))
def test_pages_of_contacts_are_all_of_them_once_and_in_order(count, most):
    """By id and currency."""
    sums = Ageing(TODAY, "GBP")
    sums.add([item(n=n, contact=f"c{n % 7:02}", currency="GBP" if n % 2 else "EUR") for n in range(count)])
    seen, after = [], ("", "")
    while page := sums.contacts(after, most):
        seen += page
        after = (page[-1].contact_id, page[-1].currency)
    assert seen == sums.contacts()


def test_the_documents_behind_a_number_are_those_that_make_it():
    """Of every bucket, contact and currency: what they add up to is the number."""
    dice = Random(3)
    found = [
        item(f"{dice.randint(1, 9999)}.00", dice.randint(-40, 140), n=n, contact=f"c{n % 4}",
             currency=dice.choice(("GBP", "EUR")), kind=dice.choice(("invoice", "invoice", "credit_note")))
        for n in range(200)
    ]  # fmt: skip
    sums = Ageing(TODAY, "GBP")
    sums.add(found)
    for row in sums.contacts():
        for bucket in ageing.BUCKETS:
            chosen = Chosen(row.contact_id, row.currency, bucket)
            mine = [one.open for one in found if chosen.takes(one, TODAY)]
            assert sum(mine, Decimal(0)) == getattr(row.aged, bucket)
