"""Payments that are not sent yet and may be at Xero already, and those that are to be deleted there.

Called by posting/looking_through, unpaying, undoing and finishing.
"""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from counterfoil.store import pauses, postings, schema
from counterfoil.store.changes import UNDO
from counterfoil.store.meta import get_meta, set_meta
from counterfoil.store.postings import WHOLE, Posting
from counterfoil.store.prepared import Among, Prepared

p = schema.postings.c
before = postings.before.c
DOUBTED = "payments_doubted"  # in meta: documents up to this posting may have payments that a restored copy forgot
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


_EVERY = _unverified()
_OF_OLD_DOCUMENTS = _unverified(
    sa.or_(before.how != "created", before.id <= sa.bindparam("doubted", type_=sa.Integer), before.issue > 1)
)


def unverified(connection: sa.Connection, tenant_id: str, *, every: bool) -> list[Posting]:
    """Unsent payments of documents that may have them already; `every`: also of documents that we made ourselves.

    A record that was posted anew may have been paid on the document before.
    What an older copy of the database had made itself is old, too: it may have been paid in the time that the copy forgot.
    """
    if every:
        return _EVERY.rows(connection, Posting, tenant_id=tenant_id)
    return _OF_OLD_DOCUMENTS.rows(connection, Posting, tenant_id=tenant_id, doubted=doubted(connection))


def doubted(connection: sa.Connection) -> int:
    """The newest posting that an older copy of the database had when it was put back; 0: none ever was."""
    return int(get_meta(connection, DOUBTED) or 0)


def doubt(connection: sa.Connection) -> None:
    """After a restore: no look for a payment counts that was taken before, and none of the documents is surely unpaid."""
    connection.execute(sa.update(schema.postings).where(p.resource == "Payments", p.how == LOOKED).values(how=None))
    newest = connection.scalar(sa.select(sa.func.max(p.id)))
    set_meta(connection, DOUBTED, str(newest or 0))


def _to_delete(*more: sa.ColumnElement[bool]) -> Prepared:
    return Prepared(
        sa.select(*WHOLE)
        .where(
            p.tenant_id == sa.bindparam("tenant_id"),
            p.entity == sa.bindparam("entity"),
            p.state == "planned",
            p.action.is_not(None),
            p.action == UNDO,
            p.kind == "payment",
            sa.not_(pauses.is_paused),
            *more,
        )
        .order_by(p.looks, p.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


_TO_DELETE, _TO_DELETE_BUT = _to_delete(), _to_delete(postings.without("but"))


def to_delete(
    connection: sa.Connection, entity: str, tenant_id: str, most: int, but: Collection[str] = ()
) -> list[Posting]:
    """Payments of an entity in one tenant that are planned to be taken back, oldest first; those that were in trouble before come last.

    `but`: flows whose postings are left alone.
    """
    if but:
        return _TO_DELETE_BUT.rows(connection, Posting, entity=entity, tenant_id=tenant_id, most=most, but=sorted(but))
    return _TO_DELETE.rows(connection, Posting, entity=entity, tenant_id=tenant_id, most=most)


_OF_DOCUMENTS = Prepared(sa.select(*WHOLE).where(Among(p.after_id, "ids"), p.kind == "payment").order_by(p.id))


def of_documents(connection: sa.Connection, ids: Sequence[int]) -> list[Posting]:
    """The payments that came with the documents of these postings, oldest first."""
    return _OF_DOCUMENTS.rows(connection, Posting, ids=ids) if ids else []
