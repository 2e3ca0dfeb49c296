"""Documents that nobody of ours made, by contact and day. Called by posting/lookalikes."""

import datetime
from collections.abc import Collection

import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.documents import Document
from counterfoil.store.prepared import Among, Prepared

p = schema.postings.c
d = schema.documents.c
_UNMARKED = Prepared(
    sa.select(schema.documents)
    .outerjoin(
        schema.postings,
        sa.and_(p.tenant_id == d.tenant_id, p.resource == d.resource, p.document_id == d.document_id),
    )
    .where(
        d.tenant_id == sa.bindparam("tenant_id"),
        d.resource == sa.bindparam("resource"),
        Among(d.contact_id, "contacts"),
        d.date >= sa.bindparam("first"),
        d.date <= sa.bindparam("last"),
        d.marker.is_(None),
        p.id.is_(None),
    )
    .order_by(d.date, d.document_id)
)


def unmarked(
    connection: sa.Connection,
    tenant_id: str,
    resource: str,
    contacts: Collection[str],
    first: datetime.date,
    last: datetime.date,
) -> list[Document]:
    """Documents without our mark that belong to no posting, oldest first."""
    return _UNMARKED.rows(
        connection, Document, tenant_id=tenant_id, resource=resource, contacts=contacts, first=first, last=last
    )
