"""Which scope opens which endpoint."""

import pytest

from counterfoil.sandbox.identity import scopes


@pytest.mark.parametrize(
    ("plural", "rest", "own", "wanted"),
    [
        ("Invoices", [], "accounting.invoices", ("accounting.invoices",)),
        ("Invoices", ["x", "History"], "accounting.invoices", ("accounting.invoices",)),
        ("Invoices", ["x", "ATTACHMENTS", "a.pdf"], "accounting.invoices", ("accounting.attachments",)),
        ("Items", [], "accounting.settings", ("accounting.settings", "accounting.invoices")),
        ("Contacts", ["x", "CISSettings"], "accounting.contacts", ("accounting.settings",)),
        ("BrandingThemes", ["x", "PaymentServices"], "accounting.settings", ("paymentservices",)),
        ("Reports", ["TrialBalance"], "", ("accounting.reports.trialbalance.read",)),
        ("Reports", ["agedpayablesbycontact"], "", ("accounting.reports.aged.read",)),
        ("Reports", [], "", ("accounting.reports.taxreports.read",)),
    ],
)
def test_each_endpoint_has_its_scope(plural, rest, own, wanted):
    """The resource's own, unless a part of it has another."""
    assert scopes.needed(plural, rest, own) == wanted


@pytest.mark.parametrize(
    ("held", "wanted", "reading", "writing"),
    [
        ("accounting.invoices", "accounting.invoices", True, True),
        ("accounting.invoices.read", "accounting.invoices", True, False),
        ("accounting.transactions", "accounting.payments", True, True),
        ("accounting.transactions.read", "accounting.banktransactions", True, False),
        ("accounting.transactions", "accounting.contacts", False, False),
        ("accounting.reports.read", "accounting.reports.balancesheet.read", True, False),
        ("accounting.reports.read", "accounting.reports.tenninetynine.read", False, False),
        ("accounting.journals.read", "accounting.journals.read", True, False),
        ("accounting.journals.read", "accounting.manualjournals", False, False),
    ],
)
def test_read_suffices_to_read_and_broad_scopes_for_theirs(held, wanted, reading, writing):
    """Granular and broad, reading and writing; after their end the broad ones are worth nothing."""
    assert scopes.suffices([held], [wanted], writing=False) is reading
    assert scopes.suffices([held], [wanted], writing=True) is writing
    if held in scopes.BROAD:
        assert not scopes.suffices([held], [wanted], writing=False, broad=False)
