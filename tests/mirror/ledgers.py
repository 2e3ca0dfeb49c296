"""The judge of the mirror: what it holds against what Xero answers now, field by field."""

from collections.abc import Mapping
from typing import Any

from counterfoil.mirror import described, reading
from counterfoil.mirror.described import Described
from counterfoil.model import record
from counterfoil.store import mirrored
from counterfoil.store.database import Database
from counterfoil.xero.client import XeroClient
from tests.sandbox_process import SandboxProcess

# A payment shows its invoice as that is now, and says nothing of it by a stamp of its own.
EMBEDDED = {"Payments": {"Invoice"}}


async def held(database: Database, tenant: str, name: str) -> dict[str, Any]:
    """What the mirror holds of a resource, by id; what is gone is not in it."""
    rows = await database.read(lambda conn: mirrored.page(conn, tenant, name, most=100_000))
    return {one.document_id: record.plain(one.body) for one in rows if one.deleted_at is None}


async def there(client: XeroClient, one: Described) -> dict[str, Any]:
    """What Xero answers now, read by plain page numbers."""
    found: dict[str, Any] = {}
    numbers = [None] if one.page_size is None else range(1, 100)
    for number in numbers:
        rows = await reading.page(client, one, number, None, lane="sync")
        found |= {row.document_id: record.plain(row.body) for row in rows.items}
        if len(rows.items) < rows.page_size:
            break
    return found


async def differences(
    database: Database, client: XeroClient, sandbox: SandboxProcess, *, but: Mapping[str, set[str]] | None = None
) -> list[str]:
    """Where mirror and ledger differ, in words; the sandbox's ledger also says how many there are.

    `but`: fields of a resource that are not compared.
    """
    told = []
    tenant = client.binding.tenant_id
    ledger = sandbox.ledger(tenant)
    for one in described.ALL:
        ours, theirs = await held(database, tenant, one.name), await there(client, one)
        for document in (*ours.values(), *theirs.values()):
            for name in (but or {}).get(one.name, ()):
                document.pop(name, None)
        told += [
            f"{one.name} {each}: {_differing(ours.get(each), theirs.get(each))}"
            for each in sorted(ours | theirs)
            if ours.get(each) != theirs.get(each)
        ]
        rows = {row[one.id] for row in ledger[one.list]}
        if rows != theirs.keys():
            told.append(f"{one.name}: {len(rows)} in the ledger, {len(theirs)} listed")
    return told


def _differing(ours: Any, theirs: Any) -> Any:
    if ours is None or theirs is None:
        return "only there" if ours is None else "only here"
    return {name: (ours.get(name), theirs.get(name)) for name in ours | theirs if ours.get(name) != theirs.get(name)}
