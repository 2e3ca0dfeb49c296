"""Our postings beside Xero's documents, for proving. Called by app/proving."""

from typing import Any

import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.documents import Document
from counterfoil.store.postings import Posting
from counterfoil.store.prepared import Prepared

p = schema.postings.c
d = schema.documents.c


def entities(connection: sa.Connection, flow_id: str) -> list[str]:
    """The entities that a flow has postings for, in order."""
    query = sa.select(p.entity).where(p.flow_id == flow_id, p.kind != "contact").distinct().order_by(p.entity)
    return list(connection.execute(query).scalars())


def of_flow(connection: sa.Connection, flow_id: str) -> list[tuple[Posting, Document | None]]:
    """Every document posting of a flow with the document that it made, as the mirror last saw it."""
    return _OF_FLOW.rows(connection, _pair, flow_id=flow_id)


_OF_FLOW = Prepared(
    sa.select(schema.postings, schema.documents)
    .outerjoin(
        schema.documents, sa.and_(d.tenant_id == p.tenant_id, d.resource == p.resource, d.document_id == p.document_id)
    )
    .where(p.flow_id == sa.bindparam("flow_id"), p.kind != "contact")
    .order_by(p.id)
)
_WIDTH = len(schema.postings.columns)


def _pair(*row: Any) -> tuple[Posting, Document | None]:
    return Posting(*row[:_WIDTH]), Document(*row[_WIDTH:]) if row[_WIDTH] is not None else None


def marked_twice(connection: sa.Connection, tenant_ids: list[str], marks: list[str]) -> list[Document]:
    """Living documents whose mark another living document carries too."""
    living = sa.and_(d.tenant_id.in_(tenant_ids), d.marker.is_not(None), d.status.not_in(("VOIDED", "DELETED")))
    twice = sa.select(d.marker).where(living).group_by(d.tenant_id, d.marker).having(sa.func.count() > 1)
    query = sa.select(schema.documents).where(living, d.marker.in_(twice)).order_by(d.marker)
    wanted = set(marks)
    return [found for row in connection.execute(query) if (found := Document(*row)).marker in wanted]
