"""Postings for people: newest first, or those that a clue names. Called by app/telling, app/standing and the service."""

from collections.abc import Sequence

import sqlalchemy as sa

from counterfoil.store import parts, schema
from counterfoil.store.postings import WHOLE, Posting

p = schema.postings.c
s = schema.posting_parts.c


def newest(connection: sa.Connection, *, state: str | None, flow_id: str | None, most: int) -> list[Posting]:
    """Document postings, newest first."""
    query = sa.select(*WHOLE).where(p.kind != "contact").order_by(p.id.desc()).limit(most)
    if state is not None:
        query = query.where(p.state == state)
    if flow_id is not None:
        query = query.where(p.flow_id == flow_id)
    return [Posting(*row) for row in connection.execute(query)]


def page(
    connection: sa.Connection, *, before: int | None, most: int, states: Sequence[str] = (), flow_id: str | None = None,
    entities: Sequence[str] | None = None, external_id: str | None = None,
) -> list[Posting]:  # fmt: skip
    """Document postings, newest first, behind the one with id `before`; of these states, flow and entities if given."""
    query = sa.select(*WHOLE).where(p.kind != "contact").order_by(p.id.desc()).limit(most)
    if before is not None:
        query = query.where(p.id < before)
    if states:
        query = query.where(p.state.in_(states))
    if flow_id is not None:
        query = query.where(p.flow_id == flow_id)
    if entities is not None:
        query = query.where(p.entity.in_(entities))
    if external_id is not None:
        query = query.where(p.external_id == external_id)
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
    """The posting that a marker names, one look into an index; None: there is none."""
    found: int | None = connection.execute(
        sa.select(p.id).where(p.marker == marker).order_by(p.id).limit(1)
    ).scalar_one_or_none()
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
