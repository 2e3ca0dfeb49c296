"""What each switch plays, set on a running sandbox."""

import json
import urllib.parse
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

import pytest

from tests import sandbox_process
from tests.sandbox.conftest import Ledger, invoice, line, messages
from tests.sandbox.ledger.desk import Desk
from tests.sandbox.test_identity import authorize, claims, sent_back
from tests.webhook_receiver import Receiver

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def receiver(sandbox):
    """An address that does everything right."""
    receiver = Receiver(sandbox.ready["webhook_key"])
    yield receiver
    receiver.close()


def choose(sandbox, **choices):
    """Set switches; their names have hyphens."""
    return sandbox.post("/_sandbox/unknowns", {name.replace("_", "-"): choice for name, choice in choices.items()})


def test_the_control_lists_every_switch(sandbox):
    """Name, what is unknown, where the facts say so, choices, the safer default, what is played, the option."""
    told = sandbox.get("/_sandbox/unknowns")
    (one,) = [each for each in told["unknowns"] if each["name"] == "modified-since"]
    assert (one["facts"], one["safer"], one["chosen"]) == ("11.10", "inclusive", "inclusive")
    assert (list(one["choices"]), one["option"]) == (["inclusive", "exclusive"], "--modified-since-exclusive")
    assert {"facts": "11.2", "reason": told["outside"][0]["reason"]} == told["outside"][0]
    set_now = choose(sandbox, modified_since="exclusive")["unknowns"]
    assert [each["chosen"] for each in set_now if each["name"] == "modified-since"] == ["exclusive"]
    back = choose(sandbox, modified_since=None)["unknowns"]
    assert [each["chosen"] for each in back if each["name"] == "modified-since"] == ["inclusive"]


def test_a_wrong_choice_changes_nothing(sandbox):
    """400 that names what there is; all or nothing."""
    for body in ({"past-the-end": "refused", "nonsense": "x"}, {"past-the-end": "refused", "texts": "x"}, {"texts": 7}):
        reply = sandbox.request("POST", "/_sandbox/unknowns", str(body).replace("'", '"').encode())
        assert reply.status == 400
        assert "known" in reply.json["error"] or "one of" in reply.json["error"]
    assert all(each["chosen"] == each["safer"] for each in sandbox.get("/_sandbox/unknowns")["unknowns"])


def test_what_was_set_outlives_the_process_and_a_reset_ends_it(tmp_path):
    """As everything in a state file."""
    state = str(tmp_path / "xero.jsonl")
    with sandbox_process.start("--state", state) as sandbox:
        choose(sandbox, past_the_end="refused")
    with sandbox_process.start("--state", state) as sandbox:
        played = {each["name"]: each["chosen"] for each in sandbox.get("/_sandbox/unknowns")["unknowns"]}
        assert played["past-the-end"] == "refused"
        sandbox.post("/_sandbox/reset")
        played = {each["name"]: each["chosen"] for each in sandbox.get("/_sandbox/unknowns")["unknowns"]}
        assert played["past-the-end"] == "empty"


def test_a_page_past_the_end(ledger):
    """Empty, or refused; the first page of nothing is empty in either case."""
    ledger.contact()
    assert ledger.get("Contacts?page=2")["Contacts"] == []
    choose(ledger.sandbox, past_the_end="refused")
    assert ledger.call("GET", "Contacts?page=2").status == 400
    assert ledger.get("Invoices?page=1")["Invoices"] == []


def test_if_modified_since_in_the_form_of_rfc_1123(ledger):
    """Ignored, or read."""
    ledger.contact()
    later = format_datetime(parsedate_to_datetime("Mon, 01 Jan 2035 00:00:00 GMT"), usegmt=True)
    assert len(ledger.get("Contacts", **{"If-Modified-Since": later})["Contacts"]) == 1
    choose(ledger.sandbox, modified_since_rfc1123="accepted")
    assert ledger.get("Contacts", **{"If-Modified-Since": later})["Contacts"] == []


def test_the_sentences_that_nobody_knows(ledger):
    """Ours, or ours in other words; a sentence of Xero's stays."""
    contact = ledger.contact()
    (first, second) = ledger.write("PUT", invoice(contact), invoice(ledger.contact("Another Ltd")))
    credit = invoice(contact, Type="ACCRECCREDIT")
    (note,) = ledger.write("PUT", credit, to="CreditNotes")
    body = {"Amount": 1, "Invoice": {"InvoiceID": second["InvoiceID"]}}
    path = f"CreditNotes/{note['CreditNoteID']}"
    (refused,) = ledger.write("PUT", body, to="Allocations", path=f"{path}/Allocations")
    assert messages(refused) == ["The credit note and the invoice must have the same contact"]
    choose(ledger.sandbox, texts="other")
    (refused,) = ledger.write("PUT", body, to="Allocations", path=f"{path}/Allocations")
    assert "same contact" not in messages(refused)[0]
    again = ledger.call("PUT", "Invoices", invoice(contact, InvoiceNumber=first["InvoiceNumber"]))
    assert messages(again.json["Elements"][0]) == ["Invoice # must be unique."]


def test_a_key_of_another_request(ledger):
    """The sentence is the Message of the error, or in an element."""
    key = {"Idempotency-Key": "k1"}
    ledger.call("PUT", "Contacts", {"Name": "A"}, **key)
    sentence = "Idempotency Key: k1 is used with a different request."
    assert ledger.call("PUT", "Contacts", {"Name": "B"}, **key).json["Message"] == sentence
    choose(ledger.sandbox, idempotency_mismatch="elements")
    refused = ledger.call("PUT", "Contacts", {"Name": "B"}, **key)
    assert (refused.status, messages(refused.json["Elements"][0])) == (400, [sentence])


def test_a_batch_that_was_refused(ledger):
    """Saves nothing, or keeps what was good."""
    batch = {"Contacts": [{"Name": "Good"}, {}]}
    assert ledger.call("PUT", "Contacts", batch).status == 400
    assert ledger.stored("Contacts") == []
    choose(ledger.sandbox, refused_batch="keeps-good")
    assert ledger.call("PUT", "Contacts", batch).status == 400
    assert [row["Name"] for row in ledger.stored("Contacts")] == ["Good"]


def test_the_403_of_a_role(ledger):
    """With the Detail of a missing scope, or that of a missing connection."""
    ledger.sandbox.post(f"/_sandbox/organisation/{ledger.tenant}", {"without_reports": ["alex@example.com"]})
    for detail in ("AuthorizationUnsuccessful", "AuthenticationUnsuccessful"):
        choose(ledger.sandbox, role_refusal=detail)
        token = ledger.sandbox.connect("accounting.manualjournals")["access_token"]
        reply = ledger.sandbox.api("GET", "ManualJournals", token, ledger.tenant)
        assert (reply.status, reply.json["Detail"]) == (403, detail)


def test_a_429(ledger):
    """With or without the name of its limit, empty or with a problem object."""
    ledger.sandbox.fault("429_concurrent", count=2)
    ledger.sandbox.fault("429_minute", count=1)
    first = ledger.call("GET", "Contacts")
    assert (first.status, first.body, first.headers["X-Rate-Limit-Problem"]) == (429, b"", "concurrent")
    choose(ledger.sandbox, rate_limit_problem="absent", rate_limit_body="problem")
    second = ledger.call("GET", "Contacts")
    assert (second.status, second.json["Title"]) == (429, "Rate limit exceeded")
    assert "X-Rate-Limit-Problem" not in second.headers
    assert ledger.call("GET", "Contacts").headers["X-Rate-Limit-Problem"] == "minute"  # that one was seen


def test_windows_that_roll():
    """A change of the switch begins new windows of that kind."""
    with sandbox_process.start("--auto-consent") as sandbox:
        ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))
        choose(sandbox, limit_windows="rolling")
        assert ledger.call("GET", "Contacts").headers["X-MinLimit-Remaining"] == "59"
        sandbox.advance(59)
        assert ledger.call("GET", "Contacts").headers["X-MinLimit-Remaining"] == "58"
        sandbox.advance(2)
        assert ledger.call("GET", "Contacts").headers["X-MinLimit-Remaining"] == "58"  # the first is free again


def test_half_a_cent(ledger):
    """Away from zero, or to the even cent: 2.5 per cent of 1.00."""
    contact = ledger.contact()
    half = [line(Quantity=1, UnitAmount=0.1, TaxType="RROUTPUT")]  # 5 per cent of 0.10
    totals = []
    for choice in ("away-from-zero", "to-even"):
        choose(ledger.sandbox, half_cents=choice)
        (made,) = ledger.write("PUT", invoice(contact, LineItems=half))
        totals.append(made["TotalTax"])
    assert totals == [0.01, 0.0]


def test_the_tax_in_a_discounted_line(ledger):
    """Of the rounded line, or of what it was before: of forty prices some differ by a cent."""
    contact = ledger.contact()
    cheap = line(Quantity=1, DiscountRate=3.03)
    taxes = []
    for choice in ("rounded-line", "exact-line"):
        choose(ledger.sandbox, discounted_inclusive=choice)
        lines = [{**cheap, "UnitAmount": round(10 + cents / 100, 2)} for cents in range(40)]
        rows = [invoice(contact, LineAmountTypes="Inclusive", LineItems=[one]) for one in lines]
        taxes.append([made["TotalTax"] for made in ledger.write("PUT", *rows)])
    assert taxes[0] != taxes[1]


def test_the_direction_of_a_rate():
    """100.00 EUR at 2 are 50.00 or 200.00 pounds, and the day's own rate turns round with it."""
    worth = []
    for choice in ("foreign-per-base", "base-per-foreign"):
        desk = Desk()
        desk.world.unknowns.choose({"currency-rate": choice})
        foreign = {"CurrencyCode": "EUR", "LineAmountTypes": "NoTax", "DueDate": "2026-12-01", "Date": "2026-11-01"}
        one = {"Description": "x", "Quantity": 1, "UnitAmount": "100", "AccountCode": "200"}
        sale = {"Type": "ACCREC", "Contact": {"Name": "A"}, "Status": "AUTHORISED", "LineItems": [one], **foreign}
        desk.made("Invoices", CurrencyRate="2", **sale)
        at_two = desk.sums()["610"]
        days_own = desk.made("Invoices", **sale)["CurrencyRate"]
        days_worth = desk.sums()["610"] - at_two
        first = next(iter(desk.books.table("Invoices")))
        paid = desk.made(
            "Payments", Invoice={"InvoiceID": first["InvoiceID"]}, Account={"Code": "090"}, Amount=50, CurrencyRate="2"
        )
        worth.append((at_two, days_own > 1, days_worth, paid["BankAmount"], desk.sums()["090"]))
        (contact,) = desk.ask("GET", "Contacts?page=1")[1]["Contacts"]
        assert contact["Balances"]["AccountsReceivable"]["Outstanding"] == desk.sums()["610"]
    assert [(one, own, *money) for one, own, _, *money in worth] == [(50, True, 25, 25), (200, False, 100, 100)]
    assert abs(worth[0][2] - worth[1][2]) <= 1  # the same money


def test_the_direction_stays_once_there_is_foreign_money(ledger):
    """Books of two directions would not balance: 400 until a reset."""
    ledger.write("PUT", invoice(ledger.contact(), CurrencyCode="EUR"))
    body = b'{"currency-rate": "base-per-foreign"}'
    assert ledger.sandbox.request("POST", "/_sandbox/unknowns", body).status == 400
    ledger.sandbox.post("/_sandbox/reset")
    assert ledger.sandbox.request("POST", "/_sandbox/unknowns", body).status == 200


@pytest.mark.parametrize(("choice", "status"), [("none", 400), ("likely", 200)])
def test_filters_of_payments_over_very_many_rows(choice, status):
    """No field of them is optimised, or those that weak sources name."""
    desk = Desk(high_volume_rows=0)
    desk.world.unknowns.choose({"optimised-fields": choice})
    wire_invoice = invoice("", Contact={"Name": "A"})
    made = desk.made("Invoices", **wire_invoice)
    desk.made("Payments", Invoice={"InvoiceID": made["InvoiceID"]}, Account={"Code": "090"}, Amount=1)
    where = urllib.parse.quote("Date>=DateTime(2026,1,1)")
    assert desk.ask("GET", f"Payments?page=1&where={where}")[0] == status


def test_a_cancelled_consent():
    """Back to the app with access_denied, or an error page."""
    with sandbox_process.start() as sandbox:
        for choice in ("redirect", "page"):
            choose(sandbox, access_denied=choice)
            page = authorize(sandbox).body.decode()
            consent = page.split('name="consent" value="')[1].split('"')[0]
            reply = sandbox.form("/identity/consent", {"consent": consent, "decision": "cancel"})
            if choice == "redirect":
                assert sent_back(reply)["error"] == "access_denied"
            else:
                assert (reply.status, reply.headers["Content-Type"].partition(";")[0]) == (400, "text/html")


def test_a_scope_that_the_app_may_not_have(sandbox):
    """An error page, or back to the app."""
    assert authorize(sandbox, scope="accounting.nonsense").status == 400
    choose(sandbox, refused_scope="redirect")
    assert sent_back(authorize(sandbox, scope="accounting.nonsense"))["error"] == "invalid_scope"


def test_where_the_keys_are_and_what_a_token_is_for(sandbox):
    """The discovery document names the address that answers; the aud may be missing."""
    assert claims(sandbox.connect()["access_token"])["aud"].endswith("/resources")
    choose(sandbox, jwks_path="/.well-known/jwks", token_audience="absent")
    told = sandbox.request("GET", DISCOVERY).json["jwks_uri"]
    assert told == f"{sandbox.url}/.well-known/jwks"
    assert sandbox.request("GET", "/.well-known/jwks").json["keys"]
    assert sandbox.request("GET", f"{DISCOVERY}/jwks").status == 404
    assert "aud" not in claims(sandbox.connect()["access_token"])


def test_when_broad_scopes_end():
    """On one of the two days that Xero's pages name."""
    world = Desk().world
    with world.clock.at(datetime(2027, 9, 20, tzinfo=UTC)):
        assert not world.has_broad_scopes()
        world.unknowns.choose({"broad-scopes-end": "2027-09-27"})
        assert world.has_broad_scopes()


def test_the_scope_of_expenses(sandbox):
    """Nobody can ask for it, or everybody."""
    assert authorize(sandbox, scope="accounting.classicexpenses").status == 400
    choose(sandbox, classic_expenses_scope="granted")
    assert "code" in sent_back(authorize(sandbox, scope="accounting.classicexpenses"))


def test_what_is_told_of_payments(ledger, receiver):
    """With or without data, or not at all; and whether the paid document is told of."""
    contact = ledger.contact()
    sandbox = ledger.sandbox
    told = {}
    for choices in (
        {"payment_events": "with-data"},
        {"payment_events": "without-data", "paid_documents": "silent"},
        {"payment_events": "none"},
    ):
        choose(sandbox, **choices)
        (made,) = ledger.write("PUT", invoice(contact))
        sandbox.post("/_sandbox/webhooks", {"url": receiver.url, "categories": ["INVOICE", "PAYMENT"]})
        assert sandbox.get("/_sandbox/webhooks?wait_s=20")["settled"]
        receiver.deliveries.clear()
        payment = {"Invoice": {"InvoiceID": made["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 1}
        ledger.write("PUT", payment, to="Payments")
        assert sandbox.get("/_sandbox/webhooks?wait_s=20")["settled"]
        events = [event for _, body, _ in receiver.deliveries for event in json.loads(body)["events"]]
        told[choices["payment_events"]] = sorted({(each["eventCategory"], "data" in each) for each in events})
    assert told == {
        "with-data": [("INVOICE", False), ("PAYMENT", True)],
        "without-data": [("PAYMENT", False)],
        "none": [],
    }


@pytest.mark.parametrize(("choice", "good", "all"), [("bad-first", 1, 2), ("long", 1, 8)])
def test_other_intents_to_receive(sandbox, receiver, choice, good, all):
    """One signed almost well and one signed well, or eight."""
    choose(sandbox, intent_series=choice)
    sandbox.post("/_sandbox/webhooks", {"url": receiver.url, "client_id": sandbox.ready["client_id"]})
    (subscription,) = sandbox.get("/_sandbox/webhooks?wait_s=20")["subscriptions"]
    assert subscription["status"] == "OK"
    assert (sum(is_good for _, _, is_good in receiver.deliveries), len(receiver.deliveries)) == (good, all)


def test_an_answer_to_a_webhook_with_a_body(sandbox, receiver):
    """Refused, or taken."""
    receiver.body = b"{}"
    states = []
    for choice in ("strict", "lenient"):
        choose(sandbox, webhook_answers=choice)
        sandbox.post("/_sandbox/webhooks", {"url": receiver.url, "client_id": sandbox.ready["client_id"]})
        sandbox.post("/_sandbox/webhooks", {"client_id": sandbox.ready["client_id"]})
        states.append(sandbox.get("/_sandbox/webhooks?wait_s=20")["subscriptions"][0]["status"])
    assert states == ["Intent to receive required", "OK"]


def test_an_app_hears_of_its_own_writes_or_not(ledger, receiver):
    """What a person did is told in either case."""
    sandbox = ledger.sandbox
    sandbox.post("/_sandbox/webhooks", {"url": receiver.url, "client_id": sandbox.ready["client_id"]})
    told = []
    for choice in ("told", "silent"):
        choose(sandbox, own_writes=choice)
        assert sandbox.get("/_sandbox/webhooks?wait_s=20")["settled"]
        receiver.deliveries.clear()
        ledger.contact(f"By the app, {choice}")
        sandbox.person(ledger.tenant, "PUT", "Contacts", {"Name": f"By hand, {choice}"})
        assert sandbox.get("/_sandbox/webhooks?wait_s=20")["settled"]
        told.append(sum(len(json.loads(body)["events"]) for _, body, _ in receiver.deliveries))
    assert told == [2, 1]


def test_an_approved_invoice_without_a_due_date(ledger):
    """Refused, or due on its own date."""
    body = invoice(ledger.contact())
    del body["DueDate"]
    (refused,) = ledger.write("PUT", body)
    assert messages(refused) == ["The document DueDate field must be specified."]
    choose(ledger.sandbox, due_date="defaulted")
    (made,) = ledger.write("PUT", body)
    assert (made["StatusAttributeString"], made["DueDateString"]) == ("OK", "2026-11-01T00:00:00")


def test_an_organisation_that_is_connected_again(sandbox):
    """The connection keeps its id, or gets another; it is as old as it was."""
    connected = []
    for choice in ("keeps-id", "new-id"):
        choose(sandbox, reconnection=choice)
        for _ in range(2):
            token = sandbox.connect()["access_token"]
            reply = sandbox.request("GET", "/connections", headers={"Authorization": f"Bearer {token}"})
            (row,) = [each for each in reply.json if each["tenantId"] == sandbox.tenant(1)]
            connected.append((row["id"], row["createdDateUtc"]))
    (first, born), (second, _), (third, _), (fourth, last) = connected
    assert (first == second, len({second, third, fourth})) == (True, 3)
    assert born == last
