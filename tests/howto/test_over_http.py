"""docs/howto/push.md and receivables.md: their programs, run as they stand, against a real service; it is killed in between."""

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from tests import sandbox_process
from tests.cli.office import ENTITIES, Office

PAGES = Path(__file__).parent.parent.parent / "docs" / "howto"
PATIENCE_S = 90.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def block(page, kind, n=0):
    """The n-th block of a kind on a page."""
    return re.findall(rf"^```{kind}\n(.*?)^```", (PAGES / page).read_text(), re.DOTALL | re.MULTILINE)[n]


class Service:
    """`counterfoil serve` as a process."""

    def __init__(self, office):
        self.process = office.start("serve")
        self.address = ""
        for line in self.process.stdout:
            if "Listening on " in line:
                self.address = line.partition("Listening on ")[2].strip()
                break
        else:
            raise AssertionError(self.process.communicate())
        self.drains = [threading.Thread(target=one.read) for one in (self.process.stdout, self.process.stderr)]
        for drain in self.drains:
            drain.start()

    def run(self, program, key):
        """A page's program, as a process; → what it prints."""
        surroundings = {**os.environ, "SHOP_ADDRESS": self.address, "SHOP_KEY": key, "no_proxy": "*"}
        ended = subprocess.run(
            [sys.executable, "-c", program], env=surroundings, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.splitlines()

    def post(self, records, key):
        """Hand records over; → (status, what became of them)."""
        request = urllib.request.Request(
            f"{self.address}/v1/flows/shop/records",
            data=json.dumps(records).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with _OPENER.open(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)["records"]

    def kill(self):
        """As the power does."""
        self.process.kill()
        self.process.wait()
        for drain in self.drains:
            drain.join()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def office(tmp_path):
    """A firm on a sandbox, set up with what the two pages say."""
    with sandbox_process.start("--auto-consent", "--no-limits") as sandbox:
        office = Office(tmp_path, sandbox)
        office.write(flows=block("receivables.md", "toml") + block("push.md", "toml"), entities=ENTITIES)
        office.key()
        office.connect()
        assert office("entities", "bind", "--yes", "--json").code == 0
        yield office


def numbers(office):
    """The invoices in the ledger."""
    return sorted(one["InvoiceNumber"] for one in office.sandbox.ledger(office.sandbox.tenant(1))["Invoices"])


def key(office, rights):
    """A key of a program."""
    made = office("api-keys", "create", "the shop", "--rights", rights, "--entity", "acme-uk", "--json")
    return made.value["api_key"]


def test_what_is_handed_over_is_posted_once_though_the_service_is_killed_after_its_answer(office):
    """The page's program, a kill right after a 202, the same again: each invoice once; then who owes what, from the copy."""
    service = Service(office)
    try:
        write = key(office, "write")
        printed = service.run(block("push.md", "python"), write)
        assert printed == [f"order-{n} posted" for n in (1, 2, 3)]
        orders = [
            {"external_id": f"late-{n}", "contact": {"external_id": f"c{n}", "name": f"Late {n}"}, "date": "2026-08-03",
             "due_date": "2026-08-10", "currency": "GBP", "status": "AUTHORISED",
             "lines": [{"description": "x", "quantity": 1, "unit_amount": "10.00", "account_code": "200", "tax_type": "NONE"}]}
            for n in range(8)
        ]  # fmt: skip
        status, first = service.post(orders, write)
        service.kill()
        assert status == 202
        service = Service(office)
        wanted = sorted([f"late-{n}" for n in range(8)] + [f"order-{n}" for n in (1, 2, 3)])
        end = time.monotonic() + PATIENCE_S
        while numbers(office) != wanted and time.monotonic() < end:
            time.sleep(0.1)
        assert numbers(office) == wanted
        _status, again = service.post(orders, write)
        assert [(one["id"], one["external_id"]) for one in again] == [(one["id"], one["external_id"]) for one in first]
        assert numbers(office) == wanted
        assert office("sync", "acme-uk", "--json").code == 0
        printed = service.run(block("receivables.md", "python"), key(office, "read"))
        assert "GBP 80.00 open, of it 0.00 not due, 80.00 over 90 days late" in printed
        assert sum(line.startswith("Late ") for line in printed) == 8
    finally:
        if service.process.poll() is None:
            service.kill()
