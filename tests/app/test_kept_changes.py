"""What the mirror sees is named and kept: through the books, as `sync` and the service do it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from counterfoil.app import syncing
from counterfoil.mirror import described
from counterfoil.mirror.mirroring import Mirror
from counterfoil.store import happenings
from counterfoil.store.happenings import Kept
from counterfoil.xero.client import XeroClient
from tests.mirror.conftest import bench, sandbox, wide
from tests.posting.workbench import Workbench, sale

__all__ = ["bench", "sandbox", "wide"]

ASKS = '[feeds.copy]\non = ["*"]\nsnapshot = true\nto = { webhook = "https://example.com/hook" }'
Work = Callable[[Mirror, XeroClient], Awaitable[Any]]


def kept(bench: Workbench, work: Work) -> list[Kept]:
    """Do something with the mirror that the books have; → every change that is kept then."""

    async def opened(books: Any) -> list[Kept]:
        await work(syncing.mirror(books), await books.client("acme-uk"))
        found: list[Kept] = await books.database.read(lambda conn: happenings.after(conn, 0, None, 1000))
        return found

    found: list[Kept] = asyncio.run(bench.use(opened))
    return found


async def everything(mirror: Mirror, client: XeroClient) -> None:
    """Catch up every resource."""
    for name in described.NAMES:
        await mirror.catch_up(client, name)


def test_a_first_load_keeps_no_change_and_what_a_person_does_afterwards_is_one(wide: Workbench) -> None:
    """With what it was and what it is; the rest of the ledger says nothing."""
    wide.run([sale(n) for n in range(3)])
    one = wide.living()[0]

    async def work(mirror: Mirror, client: XeroClient) -> None:
        await everything(mirror, client)
        wide.sandbox.advance(5)
        wide.sandbox.edit(client.binding.tenant_id, one["InvoiceID"], Reference="BY-HAND")
        await everything(mirror, client)

    (change,) = kept(wide, work)
    body = msgspec.json.decode(change.body)
    assert (change.name, change.document_id, change.turn) == ("invoice.updated", one["InvoiceID"], 1)
    assert (change.snapshot, body["fields"], body["after"]["Reference"]) == (False, ["Reference"], "BY-HAND")


def test_a_first_load_is_kept_when_a_feed_asks_for_it(wide: Workbench) -> None:
    """Each document of all seventeen resources is `created`; everything is marked as a snapshot."""
    wide.run([sale(n) for n in range(3)])
    wide.configure(flow=ASKS)
    changes = kept(wide, everything)
    ledger = wide.sandbox.ledger(wide.sandbox.tenant(1))
    there = {(one.name, row[one.id]) for one in described.ALL for row in ledger[one.list]}
    assert {(one.resource, one.document_id) for one in changes if one.name.endswith(".created")} == there
    assert all(one.snapshot for one in changes)


def test_what_a_repair_finds_is_kept_as_a_snapshot(wide: Workbench) -> None:
    """A difference that no stamp told, which only a reading of everything sees."""
    wide.run([sale(1)])
    one = wide.living()[0]

    async def work(mirror: Mirror, client: XeroClient) -> None:
        await mirror.catch_up(client, "Invoices")
        wide.sandbox.edit(
            client.binding.tenant_id, one["InvoiceID"], SentToContact=True, UpdatedDateUTC=one["UpdatedDateUTC"]
        )
        await mirror.repair(client, "Invoices")

    (change,) = kept(wide, work)
    assert (change.name, change.snapshot) == ("invoice.sent", True)
