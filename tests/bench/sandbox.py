"""The sandbox itself: how soon it is ready, pages of 100 invoices a second, batches of 50 invoices a second, histories.

A second is one that its process used on a processor, from the kernel's account: with a core to itself that is a second on
the clock. What else runs on the machine can only make it longer, so the best of a few rounds counts. The load comes from a process of its own (`main`): raw requests over kept
connections, whose answers are read whole and hardly looked at.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench import firm, processes, table
from tests.bench.table import Row
from tests.sandbox_process import SandboxProcess

ROOT = Path(__file__).parents[2]
STARTS = 7
READY_S = 1.5
MONTHS, MONTH = 24, 1_000
HISTORY_S = 10
HISTORIES = 2
DOCUMENTS = ("Invoices", "Payments", "CreditNotes", "BankTransactions", "ManualJournals")
PAGE = 100
STORED = 1_000  # invoices in the books while one page of them is read
ROUNDS = 3
GETS = 700  # of each round
BATCHES = 70
BATCH = 50
CONNECTIONS = 2
HEADERS_END = b"\r\n\r\n"


def rows(folder: Path) -> Iterator[Row]:
    """Four numbers, each of one process."""
    yield _ready()
    yield _history()
    with firm.sandbox() as xero:
        yield _pages(xero)
        yield _batches(xero)


def _ready() -> Row:
    found = sorted(_started() for _ in range(STARTS))
    cpu_s, wall_s = found[STARTS // 2]
    note = f"median of {STARTS}, {wall_s:.2f} s on the clock"
    return table.at_most("sandbox ready", cpu_s, READY_S, "CPU s", note)


def _history() -> Row:
    options = ("--organisations", "1", "--history", str(MONTHS), "--history-documents", str(MONTH))
    cpu_s, wall_s = min(_started(*options, enough=MONTHS * MONTH) for _ in range(HISTORIES))
    note = f"best of {HISTORIES}, with the start, {wall_s:.1f} s on the clock"
    return table.at_most(f"sandbox: {MONTHS} months of {MONTH:,} documents", cpu_s, HISTORY_S, "CPU s", note)


def _started(*options: str, enough: int = 0) -> tuple[float, float]:
    """CPU seconds, and seconds on the clock, from the command to the ready line; the books then hold `enough` documents."""
    command = [sys.executable, "-m", "counterfoil.sandbox", "--port", "0", *options]
    started_s = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=processes.surroundings())
    assert process.stdout is not None
    with process:
        try:
            xero = SandboxProcess(process, json.loads(process.stdout.readline()), options)
            costs = processes.cpu_s(process.pid), time.perf_counter() - started_s
            assert enough <= sum(_stored(xero, plural) for plural in DOCUMENTS)
            return costs
        finally:
            process.terminate()


def _stored(xero: SandboxProcess, plural: str) -> int:
    answer = xero.person(xero.tenant(1), "GET", f"{plural}?page=1&pageSize=1")["answer"]
    return int(answer["pagination"]["itemCount"])


def _pages(xero: SandboxProcess) -> Row:
    token, tenant = xero.connect()["access_token"], xero.tenant(1)
    (contact,) = xero.make(tenant, "Contacts", {"Name": "Customer Ltd", "EmailAddress": "c@customer.example"})
    elements = [_invoice(f"P-{n}", contact["ContactID"], 2 + n % 4) for n in range(STORED)]
    for start in range(0, STORED, PAGE):
        xero.make(tenant, "Invoices", *elements[start : start + PAGE])
    path = f"Invoices?page=3&pageSize={PAGE}"
    page = json.loads(xero.api("GET", path, token, tenant).body)["Invoices"]
    assert len(page) == PAGE
    assert {len(invoice["LineItems"]) for invoice in page} == {2, 3, 4, 5}
    work = {"method": "GET", "path": path, "token": token, "tenant": tenant, "count": GETS}
    cpu_s, wall_s = min(_loaded(xero, work) for _ in range(ROUNDS))
    note = f"best of {ROUNDS}, {STORED:,} stored, {GETS / wall_s:,.0f} a second on the clock"
    return table.at_least(f"sandbox: pages of {PAGE} invoices", GETS / cpu_s, 400, "a CPU s", note)


def _batches(xero: SandboxProcess) -> Row:
    token, tenant = xero.connect()["access_token"], xero.tenant(2)
    (contact,) = xero.make(tenant, "Contacts", {"Name": "Customer Pty Ltd", "EmailAddress": "c@customer.example"})
    work = {"method": "PUT", "path": "Invoices?summarizeErrors=false&unitdp=4", "token": token, "tenant": tenant}
    work |= {"count": BATCHES, "contact": contact["ContactID"]}
    cpu_s, wall_s = min(_loaded(xero, work | {"round": n}) for n in range(ROUNDS))
    stored = xero.ledger(tenant)["Invoices"]
    assert [len(invoice["LineItems"]) for invoice in stored] == [2] * ROUNDS * BATCHES * BATCH
    note = f"best of {ROUNDS}, {BATCHES / wall_s:,.0f} a second on the clock"
    return table.at_least(f"sandbox: batches of {BATCH} invoices", BATCHES / cpu_s, 60, "a CPU s", note)


def _loaded(xero: SandboxProcess, work: dict[str, Any]) -> tuple[float, float]:
    """Let the other process work: the sandbox's CPU seconds, and the seconds that the load took."""
    used_s = processes.cpu_s(xero.process.pid)
    command = [sys.executable, "-m", "tests.bench.sandbox"]
    cost = processes.run(command, ROOT, json.dumps(work | {"url": xero.url}))
    assert cost.code == 0, cost.err
    return processes.cpu_s(xero.process.pid) - used_s, float(json.loads(cost.out))


def _invoice(number: str, contact_id: str, lines: int) -> dict[str, Any]:
    """As a web shop's integration sends them."""
    line = {
        "Description": "Widgets",
        "Quantity": 2,
        "UnitAmount": 10.5,
        "AccountCode": "200",
        "Tracking": [{"Name": "Region", "Option": "North"}],
    }
    return {
        "Type": "ACCREC",
        "Contact": {"ContactID": contact_id},
        "Date": "2026-11-02",
        "DueDate": "2026-12-02",
        "Status": "AUTHORISED",
        "InvoiceNumber": number,
        "Reference": f"PO {number}",
        "Url": "http://localhost:8321/p/abcdefghabcdefgh",
        "LineItems": [line] * lines,
    }


async def _load(work: dict[str, Any]) -> float:
    """All requests, divided over the connections; the seconds from the first to the last."""
    requests = [_request(work, n) for n in range(work["count"])]
    address = urlsplit(work["url"])
    pairs = [await asyncio.open_connection(address.hostname, address.port) for _ in range(CONNECTIONS)]
    started_s = time.perf_counter()
    await asyncio.gather(*(_asked(*pair, requests[n::CONNECTIONS]) for n, pair in enumerate(pairs)))
    elapsed_s = time.perf_counter() - started_s
    for _, writer in pairs:
        writer.close()
    return elapsed_s


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: list[bytes]) -> None:
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(HEADERS_END)
        assert head.startswith(b"HTTP/1.1 200 "), head
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))


def _request(work: dict[str, Any], n: int) -> bytes:
    body, key = b"", ""
    if work["method"] == "PUT":
        n += work["round"] * work["count"]
        invoices = [_invoice(f"B-{n}-{each}", work["contact"], 2) for each in range(BATCH)]
        body, key = json.dumps({"Invoices": invoices}).encode(), f"Idempotency-Key: batch-{n}\r\n"
    head = (
        f"{work['method']} /api.xro/2.0/{work['path']} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        f"Authorization: Bearer {work['token']}\r\nXero-Tenant-Id: {work['tenant']}\r\n"
        f"{key}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main() -> None:
    """Do the work that stdin describes; print the seconds that it took."""
    sys.stdout.write(json.dumps(asyncio.run(_load(json.loads(sys.stdin.read())))))


if __name__ == "__main__":
    main()
