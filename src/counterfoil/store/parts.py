"""Which sales a posting's content was added up of, where one document stands for many (`post = "daily"`).

Called by posting/parts, posting/applying and store/stories, inside the caller's transaction.
"""

from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.prepared import Among, Prepared

s = schema.posting_parts.c
p = schema.postings.c


class Holder(msgspec.Struct, frozen=True):
    """A posting that a sale is in. `is_in_xero`: its document is there, so no rerun takes the sale out by itself."""

    sale: str
    external_id: str
    state: str
    document_number: str | None
    is_in_xero: bool


_ADD = Prepared(sa.insert(schema.posting_parts))


def add(connection: sa.Connection, made: Iterable[tuple[int, int, Sequence[str]]]) -> None:
    """Remember the sales of contents: (posting id, revision, sales)."""
    rows = [
        {"posting_id": posting_id, "revision": revision, "external_id": sale}
        for posting_id, revision, sales in made
        for sale in sales
    ]
    if rows:
        _ADD.run_many(connection, rows)


def replace(connection: sa.Connection, posting_id: int, revision: int, sales: Sequence[str]) -> None:
    """Other sales add up to the same content."""
    if list(sales) != of_posting(connection, posting_id, revision):
        connection.execute(sa.delete(schema.posting_parts).where(s.posting_id == posting_id, s.revision == revision))
        add(connection, [(posting_id, revision, sales)])


# What is being changed at Xero holds the sales of its earlier content too, until the change is there.
CURRENT = sa.or_(s.revision == p.revision, s.revision == p.pending_revision)
_HOLDERS = Prepared(
    sa.select(s.external_id, p.external_id, p.state, p.document_number, p.document_id.is_not(None))
    .join(schema.postings, p.id == s.posting_id)
    .where(p.flow_id == sa.bindparam("flow_id"), p.state != "cancelled", CURRENT, Among(s.external_id, "sales"))
    .order_by(p.id)
)


def holders(connection: sa.Connection, flow_id: str, sales: Sequence[str]) -> list[Holder]:
    """The postings of a flow that these sales are in."""
    return _HOLDERS.rows(connection, Holder, flow_id=flow_id, sales=sales) if sales else []


_OF = Prepared(
    sa.select(p.external_id, s.external_id)
    .join(schema.postings, sa.and_(p.id == s.posting_id, p.revision == s.revision))
    .where(p.flow_id == sa.bindparam("flow_id"), p.document_id.is_not(None), Among(p.external_id, "external_ids"))
)


def of_documents(connection: sa.Connection, flow_id: str, external_ids: Sequence[str]) -> dict[str, set[str]]:
    """The sales of each of these postings that has a document, by its external id."""
    found: dict[str, set[str]] = {}
    if external_ids:
        for external_id, sale in _OF.tuples(connection, flow_id=flow_id, external_ids=external_ids):
            found.setdefault(external_id, set()).add(sale)
    return found


def by_revision(connection: sa.Connection, posting_id: int) -> dict[int, list[str]]:
    """The sales of each content of a posting, sorted."""
    found: dict[int, list[str]] = {}
    query = sa.select(s.revision, s.external_id).where(s.posting_id == posting_id).order_by(s.external_id)
    for revision, sale in connection.execute(query):
        found.setdefault(revision, []).append(sale)
    return found


def of_posting(connection: sa.Connection, posting_id: int, revision: int) -> list[str]:
    """The sales of one content, sorted."""
    query = sa.select(s.external_id).where(s.posting_id == posting_id, s.revision == revision)
    return list(connection.execute(query.order_by(s.external_id)).scalars())
