"""The control API: log, ledger, reset, clock, and the person at Xero's screen."""

import pytest

from tests import sandbox_process
from tests.sandbox.conftest import Ledger, invoice, line

KEYS = ["n", "at", "method", "path", "tenant", "status", "idempotency_key", "bytes_in", "bytes_out", "fault"]


def test_the_log_has_every_request_with_its_facts(ledger):
    """Requests are numbered in order; `after` gives only newer ones; control requests are not in it."""
    ledger.call("PUT", "Contacts?summarizeErrors=false", {"Name": "A"}, Idempotency_Key="k")
    rows = ledger.sandbox.requests()
    assert [row["n"] for row in rows] == list(range(1, len(rows) + 1))
    last = rows[-1]
    assert list(last) == KEYS
    assert (last["method"], last["path"]) == ("PUT", "/api.xro/2.0/Contacts?summarizeErrors=false")
    assert (last["tenant"], last["status"], last["idempotency_key"], last["fault"]) == (ledger.tenant, 200, "k", None)
    assert last["bytes_in"] == len(b'{"Name": "A"}')
    assert last["bytes_out"] > 1000
    assert ledger.sandbox.requests(after=last["n"]) == []
    assert not [row for row in rows if row["path"].startswith("/_sandbox")]


def test_the_ledger_shows_wire_objects_by_plural(ledger):
    """The ledger has everything with lines, and only Xero's keys."""
    ledger.write("PUT", invoice(ledger.contact(), InvoiceNumber="S-1"))
    books = ledger.sandbox.ledger(ledger.tenant)
    assert list(books) == [
        "Organisations", "Accounts", "TaxRates", "Currencies", "TrackingCategories", "Contacts", "Invoices",
        "CreditNotes", "Payments", "Overpayments", "Prepayments", "BankTransactions", "BankTransfers", "BatchPayments",
        "ManualJournals", "Items", "ContactGroups", "Quotes", "PurchaseOrders", "RepeatingInvoices",
        "PaymentServices", "LinkedTransactions", "Budgets", "Receipts", "ExpenseClaims",
    ]  # fmt: skip
    assert books["Invoices"][0]["LineItems"][0]["LineAmount"] == 21.0
    assert ledger.sandbox.request("GET", "/_sandbox/ledger/unknown").status == 404


def test_reset_empties_everything_and_keeps_the_ids_of_the_seed(ledger):
    """After a reset ledgers, log, faults and connections are gone; the same seed has the same tenants."""
    ledger.write("PUT", invoice(ledger.contact()))
    ledger.sandbox.fault("503")
    answer = ledger.sandbox.post("/_sandbox/reset")
    assert [row["tenant_id"] for row in answer["organisations"]] == [ledger.sandbox.tenant(n) for n in (1, 2, 3, 4)]
    assert ledger.stored("Invoices") == []
    assert ledger.sandbox.requests() == []
    assert ledger.call("GET", "Organisation").status == 403
    other = ledger.sandbox.post("/_sandbox/reset", {"seed": 99})
    assert other["organisations"][0]["tenant_id"] != ledger.sandbox.tenant(1)
    ledger.sandbox.post("/_sandbox/reset", {"seed": 1})


def test_the_clock_moves_stamps(ledger):
    """advance_s moves the time of everything that is stamped."""
    ledger.contact("A")
    ledger.sandbox.advance(86_400)
    ledger.token = ledger.sandbox.connect()["access_token"]
    ledger.contact("B")
    first, second = (int(row["UpdatedDateUTC"][6:19]) for row in ledger.stored("Contacts"))
    assert 86_400_000 <= second - first < 86_500_000
    for refused in (b'{"advance_s": -1}', b'{"advance_s": 1e11}', b'{"advance_s": true}'):
        assert ledger.sandbox.request("POST", "/_sandbox/clock", refused).status == 400


def test_one_clock_moves_limits_also_after_a_reset():
    """What advance_s moves is the clock of everything: a full minute passes, and so it does once all was reset."""
    with sandbox_process.start(
        "--auto-consent", "--minute-window-s", "3600", "--access-token-ttl-s", "86400"
    ) as process:
        for _ in range(2):
            process.post("/_sandbox/reset")
            ledger = Ledger(process, process.connect()["access_token"], process.tenant(1))
            statuses = [ledger.call("GET", "Currencies").status for _ in range(61)]
            assert (statuses[:60], statuses[60]) == ([200] * 60, 429)
            assert process.get("/_sandbox/limits")[0]["minute_left"] == 0
            process.advance(3600)
            assert ledger.call("GET", "Currencies").status == 200


def test_a_person_renames_an_organisation_and_changes_its_currency(ledger):
    """What a person changes shows in Organisation and in connections."""
    ledger.sandbox.organisation(ledger.tenant, name="Fernhill Group Ltd", base_currency="EUR")
    row = ledger.get("Organisation")["Organisations"][0]
    assert (row["Name"], row["BaseCurrency"]) == ("Fernhill Group Ltd", "EUR")
    bearer = {"Authorization": f"Bearer {ledger.token}"}
    listed = ledger.sandbox.request("GET", "/connections", headers=bearer).json
    assert listed[0]["tenantName"] == "Fernhill Group Ltd"


def test_a_person_disconnects_and_reconnects_the_app(ledger):
    """Disconnected at Xero: the token still refreshes, calls are 403, the tenant is not listed."""
    ledger.sandbox.organisation(ledger.tenant, disconnected=True)
    assert ledger.call("GET", "Organisation").status == 403
    assert ledger.sandbox.api("GET", "Organisation", ledger.token, ledger.sandbox.tenant(2)).status == 200
    ledger.sandbox.organisation(ledger.tenant, disconnected=False)
    assert ledger.call("GET", "Organisation").status == 200


def test_a_demo_company_resets_to_a_new_tenant_id(ledger):
    """reset empties the books under a new tenant id; the old one is 403 and has no ledger."""
    ledger.contact()
    new = ledger.sandbox.organisation(ledger.tenant, reset=True)["tenant_id"]
    assert new != ledger.tenant
    assert ledger.call("GET", "Organisation").status == 403
    assert ledger.sandbox.ledger(new)["Contacts"] == []
    assert ledger.sandbox.request("GET", f"/_sandbox/ledger/{ledger.tenant}").status == 404
    token = ledger.sandbox.connect()["access_token"]
    assert ledger.sandbox.api("GET", "Organisation", token, new).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"approvals_left": -1}',
        b'{"actions": {"Fly": true}}',
        b'{"invoice_reminders": 1}',
        b'{"demo": "yes"}',
        b'{"name": "New", "actions": []}',
        b'{"nmae": "x"}',
        b'{"name": 7}',
        b'{"period_lock_date": "soon"}',
        b"[1]",
        b"{",
    ],
)
def test_a_bad_control_body_is_400_and_changes_nothing(ledger, body):
    """The control API never guesses."""
    assert ledger.sandbox.request("POST", f"/_sandbox/organisation/{ledger.tenant}", body).status == 400
    assert ledger.get("Organisation")["Organisations"][0]["Name"] == "Fernhill Trading Ltd"


def test_a_person_edits_a_document_without_the_apis_rules(ledger):
    """Number, dates, status and lines change; totals follow; the stamp moves."""
    (made,) = ledger.write("PUT", invoice(ledger.contact(), InvoiceNumber="S-1"))
    ledger.sandbox.advance(5)
    edited = ledger.sandbox.edit(
        ledger.tenant, made["InvoiceID"], InvoiceNumber="RENAMED", Date="2026-11-05", LineItems=[line(Quantity=4)]
    )
    assert (edited["InvoiceNumber"], edited["DateString"], edited["Total"], edited["AmountDue"]) == (
        "RENAMED", "2026-11-05T00:00:00", 50.4, 50.4,
    )  # fmt: skip
    assert edited["UpdatedDateUTC"] > made["UpdatedDateUTC"]
    assert ledger.get("Invoices/RENAMED")["Invoices"][0]["Total"] == 50.4
    assert ledger.call("GET", "Invoices/S-1").status == 404
    erased = ledger.sandbox.edit(ledger.tenant, made["InvoiceID"], Reference=None, Status="DRAFT")
    assert (erased["Status"], erased["Reference"]) == ("DRAFT", "")
    voided = ledger.sandbox.edit(ledger.tenant, made["InvoiceID"], Status="VOIDED")
    assert voided["AmountDue"] == 0.0


def test_a_person_merges_a_contact(ledger):
    """The loser of a merge is archived, names the winner, and keeps its number."""
    loser, winner = ledger.contact("A", ContactNumber="c-1"), ledger.contact("B")
    ledger.sandbox.edit(ledger.tenant, loser, ContactStatus="ARCHIVED", MergedToContactID=winner)
    row = ledger.get("Contacts/c-1")["Contacts"][0]
    assert (row["ContactID"], row["MergedToContactID"], row["ContactStatus"]) == (loser, winner, "ARCHIVED")


def test_a_stranger_makes_documents(ledger):
    """Documents can be made without a token, by the API's rules."""
    (contact,) = ledger.sandbox.make(ledger.tenant, "Contacts", {"Name": "Stranger's customer"})
    (made,) = ledger.sandbox.make(ledger.tenant, "Invoices", invoice(contact["ContactID"], InvoiceNumber="S-1"))
    assert made["Status"] == "AUTHORISED"
    with pytest.raises(AssertionError, match="must be unique"):
        ledger.sandbox.make(ledger.tenant, "Invoices", invoice(contact["ContactID"], InvoiceNumber="S-1"))
    assert not [row for row in ledger.sandbox.requests() if row["path"].startswith("/api.xro")]


def test_a_person_works_by_xeros_rules_without_a_token(ledger):
    """Void, renumber, pay, credit and delete; a refusal is told and leaves nothing; the request log knows of none."""
    contact = ledger.contact()
    paid, wrong = ledger.write("PUT", invoice(contact, InvoiceNumber="S-1"), invoice(contact, InvoiceNumber="S-2"))
    before = len(ledger.sandbox.requests())

    def act(method, path, body=None):
        done = ledger.sandbox.person(ledger.tenant, method, path, body)
        return done["status"], done["answer"]

    payment = {"Invoice": {"InvoiceNumber": "S-1"}, "Account": {"Code": "090"}, "Amount": 5}
    status, answer = act("PUT", "Payments", payment)
    assert (status, answer["Payments"][0]["Invoice"]["AmountDue"]) == (200, 20.2)
    assert act("POST", f"Invoices/{wrong['InvoiceID']}", {"Status": "VOIDED"})[0] == 200
    assert act("POST", f"Invoices/{wrong['InvoiceID']}", {"Status": "DRAFT"})[0] == 400
    assert act("POST", f"Invoices/{paid['InvoiceID']}", {"InvoiceNumber": "S-9"})[0] == 200
    assert act("POST", f"Invoices/{paid['InvoiceID']}", {"Status": "VOIDED"})[0] == 400
    assert act("POST", "Invoices/nothing", {})[0] == 404
    note = {
        "Type": "ACCRECCREDIT", "Contact": {"ContactID": contact}, "Status": "AUTHORISED", "LineItems": [line()],
    }  # fmt: skip
    own_id = act("PUT", "CreditNotes?unitdp=4", note)[1]["CreditNotes"][0]["CreditNoteID"]
    allocation = {"Invoice": {"InvoiceID": paid["InvoiceID"]}, "Amount": 20.2}
    made = act("PUT", f"CreditNotes/{own_id}/Allocations", allocation)[1]["Allocations"][0]
    assert [row["Status"] for row in ledger.stored("Invoices")] == ["PAID", "VOIDED"]
    status, answer = act("DELETE", f"CreditNotes/{own_id}/Allocations/{made['AllocationID']}")
    assert (status, answer["IsDeleted"]) == (200, True)
    assert [(row["InvoiceNumber"], row["Status"]) for row in ledger.stored("Invoices")] == [
        ("S-9", "AUTHORISED"), ("S-2", "VOIDED"),
    ]  # fmt: skip
    assert len(ledger.sandbox.requests()) == before
    for body in (b"{}", b'{"method": "PUT"}', b'{"method": "PUT", "path": "Nothing"}', b'{"method": 1, "path": "x"}'):
        assert ledger.sandbox.request("POST", f"/_sandbox/person/{ledger.tenant}", body).status == 400


def test_a_control_that_does_not_exist_is_told(sandbox):
    """An unknown control path is 404 JSON with the known ones, and not in Xero's request log."""
    reply = sandbox.request("POST", "/_sandbox/nonsense", b"{}")
    assert reply.status == 404
    assert "POST /_sandbox/faults" in reply.json["known"]
    assert sandbox.requests() == []


def test_health_answers(sandbox):
    """A probe sees that it is up, and its time."""
    assert sandbox.get("/_sandbox/health")["ok"] is True
