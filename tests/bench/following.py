"""How the mirror follows Xero: how soon a change is handed over, calls for a burst, one sweep after two days unheard.

`serve` and a sandbox run as processes of their own; the sandbox makes the documents, sends their events, counts the calls
and is the judge: right is what has each document with Xero's own stamp.
"""

import contextlib
import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests import sandbox_process
from tests.bench import firm, processes, table
from tests.bench.firm import COUNTERFOIL, Firm
from tests.bench.table import Row
from tests.delivery.receivers import SECRET, Hook
from tests.sandbox_process import SandboxProcess
from tests.webhooks.sender import KEY

TENANTS = 5
SINGLE, SINGLE_S = 40, 0.5  # changes one by one, and the seconds between them
HANDED_OVER_S = 10.0
EVENTS = 1_000
CALLS = 50
MISSED_H = 48
MISSED = 500  # documents of those two days
PATIENCE_S = 120.0
RESOURCES = ("Contacts", "Invoices", "CreditNotes", "Payments")
OPTIONS = ("--auto-consent", "--no-limits", "--access-token-ttl-s", "36000", "--organisations", str(TENANTS))


def rows(folder: Path) -> Iterator[Row]:
    """Single changes and a burst with webhooks, then two days without."""
    with sandbox_process.start(*OPTIONS) as xero, contextlib.closing(Hook()) as hook:
        here = _firm(folder, xero, hook)
        tenants = [told["tenant_id"] for told in xero.ready["organisations"]]
        contacts = {tenant: _contact(xero, tenant) for tenant in tenants}
        assert here("sync", "--json").code == 0
        with serving(folder) as port:
            subscribed(xero, port)
            yield _handed_over(xero, hook, contacts)
            before = len(xero.requests())
            began_s = time.monotonic()
            for tenant in tenants:
                xero.make(tenant, "Invoices", *(_draft(contacts[tenant]) for _ in range(EVENTS // TENANTS)))
            took_s = _right(folder, xero, tenants) - began_s
            _unmarked(folder, xero)
            calls = len(xero.requests()) - before
        yield table.at_most(
            "mirror: calls until it is right after a burst of events", calls, CALLS, "",
            f"{EVENTS:,} events, {TENANTS} organisations, {took_s:.1f} s from the first change",
        )  # fmt: skip
        xero.delete("/_sandbox/webhooks")
        for tenant in tenants:
            for _ in range(10):
                xero.advance(MISSED_H * 3600 / 10 / TENANTS)
                xero.make(tenant, "Invoices", *(_draft(contacts[tenant]) for _ in range(MISSED // 10 // TENANTS)))
        cost = here("sync", "--json")
        assert cost.code == 0, cost.err
        wrong = len(_wrong(folder, xero, tenants))
        note = f"{MISSED} new documents, {json.loads(cost.out)['api_calls']} calls"
        yield table.at_most(f"mirror: documents wrong after {MISSED_H} h unheard and one sync", wrong, 0, "", note)


def _handed_over(xero: SandboxProcess, hook: Hook, contacts: Mapping[str, str]) -> Row:
    """From the write at Xero until its change stands at a subscriber, signed."""
    while not hook.got:  # a feed begins with what happens after it was seen
        xero.make(next(iter(contacts)), "Invoices", _draft(next(iter(contacts.values()))))
        time.sleep(1)
    written: dict[str, float] = {}
    for n in range(SINGLE):
        tenant = list(contacts)[n % TENANTS]
        (made,) = xero.make(tenant, "Invoices", _draft(contacts[tenant]))
        written[made["InvoiceID"]] = time.monotonic()
        time.sleep(SINGLE_S)
    seen: dict[str, float] = {}
    stops_s = time.monotonic() + PATIENCE_S
    while written.keys() - seen.keys():
        assert time.monotonic() < stops_s, "not every change was handed over"
        for (_headers, body), at_s in zip(hook.got, hook.at_s, strict=False):
            seen.setdefault(json.loads(body)["document_id"], at_s)
        time.sleep(0.25)
    took = sorted(seen[one] - at_s for one, at_s in written.items())
    p95 = took[len(took) * 95 // 100]
    note = f"{SINGLE} changes over {TENANTS} organisations, median {took[len(took) // 2]:.1f} s"
    return table.at_most("with webhooks: from a write to the change handed over, p95", p95, HANDED_OVER_S, "s", note)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[int]:
    """`counterfoil serve` in the folder; → its port. Killed at the end."""
    settings = {"COUNTERFOIL_SERVICE__LISTEN": "127.0.0.1:0", "COUNTERFOIL_XERO__WEBHOOK_KEY": KEY}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [COUNTERFOIL, "serve"], cwd=folder, stdout=subprocess.PIPE, stderr=log, env=processes.surroundings() | settings
        )  # fmt: skip
    try:
        assert process.stdout is not None
        port = next(int(line.rpartition(b":")[2]) for line in process.stdout if line.startswith(b"Listening on "))
        yield port
    finally:
        process.kill()
        process.communicate()


def subscribed(xero: SandboxProcess, port: int) -> None:
    """The sandbox's app sends its events there."""
    given = {"url": f"http://127.0.0.1:{port}/webhooks/xero", "key": KEY, "client_id": xero.ready["client_id"]}
    xero.post("/_sandbox/webhooks", given | {"categories": ["CONTACT", "INVOICE", "CREDITNOTE"]})
    assert xero.get("/_sandbox/webhooks?wait_s=60")["subscriptions"][0]["status"] == "OK"


def _firm(folder: Path, xero: SandboxProcess, hook: Hook) -> Firm:
    """One with an entity for each organisation, as the web app: only that one hears events."""
    (folder / "secret").write_text(xero.ready["client_secret"])
    (folder / "secret").chmod(0o600)
    text = firm.CONFIG.partition("[entities.acme-uk]")[0]
    text = text.replace("{client_id}", xero.ready["client_id"]) + 'client_secret_file = "secret"\n'
    text += f"[mirror]\nresources = {json.dumps(RESOURCES)}\n"
    text += f'[feeds.crm]\non = ["invoice.*"]\nto = {{{{ webhook = "{hook.url}", secret = "{SECRET}" }}}}\n'
    for n, told in enumerate(xero.ready["organisations"]):
        text += f"[entities.firm-{n}]\norganisation = {json.dumps(told['name'])}\n"
    return Firm(folder, xero, config=text)


def _contact(xero: SandboxProcess, tenant: str) -> str:
    (made,) = xero.make(tenant, "Contacts", {"Name": "Blue Fern Ltd"})
    return str(made["ContactID"])


def _draft(contact: str) -> dict[str, Any]:
    line = {"Description": "Widgets", "Quantity": "2", "UnitAmount": "10.50", "AccountCode": "200"}
    return {"Type": "ACCREC", "Contact": {"ContactID": contact}, "Status": "DRAFT", "LineItems": [line]}


def _right(folder: Path, xero: SandboxProcess, tenants: list[str]) -> float:
    """When the mirror was seen to be right."""
    stops_s = time.monotonic() + PATIENCE_S
    while wrong := _wrong(folder, xero, tenants):
        assert time.monotonic() < stops_s, f"{len(wrong)} documents are not as Xero has them"
        time.sleep(0.25)
    return time.monotonic()


def _unmarked(folder: Path, xero: SandboxProcess) -> None:
    """Wait until every event was heard and is done: what is asked for again is counted, too."""
    assert xero.get("/_sandbox/webhooks?wait_s=60")["settled"]
    stops_s = time.monotonic() + PATIENCE_S
    while _read(folder, "SELECT count(*) FROM inbox_ids WHERE category = 'INVOICE'") != [(0,)]:
        assert time.monotonic() < stops_s, "events are still to be looked at"
        time.sleep(0.25)


def _wrong(folder: Path, xero: SandboxProcess, tenants: list[str]) -> set[tuple[str, str]]:
    """The invoices whose stamp differs, or that only one side has."""
    there = {(one["InvoiceID"], _milliseconds(one)) for tenant in tenants for one in xero.ledger(tenant)["Invoices"]}
    query = "SELECT document_id, body FROM mirrored WHERE resource = 'Invoices' AND deleted_at IS NULL"
    held = {(key, _milliseconds(json.loads(body))) for key, body in _read(folder, query)}
    return there ^ held


def _read(folder: Path, query: str) -> list[Any]:
    connection = sqlite3.connect(f"file:{folder / 'counterfoil.db'}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def _milliseconds(document: Mapping[str, Any]) -> str:
    return str(document["UpdatedDateUTC"])
