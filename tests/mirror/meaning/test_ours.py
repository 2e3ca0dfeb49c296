"""Ours is what we sent, field for field, and nothing beside."""

import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies

from counterfoil.mirror.meaning import ours
from counterfoil.model.observed import Observed

NOON = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)
SENT = {
    "Type": "ACCREC", "Status": "AUTHORISED", "Contact": {"ContactID": "c"}, "Date": "2026-11-02", "Reference": "PO 1 ",
    "LineItems": [
        {"Description": "x", "Quantity": 2, "UnitAmount": Decimal("9.50"), "AccountCode": "200"},
        {"Description": "y", "Quantity": 1, "UnitAmount": 3, "AccountCode": "200", "Tracking": [{"Name": "Region", "Option": "N"}]},
    ],
}  # fmt: skip
THERE: dict[str, Any] = {
    "Type": "ACCREC", "Status": "AUTHORISED", "Contact": {"ContactID": "c", "Name": "C"}, "Date": "2026-11-02", "Reference": "PO 1",
    "LineItems": [
        {"LineItemID": "1", "Description": "x", "Quantity": Decimal("2.0"), "UnitAmount": Decimal("9.5"), "AccountCode": "200"},
        {
            "LineItemID": "2", "Description": "y", "Quantity": Decimal(1), "UnitAmount": Decimal(3), "AccountCode": "200",
            "Tracking": [{"TrackingCategoryID": "t", "Name": "Region", "Option": "N"}],
        },
    ],
    "Total": Decimal(22), "AmountDue": Decimal(22), "AmountPaid": Decimal(0), "CurrencyCode": "GBP", "SentToContact": False,
}  # fmt: skip


def look(before: Any, after: Any) -> Observed:
    """A difference."""
    return Observed(
        tenant_id="t", resource="Invoices", document_id="d", before=before, after=after, stamp=NOON, seen_at=NOON
    )


def test_a_new_document_that_says_all_we_sent_is_ours() -> None:
    """Xero fills in the rest: ids, names, totals, the currency."""
    assert ours.is_written(look(None, THERE), SENT)


@pytest.mark.parametrize(
    "besides",
    [
        {"Reference": "BY-HAND"},
        {"Status": "DRAFT"},
        {"Contact": {"ContactID": "other"}},
        {"Date": "2026-11-03"},
        {"AmountPaid": Decimal(1)},
        {"SentToContact": True},
        {"Payments": [{"PaymentID": "p"}]},
        {"LineItems": THERE["LineItems"][:1]},
        {"LineItems": THERE["LineItems"][::-1]},
        {"LineItems": [THERE["LineItems"][0], THERE["LineItems"][1] | {"UnitAmount": Decimal("3.01")}]},
        {"LineItems": [THERE["LineItems"][0], THERE["LineItems"][1] | {"Tracking": []}]},
    ],
)
def test_one_that_says_something_else_or_more_is_not(besides: dict[str, Any]) -> None:
    """Changed, paid, sent, a line gone, moved, or another price."""
    assert not ours.is_written(look(None, THERE | besides), SENT)


def test_an_update_may_change_what_it_sets_and_what_xero_computes() -> None:
    """The reference and the totals; a due date beside makes it somebody else's."""
    before = THERE | {"Reference": "old", "Total": Decimal(21), "DueDate": "2026-12-01"}
    after = THERE | {"DueDate": "2026-12-01"}
    sent = {"InvoiceID": None, "Reference": "PO 1"}
    assert ours.is_written(look(before, after), sent)
    assert not ours.is_written(look(before, after | {"DueDate": "2026-12-02"}), sent)
    assert not ours.is_written(look(after, None), sent)


@given(
    name=strategies.sampled_from(sorted(THERE.keys() - {"Reference"})),
    value=strategies.sampled_from(["~", Decimal("0.01"), None, [], {"x": 1}]),
)
def test_no_field_may_differ_unexplained(name: str, value: Any) -> None:
    """Whatever a person changes besides our update of the reference makes it theirs, unless Xero computes that field."""
    after = THERE | {"Reference": "new"}
    changed = after | {name: value}
    is_same = not ours.differing(look(after, changed))
    assert ours.is_written(look(THERE, changed), {"Reference": "new"}) == (is_same or name in ours.COMPUTED)


def test_a_contact_s_address_is_found_among_those_that_xero_adds() -> None:
    """Xero answers with all kinds of addresses and phones, in its own order."""
    sent = {"Name": "C", "Addresses": [{"AddressType": "STREET", "City": "Y"}]}
    there = {"Name": "C", "Addresses": [{"AddressType": "POBOX"}, {"AddressType": "STREET", "City": "Y"}]}
    assert ours.is_written(look(None, there), sent)
    assert not ours.is_written(look(None, there | {"Addresses": [{"AddressType": "STREET", "City": "Z"}]}), sent)
