"""Read what changed in a resource of a tenant since the cursor, and remember it: numbers, markers, contacts.

Called by posting (before planning, for recovery, for looking) and app (prove). Read by key, not by page number, since
documents move while we read: order by UpdatedDateUTC, take page 1, ask again from the last row's second less one
(nobody knows whether the boundary is included); further pages only while most of a page would come again. What moves
meanwhile comes again at the end of them: then they are read once more, by key. The cursor is Xero's own time of the first answer of a completed catch-up, less an overlap. Cost: 1 call when nothing or little
changed, else 1 per PAGE_SIZE documents. Xero: facts §4.3, §4.4
(https://developer.xero.com/documentation/api/accounting/requests-and-responses, read 2026-11).
"""

import datetime
import functools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from counterfoil.model.contact import Contact
from counterfoil.model.credit_note import CreditNote
from counterfoil.model.invoice import Invoice
from counterfoil.store import documents, schema
from counterfoil.store.database import Database
from counterfoil.store.documents import Cursor, fold
from counterfoil.xero import scopes
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import contacts, credit_notes, invoices

PAGE_SIZE = 1000
WRITTEN_AT_ONCE = 1000  # rows of a transaction: 15 ms, for which others wait; fewer write the indexes' pages more often
READS_MAX = 5_000  # pages of one catch-up: five million documents; more is a loop of ours
OVERLAP = datetime.timedelta(minutes=5)
SECOND = datetime.timedelta(seconds=1)
_EARLY = datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC)

NEEDS = (
    scopes.reads("Invoices", "find what is there already, and prove what was posted"),
    scopes.reads("CreditNotes", "find credit notes that are there already"),
    scopes.reads("Contacts", "find your customers"),
)

Marker = Callable[[str | None, str | None], str | None]
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
        page, by_key = 1, False
        counted: set[str] = set()  # on the pages before this one, of the same question
        for _ in range(READS_MAX):
            answer = await _page(client, resource, page, since, lane)
            yield answer.server_time, answer.items
            there = {_id(row) for row in answer.items}
            if not by_key and not counted.isdisjoint(there):
                page, by_key = 1, True
                counted.clear()
                continue
            if len(answer.items) < PAGE_SIZE:
                return
            last = answer.items[-1].updated_date_utc
            moved = last.replace(microsecond=0) - SECOND if last else None
            stays = moved is None or (since is not None and moved <= since)  # those seconds fill a page
            if stays or not (by_key or _mostly_before(answer.items, moved)):
                page += 1
                counted |= there
            else:
                since, page = moved, 1
                counted.clear()
        raise AssertionError(f"{resource}: more than {READS_MAX} pages in one catch-up")

    async def _keep(self, resource: str, tenant: str, rows: Sequence[Any]) -> None:
        is_contact = resource == "Contacts"
        table = schema.contacts if is_contact else schema.documents
        if is_contact:
            values = [_contact_row(tenant, one) for one in rows]
        elif resource == credit_notes.PLURAL:
            values = [self._credit_note_row(tenant, one) for one in rows]
        else:
            values = [self._document_row(tenant, resource, one) for one in rows]
        for start in range(0, len(values), WRITTEN_AT_ONCE):
            work = functools.partial(documents.upsert, table=table, rows=values[start : start + WRITTEN_AT_ONCE])
            await self._database.run(work)

    def _document_row(self, tenant: str, resource: str, invoice: Invoice) -> dict[str, Any]:
        return {
            "tenant_id": tenant, "resource": resource, "document_id": invoice.invoice_id,
            "number_key": _number_key(invoice), "number": invoice.invoice_number,
            "marker": self._find_marker(invoice.url, invoice.reference), "status": invoice.status,
            "contact_id": invoice.contact.contact_id if invoice.contact else None, "date": invoice.date,
            "currency": invoice.currency_code, "sub_total": invoice.sub_total, "total_tax": invoice.total_tax,
            "total": invoice.total, "reference": invoice.reference, "updated_at": invoice.updated_date_utc,
        }  # fmt: skip

    def _credit_note_row(self, tenant: str, note: CreditNote) -> dict[str, Any]:
        own_number = note.credit_note_number if note.type == "ACCRECCREDIT" else None  # facts §5.9: unique for these
        return {
            "tenant_id": tenant, "resource": credit_notes.PLURAL, "document_id": note.credit_note_id,
            "number_key": fold(own_number) if own_number else None, "number": note.credit_note_number,
            "marker": self._find_marker(None, note.reference), "status": note.status,
            "contact_id": note.contact.contact_id if note.contact else None, "date": note.date,
            "currency": note.currency_code, "sub_total": note.sub_total, "total_tax": note.total_tax,
            "total": note.total, "reference": note.reference, "updated_at": note.updated_date_utc,
        }  # fmt: skip


def _id(row: Invoice | CreditNote | Contact) -> str:
    if isinstance(row, Invoice):
        return row.invoice_id
    return row.credit_note_id if isinstance(row, CreditNote) else row.contact_id


def _mostly_before(rows: Sequence[Any], moved: datetime.datetime | None) -> bool:
    """Asking again from `moved` brings less than half of these once more."""
    middle = rows[len(rows) // 2].updated_date_utc
    return moved is not None and middle is not None and middle < moved


def _is_known(row: Invoice | CreditNote | Contact, seen: Mapping[str, datetime.datetime | None]) -> bool:
    """Read before in this catch-up, and not changed since."""
    return row.updated_date_utc is not None and seen.get(_id(row)) == row.updated_date_utc


def _number_key(invoice: Invoice) -> str | None:
    """The folded number of a sales invoice; a bill's number is its supplier's and takes nobody's place (facts §5.8)."""
    return fold(invoice.invoice_number) if invoice.invoice_number and invoice.type == "ACCREC" else None


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


def _contact_row(tenant: str, contact: Contact) -> dict[str, Any]:
    sales_terms = contact.payment_terms.sales if contact.payment_terms else None
    return {
        "tenant_id": tenant, "contact_id": contact.contact_id, "number": contact.contact_number, "name": contact.name or "",
        "name_key": fold(contact.name or ""), "email_key": fold(contact.email_address) if contact.email_address else None,
        "status": contact.contact_status, "merged_to": contact.merged_to_contact_id, "updated_at": contact.updated_date_utc,
        "terms_day": sales_terms.day if sales_terms else None, "terms_type": sales_terms.type if sales_terms else None,
        "tax_number": contact.tax_number,
    }  # fmt: skip
