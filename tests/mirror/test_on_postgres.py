"""The mirror on Postgres: the same statements, whole documents, drift, what is gone, and what is looked up by postings."""

import asyncio
import datetime
from typing import Any

from counterfoil.app import overdue, syncing
from counterfoil.mirror import reading
from counterfoil.mirror.applying import WHOLE, Observation
from counterfoil.mirror.described import BY_NAME
from counterfoil.mirror.mirroring import Mirror
from counterfoil.posting import identity
from counterfoil.store import documents, happenings, mirrored
from tests.posting.conftest import sandbox
from tests.posting.test_postgres import bench
from tests.posting.workbench import Workbench, WorkbenchBooks, sale

__all__ = ["bench", "sandbox"]
NOON = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)


def test_the_mirror_is_the_ledger_on_postgres_too(bench: Workbench) -> None:
    """Loaded, changed, deleted and repaired by two at once."""
    tenant = bench.sandbox.tenant(1)
    (contact,) = bench.sandbox.make(tenant, "Contacts", {"Name": "First"})
    made = bench.sandbox.api("PUT", "Items", bench.token, tenant, {"Items": [{"Code": "GONE"}, {"Code": "KEPT"}]})
    ids = {one["Code"]: one["ItemID"] for one in made.json["Items"]}

    async def work(books: WorkbenchBooks) -> Any:
        mirror, client = syncing.mirror(books), await books.client("acme-uk")
        for name in ("Contacts", "Items", "Accounts"):
            await asyncio.gather(mirror.catch_up(client, name), mirror.catch_up(client, name))
        bench.sandbox.advance(400)
        bench.sandbox.edit(tenant, contact["ContactID"], Name="Second", Novelty="x")
        bench.sandbox.api("DELETE", f"Items/{ids['GONE']}", bench.token, tenant)
        caught = [await mirror.catch_up(client, "Contacts"), await mirror.repair(client, "Items")]

        def held(conn: Any) -> Any:
            gone = mirrored.by_ids(conn, tenant, "Items", list(ids.values()))
            (known,) = documents.contacts_by(conn, tenant, "contact_id", [contact["ContactID"]])
            drift = [(one.field, one.times) for one in mirrored.drifts(conn)]
            counts = [mirrored.count(conn, tenant, name) for name in ("Contacts", "Items", "Accounts")]
            told = [(one.name, one.turn, one.snapshot) for one in happenings.after(conn, 0, None, 100)]
            return known.name, {code: gone[ids[code]].deleted_at is not None for code in ids}, drift, counts, told

        return [(one.updated, one.deleted) for one in caught], await books.database.read(held)

    caught, (name, gone, drift, counts, told) = asyncio.run(bench.use(work))
    assert caught == [(1, 0), (0, 1)]
    assert (name, gone) == ("Second", {"GONE": True, "KEPT": False})
    assert drift == [("Novelty", 1)]
    assert told == [("contact.updated", 1, False), ("item.deleted", 1, True)]
    ledger = bench.sandbox.ledger(tenant)
    assert counts == [len(ledger["Contacts"]), len(ledger["Items"]), len(ledger["Accounts"])]


def test_an_older_answer_that_is_applied_beside_a_newer_one_loses(bench: Workbench) -> None:
    """Five versions of thirty documents by five transactions side by side: the newest of each stays."""
    one = BY_NAME["Invoices"]

    def rows(version: int) -> list[reading.Seen]:
        order = range(30) if version % 2 else reversed(range(30))
        raw = '{{"InvoiceID":"{0}","Status":"DRAFT","Reference":"v{1}","UpdatedDateUTC":"/Date({1}000)/"}}'
        return [reading.seen(one, raw.format(n, version).encode()) for n in order]

    async def work(books: WorkbenchBooks) -> Any:
        mirror = Mirror(books.database, identity.find_marker)
        seen = [Observation("t", one, rows(version), NOON) for version in range(1, 6)]
        for _ in range(4):
            await asyncio.gather(*(mirror.apply(observation, WHOLE) for observation in seen))
        held = await books.database.read(lambda conn: mirrored.page(conn, "t", "Invoices"))
        known = await books.database.read(
            lambda conn: documents.documents_by(conn, "t", "Invoices", "document_id", [str(n) for n in range(30)])
        )
        return {b'"v5"' in row.body for row in held}, {one.reference for one in known}

    assert asyncio.run(bench.use(work)) == ({True}, {"v5"})


def test_whose_doing_it_was_is_known_on_postgres_too(bench: Workbench) -> None:
    """The answer to our write, a person's edit, and what is overdue: the same statements."""
    tenant = bench.sandbox.tenant(1)

    async def look(books: WorkbenchBooks) -> None:
        mirror, client = syncing.mirror(books), await books.client("acme-uk")
        for name in ("Contacts", "Invoices"):
            await mirror.catch_up(client, name)
        await overdue.sweep(books, "acme-uk", always=True)

    asyncio.run(bench.use(look))
    bench.run([sale(1, date="2020-01-01", due_date="2020-01-02")])
    bench.sandbox.edit(tenant, bench.living()[0]["InvoiceID"], SentToContact=True)
    asyncio.run(bench.use(look))
    kept = asyncio.run(bench.use(lambda books: books.database.read(lambda conn: happenings.after(conn, 0, None, 100))))
    assert [(one.name, one.revision) for one in kept] == [
        ("contact.created", 1), ("invoice.created", 1), ("invoice.approved", 1), ("invoice.sent", None), ("invoice.overdue", None),
    ]  # fmt: skip
