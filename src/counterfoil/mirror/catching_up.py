"""Read what changed in a resource of a tenant since the cursor, and remember it: numbers, markers, contacts.

Called by posting (before planning, for recovery, for looking) and app (prove). It keeps what posting looks things up by,
from summaries where Xero has them; whole documents are mirroring's, which feeds the same tables. Read by key (reading).
The cursor is Xero's own time of the first answer of a completed catch-up, less an overlap. Cost: 1 call when nothing or
little changed, else 1 per PAGE_SIZE documents. Xero: facts §4.3, §4.4
(https://developer.xero.com/documentation/api/accounting/requests-and-responses, read 2026-11).
"""

import datetime
import functools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from counterfoil.mirror import indexing, reading
from counterfoil.mirror.indexing import Marker
from counterfoil.mirror.reading import Rows
from counterfoil.model.contact import Contact
from counterfoil.model.credit_note import CreditNote
from counterfoil.model.invoice import Invoice
from counterfoil.store import documents
from counterfoil.store.database import Database
from counterfoil.store.documents import Cursor
from counterfoil.xero import scopes
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import contacts, credit_notes, invoices

PAGE_SIZE = 1000
WRITTEN_AT_ONCE = 1000  # rows of a transaction: 15 ms, for which others wait; fewer write the indexes' pages more often
OVERLAP = datetime.timedelta(minutes=5)
SECOND = datetime.timedelta(seconds=1)
_EARLY = datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC)

NEEDS = (
    scopes.reads("Invoices", "find what is there already, and prove what was posted"),
    scopes.reads("CreditNotes", "find credit notes that are there already"),
    scopes.reads("Contacts", "find your customers"),
)

Progress = Callable[[int, int], None]


class CatchUp:
    """Catches up contacts and documents of one tenant. `find_marker` reads our mark from (Url, Reference)."""

    def __init__(self, database: Database, find_marker: Marker) -> None:
        self._database = database
        self._find_marker = find_marker

    async def __call__(self, client: XeroClient, resource: str, *, lane: str = "sync") -> int:
        """Bring one resource ("Contacts", "Invoices", "CreditNotes") up to date; → how many rows were read."""
        tenant = client.binding.tenant_id
        cursor = await self._database.read(lambda conn: documents.cursor(conn, tenant, resource))
        since = min_since(cursor)
        first_answer: datetime.datetime | None = None
        count = 0
        seen: dict[str, datetime.datetime | None] = {}  # what may come again, which in a busy minute is most of a page
        async for server_time, rows in self._read(client, resource, since, lane):
            first_answer = first_answer or server_time
            count += len(rows)
            stamps = {_id(row): row.updated_date_utc for row in rows}
            await self._keep(resource, tenant, [row for row in rows if not _is_known(row, seen)])
            again = max((at for at in stamps.values() if at), default=_EARLY).replace(microsecond=0) - SECOND
            seen = {one: at for one, at in (seen | stamps).items() if at is not None and at >= again}
        moved = Cursor(tenant, resource, (first_answer or self._database.clock.now()) - OVERLAP, True, None)
        await self._database.run(lambda conn: documents.set_cursor(conn, moved))
        return count

    async def changed_since(self, client: XeroClient, resource: str, since: datetime.datetime, *, lane: str) -> int:
        """Read everything changed since an instant into the index, without moving the cursor; for looking."""
        count = 0
        async for _time, rows in self._read(client, resource, since, lane):
            count += len(rows)
            await self._keep(resource, client.binding.tenant_id, rows)
        return count

    async def keep(self, client: XeroClient, resource: str, rows: Sequence[Any]) -> None:
        """Remember documents that were read for another reason."""
        await self._keep(resource, client.binding.tenant_id, rows)

    async def _read(
        self, client: XeroClient, resource: str, since: datetime.datetime | None, lane: str
    ) -> AsyncIterator[tuple[datetime.datetime, Sequence[Any]]]:
        async def fetch(page: int, since: datetime.datetime | None) -> Rows:
            answer = await _page(client, resource, page, since, lane)
            more = answer.page_count is not None and page < answer.page_count
            return Rows(answer.items, answer.server_time, PAGE_SIZE, more=more)

        async for rows in reading.by_key(fetch, _key, since):
            yield rows.server_time, rows.items

    async def _keep(self, resource: str, tenant: str, rows: Sequence[Any]) -> None:
        for start in range(0, len(rows), WRITTEN_AT_ONCE):
            some = rows[start : start + WRITTEN_AT_ONCE]
            work = functools.partial(
                indexing.put, tenant=tenant, resource=resource, rows=some, find_marker=self._find_marker
            )
            await self._database.run(work)


def _id(row: Invoice | CreditNote | Contact) -> str:
    if isinstance(row, Invoice):
        return row.invoice_id
    return row.credit_note_id if isinstance(row, CreditNote) else row.contact_id


def _key(row: Invoice | CreditNote | Contact) -> tuple[str, datetime.datetime | None]:
    return _id(row), row.updated_date_utc


def _is_known(row: Invoice | CreditNote | Contact, seen: Mapping[str, datetime.datetime | None]) -> bool:
    """Read before in this catch-up, and not changed since."""
    return row.updated_date_utc is not None and seen.get(_id(row)) == row.updated_date_utc


def min_since(cursor: Cursor) -> datetime.datetime | None:
    """Where to read from: the cursor, or earlier after a restore; None: the whole resource."""
    if cursor.since is None:
        return None
    if not cursor.recovered and cursor.recover_since is not None:
        return min(cursor.since, cursor.recover_since)
    return cursor.since


async def _page(client: XeroClient, resource: str, page: int, since: datetime.datetime | None, lane: str) -> Any:
    if resource == "Contacts":
        return await contacts.page(
            client,
            page=page,
            page_size=PAGE_SIZE,
            lane=lane,
            include_archived=True,
            if_modified_since=since,
            order="UpdatedDateUTC",
        )
    if resource == credit_notes.PLURAL:
        return await credit_notes.page(
            client, page=page, page_size=PAGE_SIZE, lane=lane, if_modified_since=since, order="UpdatedDateUTC"
        )
    return await invoices.page(
        client,
        page=page,
        page_size=PAGE_SIZE,
        lane=lane,
        summary_only=True,
        if_modified_since=since,
        order="UpdatedDateUTC",
    )
