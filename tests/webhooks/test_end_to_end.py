"""serve and a sandbox as two processes: what changes at Xero is marked here, whatever happens to its deliveries and to us."""

import sqlite3
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests import sandbox_process
from tests.cli.office import FLOW, Office
from tests.sandbox.conftest import Ledger, invoice
from tests.webhooks.sender import KEY, body, event, signature

PATIENCE_S = 120
SETTINGS = {"COUNTERFOIL_XERO__WEBHOOK_KEY": KEY}
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module")
def sandbox():
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture
def office(tmp_path, sandbox):
    """Configured; nobody has consented."""
    sandbox.post("/_sandbox/reset")
    made = Office(tmp_path, sandbox)
    made.write()
    made.key()
    return made


class Served:
    """One `serve` of an office, killed at the end, and what its database holds as any other program reads it."""

    def __init__(self, office):
        self.office = office
        self.process = office.start("serve", env=SETTINGS)
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith("Listening on "):
                break
        else:
            raise AssertionError(self.process.communicate()[1])
        self.port = int(line.rpartition(":")[2])
        self.url = f"http://127.0.0.1:{self.port}/webhooks/xero"
        self.drains = [threading.Thread(target=one.read) for one in (self.process.stdout, self.process.stderr)]
        for drain in self.drains:
            drain.start()

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        for drain in self.drains:
            drain.join()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def serve(office):
    """Start one; all are killed at the end."""
    running = []

    def start():
        running.append(Served(office))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.kill()


def read(office, query):
    connection = sqlite3.connect(f"file:{office.folder / 'counterfoil.db'}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def marked(office):
    return {
        (category, resource_id) for category, resource_id in read(office, "SELECT category, resource_id FROM inbox_ids")
    }


def subscribed(sandbox, served):
    """The sandbox's web app delivers there; → the state of its webhook after the intent to receive."""
    given = {"url": served.url, "key": KEY, "client_id": sandbox.ready["client_id"]}
    sandbox.post("/_sandbox/webhooks", given | {"categories": ["CONTACT", "INVOICE", "CREDITNOTE"]})
    answer = settled(sandbox)
    return answer["subscriptions"][0]["status"]


def settled(sandbox):
    answer = sandbox.get("/_sandbox/webhooks?wait_s=60")
    assert answer["settled"]
    return answer


def test_what_changes_at_xero_is_marked_whatever_happens_to_its_deliveries(sandbox, office, serve):
    """The intent to receive passes; duplicated, reordered and forged deliveries end as one mark for each document."""
    served = serve()
    ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))
    assert subscribed(sandbox, served) == "OK"
    contact = ledger.contact()
    (first,) = ledger.write("PUT", invoice(contact))
    sandbox.fault("webhook_duplicated")
    (bill,) = ledger.write("PUT", invoice(contact) | {"Type": "ACCPAY", "InvoiceNumber": "B-1"})
    settled(sandbox)
    sandbox.fault("webhook_forged")
    ledger.write("POST", {"InvoiceID": first["InvoiceID"], "Reference": "changed"})
    settled(sandbox)
    sandbox.fault("webhook_reordered")
    ledger.write(
        "PUT", {**invoice(contact), "Contact": {"Name": "Another Ltd"}}, {**invoice(contact), "Reference": "z"}
    )
    answer = settled(sandbox)
    assert {(one["kind"], one["problem"]) for one in answer["deliveries"]} >= {("duplicate", ""), ("forged", "")}
    assert [one for one in answer["deliveries"] if one["problem"]] == []
    held = sandbox.ledger(ledger.tenant)
    expected = {("INVOICE", one["InvoiceID"]) for one in held["Invoices"]}
    found = marked(office)
    assert expected <= found
    assert ("INVOICE", bill["InvoiceID"]) in found
    assert ("CONTACT", contact) in found
    assert {one for one in found if one[0] == "INVOICE"} == expected
    newest = max(one["UpdatedDateUTC"] for one in held["Invoices"])
    ((at,),) = read(office, "SELECT newest_at FROM inbox_marks WHERE category = 'INVOICE'")
    assert at // 1000 == int(newest.strip("/Date()").partition("+")[0])


def test_what_changes_at_xero_is_held_here_without_being_polled(sandbox, office, serve):
    """An invoice is approved by a person: its event alone brings the copy up to date, long before a poll would, and nothing stays marked."""
    office.write(flows=f'[mirror]\nresources = ["Invoices"]\n{FLOW}')
    office.connect()
    assert office("entities", "bind", "acme-uk", sandbox.tenant(1)).code == 0
    assert office("sync", "acme-uk").code == 0
    served = serve()
    ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))
    assert subscribed(sandbox, served) == "OK"
    (made,) = ledger.write("PUT", invoice(ledger.contact()) | {"Status": "DRAFT"})
    query = f"SELECT status FROM mirrored WHERE document_id = '{made['InvoiceID']}'"
    until(lambda: read(office, query) == [("DRAFT",)])
    ledger.write("POST", {"InvoiceID": made["InvoiceID"], "Status": "AUTHORISED"})
    until(lambda: read(office, query) == [("AUTHORISED",)])
    until(lambda: not read(office, "SELECT 1 FROM inbox_marks WHERE category = 'INVOICE' AND due_at IS NOT NULL"))


def until(ready):
    """Wait for it, as long as a busy machine may need."""
    ends = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_killed_in_the_middle_every_delivery_that_was_answered_with_200_is_there(office, serve):
    """kill -9 while eight senders send, twice over the same database."""
    answered, lock = set(), threading.Lock()

    def send(served, stop):
        while not stop.is_set():
            whole = body(event())
            request = urllib.request.Request(served.url, whole, {"x-xero-signature": signature(whole)})
            try:
                with _OPENER.open(request, timeout=PATIENCE_S) as answer:
                    if answer.status == 200:
                        with lock:
                            answered.add(whole)
            except (OSError, urllib.error.URLError):
                stop.wait(0.01)

    for n in (1, 2):
        served, stop = serve(), threading.Event()
        senders = [threading.Thread(target=send, args=(served, stop)) for _ in range(8)]
        for one in senders:
            one.start()
        until = time.monotonic() + PATIENCE_S
        while len(answered) < 40 * n and time.monotonic() < until:
            stop.wait(0.01)
        served.kill()
        stop.set()
        for one in senders:
            one.join()
        assert len(answered) >= 40 * n
        kept = {row[0] for row in read(office, "SELECT body FROM inbox_deliveries")}
        assert answered <= kept
        assert read(office, "PRAGMA integrity_check") == [("ok",)]
    ((events,),) = read(office, "SELECT count(*) FROM inbox_ids")
    assert events == len(kept)
