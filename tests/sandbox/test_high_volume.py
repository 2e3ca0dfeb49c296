"""Lists of very many rows, played with a limit of two."""

import urllib.parse

import pytest

from tests import sandbox_process
from tests.sandbox.conftest import Ledger, invoice

HIGH = (400, 51, "HighVolumeException")


@pytest.fixture(scope="module")
def crowded():
    """Three contacts and three invoices where two are very many."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--high-volume-rows", "2") as sandbox:
        ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))
        contact, *_ = [ledger.contact(name) for name in "ABC"]
        ledger.write("PUT", *(invoice(contact) for _ in range(3)))
        yield ledger


def asked(ledger, path, **query):
    reply = ledger.call("GET", f"{path}?{urllib.parse.urlencode(query)}")
    return reply.status if reply.status == 200 else (reply.status, reply.json["ErrorNumber"], reply.json["Type"])


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("Invoices", {}, HIGH),
        ("Invoices", {"page": 1}, 200),
        ("Invoices", {"page": 1, "where": 'Status=="AUTHORISED" AND Date>DateTime(2026,1,1)'}, 200),
        ("Invoices", {"page": 1, "where": "Total>1"}, HIGH),
        ("Invoices", {"page": 1, "where": "Total>1000"}, HIGH),
        ("Invoices", {"page": 1, "order": "UpdatedDateUTC DESC"}, 200),
        ("Invoices", {"page": 1, "order": "Total"}, HIGH),
        ("Invoices", {"where": 'InvoiceNumber=="INV-0001"'}, 200),
        ("Contacts", {"where": 'Name=="A"'}, 200),
        ("Contacts", {"where": 'FirstName=="A"'}, HIGH),
        ("Contacts", {}, HIGH),
    ],
)
def test_too_many_rows_must_be_paged_and_asked_by_optimised_fields(crowded, path, query, expected):
    """400 with ErrorNumber 51 for what Xero would not look through, however few rows it would find."""
    assert asked(crowded, path, **query) == expected


def test_a_summary_refuses_dropped_fields(crowded):
    """ErrorNumber 16, as for a field that does not exist."""
    refused = (400, 16, "QueryParseException")
    assert asked(crowded, "Invoices", summaryOnly="true", where="HasAttachments==false") == refused
    assert asked(crowded, "Contacts", summaryOnly="true", order="IsCustomer") == refused
