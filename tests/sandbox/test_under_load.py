"""Many writers at once: what was acknowledged outlives kill -9, and no cent is spent twice."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from tests import sandbox_process
from tests.sandbox.conftest import Ledger, invoice, line

WRITERS = 4
ACKNOWLEDGED = 40


def test_every_acknowledged_write_outlives_kill_9_under_load(tmp_path):
    """Killed while four writers write: what they were told is there with the same ids, and each key gives its answer again."""
    arguments = ("--auto-consent", "--no-limits", "--organisations", "1", "--state", str(tmp_path / "state.jsonl"))
    told: dict[str, bytes] = {}
    with sandbox_process.start(*arguments) as first:
        ledger = Ledger(first, first.connect()["access_token"], first.tenant(1))
        enough = threading.Event()

        def write(writer: int) -> None:
            with contextlib.suppress(OSError):  # the kill
                for number in range(ACKNOWLEDGED * 10):
                    name = f"Contact {writer} {number}"
                    reply = ledger.call("PUT", "Contacts", {"Name": name}, Idempotency_Key=name)
                    assert reply.status == 200
                    told[name] = reply.body
                    if len(told) >= ACKNOWLEDGED:
                        enough.set()

        writers = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
        for thread in writers:
            thread.start()
        assert enough.wait(60)
        first.kill()
        for thread in writers:
            thread.join()
    with sandbox_process.start(*arguments) as second:
        again = Ledger(second, ledger.token, ledger.tenant)
        assert told.keys() <= {row["Name"] for row in again.stored("Contacts")}
        for name, body in told.items():
            assert body == again.call("PUT", "Contacts", {"Name": name}, Idempotency_Key=name).body


def raced(calls):
    """The statuses of these calls, made all at once, in order."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(lambda call: call().status, calls))


def test_payments_that_race_do_not_overpay(ledger):
    """Nine payments of 10.00 at once on 25.20: two are made, 5.20 stays due."""
    (sale,) = ledger.write("PUT", invoice(ledger.contact()))
    paid = {"Invoice": {"InvoiceID": sale["InvoiceID"]}, "Account": {"Code": "090"}, "Date": "2026-11-02", "Amount": 10}
    assert raced([lambda: ledger.call("PUT", "Payments", paid)] * 9) == [200] * 2 + [400] * 7
    (stored,) = ledger.stored("Invoices")
    assert (stored["AmountPaid"], stored["AmountDue"]) == (20.0, 5.2)


def test_allocations_that_race_do_not_spend_a_credit_twice(ledger):
    """A credit of 25.20 against three invoices of as much, nine times 12.60 at once: it is used up, once."""
    contact = ledger.contact()
    sales = ledger.write("PUT", *[invoice(contact)] * 3)
    (credit,) = ledger.write("PUT", {**invoice(contact), "Type": "ACCRECCREDIT"}, to="CreditNotes")
    path = f"CreditNotes/{credit['CreditNoteID']}/Allocations"
    calls = [
        lambda own_id=sale["InvoiceID"]: ledger.call("PUT", path, {"Invoice": {"InvoiceID": own_id}, "Amount": 12.6})
        for sale in sales
        for _ in range(3)
    ]
    assert raced(calls) == [200] * 2 + [400] * 7
    (stored,) = ledger.stored("CreditNotes")
    assert (stored["RemainingCredit"], stored["Status"]) == (0.0, "PAID")
    assert sum(Decimal(str(sale["AmountCredited"])) for sale in ledger.stored("Invoices")) == Decimal("25.2")


def test_a_payment_that_is_deleted_twice_at_once_comes_back_once(ledger):
    """One deletion counts; the invoice owes what it owed before, and no more."""
    (sale,) = ledger.write("PUT", invoice(ledger.contact()))
    paid = {
        "Invoice": {"InvoiceID": sale["InvoiceID"]},
        "Account": {"Code": "090"},
        "Date": "2026-11-02",
        "Amount": 25.2,
    }
    (payment,) = ledger.write("PUT", paid, to="Payments")
    path = f"Payments/{payment['PaymentID']}"
    assert raced([lambda: ledger.call("POST", path, {"Status": "DELETED"})] * 6) == [200] + [400] * 5
    assert ledger.stored("Invoices")[0]["AmountDue"] == 25.2


def test_voiding_and_paying_at_once_leaves_one_of_them(ledger):
    """Either the invoice is void and unpaid, or it is paid: never both."""
    for _ in range(8):
        (sale,) = ledger.write("PUT", invoice(ledger.contact(f"Contact {_}"), LineItems=[line()]))
        own_id = sale["InvoiceID"]
        paid = {"Invoice": {"InvoiceID": own_id}, "Account": {"Code": "090"}, "Date": "2026-11-02", "Amount": 1}
        calls = [
            lambda own_id=own_id: ledger.call("POST", f"Invoices/{own_id}", {"Status": "VOIDED"}),
            lambda paid=paid: ledger.call("PUT", "Payments", paid),
        ]
        assert raced(calls) == [200, 400]
        stored = next(row for row in ledger.stored("Invoices") if row["InvoiceID"] == own_id)
        assert (stored["Status"], len(stored["Payments"])) in {("VOIDED", 0), ("AUTHORISED", 1)}


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_one_number_is_given_once(ledger, method):
    """Eight invoices of one number at once: PUT makes one and refuses seven, POST makes one and updates it."""
    contact = ledger.contact()
    sent = invoice(contact, InvoiceNumber="RACE-1", Status="DRAFT")
    statuses = raced([lambda: ledger.call(method, "Invoices", sent)] * 8)
    assert statuses == ([200] + [400] * 7 if method == "PUT" else [200] * 8)
    assert len(ledger.stored("Invoices")) == 1
