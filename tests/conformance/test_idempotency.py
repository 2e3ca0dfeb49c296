"""Idempotency-Key: replayed, refused for another request, forgotten after its life (facts 3.5)."""

import pytest
from xero_python.accounting import Invoices

from tests import sandbox_process
from tests.conformance import foreign


@pytest.fixture
def key():
    """A key that nobody has used."""
    return f"key-{foreign.unique()}"


def count(xero, contact):
    return len(xero.api.get_invoices(xero.tenant, contact_i_ds=[contact]).invoices)


def test_the_same_request_is_answered_again_and_done_once(xero, contact, key):
    """The SDK sends the same invoice twice with one key: the same id, one invoice."""
    first, second = (xero.created(xero.invoice(contact), idempotency_key=key)[0] for _ in range(2))
    assert first.invoice_id == second.invoice_id
    assert count(xero, contact) == 1


def test_the_replay_is_the_same_bytes(xero, contact, key):
    """Status and body are those of the first answer."""
    body = {"Invoices": [foreign.wire_invoice(contact)]}
    first, second = (xero.raw("PUT", "/Invoices", body=body, headers={"idempotency-key": key}) for _ in range(2))
    assert first.status == 200
    assert second.body == first.body


def test_an_error_is_replayed_too(xero, contact, key):
    """A refusal is kept like any answer, although what was wrong has been put right since."""
    number = f"R-{foreign.unique()}"
    xero.created(xero.invoice(contact, invoice_number=number, status="DRAFT"))
    body = {"Invoices": [foreign.wire_invoice(contact, InvoiceNumber=number)]}
    first, second = (xero.raw("PUT", "/Invoices", body=body, headers={"Idempotency-Key": key}) for _ in range(2))
    assert (first.status, second.status) == (400, 400)
    assert second.body == first.body


@pytest.mark.parametrize("change", ["body", "path", "method", "query"])
def test_a_key_of_another_request_is_refused(xero, contact, key, change):
    """Another body, path, query or method under the same key: 400 in Xero's words, nothing done."""
    body = {"Invoices": [foreign.wire_invoice(contact)]}
    headers = {"Idempotency-Key": key}
    assert xero.raw("PUT", "/Invoices", body=body, headers=headers).status == 200
    changed = {
        "body": ("PUT", "/Invoices", {"Invoices": [foreign.wire_invoice(contact, Reference="other")]}),
        "path": ("PUT", "/Contacts", body),
        "method": ("POST", "/Invoices", body),
        "query": ("PUT", "/Invoices?unitdp=4", body),
    }[change]
    refused = xero.raw(changed[0], changed[1], body=changed[2], headers=headers)
    assert refused.status == 400
    assert f"Idempotency Key: {key} is used with a different request." in refused.text
    assert count(xero, contact) == 1


def test_a_key_belongs_to_the_app_and_not_to_the_tenant(xero, contact, key):
    """The same key with the same body for another tenant is another request."""
    body = {"Invoices": [foreign.wire_invoice(contact)]}
    assert xero.raw("PUT", "/Invoices", body=body, headers={"Idempotency-Key": key}).status == 200
    other = xero.raw("PUT", "/Invoices", body=body, headers={"Idempotency-Key": key}, tenant=xero.tenants["NZ"])
    assert other.status == 400


def test_a_key_longer_than_128_characters_is_refused(xero, contact):
    """128 is the most."""
    body = {"Invoices": [foreign.wire_invoice(contact)]}
    reply = xero.raw("PUT", "/Invoices", body=body, headers={"Idempotency-Key": "k" * 129})
    assert reply.status == 400
    assert count(xero, contact) == 0


def test_a_get_ignores_the_key(xero, key):
    """Two different reads with one key are two reads."""
    replies = [xero.raw("GET", path, headers={"Idempotency-Key": key}) for path in ("/Accounts", "/TaxRates")]
    assert [reply.status for reply in replies] == [200, 200]


def test_after_its_life_a_key_is_new(key):
    """Six minutes after the first call the same request is done again; the life counts from the first, not the last."""
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        xero = foreign.Foreign(process.ready)
        contact = xero.contact("Customer")
        ids = [_keyed(xero, contact, key)]
        for seconds in (350, 11):
            xero.control("POST", "clock", advance_s=seconds)
            ids.append(_keyed(xero, contact, key))
        assert ids[0] == ids[1]
        assert ids[2] != ids[0]
        assert count(xero, contact) == 2


def test_the_life_of_a_key_is_a_switch(key):
    """--idempotency-ttl-s shortens it."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--idempotency-ttl-s", "5") as process:
        xero = foreign.Foreign(process.ready)
        contact = xero.contact("Customer")
        first = _keyed(xero, contact, key)
        xero.control("POST", "clock", advance_s=6)
        assert _keyed(xero, contact, key) != first


def _keyed(xero, contact, key):
    made = xero.api.create_invoices(xero.tenant, Invoices(invoices=[xero.invoice(contact)]), idempotency_key=key)
    return made.invoices[0].invoice_id
