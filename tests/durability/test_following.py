"""Xero's webhooks misbehave, reads fail, a subscriber fails and `serve` is killed: in the end the copy is the ledger, and so is what was delivered.

The judge is Xero's own answer; the subscriber keeps nothing but what was handed to it.
"""

import itertools
import json
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from counterfoil.mirror import described
from counterfoil.model import record
from counterfoil.model.whole import Whole
from tests import sandbox_process
from tests.cli.office import FLOW, Office
from tests.delivery.receivers import SECRET, Hook
from tests.mirror import applied
from tests.sandbox.conftest import Ledger, invoice
from tests.sandbox_process import SandboxProcess
from tests.webhooks.sender import KEY
from tests.webhooks.test_end_to_end import Served, until

KEPT = ("Contacts", "Invoices", "CreditNotes", "Payments")
STEPS = 400 if "SOAK" in os.environ else 16
SEEDS = (11, 12, 13, 14) if "SOAK" in os.environ else (11,)
MOST_AT_ONCE = 40
EMBEDDED = {"Payments": {"Invoice"}, "Invoices": set(), "Contacts": set(), "CreditNotes": set()}
CONFIG = f"""
[mirror]
resources = {json.dumps(KEPT)}
[feeds.crm]
on = ["*"]
snapshot = true
from = "start"
to = {{{{ webhook = "{{url}}", secret = "{SECRET}" }}}}
"""
_READS = ("stale_read", "truncated", "lost_answer", "503", "500_before")
_WEBHOOKS = ("webhook_duplicated", "webhook_reordered", "webhook_forged", "webhook_dropped", "webhook_delayed")


class Story:
    """What happens, by seed."""

    def __init__(self, office: Office, sandbox: SandboxProcess, hook: Hook, seed: int) -> None:
        self.office, self.sandbox, self.hook, self.dice = office, sandbox, hook, random.Random(seed)
        self.ledger = Ledger(sandbox, sandbox.connect()["access_token"], sandbox.tenant(1))
        self.names = (f"Name {n}" for n in itertools.count())
        self.contacts = [self.ledger.contact(next(self.names)) for _ in range(3)]
        self.served: Served | None = None
        self.kills = self.faults = 0

    def serve(self) -> None:
        """Start it, and have Xero send its events there."""
        self.served = Served(self.office)
        given = {"url": self.served.url, "key": KEY, "client_id": self.sandbox.ready["client_id"]}
        self.sandbox.post("/_sandbox/webhooks", given | {"categories": ["CONTACT", "INVOICE", "CREDITNOTE", "PAYMENT"]})

    def kill(self) -> None:
        """SIGKILL, wherever it is; and up again."""
        assert self.served is not None
        self.served.kill()
        self.kills += 1
        self.serve()

    def person(self) -> None:
        """Somebody makes, edits or pays something."""
        self.sandbox.advance(self.dice.choice((0.01, 1, 90)))
        invoices = self.ledger.stored("Invoices")
        match self.dice.randrange(5):
            case 0:
                self.contacts.append(self.ledger.contact(next(self.names)))
            case 1 if invoices:
                chosen = self.dice.choice(invoices)["InvoiceID"]
                self.sandbox.edit(self.ledger.tenant, chosen, Reference=next(self.names))
            case 2:
                self.sandbox.edit(self.ledger.tenant, self.dice.choice(self.contacts), Name=next(self.names))
            case 3:
                owed = [one for one in invoices if one["Status"] == "AUTHORISED" and one["AmountDue"] > 1]
                for one in owed[:1]:
                    paid = {"Invoice": {"InvoiceID": one["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 1}
                    self.ledger.call("PUT", "Payments", {**paid, "Date": "2026-11-03"})
            case _:
                several = [
                    invoice(self.dice.choice(self.contacts)) for _ in range(self.dice.choice((1, 1, MOST_AT_ONCE)))
                ]
                for n, one in enumerate(several):
                    one["InvoiceNumber"] = f"{next(self.names)}/{n}"
                self.ledger.write("PUT", *several)

    def trouble(self) -> None:
        """Something goes wrong with events, reads or the subscriber."""
        self.faults += 1
        match self.dice.randrange(3):
            case 0:
                self.sandbox.fault(self.dice.choice(_WEBHOOKS), count=self.dice.randrange(1, 4), delay_s=1)
            case 1:
                path, count = "/api.xro/2.0/", self.dice.randrange(1, 4)
                self.sandbox.fault(
                    self.dice.choice(_READS), method="GET", path=path, tenant=self.ledger.tenant, count=count
                )
            case _:
                self.hook.answer = self.dice.choice((500, 204, 204))

    def play(self) -> None:
        """All of it, then peace, until everything was delivered."""
        self.serve()
        for _ in range(STEPS):
            self.dice.choices((self.person, self.trouble, self.kill), (6, 3, 1))[0]()
        self.kill()
        self.sandbox.clear_faults()
        self.hook.answer = 204
        self.sandbox.advance(400)
        assert self.office("sync", "acme-uk").code == 0
        assert self.office("feeds", "retry", "crm").code == 0
        until(self._is_delivered)

    def _is_delivered(self) -> bool:
        """Read at once: between two readings the feed could look, and what it found then would still wait."""
        waiting, looked_at, newest = (
            f"(SELECT {what})"
            for what in ("count(*) FROM deliveries", "max(n) FROM feeds", "max(n) FROM happenings_last")
        )
        return self._read(f"SELECT {waiting}, {looked_at} = {newest}") == [(0, 1)]

    def _read(self, query: str) -> list[Any]:
        connection = sqlite3.connect(f"file:{self.office.folder / 'counterfoil.db'}?mode=ro", uri=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def held(self, name: str) -> dict[str, bytes]:
        """What the copy holds."""
        query = f"SELECT document_id, body FROM mirrored WHERE resource = '{name}' AND deleted_at IS NULL"
        return dict(self._read(query))

    def there(self, name: str) -> dict[str, Any]:
        """What Xero answers."""
        one = described.BY_NAME[name]
        rows = self.ledger.get(f"{name}?page=1&pageSize=1000&includeArchived=true")[one.list]
        assert len(rows) < 1000
        found = {row[one.id]: record.plain(json.dumps(row).encode()) for row in rows}
        return without(found, set(one.unkept))

    def delivered(self) -> dict[tuple[str, str], Any]:
        """The subscriber's own store: repeats dropped by their id, each document's changes in order and without a gap."""
        store: dict[tuple[str, str], Any] = {}
        seen, turns = set(), dict[tuple[str, str], int]()
        for one in self.hook.messages:
            key = (one["resource"], one["document_id"])
            if one["id"] in seen:
                continue
            seen.add(one["id"])
            assert one["turn"] == turns.get(key, 0) + 1, f"{one['type']} of {key} overtook another"
            turns[key] = one["turn"]
            store[key] = one["after"]
        return {key: applied.said(after) for key, after in store.items() if after is not None}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    """Its clock is moved."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--access-token-ttl-s", "36000") as process:
        yield process


@pytest.fixture
def hook() -> Iterator[Hook]:
    """The subscriber."""
    found = Hook()
    yield found
    found.close()


def without(documents: dict[str, Any], fields: set[str]) -> dict[str, Any]:
    """The same without what is embedded and has no stamp."""
    return {key: {name: value for name, value in one.items() if name not in fields} for key, one in documents.items()}


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_the_copy_and_what_was_delivered_are_the_ledger(
    office_of: Callable[[], Office], sandbox: SandboxProcess, hook: Hook, seed: int
) -> None:
    """Events doubled, reordered, late, forged and dropped, stale and lost reads, a subscriber that fails, kills: field by field."""
    office = office_of()
    office.write(flows=CONFIG.format(url=hook.url) + FLOW)
    office.key()
    office.connect()
    assert office("entities", "bind", "acme-uk", sandbox.tenant(1)).code == 0
    story = Story(office, sandbox, hook, seed)
    try:
        story.play()
        for name in KEPT:
            held = {key: record.plain(body) for key, body in story.held(name).items()}
            assert without(held, EMBEDDED[name]) == without(story.there(name), EMBEDDED[name]), name
        copy = {(name, key): applied.said(Whole(body)) for name in KEPT for key, body in story.held(name).items()}
        assert story.delivered() == copy
    finally:
        assert story.served is not None
        story.served.kill()


@pytest.fixture
def office_of(tmp_path: Any, sandbox: SandboxProcess) -> Callable[[], Office]:
    """An office on the emptied sandbox."""
    sandbox.clear_faults()
    sandbox.post("/_sandbox/reset")
    return lambda: Office(tmp_path, sandbox)
