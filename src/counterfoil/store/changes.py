"""Changes of documents that Xero has: which are due, what they are compared with, and what a run did.

Called by posting/rewriting, planning and undoing. A change is a posting with an `action`; its content is the revision
`pending_revision`, while `revision` stays what Xero has until the change is known to be done.
"""

import datetime
import zlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.model import kept_answer
from counterfoil.store import pauses, postings, schema
from counterfoil.store.postings import WHOLE, Posting
from counterfoil.store.prepared import Among, Prepared

p = schema.postings.c
r = schema.revisions.c
i = schema.request_items.c
a = schema.attempts.c
UNDO = "undo"


class Content(msgspec.Struct, frozen=True):
    """One revision's content: `element` and `predicted` as JSON, and the contact that the document names."""

    posting_id: int
    n: int
    element: bytes
    predicted: bytes
    record_hash: str
    rows_hash: str | None
    version: int | None
    source: str
    after_id: int | None
    action: str | None
    run_id: int | None
    contact_id: str | None


_CONTENT = [
    r.posting_id, r.n, sa.type_coerce(r.element, sa.LargeBinary), sa.type_coerce(r.predicted, sa.LargeBinary),
    r.record_hash, r.rows_hash, r.version, r.source, r.after_id, r.action, r.run_id,
]  # fmt: skip
_contact = schema.postings.alias("contact")


def _contents(which: sa.ColumnElement[Any]) -> Prepared:
    return Prepared(
        sa.select(*_CONTENT, _contact.c.document_id)
        .join(schema.postings, p.id == r.posting_id)
        .outerjoin(_contact, _contact.c.id == sa.func.coalesce(r.after_id, p.after_id))
        .where(Among(r.posting_id, "ids"), r.n == which)
    )


_POSTED, _PENDING = _contents(p.revision), _contents(p.pending_revision)


def posted(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Content]:
    """By posting id: the content that Xero was last sent."""
    return {one.posting_id: one for one in _POSTED.rows(connection, Content, ids=ids)} if ids else {}


def pending(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Content]:
    """By posting id: the content of the change that waits or is on its way."""
    return {one.posting_id: one for one in _PENDING.rows(connection, Content, ids=ids)} if ids else {}


_of = schema.postings.alias("of")
_unpaid_first = sa.exists().where(  # its payments are deleted before an invoice is taken back
    _of.c.after_id == p.id, _of.c.kind == "payment", _of.c.action == UNDO,
    sa.or_(*(_of.c.state == state for state in ("planned", "sending", "uncertain"))),
)  # fmt: skip
_READY = Prepared(
    sa.select(*WHOLE)
    .outerjoin(postings.before, postings.before.c.id == p.after_id)
    .where(
        sa.or_(p.action == UNDO, sa.not_(Among(p.flow_id, "closed"))),
        sa.not_(Among(p.flow_id, "but")),
        p.tenant_id == sa.bindparam("tenant_id"),
        p.entity == sa.bindparam("entity"),
        p.state == "planned",
        p.action.is_not(None),
        p.kind != "payment",
        sa.not_(pauses.is_paused),
        sa.not_(_unpaid_first),
        sa.or_(
            p.action == UNDO,
            p.after_id.is_(None),
            sa.and_(postings.before.c.state == "posted", postings.before.c.cause.is_(None)),
        ),
    )
    .order_by(p.looks, p.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def ready(
    connection: sa.Connection, entity: str, tenant_id: str, most: int, *,
    closed: Collection[str] = (), but: Collection[str] = (),
) -> list[Posting]:  # fmt: skip
    """Planned changes of an entity's documents in one tenant whose contact is there, oldest first; those that were in trouble before come last.

    What flows in `closed` would change is not among them; what a person takes back is. Of those in `but` nothing is.
    """
    return _READY.rows(connection, Posting, entity=entity, tenant_id=tenant_id, most=most, closed=closed, but=but)


_NEWEST_REVISION = Prepared(sa.select(sa.func.max(r.n)).where(r.posting_id == sa.bindparam("id")))


def next_revision(connection: sa.Connection, posting_id: int) -> int:
    """The number that the posting's next revision gets."""
    return int(_NEWEST_REVISION.first(connection, id=posting_id) or 0) + 1


_CLOSED = Prepared(
    sa.select(r.posting_id, r.closed)
    .join(schema.postings, sa.and_(p.id == r.posting_id, p.pending_revision == r.n))
    .where(Among(r.posting_id, "ids"))
)


def closed_of(connection: sa.Connection, ids: Sequence[int]) -> dict[int, datetime.date | None]:
    """By posting id: up to which day the books were closed when its change was planned."""
    return dict(_CLOSED.tuples(connection, ids=ids)) if ids else {}


def unpaid(connection: sa.Connection, posting_id: int, cause: str, now: datetime.datetime) -> None:
    """A payment was taken back: its invoice, held with this cause since it was paid, is to be taken back again."""
    statement = sa.update(schema.postings).where(
        p.id == posting_id, p.state == "posted", p.action == UNDO, p.cause == cause, p.pending_revision.is_not(None)
    )
    values = {"state": "planned", "cause": None, "reason": None, "remedy": None, "xero_messages": None}
    connection.execute(statement.values(**values, changed_at=now))


def freeze_with(connection: sa.Connection, posting_id: int, n: int, sets: bytes) -> None:
    """Keep what a change is sent as: the fields by which it is found again, as JSON."""
    statement = sa.update(schema.revisions).where(r.posting_id == posting_id, r.n == n).values(sets=sets)
    connection.execute(statement)


_SETS = Prepared(
    sa.select(i.posting_id, sa.type_coerce(r.sets, sa.LargeBinary))
    .join(schema.revisions, sa.and_(r.posting_id == i.posting_id, r.n == i.revision))
    .where(i.request_id == sa.bindparam("id"), i.open.is_(True))
)


def sets_of(connection: sa.Connection, request_id: int) -> dict[int, bytes]:
    """By posting id: what the open items of a request were frozen with, as JSON."""
    return dict(_SETS.tuples(connection, id=request_id))


class _Sets(msgspec.Struct, frozen=True):
    read: datetime.datetime | None = None


_READ_AT = Prepared(
    sa.select(r.posting_id, sa.type_coerce(r.sets, sa.LargeBinary))
    .join(schema.postings, sa.and_(p.id == r.posting_id, p.pending_revision == r.n))
    .where(Among(r.posting_id, "ids"), r.sets.is_not(None))
)


def read_at(connection: sa.Connection, ids: Sequence[int]) -> dict[int, datetime.datetime | None]:
    """By posting id: Xero's stamp of the document as it was when its waiting change was last frozen."""
    found = _READ_AT.tuples(connection, ids=ids) if ids else []
    return {posting_id: msgspec.json.decode(sets, type=_Sets).read for posting_id, sets in found}


def line_ids(connection: sa.Connection, posting: Posting) -> list[str]:
    """The ids that Xero gave to the lines of the posted revision, in their order; [] when its answer was not kept."""
    query = (
        sa.select(a.answer)
        .join(schema.request_items, i.request_id == a.request_id)
        .where(
            i.posting_id == posting.id,
            i.revision == posting.revision,
            i.outcome == "posted",
            a.answer.is_not(None),
            a.status == 200,
        )
        .order_by(a.request_id.desc(), a.n.desc())
        .limit(1)
    )
    kept = connection.execute(query).scalar_one_or_none()
    return _lines_in(kept, posting.document_id) if kept is not None else []


class _Line(msgspec.Struct, frozen=True):
    line_item_id: str | None = msgspec.field(default=None, name="LineItemID")


class _Invoice(msgspec.Struct, frozen=True):
    invoice_id: str | None = msgspec.field(default=None, name="InvoiceID")
    lines: tuple[_Line, ...] = msgspec.field(default=(), name="LineItems")


class _CreditNote(_Invoice, frozen=True):
    invoice_id: str | None = msgspec.field(default=None, name="CreditNoteID")


class _Answer(msgspec.Struct, frozen=True):
    invoices: tuple[_Invoice, ...] = msgspec.field(default=(), name="Invoices")
    credit_notes: tuple[_CreditNote, ...] = msgspec.field(default=(), name="CreditNotes")


def _lines_in(kept: bytes, document_id: str | None) -> list[str]:
    try:
        answer = msgspec.json.decode(kept_answer.unpack(kept), type=_Answer)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError):
        return []  # only its beginning was kept
    for invoice in (*answer.invoices, *answer.credit_notes):
        if invoice.invoice_id == document_id and all(line.line_item_id for line in invoice.lines):
            return [line.line_item_id or "" for line in invoice.lines]
    return []


def of_run(connection: sa.Connection, run_id: int) -> list[Posting]:
    """Postings of documents that a run made or changed, oldest first."""
    changed = sa.select(r.posting_id).where(r.run_id == run_id)
    query = sa.select(*WHOLE).where(p.kind != "contact", sa.or_(p.run_id == run_id, p.id.in_(changed))).order_by(p.id)
    return [Posting(*row) for row in connection.execute(query)]


def runs_of(connection: sa.Connection, ids: Iterable[int]) -> dict[int, list[int]]:
    """By posting id: the runs that planned its revisions up to the present one, oldest first."""
    query = (
        sa.select(r.posting_id, r.run_id)
        .join(schema.postings, p.id == r.posting_id)
        .where(r.posting_id.in_(list(ids)), r.n <= p.revision)
        .order_by(r.posting_id, r.n)
    )
    found: dict[int, list[int]] = {}
    for posting_id, run_id in connection.execute(query):
        found.setdefault(posting_id, []).append(run_id)
    return found


def move_record(connection: sa.Connection, run_id: int, before: int, after: int) -> None:
    """A run's record is told by its new posting from now on."""
    records = schema.run_records
    statement = sa.update(records).where(records.c.run_id == run_id, records.c.posting_id == before)
    connection.execute(statement.values(posting_id=after))


def move_payments(connection: sa.Connection, before: int, after: int) -> None:
    """Payments of a document that are not made yet are made on the one that replaces it.

    A look at the one before says nothing of that one: an older copy of the database may find it there, and paid.
    """
    unsent = p.state.in_(("planned", "held", "rejected"))
    statement = sa.update(schema.postings).where(p.after_id == before, p.kind == "payment", unsent)
    connection.execute(statement.values(after_id=after, how=None))
