"""The paths that a feed may name are those that Xero publishes, under the words that changes have."""

import pytest

from counterfoil.mapping import documents
from counterfoil.mapping.documents import Astray
from counterfoil.mirror import described
from counterfoil.mirror.meaning import words
from tests.conformance import package_data, published_paths


def test_every_mirrored_resource_is_known_by_its_changes_words():
    """Also the second word, where the type of a document decides; and by its id."""
    found = documents.all_resources()
    assert {name: one.id for name, one in found.items()} == {one.name: one.id for one in described.ALL}
    assert {name: one.words for name, one in found.items()} == {
        name: (kind.word, *kind.by_type.values()) for name, kind in words.KINDS.items()
    }


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("Total", "amount"), ("Date", "day"), ("UpdatedDateUTC", "instant"), ("SentToContact", "yes_no"),
        ("Contact.Name", "text"), ("LineItems", "json"), ("LineItems.0.Quantity", "amount"), ("Status", "text"),
        ("Contact.Addresses.1.City", "text"), ("LineItems.0.Tracking.0.Option", "text"), ("Contact", "json"),
        ("CurrencyCode", "text"), ("InvoicePaymentServices.anything", "json"),
    ],
)  # fmt: skip
def test_what_stands_at_a_path(path, kind):
    """By Xero's published types."""
    assert documents.kind(("Invoice",), path) == kind


@pytest.mark.parametrize(
    ("path", "reason", "remedy"),
    [
        ("Totl", "names `Totl`, which no Invoice of Xero's has", "Did you mean `Total`?"),
        ("Contact.Nam", "names `Nam`, which no Contact", "Did you mean `Contact.Name`?"),
        ("Total.Value", "looks into Total, which has no fields", "Write Total."),
        ("LineItems.Quantity", "looks into the list LineItems", 'each = "LineItems"'),
        (
            "DateString",
            "names `DateString`",
            "Did you mean `Date`?",
        ),  # left out of what is kept, since it says the same
        ("Payments.0.Invoice.Payments.0.Invoice.Payments.0.Invoice", "deeper than 8 steps", "nearer"),
    ],
)
def test_a_path_that_leads_nowhere(path, reason, remedy):
    """Says which step is wrong, and what would be right."""
    found = documents.kind(("Invoice",), path)
    assert isinstance(found, Astray)
    assert reason in found.reason
    assert remedy in found.remedy


def test_what_is_not_kept_of_a_contact_cannot_be_mapped():
    """Its balances are not mirrored: they would always be blank."""
    assert isinstance(documents.kind(("Contact",), "Balances.AccountsReceivable.Outstanding"), Astray)
    assert documents.kind(("Contact",), "Name") == "text"


def test_of_several_resources_one_that_has_the_field_is_enough():
    """Kinds that do not agree are text."""
    assert documents.kind(("Invoice", "Contact"), "Name") == "text"
    assert documents.kind(("Payment", "Invoice"), "Invoice.Total") == "amount"


@pytest.mark.skipif(not package_data.OPENAPI.exists(), reason="Xero's OpenAPI files are not at ../shared/openapi")
def test_what_is_published_is_what_the_file_says():
    """Fields and what they hold, of each resource and of everything inside."""
    assert published_paths.PATHS.read_text() == published_paths.text()
