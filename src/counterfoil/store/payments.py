"""Payments that are not sent yet and may be at Xero already. Called by posting/looking_through and finishing."""

import sqlalchemy as sa

from counterfoil.store import postings, schema
from counterfoil.store.postings import WHOLE, Posting
from counterfoil.store.prepared import Prepared

p = schema.postings.c
before = postings.before.c
LOOKED = "looked"  # how a planned payment stands: it was looked for, and is not there


def _unverified(*more: sa.ColumnElement[bool]) -> Prepared:
    return Prepared(
        sa.select(*WHOLE)
        .join(postings.before, before.id == p.after_id)
        .where(
            p.tenant_id == sa.bindparam("tenant_id"),
            p.resource == "Payments",
            sa.or_(p.state == "planned", p.state == "held"),
            p.how.is_(None),
            before.document_id.is_not(None),
            *more,
        )
        .order_by(p.id)
    )


_EVERY, _OF_OLD_DOCUMENTS = _unverified(), _unverified(before.how != "created")


def unverified(connection: sa.Connection, tenant_id: str, *, every: bool) -> list[Posting]:
    """Unsent payments of documents that may have them already; `every`: also of documents that we made ourselves."""
    return (_EVERY if every else _OF_OLD_DOCUMENTS).rows(connection, Posting, tenant_id=tenant_id)
