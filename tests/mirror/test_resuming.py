"""Interrupted readings: killed between writing and cursor, documents that change while pages are read, two at once."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from counterfoil import errors
from counterfoil.mirror import described
from counterfoil.mirror.meaning import recording
from counterfoil.mirror.mirroring import Mirror
from counterfoil.model import record
from counterfoil.posting import identity
from counterfoil.store import mirrored
from counterfoil.xero.client import XeroClient
from tests.mirror.applied import applied, held, kept
from tests.mirror.ledgers import EMBEDDED, differences
from tests.posting.workbench import Workbench, WorkbenchBooks

PAGE = 10
EDITS = 60  # of the random week; each is an edit, a fault, a catch-up or a kill
KEPT = ("Contacts", "Invoices", "Items", "Payments", "Accounts")


class Killed(Exception):
    """As if the process ended here."""


@pytest.fixture
def pages_of_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many pages of few documents."""
    for one in described.ALL:
        if one.page_size is not None:
            small = msgspec.structs.replace(one, page_size=PAGE)
            monkeypatch.setitem(described.BY_NAME, one.name, small)  # type: ignore[attr-defined]  # a dict behind the Mapping


def customers(bench: Workbench, count: int, prefix: str = "Customer") -> list[str]:
    """So many contacts; → their ids. Each in a second of its own."""
    tenant = bench.sandbox.tenant(1)
    ids = []
    for n in range(count):
        bench.sandbox.advance(2)
        (made,) = bench.sandbox.make(tenant, "Contacts", {"Name": f"{prefix} {n}"})
        ids.append(made["ContactID"])
    return ids


async def killed_after(mirror: Mirror, client: XeroClient, pages: int, resource: str = "Contacts") -> bool:
    """Catch up and die after so many pages, their documents written and the cursor not; → whether it came to that."""
    seen = itertools.count(1)

    def progress(_rows: int) -> None:
        if next(seen) == pages:
            raise Killed

    try:
        await mirror.catch_up(client, resource, progress=progress)
    except Killed:
        return True
    return False


def used(bench: Workbench, work: Callable[[WorkbenchBooks, Mirror, XeroClient], Awaitable[Any]]) -> Any:
    """Do it with open books."""

    async def opened(books: WorkbenchBooks) -> Any:
        return await work(books, Mirror(books.database, identity.find_marker), await books.client("acme-uk"))

    return asyncio.run(bench.use(opened))


@pytest.mark.usefixtures("pages_of_ten")
def test_a_killed_first_load_goes_on_where_it_was(wide: Workbench) -> None:
    """Killed after the third of six pages: the next one reads what was left, and one page again."""
    customers(wide, 55)

    async def work(books: WorkbenchBooks, mirror: Mirror, client: XeroClient) -> Any:
        assert await killed_after(mirror, client, 3)
        after = max(one["n"] for one in wide.sandbox.requests())
        caught = await mirror.catch_up(client, "Contacts")
        calls = [one for one in wide.sandbox.requests(after) if one["path"].endswith("/Contacts")]
        held = await books.database.read(lambda conn: mirrored.count(conn, client.binding.tenant_id, "Contacts"))
        return caught.first, len(calls), held

    first, calls, held = used(wide, work)
    assert (first, held) == (True, len(wide.sandbox.ledger(wide.sandbox.tenant(1))["Contacts"]))
    assert calls <= 5


@pytest.mark.usefixtures("pages_of_ten")
def test_two_at_once_hold_the_same_ledger(wide: Workbench) -> None:
    """Two catch-ups of the same resource side by side: nothing twice, nothing lost, the cursor is one of theirs."""
    customers(wide, 35)

    async def work(books: WorkbenchBooks, mirror: Mirror, client: XeroClient) -> Any:
        await asyncio.gather(mirror.catch_up(client, "Contacts"), mirror.catch_up(client, "Contacts"))
        return await books.database.read(lambda conn: mirrored.count(conn, client.binding.tenant_id, "Contacts"))

    assert used(wide, work) == len(wide.sandbox.ledger(wide.sandbox.tenant(1))["Contacts"])


class Week:
    """Random doings of people, of the network and of ourselves, by seed."""

    def __init__(self, bench: Workbench, seed: int) -> None:
        self.bench = bench
        self.dice = random.Random(seed)
        self.tenant = bench.sandbox.tenant(1)
        self.names = (f"Name {n}" for n in itertools.count())

    def person(self) -> None:
        """Somebody edits, makes or deletes something at Xero."""
        sandbox, dice = self.bench.sandbox, self.dice
        sandbox.advance(dice.choice((0.01, 1, 400)))
        ledger = sandbox.ledger(self.tenant)
        match dice.randrange(6):
            case 0:
                sandbox.make(self.tenant, "Contacts", {"Name": next(self.names)})
            case 1:
                sandbox.make(self.tenant, "Invoices", self._invoice(dice.choice(ledger["Contacts"])))
            case 2 if ledger["Invoices"]:
                sandbox.edit(self.tenant, dice.choice(ledger["Invoices"])["InvoiceID"], Reference=next(self.names))
            case 3:
                self._call("PUT", "Items", {"Code": f"C-{dice.randrange(10**9)}", "Name": next(self.names)})
            case 4 if ledger["Items"]:
                self._call("DELETE", f"Items/{dice.choice(ledger['Items'])['ItemID']}")
            case 5:
                open_ = [one for one in ledger["Invoices"] if one["Status"] == "AUTHORISED" and one["AmountDue"] > 1]
                for one in open_[:1]:
                    pay = {"Invoice": {"InvoiceID": one["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 1}
                    self._call("PUT", "Payments", {**pay, "Date": "2026-11-03"})
            case _:
                sandbox.edit(self.tenant, dice.choice(ledger["Contacts"])["ContactID"], Name=next(self.names))

    def _call(self, method: str, path: str, body: Any = None) -> None:
        self.bench.sandbox.api(method, path, self.bench.token, self.tenant, body)

    def _invoice(self, contact: dict[str, Any]) -> dict[str, Any]:
        line = {"Description": "x", "Quantity": 1, "UnitAmount": self.dice.randrange(10, 99), "AccountCode": "200"}
        return {
            "Type": "ACCREC", "Contact": {"ContactID": contact["ContactID"]}, "Status": "AUTHORISED",
            "Date": "2026-11-02", "DueDate": "2026-12-02", "LineItems": [line],
        }  # fmt: skip

    def trouble(self) -> None:
        """A stale, cut, late or refused answer to one of the next reads."""
        fault = self.dice.choice(("stale_read", "truncated", "truncated_json", "lost_answer", "503", "500_before"))
        self.bench.sandbox.fault(fault, method="GET", path="/api.xro/2.0/", count=self.dice.randrange(1, 4))

    async def ours(self, mirror: Mirror, client: XeroClient) -> None:
        """A catch-up, a repair or a walk of something, perhaps killed, with somebody at work in the middle of it."""
        name = self.dice.choice(KEPT)
        pages = itertools.count()
        kill_at, edit_at = self.dice.randrange(8), self.dice.randrange(4)

        def progress(_rows: int) -> None:
            page = next(pages)
            if page == edit_at:
                self.person()
            if page == kill_at:
                raise Killed

        act = self.dice.choice((mirror.catch_up, mirror.catch_up, mirror.catch_up, mirror.repair, mirror.walk))
        try:
            await act(client, name, progress=progress)
        except (Killed, errors.CounterfoilError):
            return


@pytest.mark.usefixtures("pages_of_ten")
@pytest.mark.parametrize("seed", [1, 2])
def test_after_a_random_week_the_mirror_is_the_ledger(wide: Workbench, seed: int) -> None:
    """Edits while pages are read, stale, cut and lost answers, kills: in the end field by field what Xero has, and what was told adds up to it."""
    customers(wide, 15, "First")
    week = Week(wide, seed)
    told: dict[tuple[str, str], Any] = {}

    def record_all(conn: Any, seen: Any) -> None:
        recording.record(conn, seen, find_marker=identity.find_marker)
        for one in seen:
            told[one.resource, one.document_id] = one.after

    async def work(books: WorkbenchBooks) -> Any:
        client = await books.client("acme-uk")
        mirror = Mirror(books.database, identity.find_marker, record_all)
        for _ in range(EDITS):
            match week.dice.randrange(5):
                case 0 | 1:
                    week.person()
                case 2:
                    week.trouble()
                case _:
                    await week.ours(mirror, client)
        wide.sandbox.clear_faults()
        wide.sandbox.advance(400)
        for name in described.NAMES:
            await mirror.catch_up(client, name)
        for name in ("Items", "Accounts"):  # what only a list's silence tells
            await mirror.repair(client, name)
        after_catching_up = await differences(books.database, client, wide.sandbox, but=EMBEDDED)
        await mirror.walk(client, "Payments")
        rows = [
            row
            for name in KEPT
            for row in await books.database.read(
                lambda conn, name=name: mirrored.page(conn, client.binding.tenant_id, name, most=10_000)
            )
        ]
        changes = await kept(books.database)
        return after_catching_up + await differences(books.database, client, wide.sandbox), rows, changes

    found, rows, changes = asyncio.run(wide.use(work))
    assert found == []
    names = set(KEPT)
    assert applied(one for one in changes if one.resource in names) == held(rows)
    for row in rows:
        after = told[row.resource, row.document_id]
        assert (after is None) == (row.deleted_at is not None)
        assert after is None or record.plain(after.raw) == record.plain(row.body)
