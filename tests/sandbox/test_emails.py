"""E-mailing an invoice, and the history that tells of it."""

import pytest

from tests.sandbox.conftest import invoice, messages

UNKNOWN = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def contact(ledger):
    return ledger.contact(EmailAddress="ap@bluefern.example")


def email(ledger, document, **headers):
    return ledger.call("POST", f"Invoices/{document['InvoiceID']}/Email", b"{}", **headers)


def records(ledger, path):
    return [(row["Changes"], row["User"], row["Details"]) for row in ledger.get(f"{path}/History")["HistoryRecords"]]


def test_an_emailed_invoice_is_sent_and_its_history_says_so(ledger, contact):
    """204 without a body; SentToContact, the stamp and a record follow."""
    (made,) = ledger.write("PUT", invoice(contact))
    assert records(ledger, f"Invoices/{made['InvoiceID']}") == [
        ("Created", "System Generated", "Created through the Xero API.")
    ]
    ledger.sandbox.advance(5)
    reply = email(ledger, made)
    assert (reply.status, reply.body) == (204, b"")
    row = ledger.stored("Invoices")[0]
    assert row["SentToContact"] is True
    assert row["UpdatedDateUTC"] > made["UpdatedDateUTC"]
    assert records(ledger, f"Invoices/{made['InvoiceID']}")[0] == (
        "Invoice sent", "System Generated", "This invoice has been sent to ap@bluefern.example.",
    )  # fmt: skip


@pytest.mark.parametrize(("status", "sendable"), [("DRAFT", False), ("SUBMITTED", True), ("VOIDED", False)])
def test_only_some_states_are_emailed(ledger, contact, status, sendable):
    """SUBMITTED, AUTHORISED and PAID; a refusal marks nothing."""
    (made,) = ledger.write("PUT", invoice(contact, Status="AUTHORISED" if status == "VOIDED" else status))
    if status == "VOIDED":
        ledger.write("POST", {"InvoiceID": made["InvoiceID"], "Status": "VOIDED"})
    reply = email(ledger, made)
    assert reply.status == (204 if sendable else 400)
    assert ledger.stored("Invoices")[0]["SentToContact"] is sendable
    if not sendable:
        assert messages(reply.json["Elements"][0]) == ["The invoice cannot be emailed in its current status"]


def test_a_contact_without_an_address_gets_none(ledger):
    """400, and nothing is marked."""
    (made,) = ledger.write("PUT", invoice(ledger.contact("Silent Ltd")))
    reply = email(ledger, made)
    assert (reply.status, reply.json["ErrorNumber"]) == (400, 10)
    assert messages(reply.json["Elements"][0]) == ["The contact of the invoice has no email address"]
    assert ledger.stored("Invoices")[0]["SentToContact"] is False


def test_the_same_key_sends_once(ledger, contact):
    """A replayed 204 leaves no second record; a new key does."""
    (made,) = ledger.write("PUT", invoice(contact))
    for key in ("k1", "k1", "k2"):
        assert email(ledger, made, Idempotency_Key=key).status == 204
    assert [change for change, _, _ in records(ledger, f"Invoices/{made['InvoiceID']}")] == [
        "Invoice sent", "Invoice sent", "Created",
    ]  # fmt: skip


def test_a_demo_company_sends_nothing(ledger, contact):
    """Its daily limit is none."""
    (made,) = ledger.write("PUT", invoice(contact))
    ledger.sandbox.organisation(ledger.tenant, demo=True)
    assert messages(email(ledger, made).json["Elements"][0]) == ["The daily limit of emails has been reached"]


def test_an_unknown_invoice_is_404(ledger):
    """For the e-mail and the history; a note on it is 400 in Xero's words."""
    path = f"Invoices/{UNKNOWN}"
    assert ledger.call("POST", f"{path}/Email", b"{}").status == 404
    assert ledger.call("GET", f"{path}/History").status == 404
    reply = ledger.call("PUT", f"{path}/History", {"HistoryRecords": [{"Details": "x"}]})
    assert messages(reply.json["Elements"][0]) == ["The document with the supplied id was not found for this endpoint."]


def test_history_tells_what_happened_newest_first(ledger, contact):
    """Payments, edits by a person and notes; the date of a record is Xero's in two forms."""
    (made,) = ledger.write("PUT", invoice(contact, InvoiceNumber="S-1"))
    path = f"Invoices/{made['InvoiceID']}"
    payment = {"Invoice": {"InvoiceID": made["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 5}
    (paid,) = ledger.write("PUT", payment, to="Payments")
    ledger.sandbox.person(ledger.tenant, "POST", path, {"Reference": "by hand"})
    (note,) = ledger.call("PUT", f"{path}/History", {"HistoryRecords": [{"Details": "Called them"}]}).json[
        "HistoryRecords"
    ]
    assert list(note) == ["DateUTCString", "DateUTC", "Details", "ValidationErrors"]
    ledger.call("POST", f"Payments/{paid['PaymentID']}", {"Status": "DELETED"})
    told = records(ledger, path)
    assert [change for change, _, _ in told] == ["Payment deleted", "Note", "Edited", "Paid", "Created"]
    assert [user for _, user, _ in told][2] == "Alex Ledger"
    assert told[1][2] == "Called them"
    assert [change for change, _, _ in records(ledger, f"Payments/{paid['PaymentID']}")] == ["Deleted", "Created"]
    (newest, *_) = ledger.get(f"{path}/History")["HistoryRecords"]
    assert list(newest) == ["Changes", "DateUTCString", "DateUTC", "User", "Details"]
    too_long = ledger.call("PUT", f"{path}/History", {"HistoryRecords": [{"Details": "x" * 2501}]})
    assert too_long.status == 400
