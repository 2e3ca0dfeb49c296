"""Our postings beside Xero's documents, for proving. Called by app/proving."""

import datetime
from decimal import Decimal

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.documents import Document
from counterfoil.store.prepared import Prepared


class Pair(msgspec.Struct, frozen=True):
    """A posting, and from `status` on the document that it made as the mirror last saw it; all None: not seen.

    Its columns and no more: a proof holds all of a flow in memory.
    """

    entity: str
    tenant_id: str
    kind: str
    external_id: str
    issue: int
    marker: str
    state: str
    how: str | None
    document_number: str | None
    contact_id: str | None
    date: datetime.date | None
    currency: str | None
    sub_total: Decimal | None
    total_tax: Decimal | None
    total: Decimal | None
    status: str | None
    xero_number: str | None
    xero_contact_id: str | None
    xero_date: datetime.date | None
    xero_currency: str | None
    xero_sub_total: Decimal | None
    xero_total_tax: Decimal | None
    xero_total: Decimal | None


NOT_PROVEN = ("contact", "payment", "allocation")  # their amounts are part of the documents
p = schema.postings.c
d = schema.documents.c
_customers = schema.postings.alias("customers")
of = _customers.c
r = schema.revisions.c


def resources(connection: sa.Connection, flow_id: str) -> list[tuple[str, str]]:
    """(entity, resource) of the documents that a flow has postings for, in order."""
    query = (
        sa.select(p.entity, p.resource)
        .where(p.flow_id == flow_id, sa.and_(*(p.kind != kind for kind in NOT_PROVEN)))
        .distinct()
        .order_by(p.entity, p.resource.desc())
    )
    return [(row.entity, row.resource) for row in connection.execute(query)]


def of_flow(connection: sa.Connection, flow_id: str) -> list[Pair]:
    """Every document posting of a flow with the document that it made."""
    return _OF_FLOW.rows(connection, Pair, flow_id=flow_id)


_OF_FLOW = Prepared(
    sa.select(
        p.entity, p.tenant_id, p.kind, p.external_id, p.issue, p.marker, p.state, p.how, p.document_number, of.document_id, p.date,
        p.currency, p.sub_total, p.total_tax, p.total, d.status, d.number, d.contact_id, d.date, d.currency, d.sub_total,
        d.total_tax, d.total,
    )
    .join(schema.revisions, sa.and_(r.posting_id == p.id, r.n == p.revision))
    .outerjoin(_customers, _customers.c.id == sa.func.coalesce(r.after_id, p.after_id))
    .outerjoin(
        schema.documents, sa.and_(d.tenant_id == p.tenant_id, d.resource == p.resource, d.document_id == p.document_id)
    )
    .where(p.flow_id == sa.bindparam("flow_id"), sa.and_(*(p.kind != kind for kind in NOT_PROVEN)))
    .order_by(p.id)
)  # fmt: skip


def without_posting(connection: sa.Connection, flow_id: str) -> int:
    """How many records of a flow no posting could be made of, as its sources gave them last."""
    b = schema.bad_rows.c
    query = sa.select(sa.func.count()).where(b.flow_id == flow_id, b.state == "open")
    return int(connection.execute(query).scalar_one())


def marked_twice(connection: sa.Connection, tenant_ids: list[str], marks: list[str]) -> list[Document]:
    """Living documents whose mark another living document carries too."""
    living = sa.and_(d.tenant_id.in_(tenant_ids), d.marker.is_not(None), d.status.not_in(("VOIDED", "DELETED")))
    twice = sa.select(d.marker).where(living).group_by(d.tenant_id, d.marker).having(sa.func.count() > 1)
    query = sa.select(schema.documents).where(living, d.marker.in_(twice)).order_by(d.marker)
    wanted = set(marks)
    return [found for row in connection.execute(query) if (found := Document(*row)).marker in wanted]
