"""What a person should know before approved invoices go into an organisation: its reminders and its plan's limits.

Called by app when a flow's first AUTHORISED document turns up. Cached for LIFETIME; costs at most 2 calls a day and
organisation. Facts 4.7, 5.1.
"""

import datetime
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from counterfoil.model import record
from counterfoil.model.record import Record
from counterfoil.store import documents
from counterfoil.store.database import Database
from counterfoil.xero import scopes
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import invoice_reminders, organisation

LIFETIME: Final = datetime.timedelta(days=1)
LANE: Final = "sync"
MAY_APPROVE: Final = "CreateApprovedInvoice"
NEEDS: Final = (
    scopes.reads("Organisation", "see whether plan and role allow approving"),
    scopes.reads("InvoiceReminders", "tell you that Xero reminds customers by itself"),
)


async def notices(client: XeroClient, database: Database, *, offline: bool = False) -> tuple[str, ...]:
    """Sentences that name the organisation and what to do; none when nothing stands in the way.

    `offline`: from what was read last. Raises what reading raises.
    """
    name = client.binding.fingerprint.name
    found = []
    actions = await _kept(client, database, organisation.ACTIONS_PATH, organisation.actions, offline=offline)
    if any(one.get("Name") == MAY_APPROVE and one.get("Status") == "NOT-ALLOWED" for one in actions):
        found.append(
            f"{name} may not approve invoices now: its plan's limit is reached, or the user's role forbids it. "
            "Post drafts, or change the plan or the role in Xero."
        )
    reminders = await _kept(client, database, invoice_reminders.PATH, invoice_reminders.settings, offline=offline)
    if any(one.get("Enabled") is True for one in reminders):
        found.append(
            f"{name} has invoice reminders on: Xero itself mails customers whose approved invoices are overdue. "
            "Look at due dates first, or switch reminders off in Xero."
        )
    return tuple(found)


async def _kept(
    client: XeroClient,
    database: Database,
    path: str,
    read: Callable[..., Awaitable[Sequence[Record]]],
    *,
    offline: bool,
) -> list[dict[str, Any]]:
    tenant = client.binding.tenant_id
    cached = await database.read(lambda conn: documents.reference(conn, tenant, path))
    now = database.clock.now()
    if cached is not None and (offline or now - cached[0] < LIFETIME):
        elements: list[dict[str, Any]] = record.plain(cached[1])
        return elements
    if offline:
        return []
    body = b"[" + b",".join(one.raw for one in await read(client, lane=LANE)) + b"]"
    await database.run(lambda conn: documents.set_reference(conn, tenant, path, now, body))
    read_now: list[dict[str, Any]] = record.plain(body)
    return read_now
