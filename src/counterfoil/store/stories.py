"""Postings for people: newest first, or those that a clue names. Called by app/telling, app/standing and the service."""

from collections.abc import Sequence

import sqlalchemy as sa

from counterfoil.store import parts, schema
from counterfoil.store.postings import WHOLE, Posting

p = schema.postings.c
s = schema.posting_parts.c
d_table = schema.documents
d = d_table.c
LINKED = ("Invoices", "CreditNotes")  # whose documents the mirror keeps with their marker


def newest(connection: sa.Connection, *, state: str | None, flow_id: str | None, most: int) -> list[Posting]:
    """Document postings, newest first."""
    query = sa.select(*WHOLE).where(p.kind != "contact").order_by(p.id.desc()).limit(most)
    if state is not None:
        query = query.where(p.state == state)
    if flow_id is not None:
        query = query.where(p.flow_id == flow_id)
    return [Posting(*row) for row in connection.execute(query)]


def matching(connection: sa.Connection, clues: Sequence[str]) -> list[Posting]:
    """Postings that one of the clues names: external id, number, document id or mark, or that of a sale which is in one.

    Documents before contacts.
    """
    sold = sa.select(s.posting_id).where(s.external_id.in_(clues), parts.CURRENT)
    named = sa.or_(
        p.id.in_(sold.correlate(schema.postings)),
        p.external_id.in_(clues),
        p.number.in_(clues),
        p.document_number.in_(clues),
        p.document_id.in_(clues),
        p.marker.in_(clues),
    )
    query = sa.select(*WHOLE).where(named).order_by(p.kind.desc(), p.id).limit(20)
    return [Posting(*row) for row in connection.execute(query)]


def marked(connection: sa.Connection, marker: str) -> int | None:
    """The posting that a marker names; None: there is none.

    By the mirror's document that carries it, which costs next to nothing; else, and for a marker that nobody has, every
    posting is looked at: 50 ms per 100,000.
    """
    document = (
        sa.select(p.id)
        .join(d_table, sa.and_(d.tenant_id == p.tenant_id, d.resource == p.resource, d.document_id == p.document_id))
        .where(d.tenant_id.in_(sa.select(schema.bindings.c.tenant_id)), d.resource.in_(LINKED), d.marker == marker)
        .where(p.document_id.is_not(None), p.marker == marker)
    )
    found = connection.execute(document).scalars().first()
    if found is None:
        found = connection.execute(sa.select(p.id).where(p.marker == marker).order_by(p.id)).scalars().first()
    return found


def state_counts(connection: sa.Connection) -> dict[str, dict[str, int]]:
    """Entity → state → how many documents."""
    query = (
        sa.select(p.entity, p.state, sa.func.count())
        .where(p.kind != "contact")
        .group_by(p.entity, p.state)
        .order_by(p.entity)
    )
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(query):
        found.setdefault(row[0], {})[row[1]] = row[2]
    return found
