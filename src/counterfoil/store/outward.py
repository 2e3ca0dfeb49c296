"""Changes as they are told to others: with the entity that the tenant is bound to, and our posting where it was our doing.

Called by delivery and service. Reads only.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.model.change import Change
from counterfoil.store import bindings, happenings, schema
from counterfoil.store.happenings import Kept

_P = schema.postings


class _Body(msgspec.Struct):
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    fields: tuple[str, ...]


_BODY: Final = msgspec.json.Decoder(_Body)
Document = tuple[str, str, str]  # tenant, resource, id


def entities(conn: sa.Connection) -> dict[str, str]:
    """tenant → entity, of all that is bound now."""
    return {one.tenant_id: one.entity for one in bindings.everything(conn)}


def after(conn: sa.Connection, n: int, tenants: Mapping[str, str], most: int) -> list[Change]:
    """The changes after `n`, oldest first, at most `most` and happenings.PAGE_MAX. `tenants`: tenant → entity; no others' changes."""
    return told(conn, happenings.after(conn, n, list(tenants), most), tenants)


def told(conn: sa.Connection, kept: Sequence[Kept], tenants: Mapping[str, str]) -> list[Change]:
    """What is kept as it is told, in the same order. Changes of tenants that are not in `tenants` are left out."""
    mine = [one for one in kept if one.tenant_id in tenants]
    postings = {one: _posting(conn, one) for one in {_document(one) for one in mine if one.revision is not None}}
    return [_change(one, tenants[one.tenant_id], postings) for one in mine]


def _document(one: Kept) -> Document:
    return one.tenant_id, one.resource, one.document_id


def _change(one: Kept, entity: str, postings: Mapping[Document, int | None]) -> Change:
    body = _BODY.decode(one.body)
    return Change(
        id=one.id, type=one.name, entity=entity, tenant_id=one.tenant_id, resource=one.resource,
        document_id=one.document_id, n=one.n, turn=one.turn, stamp=one.stamp, seen_at=one.seen_at,
        by="others" if one.revision is None else "us", posting=None if one.revision is None else one.posting or postings[_document(one)], snapshot=one.snapshot,
        fields=body.fields, before=body.before, after=body.after,
    )  # fmt: skip


def _posting(conn: sa.Connection, document: Document) -> int | None:
    """The posting that a document belongs to; of a contact that several became, the newest."""
    tenant_id, resource, document_id = document
    same = (_P.c.tenant_id == tenant_id, _P.c.resource == resource, _P.c.document_id == document_id)
    query = sa.select(_P.c.id).where(*same, _P.c.document_id.is_not(None)).order_by(_P.c.id.desc()).limit(1)
    return conn.execute(query).scalar()
