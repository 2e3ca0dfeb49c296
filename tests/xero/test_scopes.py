import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.xero import scopes
from counterfoil.xero.scopes import reads, writes

BEFORE, AFTER = scopes.BROAD_END - datetime.timedelta(days=1), scopes.BROAD_END
NEEDS = st.lists(st.builds(scopes.Need, st.sampled_from(sorted(scopes.OPENED_BY)), st.booleans(), st.just("x")))


def test_reading_and_writing_of_one_resource_ask_for_one_scope():
    """Who writes reads as well; two resources of one scope ask for it once."""
    asked = scopes.least(
        [reads("Contacts", "x"), writes("Contacts", "x"), reads("CreditNotes", "x"), reads("Invoices", "x")]
    )
    assert asked == ("accounting.contacts", "accounting.invoices.read")


def test_items_come_with_what_is_asked_for_anyway():
    """Items open to two scopes: none is asked for on their account when the other is there."""
    assert scopes.least([writes("Items", "x"), writes("Invoices", "x")]) == ("accounting.invoices",)
    assert scopes.least([writes("Items", "x")]) == ("accounting.settings",)
    assert scopes.least([reads("Items", "x"), reads("Accounts", "x")]) == ("accounting.settings.read",)


@given(NEEDS)
def test_the_least_is_enough_and_none_of_it_too_much(needs):
    """Whatever is needed is covered by what is asked for, and without any one of the scopes something would lack."""
    asked = scopes.least(needs)
    assert scopes.lacking(asked, needs, AFTER) == ()
    assert [scope for scope in asked if not scopes.lacking(set(asked) - {scope}, needs, AFTER)] == []
    assert not set(asked) & (set(scopes.BROAD) | set(scopes.SIGN_IN))


@pytest.mark.parametrize(
    ("held", "wanted", "before", "after"),
    [
        ("accounting.invoices", "accounting.invoices.read", True, True),
        ("accounting.invoices.read", "accounting.invoices", False, False),
        ("accounting.transactions", "accounting.payments", True, False),
        ("accounting.transactions", "accounting.payments.read", True, False),
        ("accounting.transactions.read", "accounting.payments.read", True, False),
        ("accounting.transactions.read", "accounting.payments", False, False),
        ("accounting.transactions", "accounting.contacts", False, False),
        ("accounting.reports.read", "accounting.reports.trialbalance.read", True, False),
        ("accounting.reports.read", "accounting.reports.tenninetynine.read", False, False),
    ],
)
def test_broad_scopes_cover_until_xero_ends_them(held, wanted, before, after):
    """Which broad scope is worth which granular one, and until when."""
    assert (scopes.covers({held}, wanted, BEFORE), scopes.covers({held}, wanted, AFTER)) == (before, after)
    assert scopes.covers({held}, wanted) is after


def test_what_hangs_on_a_broad_scope():
    """Only what no granular scope covers as well."""
    needs = [writes("Invoices", "x"), writes("Payments", "x"), reads("Contacts", "x")]
    held = {"accounting.transactions", "accounting.invoices", "accounting.contacts"}
    assert scopes.broad_relied_on(held, needs) == ("accounting.transactions",)
    assert scopes.broad_relied_on(held | {"accounting.payments"}, needs) == ()


def test_the_narrowest_of_what_was_given():
    """The scope itself, else the one that writes as well, else a broad one that reads, else the broad one; or nothing."""
    asked = ("accounting.contacts.read", "accounting.invoices.read", "accounting.payments", "accounting.settings.read")
    given = {
        "accounting.contacts.read",
        "accounting.contacts",
        "accounting.transactions.read",
        "accounting.transactions",
    }
    chosen = ("accounting.contacts.read", "accounting.transactions", "accounting.transactions.read")
    assert scopes.out_of(given, asked) == (chosen, ("accounting.settings.read",))
    assert scopes.out_of({"accounting.settings"}, asked[-1:]) == (("accounting.settings",), ())
