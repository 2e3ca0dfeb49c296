"""What the sandbox delivers is what Xero's webhook schema describes (xero-webhooks.yaml 16.1.0)."""

import json

import jsonschema
import pytest

from tests.conformance import package_data
from tests.sandbox.conftest import Ledger, invoice
from tests.webhook_receiver import Receiver

CATEGORIES = ["CONTACT", "INVOICE", "CREDITNOTE"]


@pytest.fixture
def deliveries(sandbox):
    """The bodies of deliveries about a contact, an invoice and a credit note, each made and changed."""
    receiver = Receiver(sandbox.ready["webhook_key"])
    mine = {"client_id": sandbox.ready["client_id"]}
    try:
        sandbox.post("/_sandbox/webhooks", {"url": receiver.url, "categories": CATEGORIES, **mine})
        assert sandbox.get("/_sandbox/webhooks?wait_s=20")["subscriptions"][0]["status"] == "OK"
        ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))
        contact = ledger.contact("Webhook payloads")
        (note,) = ledger.write("PUT", invoice(contact, Type="ACCRECCREDIT"), to="CreditNotes")
        (due,) = ledger.write("PUT", invoice(contact))
        ledger.write("POST", {"InvoiceID": due["InvoiceID"], "Reference": "x"})
        ledger.write("POST", {"CreditNoteID": note["CreditNoteID"], "Status": "VOIDED"}, to="CreditNotes")
        assert sandbox.get("/_sandbox/webhooks?wait_s=20")["settled"]
        yield [json.loads(body) for _, body, is_good in receiver.deliveries if is_good and b"resourceUrl" in body]
    finally:
        sandbox.delete("/_sandbox/webhooks")
        receiver.close()


@pytest.mark.skipif(not package_data.OPENAPI.exists(), reason="Xero's OpenAPI files are not at ../shared/openapi")
def test_deliveries_fit_the_published_schema(deliveries):
    """Every delivery; those of credit notes also the schema of their own; no key that the schema lacks."""
    spec = package_data.loaded("xero-webhooks.yaml")
    events = [event for delivery in deliveries for event in delivery["events"]]
    assert {event["eventCategory"] for event in events} == set(CATEGORIES)
    assert {event["eventType"] for event in events} == {"CREATE", "UPDATE"}
    for delivery in deliveries:
        jsonschema.validate(delivery, {**spec, "$ref": "#/components/schemas/WebhookEvent"})
        for event in delivery["events"]:
            if event["eventCategory"] == "CREDITNOTE":
                alone = {**delivery, "events": [event]}
                jsonschema.validate(alone, {**spec, "$ref": "#/components/schemas/CreditNoteWebhookEvent"})
    known = spec["components"]["schemas"]["WebhookEvent"]["properties"]
    assert {key for delivery in deliveries for key in delivery} == set(known)
    assert {key for event in events for key in event} == {*known["events"]["items"]["properties"], "data"}
