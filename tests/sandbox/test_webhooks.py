"""Webhooks as a receiver meets them: intents, signatures, batches, retries, faults, and what outlives the process."""

import json

import pytest

from counterfoil.sandbox.coverage import examples
from tests import sandbox_process
from tests.sandbox.conftest import Ledger, invoice
from tests.webhook_receiver import Receiver, signature

QUARTER_S = 900
DAY_S = 86_400


@pytest.fixture
def receiver(sandbox):
    """An address that does everything right."""
    receiver = Receiver(sandbox.ready["webhook_key"])
    yield receiver
    receiver.close()


def settled(sandbox, after=0):
    answer = sandbox.get(f"/_sandbox/webhooks?wait_s=20&after={after}")
    assert answer["settled"]
    return answer


def subscribe(sandbox, receiver, **fields):
    """The web app's subscription after its intent to receive."""
    sandbox.post("/_sandbox/webhooks", {"url": receiver.url, "client_id": sandbox.ready["client_id"], **fields})
    return state(sandbox)


def state(sandbox):
    (subscription,) = settled(sandbox)["subscriptions"]
    return subscription["status"], subscription["message"], subscription["waiting"]


def test_the_intent_to_receive_mixes_good_and_almost_good_signatures(sandbox, receiver):
    """Four empty deliveries of exactly Xero's bytes, one or two of them signed well, the rest wrong in one character."""
    assert subscribe(sandbox, receiver) == ("OK", "", 0)
    assert len(receiver.deliveries) == 4
    assert sum(is_good for _, _, is_good in receiver.deliveries) in {1, 2}
    for headers, body, is_good in receiver.deliveries:
        entropy = json.loads(body)["entropy"]
        assert (len(entropy), entropy.isalpha(), entropy.isupper()) == (20, True, True)
        exact = '{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "%s"}' % entropy  # noqa: UP031 - braces
        assert body == exact.encode()
        assert len(body) == 95
        sent, right = headers["x-xero-signature"], signature(receiver.key, body)
        assert sum(one != other for one, other in zip(sent, right, strict=True)) == (0 if is_good else 1)
        assert headers["Content-Type"] == "application/json; charset=utf-8"
        assert (headers["Accept"], headers["Accept-Encoding"]) == ("*/*", "gzip,deflate")
        assert "User-Agent" not in headers


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"answer": 500}, "Response not 200"),
        ({"answer_bad": 200}, "Response to incorrectly signed payload not 401"),
        ({"answer_bad": 400}, "Response to incorrectly signed payload not 401"),
        ({"body": b"{}"}, "Response contains a body"),
        ({"headers": {"Set-Cookie": "a=b"}}, "Response contains cookies"),
    ],
)
def test_a_receiver_that_answers_wrongly_gets_no_events(ledger, receiver, fields, message):
    """The portal's words, and no event; corrected and enabled again it receives."""
    good = {name: getattr(receiver, name) for name in fields}
    vars(receiver).update(fields)
    assert subscribe(ledger.sandbox, receiver) == ("Intent to receive required", message, 0)
    ledger.contact()
    assert state(ledger.sandbox)[2] == 0
    vars(receiver).update(good)
    ledger.sandbox.post("/_sandbox/webhooks", {"client_id": ledger.sandbox.ready["client_id"]})
    assert state(ledger.sandbox) == ("OK", "", 0)
    assert receiver.events == []


def test_an_intent_that_is_asked_for_while_another_runs_counts(sandbox, receiver):
    """The answers to an earlier series decide nothing once a new one was asked for, e.g. with the right key."""
    mine = {"client_id": sandbox.ready["client_id"]}
    sandbox.post("/_sandbox/webhooks", {"url": receiver.url, "key": "a wrong key", **mine})
    for _ in range(5):
        sandbox.post("/_sandbox/webhooks", {"key": receiver.key, **mine})
        sandbox.post("/_sandbox/webhooks", mine)
    assert state(sandbox) == ("OK", "", 0)


def test_a_write_is_told_in_xeros_bytes(ledger, receiver):
    """One delivery for one request: the new contact and the new invoice, with Xero's keys, spaces and signature."""
    subscribe(ledger.sandbox, receiver)
    receiver.deliveries.clear()
    (made,) = ledger.write("PUT", {**invoice("x"), "Contact": {"Name": "Blue Fern Ltd"}})
    settled(ledger.sandbox)
    ((_, body, is_good),) = receiver.deliveries
    assert is_good
    text, delivery = body.decode(), json.loads(body)
    assert list(delivery) == ["events", "firstEventSequence", "lastEventSequence", "entropy"]
    assert '],"firstEventSequence": 1,"lastEventSequence": 2, "entropy": "' in text
    assert text.startswith('{"events":[{"resourceUrl":"')
    told = {event["eventCategory"]: event for event in delivery["events"]}
    event = told["INVOICE"]
    assert list(event) == [
        "resourceUrl", "resourceId", "eventDateUtc", "eventType", "eventCategory", "tenantId", "tenantType",
    ]  # fmt: skip
    assert event["resourceUrl"] == f"{ledger.sandbox.url}/api.xro/2.0/Invoices/{made['InvoiceID']}"
    assert (event["resourceId"], event["eventType"]) == (made["InvoiceID"], "CREATE")
    assert (event["tenantId"], event["tenantType"]) == (ledger.tenant, "ORGANISATION")
    assert len(event["eventDateUtc"]) == len("2025-10-21T01:15:39.902")
    assert told["CONTACT"]["resourceId"] == made["Contact"]["ContactID"]


def test_writes_of_persons_and_other_apps_are_told(ledger, receiver):
    """Everything that changes a document in Xero makes an event; what leaves its stamp alone makes none."""
    subscribe(ledger.sandbox, receiver)
    contact = ledger.contact()
    (made,) = ledger.write("PUT", invoice(contact))
    settled(ledger.sandbox)
    receiver.deliveries.clear()
    ledger.sandbox.edit(ledger.tenant, made["InvoiceID"], Reference="by hand")
    ledger.token = ledger.sandbox.connect(public=True)["access_token"]
    ledger.write("POST", {"InvoiceID": made["InvoiceID"], "Reference": "by another app"})
    ledger.get("Invoices")
    settled(ledger.sandbox)
    told = [event for batch in receiver.events for event in batch]
    assert [(event["eventType"], event["resourceId"]) for event in told] == [("UPDATE", made["InvoiceID"])] * 2


def test_only_connected_organisations_and_chosen_categories_are_told(ledger, receiver):
    """Another organisation's event comes as long as it is connected; a category only if it was asked for."""
    subscribe(ledger.sandbox, receiver, categories=["INVOICE"])
    ledger.contact()
    settled(ledger.sandbox)
    assert receiver.events == []
    ledger.sandbox.post(
        "/_sandbox/webhooks", {"client_id": ledger.sandbox.ready["client_id"], "categories": ["CONTACT"]}
    )
    ledger.contact("B")
    ledger.sandbox.make(ledger.sandbox.tenant(2), "Contacts", {"Name": "C"})
    ledger.sandbox.organisation(ledger.sandbox.tenant(3), disconnected=True)
    ledger.sandbox.make(ledger.sandbox.tenant(3), "Contacts", {"Name": "D"})
    settled(ledger.sandbox)
    told = [event["tenantId"] for batch in receiver.events for event in batch]
    assert told == [ledger.tenant, ledger.sandbox.tenant(2)]


def test_credit_notes_and_payments_carry_data(ledger, receiver):
    """The categories of 2026 say type and status, and name the tenant before the category."""
    subscribe(ledger.sandbox, receiver, categories=["INVOICE", "CREDITNOTE", "PAYMENT"])
    contact = ledger.contact()
    (due,) = ledger.write("PUT", invoice(contact))
    ledger.write("PUT", invoice(contact, Type="ACCRECCREDIT"), to="CreditNotes")
    payment = {"Invoice": {"InvoiceID": due["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 5}
    settled(ledger.sandbox)
    ledger.write("PUT", payment, to="Payments")
    settled(ledger.sandbox)
    told = [event for batch in receiver.events for event in batch]
    assert [(event["eventCategory"], event["eventType"]) for event in told] == [
        ("INVOICE", "CREATE"),
        ("CREDITNOTE", "CREATE"),
        ("PAYMENT", "CREATE"),
        ("INVOICE", "UPDATE"),
    ]
    note, paid = told[1], told[2]
    assert note["data"] == {"Type": "ACCRECCREDIT", "Status": "AUTHORISED"}
    assert list(note) == [
        "resourceUrl", "resourceId", "tenantId", "tenantType", "eventCategory", "eventType", "eventDateUtc", "data",
    ]  # fmt: skip
    assert (paid["data"]["Type"], list(paid["data"])) == ("ACCRECPAYMENT", ["Type", "Status", "UpdatedDateUTCString"])
    assert "data" not in told[3]


@pytest.mark.parametrize(("kind", "category"), [("PREPAYMENT", "PREPAYMENT"), ("OVERPAYMENT", "OVERPAYMENT")])
def test_prepayments_and_overpayments_are_told_by_their_own_ids(ledger, receiver, kind, category):
    """Made as money received, found under their own resource, with type, status and stamp."""
    subscribe(ledger.sandbox, receiver, categories=[category])
    body = {**getattr(examples, kind), "Contact": {"ContactID": ledger.contact()}}
    answer = ledger.sandbox.person(ledger.tenant, "PUT", "BankTransactions", body)
    assert answer["status"] == 200, answer
    settled(ledger.sandbox)
    (event,) = (event for batch in receiver.events for event in batch)
    plural = f"{kind.capitalize()}s"
    (stored,) = ledger.stored(plural)
    own_id = stored[f"{kind.capitalize()}ID"]
    assert (event["eventCategory"], event["eventType"], event["resourceId"]) == (category, "CREATE", own_id)
    assert event["resourceUrl"].endswith(f"/api.xro/2.0/{plural}/{own_id}")
    assert (event["data"]["Type"], event["data"]["Status"]) == (f"RECEIVE-{kind}", "AUTHORISED")
    assert event["data"]["UpdatedDateUTCString"] == stored["UpdatedDateUTCString"]


def test_a_bill_is_an_invoice_to_webhooks(ledger, receiver):
    """Type and status are not said: the receiver has to look."""
    subscribe(ledger.sandbox, receiver)
    bill = {**examples.BILL, "Contact": {"ContactID": ledger.contact()}}
    answer = ledger.sandbox.person(ledger.tenant, "PUT", "Invoices", bill)
    settled(ledger.sandbox)
    told = [event for batch in receiver.events for event in batch if event["eventCategory"] == "INVOICE"]
    assert [event["resourceId"] for event in told] == [answer["answer"]["Invoices"][0]["InvoiceID"]]
    assert "data" not in told[0]


def test_a_failing_receiver_is_tried_at_once_then_by_the_quarter_hour(ledger, receiver):
    """Twice at once, then after 15 minutes of the sandbox's clock, with the events of meanwhile, in order."""
    subscribe(ledger.sandbox, receiver)
    receiver.answer = 503
    ledger.contact("A")
    assert state(ledger.sandbox) == ("Retry", "Response not 200", 1)
    assert len(receiver.events) == 2
    ledger.contact("B")
    ledger.sandbox.advance(QUARTER_S - 60)
    assert state(ledger.sandbox)[2] == 2
    assert len(receiver.events) == 2
    receiver.answer = 200
    ledger.sandbox.advance(60)
    assert state(ledger.sandbox) == ("OK", "", 0)
    assert [len(batch) for batch in receiver.events] == [1, 1, 2]
    first = json.loads(receiver.deliveries[-1][1])
    assert (first["firstEventSequence"], first["lastEventSequence"]) == (1, 2)


def test_after_a_day_of_failures_it_is_disabled_and_its_events_wait(ledger, receiver):
    """Disabled for good; enabled again, after a good intent, what was stored comes in order."""
    subscribe(ledger.sandbox, receiver)
    receiver.answer = 500
    ledger.contact("A")
    assert state(ledger.sandbox)[0] == "Retry"
    ledger.sandbox.advance(DAY_S)
    assert state(ledger.sandbox) == ("Disabled", "Response not 200", 1)
    ledger.token = ledger.sandbox.connect()["access_token"]
    ledger.contact("B")
    ledger.sandbox.advance(QUARTER_S)
    assert state(ledger.sandbox)[2] == 2
    receiver.answer = 200
    receiver.deliveries.clear()
    ledger.sandbox.post("/_sandbox/webhooks", {"client_id": ledger.sandbox.ready["client_id"]})
    assert state(ledger.sandbox) == ("OK", "", 0)
    ((first, second),) = receiver.events
    assert first["eventDateUtc"] < second["eventDateUtc"]


def test_what_is_not_delivered_for_a_month_is_forgotten(ledger, receiver):
    """31 days."""
    subscribe(ledger.sandbox, receiver)
    receiver.answer = 500
    ledger.contact("A")
    assert state(ledger.sandbox)[2] == 1
    ledger.sandbox.advance(31 * DAY_S + 1)
    assert state(ledger.sandbox)[2] == 0


def test_undelivered_events_outlive_the_process(tmp_path):
    """With a state file they are sent by the next process, under the numbers that they had."""
    receiver = Receiver("")
    arguments = ("--auto-consent", "--no-limits", "--state", str(tmp_path / "state"), "--webhook-url", receiver.url)
    first = sandbox_process.start(*arguments)
    try:
        receiver.key = first.ready["webhook_key"]
        first.post("/_sandbox/webhooks")
        assert {row["status"] for row in settled(first)["subscriptions"]} == {"OK"}
        ledger = Ledger(first, first.connect()["access_token"], first.tenant(1))
        receiver.answer = 500
        ledger.contact()
        settled(first)
        first.kill()
        receiver.answer = 200
        receiver.deliveries.clear()
        with sandbox_process.start(*arguments) as second:
            settled(second)
            assert receiver.deliveries == []
            second.advance(QUARTER_S)
            settled(second)
            ((event,),) = receiver.events
            assert event["eventCategory"] == "CONTACT"
    finally:
        first.stop()
        receiver.close()


@pytest.mark.parametrize(
    ("fault", "batches"),
    [("webhook_duplicated", [["A"], ["A"]]), ("webhook_dropped", []), ("webhook_forged", [["A"]])],
)
def test_a_delivery_can_be_doubled_lost_or_forged(ledger, receiver, fault, batches):
    """What comes well signed; a forged one comes beside it and is none of Xero's."""
    subscribe(ledger.sandbox, receiver)
    receiver.deliveries.clear()
    ledger.sandbox.fault(fault)
    id_of_a = ledger.contact("A")
    answer = settled(ledger.sandbox, after=4)
    assert [[event["resourceId"] for event in batch] for batch in receiver.events] == [[id_of_a]] * len(batches)
    forged = [json.loads(body)["events"] for _, body, is_good in receiver.deliveries if not is_good]
    assert len(forged) == (fault == "webhook_forged")
    assert [row["problem"] for row in answer["deliveries"]] == [""] * len(receiver.deliveries)
    assert state(ledger.sandbox) == ("OK", "", 0)


def test_events_can_come_newest_first(ledger, receiver):
    """A single event waits for a second, then the newer one comes first; after that all is in order again."""
    subscribe(ledger.sandbox, receiver)
    ledger.sandbox.fault("webhook_reordered")
    first = ledger.contact("A")
    settled(ledger.sandbox)
    assert receiver.events == []
    second = ledger.contact("B")
    settled(ledger.sandbox)
    assert [batch[0]["resourceId"] for batch in receiver.events] == [second, first]


def test_events_can_come_late(ledger, receiver):
    """delay_s of the sandbox's clock."""
    subscribe(ledger.sandbox, receiver)
    ledger.sandbox.fault("webhook_delayed", delay_s=300)
    ledger.contact("A")
    settled(ledger.sandbox)
    assert receiver.events == []
    ledger.sandbox.advance(301)
    settled(ledger.sandbox)
    assert len(receiver.events) == 1


def test_many_events_are_batched(ledger, receiver):
    """Fifty contacts of one request come in one delivery, with their numbers."""
    subscribe(ledger.sandbox, receiver)
    ledger.write("PUT", *({"Name": f"Customer {number}"} for number in range(50)), to="Contacts")
    settled(ledger.sandbox)
    assert [len(batch) for batch in receiver.events] == [50]


@pytest.mark.parametrize(
    "fields", [{"url": "ftp://x"}, {"categories": ["ITEM"]}, {"client_id": "nobody"}, {"colour": 1}, {"key": ""}, {}]
)
def test_a_subscription_that_cannot_be_is_refused(sandbox, fields):
    """400 says why."""
    reply = sandbox.request("POST", "/_sandbox/webhooks", json.dumps(fields).encode())
    assert (reply.status, "error" in reply.json) == (400, True)


def test_webhooks_can_be_taken_away(ledger, receiver):
    """After DELETE nothing comes."""
    subscribe(ledger.sandbox, receiver)
    assert ledger.sandbox.delete("/_sandbox/webhooks") == {"removed": 1}
    ledger.contact()
    assert settled(ledger.sandbox)["subscriptions"] == []
    assert receiver.events == []


def test_a_payment_can_be_silent():
    """With --silent-payments the paid invoice is not told of, its payment is."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--silent-payments", "--lenient-webhooks") as sandbox:
        receiver = Receiver(sandbox.ready["webhook_key"])
        receiver.body = b"{}"
        try:
            assert subscribe(sandbox, receiver, categories=["INVOICE", "PAYMENT"])[0] == "OK"
            ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))
            (due,) = ledger.write("PUT", invoice(ledger.contact()))
            payment = {"Invoice": {"InvoiceID": due["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 25.2}
            ledger.write("PUT", payment, to="Payments")
            settled(sandbox)
            told = [event["eventCategory"] for batch in receiver.events for event in batch]
            assert sorted(told) == ["INVOICE", "PAYMENT"]
        finally:
            receiver.close()
