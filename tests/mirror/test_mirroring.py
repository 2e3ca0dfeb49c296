"""The mirror against the sandbox's own ledger: every resource, whole, by key."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from counterfoil import errors
from counterfoil.mirror import described
from counterfoil.mirror.mirroring import Mirror
from counterfoil.model import record
from counterfoil.model.observed import Observed
from counterfoil.posting import identity
from counterfoil.store import documents, mirrored
from counterfoil.xero.client import XeroClient
from tests.mirror.ledgers import differences
from tests.posting.workbench import Workbench, WorkbenchBooks, sale

INVOICES = "/api.xro/2.0/Invoices"
Work = Callable[[WorkbenchBooks, Mirror, XeroClient], Awaitable[Any]]


def worked(bench: Workbench, work: Work, seen: list[Observed] | None = None) -> Any:
    """Do something with a mirror whose changes land in `seen`."""

    async def opened(books: WorkbenchBooks) -> Any:
        sink = (lambda _conn, found: seen.extend(found)) if seen is not None else None
        mirror = Mirror(books.database, identity.find_marker, sink)
        return await work(books, mirror, await books.client("acme-uk"))

    return asyncio.run(bench.use(opened))


async def everything(mirror: Mirror, client: XeroClient) -> None:
    """Catch up every resource."""
    for name in described.NAMES:
        await mirror.catch_up(client, name)


def test_a_first_load_holds_the_whole_ledger(wide: Workbench) -> None:
    """Seventeen resources: each document field by field as the sandbox has it."""
    wide.run([sale(n) for n in range(5)])

    async def work(books: WorkbenchBooks, mirror: Mirror, client: XeroClient) -> list[str]:
        await everything(mirror, client)
        return await differences(books.database, client, wide.sandbox)

    assert worked(wide, work) == []


def test_nothing_that_the_sandbox_sends_is_drift(wide: Workbench) -> None:
    """Every field and value that it knows is published, or was seen on the wire."""
    wide.run([sale(1)])

    async def work(books: WorkbenchBooks, mirror: Mirror, client: XeroClient) -> Any:
        await everything(mirror, client)
        return await books.database.read(mirrored.drifts)

    assert [(one.resource, one.field, one.value) for one in worked(wide, work)] == []


def test_an_idle_organisation_costs_one_small_call_per_resource(wide: Workbench) -> None:
    """Nothing new since, the overlap past: one call each; where Xero leaves out what is old, at most 2 kB."""
    wide.run([sale(n) for n in range(3)])

    async def work(books: WorkbenchBooks, mirror: Mirror, client: XeroClient) -> list[dict[str, Any]]:
        await everything(mirror, client)
        wide.sandbox.advance(3600)
        await everything(mirror, client)
        wide.sandbox.advance(600)
        after = max(one["n"] for one in wide.sandbox.requests())
        for one in described.ALL:
            if one.since:
                assert (await mirror.catch_up(client, one.name)).changed == 0
        return wide.sandbox.requests(after)

    calls = worked(wide, work)
    assert len(calls) == sum(one.since for one in described.ALL)
    assert max(one["bytes_out"] for one in calls) <= 2048


def test_a_person_s_edit_is_one_observed_change(wide: Workbench) -> None:
    """Before and after with Xero's names, amounts exact, days and instants as ISO text; nothing else is told."""
    wide.run([sale(n) for n in range(3)])
    one = wide.living()[0]
    seen: list[Observed] = []

    async def work(_books: WorkbenchBooks, mirror: Mirror, client: XeroClient) -> Any:
        await mirror.catch_up(client, "Invoices")
        assert all(found.snapshot and found.before is None for found in seen)
        seen.clear()
        wide.sandbox.advance(5)
        wide.sandbox.edit(client.binding.tenant_id, one["InvoiceID"], Reference="BY-HAND", DueDate="2027-01-02")
        return await mirror.catch_up(client, "Invoices")

    caught = worked(wide, work, seen)
    assert (caught.created, caught.updated, caught.deleted) == (0, 1, 0)
    (told,) = seen
    assert told.before is not None
    assert told.after is not None
    assert (told.after["Reference"], told.after["DueDate"]) == ("BY-HAND", "2027-01-02")
    assert isinstance(told.after["Total"], Decimal)
    assert told.after["UpdatedDateUTC"].endswith("Z")
    differing = {name for name in told.after if told.after[name] != told.before.get(name)}
    assert differing == {"Reference", "DueDate", "UpdatedDateUTC"}
    assert not told.snapshot


def test_a_hard_deleted_item_is_gone_after_two_complete_lists(wide: Workbench) -> None:
    """Items tell nothing when one is deleted: the daily list lacks it, so does the next at once; its last form stays."""
    tenant = wide.sandbox.tenant(1)
    made = wide.sandbox.api("PUT", "Items", wide.token, tenant, {"Items": [{"Code": "GONE"}, {"Code": "KEPT"}]})
    ids = {one["Code"]: one["ItemID"] for one in made.json["Items"]}
    seen: list[Observed] = []

    async def work(books: WorkbenchBooks, mirror: Mirror, client: XeroClient) -> Any:
        await mirror.catch_up(client, "Items")
        wide.sandbox.advance(400)
        wide.sandbox.api("DELETE", f"Items/{ids['GONE']}", wide.token, tenant)
        seen.clear()
        first = (await mirror.catch_up(client, "Items")).deleted
        repaired = await mirror.repair(client, "Items")
        rows = await books.database.read(lambda conn: mirrored.by_ids(conn, tenant, "Items", list(ids.values())))
        return first, repaired.deleted, rows[ids["GONE"]].deleted_at, rows[ids["KEPT"]].deleted_at

    first, deleted, gone_at, kept_at = worked(wide, work, seen)
    assert (first, deleted, kept_at) == (0, 1, None)
    assert gone_at is not None
    assert [(one.document_id, one.after) for one in seen] == [(ids["GONE"], None)]
    assert seen[0].before is not None
    assert seen[0].before["Code"] == "GONE"


def test_a_read_that_fails_deletes_nothing_and_moves_no_cursor(wide: Workbench) -> None:
    """An answer cut half way is no list without the rest."""

    async def work(books: WorkbenchBooks, mirror: Mirror, client: XeroClient) -> Any:
        tenant = client.binding.tenant_id
        await mirror.catch_up(client, "Accounts")

        async def state() -> Any:
            return await books.database.read(
                lambda conn: (mirrored.reading(conn, tenant, "Accounts"), mirrored.count(conn, tenant, "Accounts"))
            )

        before = await state()
        wide.sandbox.fault("truncated_json", method="GET", path="/api.xro/2.0/Accounts", count=3)
        with pytest.raises(errors.Unclear):
            await mirror.repair(client, "Accounts")
        return before, await state()

    before, after = worked(wide, work)
    assert before == after


def test_what_changes_without_a_stamp_is_found_by_the_walk(wide: Workbench) -> None:
    """A summary that differs at the same stamp is taken, and the lines stay as they were."""
    wide.run([sale(1)])
    one = wide.living()[0]

    async def work(books: WorkbenchBooks, mirror: Mirror, client: XeroClient) -> Any:
        tenant = client.binding.tenant_id
        await mirror.catch_up(client, "Invoices")

        async def held() -> Any:
            rows = await books.database.read(lambda conn: mirrored.page(conn, tenant, "Invoices"))
            return next(row for row in rows if row.document_id == one["InvoiceID"])

        now = await held()
        wire = record.plain(now.body)
        old = now.body.replace(b'"AmountDue":', b'"AmountDue":1')
        await books.database.run(lambda conn: mirrored.put(conn, [msgspec.structs.replace(now, body=old)]))
        walked = await mirror.walk(client, "Invoices")
        return walked.updated, record.plain((await held()).body) == wire, wire["LineItems"]

    updated, same, lines = worked(wide, work)
    assert (updated, same) == (1, True)
    assert lines


def test_a_contact_merge_is_held_with_the_winner_s_id(wide: Workbench) -> None:
    """The loser is archived and names the winner; postings find the winner by it."""
    wide.run([sale(1), sale(2)])
    tenant = wide.sandbox.tenant(1)
    loser, winner = [one["ContactID"] for one in wide.sandbox.ledger(tenant)["Contacts"]][:2]

    async def work(books: WorkbenchBooks, mirror: Mirror, client: XeroClient) -> Any:
        await mirror.catch_up(client, "Contacts")
        wide.sandbox.advance(2)
        wide.sandbox.edit(tenant, loser, ContactStatus="ARCHIVED", MergedToContactID=winner)
        await mirror.catch_up(client, "Contacts")
        return await books.database.read(lambda conn: documents.contacts_by(conn, tenant, "contact_id", [loser]))

    (known,) = worked(wide, work)
    assert (known.status, known.merged_to) == ("ARCHIVED", winner)


def test_a_list_that_is_behind_the_truth_deletes_nothing(wide: Workbench) -> None:
    """An item that was just made is not in two stale lists: it stays; Xero's own clock says how young it is."""
    tenant = wide.sandbox.tenant(1)
    seen: list[Observed] = []

    async def work(_books: WorkbenchBooks, mirror: Mirror, client: XeroClient) -> Any:
        wide.sandbox.api("PUT", "Items", wide.token, tenant, {"Items": [{"Code": "NEW"}]})
        await mirror.catch_up(client, "Items")
        seen.clear()
        wide.sandbox.fault("stale_read", method="GET", path="/api.xro/2.0/Items", count=2)
        return await mirror.repair(client, "Items"), await mirror.repair(client, "Items")

    assert [(one.created, one.deleted) for one in worked(wide, work, seen)] == [(0, 0), (0, 0)]
    assert seen == []
