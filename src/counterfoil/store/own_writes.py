"""What we wrote to documents, for telling our own doing from somebody else's: which request, and the bytes that were sent.

Called by mirror/meaning, inside the mirror's transaction: a few queries for all documents of it. A request counts for a
document until a later change of it is kept (`claim`), so that a person who puts back what we once wrote is not taken for us.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.documents import upsert
from counterfoil.store.prepared import Among, Prepared

# What surely left nothing at Xero: refused, or sent again under another key.
_NOTHING: Final = ("again", "not found", "rejected", "split")
_SENT: Final = ("posted", "sending", "uncertain")
p, i, r, w = schema.postings.c, schema.request_items.c, schema.requests.c, schema.own_writes.c
_OF: Final = (p.tenant_id == sa.bindparam("tenant_id"), p.resource == sa.bindparam("resource"))


class Owned(msgspec.Struct, frozen=True):
    """A posting of ours. `total` in its currency."""

    id: int
    document_id: str | None
    revision: int
    after_id: int | None
    total: Decimal | None


class Write(msgspec.Struct, frozen=True):
    """One request that has a posting's revision at a position, sent at least once. `open`: what became of it is not known yet."""

    request_id: int
    position: int
    posting_id: int
    revision: int
    resource: str
    method: str
    open: bool


_COLUMNS: Final = (p.id, p.document_id, p.revision, p.after_id, p.total)
_BY_DOCUMENT: Final = Prepared(
    sa.select(*_COLUMNS).where(*_OF, Among(p.document_id, "those"), p.document_id.is_not(None))
)
_BY_MARKER: Final = Prepared(sa.select(p.marker, *_COLUMNS).where(*_OF, Among(p.marker, "those")))
_BY_NUMBER: Final = Prepared(
    sa.select(p.external_id, *_COLUMNS).where(
        *_OF,
        p.flow_id == "",
        p.kind == "contact",
        p.scope.in_(
            sa.select(schema.bindings.c.entity).where(schema.bindings.c.tenant_id == sa.bindparam("tenant_id"))
        ),
        Among(p.external_id, "those"),
    )
)
_UNDER: Final = Prepared(
    sa.select(*_COLUMNS).where(*_OF, Among(p.after_id, "those"), sa.or_(*(p.state == one for one in _SENT)))
)
_WRITES: Final = Prepared(
    sa.select(i.request_id, i.position, i.posting_id, i.revision, r.resource, r.method, i.open)
    .join(schema.requests, r.id == i.request_id)
    .where(
        Among(i.posting_id, "those"),
        r.attempts > 0,
        sa.or_(i.outcome.is_(None), sa.and_(*(i.outcome != one for one in _NOTHING))),
    )
    .order_by(i.request_id)
)
_BODIES: Final = Prepared(sa.select(r.id, r.body).where(Among(r.id, "those")))
_CLAIMED: Final = Prepared(
    sa.select(w.document_id, w.request_id).where(
        w.tenant_id == sa.bindparam("tenant_id"), w.resource == sa.bindparam("resource"), Among(w.document_id, "those")
    )
)


def by_document(conn: sa.Connection, tenant_id: str, resource: str, ids: Collection[str]) -> dict[str, list[Owned]]:
    """Our postings by their document; a contact that several became has several."""
    found: dict[str, list[Owned]] = {}
    for one in _BY_DOCUMENT.rows(conn, Owned, tenant_id=tenant_id, resource=resource, those=list(ids)) if ids else ():
        found.setdefault(one.document_id or "", []).append(one)
    return found


def by_marker(conn: sa.Connection, tenant_id: str, resource: str, markers: Collection[str]) -> dict[str, Owned]:
    """Our postings by their marker: those of which we do not know yet what they became."""
    return _by_text(_BY_MARKER, conn, tenant_id, resource, markers)


def by_number(conn: sa.Connection, tenant_id: str, numbers: Collection[str]) -> dict[str, Owned]:
    """The same for contacts, by ContactNumber."""
    return _by_text(_BY_NUMBER, conn, tenant_id, "Contacts", numbers)


def _by_text(
    query: Prepared, conn: sa.Connection, tenant_id: str, resource: str, those: Collection[str]
) -> dict[str, Owned]:
    rows = query.tuples(conn, tenant_id=tenant_id, resource=resource, those=list(those)) if those else []
    return {text: Owned(*rest) for text, *rest in rows}


def under(conn: sa.Connection, tenant_id: str, resource: str, posting_ids: Collection[int]) -> dict[int, list[Owned]]:
    """Our postings of a resource beneath others, sent already, by the one that they are after."""
    found: dict[int, list[Owned]] = {}
    rows = (
        _UNDER.rows(conn, Owned, tenant_id=tenant_id, resource=resource, those=list(posting_ids)) if posting_ids else ()
    )
    for one in rows:
        found.setdefault(one.after_id or 0, []).append(one)
    return found


def writes(conn: sa.Connection, posting_ids: Collection[int]) -> dict[int, list[Write]]:
    """The requests of these postings that may have changed something at Xero, the oldest first."""
    found: dict[int, list[Write]] = {}
    for one in _WRITES.rows(conn, Write, those=list(posting_ids)) if posting_ids else ():
        found.setdefault(one.posting_id, []).append(one)
    return found


def elements(conn: sa.Connection, those: Sequence[Write]) -> dict[Write, Mapping[str, Any]]:
    """What was sent for each of these, as JSON with exact amounts; what [retention] dropped is left out."""
    bodies = dict(_BODIES.tuples(conn, those=sorted({one.request_id for one in those}))) if those else {}
    read = {number: _decoded(body) for number, body in bodies.items() if body}
    found = {}
    for one in those:
        body = read.get(one.request_id)
        if body is not None:
            listed = body.get(one.resource)
            found[one] = listed[one.position] if isinstance(listed, list) else body
    return found


_DECODER: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def _decoded(body: bytes) -> dict[str, Any] | None:
    try:
        return _DECODER.decode(body)
    except msgspec.DecodeError:
        return None


def claimed(conn: sa.Connection, tenant_id: str, resource: str, ids: Collection[str]) -> dict[str, int]:
    """Up to which request each document's changes are told."""
    rows = _CLAIMED.tuples(conn, tenant_id=tenant_id, resource=resource, those=list(ids)) if ids else []
    return dict(rows)


def claim(conn: sa.Connection, tenant_id: str, resource: str, upto: Mapping[str, int]) -> None:
    """A change of these documents is told: requests up to this one explain no later one. By document id."""
    rows = [
        {"tenant_id": tenant_id, "resource": resource, "document_id": document_id, "request_id": upto[document_id]}
        for document_id in sorted(upto)
    ]
    upsert(conn, schema.own_writes, rows)
