"""What the mirror knows of Xero's documents and contacts, by number, marker and name; reference data; cursors.

Called by mirror/ and posting/. Rows are Xero's state as last read; nothing here is ever our own guess.
"""

import datetime
import functools
import operator
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.store import prepared, schema
from counterfoil.store.prepared import Among, Prepared
from counterfoil.store.types import EPOCH


class Document(msgspec.Struct, frozen=True):
    """One document of a tenant, as the mirror last saw it. Amounts in `currency`."""

    tenant_id: str
    resource: str
    document_id: str
    number_key: str | None
    number: str | None
    marker: str | None
    status: str
    contact_id: str | None
    date: datetime.date | None
    currency: str | None
    sub_total: Decimal | None
    total_tax: Decimal | None
    total: Decimal | None
    reference: str | None
    updated_at: datetime.datetime | None


class KnownContact(msgspec.Struct, frozen=True):
    """One contact of a tenant, as the mirror last saw it. `terms_*`: its payment terms for what it buys, Xero's words."""

    tenant_id: str
    contact_id: str
    number: str | None
    name: str
    name_key: str
    email_key: str | None
    status: str
    merged_to: str | None
    updated_at: datetime.datetime | None
    terms_day: int | None = None
    terms_type: str | None = None
    tax_number: str | None = None


class Cursor(msgspec.Struct, frozen=True):
    """How far the mirror has read one resource of a tenant."""

    tenant_id: str
    resource: str
    since: datetime.datetime | None
    recovered: bool
    recover_since: datetime.datetime | None


def fold(text: str) -> str:
    """Case and spaces folded: how Xero compares names and numbers."""
    return " ".join(text.casefold().split())


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows by primary key; what was there is replaced."""
    if not rows:
        return
    _upsert(table, connection.dialect.name).run_many(connection, rows)


def put_newer(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """The same for `documents` and `contacts`, but what was there stays where its `updated_at` is later.

    Always in the order of ids, so that two who write the same rows wait for each other and not in a circle.
    """
    if rows:
        by_id = sorted(rows, key=operator.itemgetter("contact_id" if table is schema.contacts else "document_id"))
        _upsert(table, connection.dialect.name, newer=True).run_many(connection, by_id)


def known(
    connection: sa.Connection, table: sa.Table, tenant_id: str, resource: str, ids: Sequence[str]
) -> list[dict[str, Any]]:
    """The rows of `documents` or `contacts` of these ids, as they stand there."""
    found = connection.execute(sa.select(table).where(*_of(table, tenant_id, resource, ids)))
    return [dict(row) for row in found.mappings()]


def forget(connection: sa.Connection, table: sa.Table, tenant_id: str, resource: str, ids: Sequence[str]) -> None:
    """Take rows out of `documents` or `contacts`."""
    if ids:
        connection.execute(sa.delete(table).where(*_of(table, tenant_id, resource, ids)))


def _of(table: sa.Table, tenant_id: str, resource: str, ids: Sequence[str]) -> list[Any]:
    if table is schema.contacts:
        return [table.c.tenant_id == tenant_id, table.c.contact_id.in_(ids)]
    return [table.c.tenant_id == tenant_id, table.c.resource == resource, table.c.document_id.in_(ids)]


def stamps(
    connection: sa.Connection, table: sa.Table, tenant_id: str, resource: str
) -> list[tuple[str, datetime.datetime | None]]:
    """(id, stamp) of all that is known of a resource."""
    if table is schema.contacts:
        query = sa.select(table.c.contact_id, table.c.updated_at).where(table.c.tenant_id == tenant_id)
    else:
        of = (table.c.tenant_id == tenant_id, table.c.resource == resource)
        query = sa.select(table.c.document_id, table.c.updated_at).where(*of)
    return [(row[0], row[1]) for row in connection.execute(query)]


@functools.cache
def _upsert(table: sa.Table, dialect: str, *, newer: bool = False) -> Prepared:
    statement: Any = prepared.insert(dialect)(table)
    keys = [column.name for column in table.primary_key]
    others = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    only = None
    if newer:
        was, now = table.c.updated_at, statement.excluded.updated_at
        only = sa.or_(was.is_(None), now.is_(None), now >= was)
    return Prepared(statement.on_conflict_do_update(index_elements=keys, set_=others, where=only))


d = schema.documents.c
c = schema.contacts.c

_DOCUMENTS_BY = {
    name: Prepared(
        sa.select(schema.documents).where(
            d.tenant_id == sa.bindparam("tenant_id"), d.resource == sa.bindparam("resource"), Among(d[name], "those")
        )
    )
    for name in ("number_key", "marker", "document_id")
}
_CONTACTS_BY = {
    name: Prepared(sa.select(schema.contacts).where(c.tenant_id == sa.bindparam("tenant_id"), Among(c[name], "those")))
    for name in ("number", "name_key", "contact_id")
}


def documents_by(
    connection: sa.Connection, tenant_id: str, resource: str, column: str, values: Sequence[str]
) -> list[Document]:
    """Documents whose `column` ("number_key", "marker", "document_id") is one of the values."""
    if not values:
        return []
    return _DOCUMENTS_BY[column].rows(connection, Document, tenant_id=tenant_id, resource=resource, those=values)


def contacts_by(connection: sa.Connection, tenant_id: str, column: str, values: Sequence[str]) -> list[KnownContact]:
    """Contacts whose `column` ("number", "name_key", "contact_id") is one of the values."""
    return _CONTACTS_BY[column].rows(connection, KnownContact, tenant_id=tenant_id, those=values) if values else []


k = schema.cursors.c
_CURSOR = Prepared(
    sa.select(schema.cursors).where(k.tenant_id == sa.bindparam("tenant_id"), k.resource == sa.bindparam("resource"))
)


def cursor(connection: sa.Connection, tenant_id: str, resource: str) -> Cursor:
    """How far this resource was read; a first cursor knows nothing and is not recovered."""
    found = _CURSOR.rows(connection, Cursor, tenant_id=tenant_id, resource=resource)
    return found[0] if found else Cursor(tenant_id, resource, None, recovered=False, recover_since=None)


def set_cursor(connection: sa.Connection, moved: Cursor) -> None:
    """Move a cursor."""
    upsert(connection, schema.cursors, [msgspec.structs.asdict(moved)])


def distrust_cursors(connection: sa.Connection, since: datetime.datetime | None) -> None:
    """After a restore: nothing may be created before each resource was read again from `since` (None: whole)."""
    connection.execute(sa.update(schema.cursors).values(recovered=False, recover_since=since))


def reference(connection: sa.Connection, tenant_id: str, resource: str) -> tuple[datetime.datetime, bytes] | None:
    """Cached reference data: when it was read, and Xero's elements as JSON."""
    f = schema.reference.c
    row = connection.execute(
        sa.select(f.fetched_at, f.body).where(f.tenant_id == tenant_id, f.resource == resource)
    ).one_or_none()
    return (row.fetched_at, row.body) if row else None


def doubt_reference(connection: sa.Connection, posting_ids: Sequence[int]) -> None:
    """What is cached of the settings of these postings' organisations is old from now on; it stays for `--offline`."""
    p = schema.postings.c
    tenants = sa.select(p.tenant_id).where(p.id.in_(posting_ids))
    old = sa.update(schema.reference).where(schema.reference.c.tenant_id.in_(tenants))
    connection.execute(old.values(fetched_at=EPOCH))


def set_reference(connection: sa.Connection, tenant_id: str, resource: str, at: datetime.datetime, body: bytes) -> None:
    """Keep reference data."""
    upsert(
        connection,
        schema.reference,
        [{"tenant_id": tenant_id, "resource": resource, "fetched_at": at, "body": body}],
    )
