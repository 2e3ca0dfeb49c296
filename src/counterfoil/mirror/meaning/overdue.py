"""Invoices and bills whose due date has passed: named once for each document and due date.

Called by app/overdue, once a day. No answer of Xero's tells it: time alone makes it so, by the organisation's own calendar.
"""

import datetime
from collections.abc import Sequence
from typing import Final

from counterfoil.mirror import applying
from counterfoil.mirror.meaning import naming
from counterfoil.model.whole import Whole
from counterfoil.store import happenings, locks, mirrored, overdue
from counterfoil.store.database import Connection

RESOURCE: Final = "Invoices"


def candidates(rows: Sequence[tuple[str, bytes]], today: datetime.date) -> dict[str, datetime.date]:
    """Of documents (id, Xero's JSON), those that are overdue, with their due date. Pure."""
    found = {document_id: naming.overdue_since(Whole(body), today) for document_id, body in rows}
    return {document_id: due for document_id, due in found.items() if due is not None}


def tell(
    conn: Connection, tenant_id: str, ids: Sequence[str], now: datetime.datetime, today: datetime.date, *,
    is_first: bool, snapshots: bool,
) -> int:  # fmt: skip
    """Name those of these documents that are overdue now and were not told; → how many changes are new. Idempotent.

    `is_first`: the organisation was never looked through, so that what is overdue already did not just happen: a snapshot, kept
    where somebody wants `snapshots`.
    """
    locks.hold(conn, applying.lock(tenant_id, RESOURCE))
    documents = {one.document_id: Whole(one.body) for one in _there(conn, tenant_id, ids)}
    dues = {
        each: due for each, document in documents.items() if (due := naming.overdue_since(document, today)) is not None
    }
    new = overdue.untold(conn, tenant_id, dues)
    overdue.tell(conn, tenant_id, new)
    if is_first and not snapshots:
        return 0
    named = [naming.overdue(tenant_id, each, documents[each], now, today, snapshot=is_first) for each in sorted(new)]
    return len(happenings.record(conn, [one for one in named if one is not None]))


def _there(conn: Connection, tenant_id: str, ids: Sequence[str]) -> list[mirrored.Mirrored]:
    held = mirrored.by_ids(conn, tenant_id, RESOURCE, ids)
    return [one for one in held.values() if one.deleted_at is None]
