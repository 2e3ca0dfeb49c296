"""What the mirror sees is named and kept: through the books, as `sync` and the service do it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from counterfoil.app import syncing
from counterfoil.mirror import described
from counterfoil.mirror.mirroring import Mirror
from counterfoil.store import happenings
from counterfoil.store.happenings import Kept
from counterfoil.xero.client import XeroClient
from tests.mirror.conftest import bench, sandbox, wide
from tests.mirror.test_resuming import customers, pages_of_ten
from tests.posting.workbench import Workbench, sale

__all__ = ["bench", "pages_of_ten", "sandbox", "wide"]

ASKS = '[feeds.copy]\non = ["*"]\nsnapshot = true\nto = { jsonl = "changes.jsonl" }'
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


def test_a_document_that_changed_twice_between_two_looks(wide: Workbench) -> None:
    """Sent and part-paid meanwhile: one look, every name that became true, and the end of it."""
    wide.run([sale(1)])
    (one,) = wide.living()

    async def work(mirror: Mirror, client: XeroClient) -> None:
        tenant = client.binding.tenant_id
        await mirror.catch_up(client, "Invoices")
        wide.sandbox.edit(tenant, one["InvoiceID"], Reference="FIRST", SentToContact=True)
        wide.sandbox.advance(2)
        wide.sandbox.edit(tenant, one["InvoiceID"], Reference="SECOND")
        pay = {
            "Invoice": {"InvoiceID": one["InvoiceID"]},
            "Account": {"Code": "090"},
            "Amount": 5,
            "Date": "2026-11-03",
        }
        wide.sandbox.make(tenant, "Payments", pay)
        await mirror.catch_up(client, "Invoices")

    changes = kept(wide, work)
    assert [(one.name, one.turn) for one in changes] == [
        ("invoice.updated", 1), ("invoice.sent", 2), ("invoice.part_paid", 3),
    ]  # fmt: skip
    bodies = [msgspec.json.decode(one.body) for one in changes]
    assert {(body["before"]["Reference"], body["after"]["Reference"]) for body in bodies} == {
        (one["Reference"], "SECOND")
    }


def test_a_contact_merge_is_one_change_of_the_loser(wide: Workbench) -> None:
    """It is archived by it, which is not told beside; the winner is untouched."""
    wide.run([sale(1), sale(2)])
    tenant = wide.sandbox.tenant(1)
    loser, winner = [one["ContactID"] for one in wide.sandbox.ledger(tenant)["Contacts"]][:2]

    async def work(mirror: Mirror, client: XeroClient) -> None:
        await mirror.catch_up(client, "Contacts")
        wide.sandbox.advance(2)
        wide.sandbox.edit(tenant, loser, ContactStatus="ARCHIVED", MergedToContactID=winner)
        await mirror.catch_up(client, "Contacts")

    (change,) = kept(wide, work)
    assert (change.name, change.document_id) == ("contact.merged", loser)
    assert msgspec.json.decode(change.body)["after"]["MergedToContactID"] == winner


def test_an_archived_contact_on_an_open_invoice(wide: Workbench) -> None:
    """The contact is archived; its invoice is watched on, and is told when it is paid."""
    wide.run([sale(1)])
    (one,) = wide.living()

    async def work(mirror: Mirror, client: XeroClient) -> None:
        tenant = client.binding.tenant_id
        await everything(mirror, client)
        wide.sandbox.edit(tenant, one["Contact"]["ContactID"], ContactStatus="ARCHIVED")
        await everything(mirror, client)
        pay = {
            "Invoice": {"InvoiceID": one["InvoiceID"]},
            "Account": {"Code": "090"},
            "Amount": 25.2,
            "Date": "2026-11-03",
        }
        wide.sandbox.make(tenant, "Payments", pay)
        await everything(mirror, client)

    assert [one.name for one in kept(wide, work)] == ["contact.archived", "invoice.paid", "payment.created"]


def test_a_hard_deleted_item_is_deleted_once(wide: Workbench) -> None:
    """Two complete lists lack it: its last form stands in the change; made again under the code it is another item."""
    tenant = wide.sandbox.tenant(1)
    made = wide.sandbox.api("PUT", "Items", wide.token, tenant, {"Items": [{"Code": "GONE"}]}).json["Items"][0]

    async def work(mirror: Mirror, client: XeroClient) -> None:
        await mirror.catch_up(client, "Items")
        wide.sandbox.advance(400)
        wide.sandbox.api("DELETE", f"Items/{made['ItemID']}", wide.token, tenant)
        await mirror.repair(client, "Items")
        await mirror.repair(client, "Items")
        wide.sandbox.api("PUT", "Items", wide.token, tenant, {"Items": [{"Code": "GONE"}]})
        await mirror.catch_up(client, "Items")

    gone, again = kept(wide, work)
    body = msgspec.json.decode(gone.body)
    assert (gone.name, gone.document_id, body["before"]["Code"], body["after"]) == (
        "item.deleted",
        made["ItemID"],
        "GONE",
        None,
    )
    assert again.name == "item.created"
    assert again.document_id != made["ItemID"]


@pytest.mark.usefixtures("pages_of_ten")
def test_a_page_that_shifts_under_us_loses_and_doubles_no_change(wide: Workbench) -> None:
    """While pages are read, documents of the first one move behind the last: each edit is told once, with what it is now."""
    ids = customers(wide, 35)

    async def work(mirror: Mirror, client: XeroClient) -> None:
        tenant = client.binding.tenant_id
        await mirror.catch_up(client, "Contacts")
        wide.sandbox.advance(400)
        for contact in ids:
            wide.sandbox.edit(tenant, contact, Name=f"Second {contact}")
        moving = iter(ids[:3])

        def progress(_rows: int) -> None:
            contact = next(moving, None)
            if contact is not None:
                wide.sandbox.advance(2)
                wide.sandbox.edit(tenant, contact, Name=f"Third {contact}")

        await mirror.catch_up(client, "Contacts", progress=progress)
        assert next(moving, None) is None  # a second one would find what this one missed: its overlap covers it all

    changes = kept(wide, work)
    assert {one.name for one in changes} == {"contact.updated"}
    names = {one.document_id: msgspec.json.decode(one.body)["after"]["Name"] for one in changes}
    assert names == {one: f"{'Third' if one in ids[:3] else 'Second'} {one}" for one in ids}
    assert len(changes) <= len(ids) + 3
    assert len({one.id for one in changes}) == len(changes)
