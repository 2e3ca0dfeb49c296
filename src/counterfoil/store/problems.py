"""What needs a person, grouped by cause: read from postings and bad rows; numbered once, so that a number stays.

Called by app/troubles. A problem is (flow, cause); what only waits for a contact is under the contact's cause.
"""

import sqlalchemy as sa

from counterfoil.store import locks, schema
from counterfoil.store.postings import WHOLE, Posting
from counterfoil.store.runs import BadRow

p = schema.postings.c
b = schema.bad_rows.c
g = schema.problems.c
r = schema.revisions.c
NOTHING = b"{}"  # the element of a record that did not pass its checks


UNDONE = "undone"  # taken back, and the record is another one now
CLOSED = "locked-document"  # a person's word does not open books that the firm has closed
DAY_UNKNOWN = "day-unknown"  # a sale of which nobody knows to which day's document it belongs
STANDS_TWICE = "stands-twice"  # the same word: all the rows are meant
LOOK_ALIKE = "look-alike"  # trying such a record again is a person's word that it is another sale
SOURCE_DECIDES = ("entity-changed", "twice-with-different-content")
STUCK = sa.and_(
    p.cause.is_not(None),
    p.skipped.is_(None),
    p.kind != "contact",
    sa.or_(p.state != "cancelled", p.cause == UNDONE),
)


def stuck_postings(connection: sa.Connection) -> list[Posting]:
    """Postings with a cause, documents only (a contact's trouble shows at the documents that wait for it)."""
    return [Posting(*row) for row in connection.execute(sa.select(*WHOLE).where(STUCK).order_by(p.id))]


def stuck_counts(connection: sa.Connection) -> dict[str, int]:
    """How many postings of each entity need a person."""
    query = sa.select(p.entity, sa.func.count()).where(STUCK).group_by(p.entity)
    return {str(entity): int(count) for entity, count in connection.execute(query)}


def open_rows(connection: sa.Connection) -> list[BadRow]:
    """Rows that no posting could be made of."""
    return [
        BadRow(*row) for row in connection.execute(sa.select(schema.bad_rows).where(b.state == "open").order_by(b.id))
    ]


def key(flow_id: str, cause: str) -> str:
    """What a problem is numbered by."""
    return f"{flow_id}|{cause}"


def number(connection: sa.Connection, key: str) -> int:
    """The number of a problem; the same key keeps its number."""
    locks.hold(connection, "problems")
    found = connection.execute(sa.select(g.id).where(g.key == key)).scalar_one_or_none()
    if found is not None:
        return int(found)
    made: int = connection.execute(sa.insert(schema.problems).values(key=key).returning(g.id)).scalar_one()
    return made


def numbers(connection: sa.Connection) -> dict[str, int]:
    """Key → number, of every problem that ever had one."""
    return {row.key: row.id for row in connection.execute(sa.select(g.key, g.id))}


# The source rows behind the change that a posting's person does not want.
_pending_rows = sa.select(r.rows_hash).where(r.posting_id == p.id, r.n == p.pending_revision).scalar_subquery()


def skip(connection: sa.Connection, posting_ids: list[int], because: str) -> None:
    """A person decided: nothing more is wanted of these. What Xero has stays; what it has not is never sent.

    What is on its way to Xero may stand there already: it is brought to its end first.
    """
    for posting_id in posting_ids:
        state = sa.case((p.state == "posted", "posted"), else_="cancelled")
        values = {
            "skipped": because, "state": state, "record_hash": sa.func.coalesce(p.pending_hash, p.record_hash),
            "rows_hash": sa.func.coalesce(_pending_rows, p.rows_hash), "action": None, "pending_revision": None,
        }  # fmt: skip
        unsent = p.state.not_in(("sending", "uncertain"))
        connection.execute(sa.update(schema.postings).where(p.id == posting_id, unsent).values(**values))


def accept(connection: sa.Connection, posting_ids: list[int], cause: str) -> None:
    """A person's word that what these are held for is right: their records, as they are now, are not held for it again."""
    of = sa.and_(p.id.in_(posting_ids), p.state == "held", p.cause == cause)
    connection.execute(sa.update(schema.postings).where(of).values(accepted=cause))


def retry(connection: sa.Connection, posting_ids: list[int]) -> int:
    """Plan again what was held or rejected after it had been checked (it has content to send); → how many.

    What the source contradicts is decided by the next run of the source, not by sending what it said first.
    """
    sendable = sa.and_(r.posting_id == p.id, r.n == p.revision, sa.type_coerce(r.element, sa.LargeBinary) != NOTHING)
    statement = (
        sa.update(schema.postings)
        .where(
            p.id.in_(posting_ids),
            p.state.in_(("held", "rejected")),
            p.cause.not_in(SOURCE_DECIDES),
            sa.or_(p.kind == "contact", p.after_id.is_not(None)),  # refused before its customer was looked for
            sa.exists().where(sendable),
        )
        .values(
            state="planned",
            accepted=sa.case((p.cause == LOOK_ALIKE, LOOK_ALIKE), else_=p.accepted),
            cause=None,
            reason=None,
            remedy=None,
            xero_messages=None,
            looks=0,
        )
    )
    accepted = sa.update(schema.postings).where(p.id.in_(posting_ids), p.state == "posted", p.kind == "contact")
    connection.execute(accepted.values(cause=None, reason=None, remedy=None))  # what waits for it may go on
    return connection.execute(statement).rowcount + _retry_changes(connection, posting_ids)


def _retry_changes(connection: sa.Connection, posting_ids: list[int]) -> int:
    """A change of a document that was held is compared again, also where the flow itself leaves changes to people."""
    statement = (
        sa.update(schema.postings)
        .where(
            p.id.in_(posting_ids),
            p.state == "posted",
            p.cause != CLOSED,
            p.action.is_not(None),
            p.pending_revision.is_not(None),
        )
        .values(state="planned", cause=None, reason=None, remedy=None, xero_messages=None, looks=0)
    )
    return connection.execute(statement).rowcount
