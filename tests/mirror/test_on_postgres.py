"""The mirror on Postgres: the same statements, whole documents, drift, what is gone, and what is looked up by postings."""

import asyncio
from typing import Any

from counterfoil.mirror.mirroring import Mirror
from counterfoil.posting import identity
from counterfoil.store import documents, mirrored
from tests.posting.conftest import sandbox
from tests.posting.test_postgres import bench
from tests.posting.workbench import Workbench, WorkbenchBooks

__all__ = ["bench", "sandbox"]


def test_the_mirror_is_the_ledger_on_postgres_too(bench: Workbench) -> None:
    """Loaded, changed, deleted and repaired by two at once."""
    tenant = bench.sandbox.tenant(1)
    (contact,) = bench.sandbox.make(tenant, "Contacts", {"Name": "First"})
    made = bench.sandbox.api("PUT", "Items", bench.token, tenant, {"Items": [{"Code": "GONE"}, {"Code": "KEPT"}]})
    ids = {one["Code"]: one["ItemID"] for one in made.json["Items"]}

    async def work(books: WorkbenchBooks) -> Any:
        mirror, client = Mirror(books.database, identity.find_marker), await books.client("acme-uk")
        for name in ("Contacts", "Items", "Accounts"):
            await asyncio.gather(mirror.catch_up(client, name), mirror.catch_up(client, name))
        bench.sandbox.advance(3)
        bench.sandbox.edit(tenant, contact["ContactID"], Name="Second", Novelty="x")
        bench.sandbox.api("DELETE", f"Items/{ids['GONE']}", bench.token, tenant)
        caught = [await mirror.catch_up(client, "Contacts"), await mirror.repair(client, "Items")]

        def held(conn: Any) -> Any:
            gone = mirrored.by_ids(conn, tenant, "Items", list(ids.values()))
            (known,) = documents.contacts_by(conn, tenant, "contact_id", [contact["ContactID"]])
            drift = [(one.field, one.times) for one in mirrored.drifts(conn)]
            counts = [mirrored.count(conn, tenant, name) for name in ("Contacts", "Items", "Accounts")]
            return known.name, {code: gone[ids[code]].deleted_at is not None for code in ids}, drift, counts

        return [(one.updated, one.deleted) for one in caught], await books.database.read(held)

    caught, (name, gone, drift, counts) = asyncio.run(bench.use(work))
    assert caught == [(1, 0), (0, 1)]
    assert (name, gone) == ("Second", {"GONE": True, "KEPT": False})
    assert drift == [("Novelty", 1)]
    ledger = bench.sandbox.ledger(tenant)
    assert counts == [len(ledger["Contacts"]), len(ledger["Items"]), len(ledger["Accounts"])]
