"""Pages of mirrored documents for whoever reads them over HTTP: by id, so that no page moves while the mirror changes.

Called by app/mirrored_documents. A page looks at a bounded number of documents: where few are among those looked for it holds
fewer than it may, or none, and says where to go on. A contact or a number of an invoice or a credit note goes by the index of
store/documents; what the index says is then asked of the document itself.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.model.sought import GONE, Sought
from counterfoil.store import schema
from counterfoil.store.database import Connection
from counterfoil.store.documents import fold
from counterfoil.store.mirrored import Mirrored

LOOKED_AT_MAX: Final = 5_000  # documents of one page whose columns alone are asked
READ_MAX: Final = 1_000  # that are read themselves
BYTES_MAX: Final = 8 << 20  # of one page's documents; the first is always in it
AT_ONCE: Final = 200  # documents that lie apart
INDEXED: Final = ("CreditNotes", "Invoices")
_M, _D = schema.mirrored, schema.documents


class Page(msgspec.Struct, frozen=True):
    """Documents by id. `next`: the id behind which to go on; None: there are no more now."""

    rows: list[Mirrored]
    next: str | None


def page(conn: Connection, tenant_id: str, resource: str, sought: Sought, *, after: str, most: int) -> Page:
    """The next documents behind an id ("": from the first), at most `most`."""
    scope = _scope(conn, tenant_id, resource, sought, after)
    found: list[Mirrored] = []
    size = 0
    for row in _rows(conn, tenant_id, resource, sought, scope, most + 1):
        if not sought.fits(resource, row.body):
            continue
        if len(found) == most or (found and size + len(row.body) > BYTES_MAX):
            return Page(found, found[-1].document_id)
        found.append(row)
        size += len(row.body)
    return Page(found, scope.ids[-1] if scope.is_cut else None)


def one(conn: Connection, tenant_id: str, resource: str, document_id: str) -> Mirrored | None:
    """One document, whatever became of it; None: it was never seen."""
    same = (_M.c.tenant_id == tenant_id, _M.c.resource == resource, _M.c.document_id == document_id)
    row = conn.execute(sa.select(_M).where(*same)).one_or_none()
    return None if row is None else Mirrored(*row)


class _Scope(msgspec.Struct, frozen=True):
    """The ids that a page looks at, in order. `is_whole`: all that there are between the first and the last.

    `is_cut`: there may be more behind them.
    """

    ids: list[str]
    is_whole: bool
    is_cut: bool


def _scope(conn: Connection, tenant_id: str, resource: str, sought: Sought, after: str) -> _Scope:
    if sought.ids:
        return _Scope(sorted(one for one in set(sought.ids) if one > after), is_whole=False, is_cut=False)
    if resource in INDEXED and (sought.contact is not None or sought.number is not None):
        query = _indexed(tenant_id, resource, sought).where(_D.c.document_id > after).order_by(_D.c.document_id)
        ids, looked_at, is_whole = list(conn.execute(query.limit(READ_MAX)).scalars()), READ_MAX, False
    else:
        same = (_M.c.tenant_id == tenant_id, _M.c.resource == resource, _M.c.document_id > after)
        query = sa.select(_M.c.document_id).where(*same).order_by(_M.c.document_id)
        if not sought.deleted:
            query = query.where(_M.c.deleted_at.is_(None))
        looked_at, is_whole = (READ_MAX if sought.reads_documents else LOOKED_AT_MAX), True
        ids = list(conn.execute(query.limit(looked_at)).scalars())
    return _Scope(ids, is_whole, is_cut=len(ids) == looked_at)


def _indexed(tenant_id: str, resource: str, sought: Sought) -> sa.Select[Any]:
    query = sa.select(_D.c.document_id).where(_D.c.tenant_id == tenant_id, _D.c.resource == resource)
    if sought.contact is not None:
        query = query.where(_D.c.contact_id == sought.contact)
    if sought.number is not None:  # a bill's number takes nobody's place, and has no key
        query = query.where(
            sa.or_(
                _D.c.number_key == fold(sought.number), sa.and_(_D.c.number_key.is_(None), _D.c.number == sought.number)
            )
        )
    return query


def _rows(
    conn: Connection, tenant_id: str, resource: str, sought: Sought, scope: _Scope, most: int
) -> Iterator[Mirrored]:
    """The documents of the scope that their columns do not rule out, by id; no more than `most` where they tell all."""
    query = sa.select(_M).where(_M.c.tenant_id == tenant_id, _M.c.resource == resource).order_by(_M.c.document_id)
    if not sought.deleted:
        query = query.where(_M.c.deleted_at.is_(None))
    if sought.statuses:
        query = query.where(_M.c.status.in_(sought.statuses))
    elif not sought.deleted:
        query = query.where(sa.or_(_M.c.status.is_(None), _M.c.status != GONE))
    if sought.updated_after is not None:
        query = query.where(_M.c.stamp > sought.updated_after)
    if not sought.reads_documents and not sought.ids:
        query = query.limit(most)
    for there in _places(scope):
        rows = [Mirrored(*row) for row in conn.execute(query.where(there))]
        yield from sorted(rows, key=lambda row: row.document_id) if sought.ids else rows


def _places(scope: _Scope) -> Iterator[sa.ColumnElement[bool]]:
    """Where the ids are, a part at a time, in their order."""
    if scope.is_whole and scope.ids:
        yield _M.c.document_id.between(scope.ids[0], scope.ids[-1])
        return
    for start in range(0, len(scope.ids), AT_ONCE):
        yield _M.c.document_id.in_(scope.ids[start : start + AT_ONCE])
