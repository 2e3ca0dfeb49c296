"""The inbox of Xero's webhooks: deliveries as they came, and of each tenant and category what is to be looked at again.

Called by whoever keeps the mirror (`due`, then `settled`); inbox_marking writes it. An event carries no data: it says that something about an id changed, at least once, in any order (facts
§6). It is done when the mirror holds a stamp as new as the event; until then it is asked for again after AGAIN_S, and then
closed as "not seen newer" and counted (design §3.5). Everything here is idempotent: twice is as good as once.
"""

import datetime
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import inbox_counts, schema
from counterfoil.store.prepared import Prepared

Connection: TypeAlias = sa.Connection
MIRRORED: Final = ("CONTACT", "CREDITNOTE", "INVOICE", "OVERPAYMENT", "PAYMENT", "PREPAYMENT")
KNOWN: Final = (*MIRRORED, "SUBSCRIPTION")  # of an app in Xero's store: nothing that a ledger holds
MARKS_MAX: Final = 200  # that one call of `due` gives
AGAIN_S: Final = (2.0, 10.0, 60.0)  # after the first look that did not see it, the second, the third; then it is closed
m, i, b = schema.inbox_marks.c, schema.inbox_ids.c, schema.bindings.c


class Event(msgspec.Struct, frozen=True):
    """Something about a resource changed at `at`, by Xero's clock. `category` in capitals, ids in small letters."""

    tenant_id: str
    tenant_type: str
    category: str
    resource_id: str
    at: datetime.datetime


class Delivery(msgspec.Struct, frozen=True):
    """One delivery as it came. `unread`: how many of its events cannot be read; a body that is no payload counts as one."""

    body: bytes
    digest: bytes
    received_at: datetime.datetime
    events: tuple[Event, ...] = ()
    unread: int = 0


class Dirty(msgspec.Struct, frozen=True):
    """Look again at this category of this tenant. `ids`: each with its newest event's time; `whole`: more than are named.

    `newest_at`: the newest event of all; `seen`: give it back to `settled`, so that what came meanwhile is not counted as looked at.
    """

    tenant_id: str
    category: str
    newest_at: datetime.datetime
    received_at: datetime.datetime
    ids: Mapping[str, datetime.datetime]
    whole: bool
    seen: int
    due_at: datetime.datetime


class Settled(msgspec.Struct, frozen=True):
    """What a look settled. `seen`: events whose stamp the mirror holds; `unseen`: closed without; `again_at` None: nothing is left."""

    seen: int = 0
    unseen: int = 0
    again_at: datetime.datetime | None = None


Mark: TypeAlias = tuple[str, str]


def key(tenant_id: str, category: str) -> str:
    """The key of the work "catch_up" that an event wakes."""
    return f"{tenant_id}/{category}"


class Marked(NamedTuple):
    """A row of inbox_marks."""

    tenant_id: str
    category: str
    tenant_type: str
    newest_at: datetime.datetime
    received_at: datetime.datetime
    version: int
    whole: bool
    asked: int
    due_at: datetime.datetime | None


_OF_MARK: Final = (m.tenant_id == sa.bindparam("tenant")) & (m.category == sa.bindparam("category"))
_LOCKED: Final = Prepared(sa.select(*(m[name] for name in Marked._fields)).where(_OF_MARK).with_for_update())


def due(conn: Connection, now: datetime.datetime, categories: Collection[str] = MIRRORED) -> list[Dirty]:
    """What is to be looked at now, longest waiting first, MARKS_MAX at most.

    Only of organisations that an entity is bound to, and only of `categories`: everything else is kept until it is.
    """
    return _dirty(conn, categories, m.due_at <= now)


def waiting(conn: Connection, categories: Collection[str] = MIRRORED) -> list[Dirty]:
    """The same with what is to be looked at later: for a sweep, which says when."""
    return _dirty(conn, categories, m.due_at.is_not(None))


def mark(conn: Connection, tenant_id: str, category: str) -> Dirty | None:
    """What is marked of one tenant and category; None: nothing, or no entity is bound to it."""
    found = _dirty(conn, (category,), m.due_at.is_not(None) & (m.tenant_id == tenant_id))
    return found[0] if found else None


def _dirty(conn: Connection, categories: Collection[str], which: sa.ColumnElement[bool]) -> list[Dirty]:
    bound = sa.exists().where(b.tenant_id == m.tenant_id)
    query = (
        sa.select(schema.inbox_marks)
        .where(which, m.category.in_(sorted(categories)), bound)
        .order_by(m.due_at, m.tenant_id, m.category)
        .limit(MARKS_MAX)
    )
    return [
        Dirty(
            row.tenant_id, row.category, row.newest_at, row.received_at,
            {} if row.whole else _ids(conn, (row.tenant_id, row.category)), row.whole, row.version, row.due_at,
        )
        for row in conn.execute(query).all()
    ]  # fmt: skip


def _ids(conn: Connection, mark: Mark) -> dict[str, datetime.datetime]:
    query = sa.select(i.resource_id, i.newest_at).where(is_of(i, mark)).order_by(i.newest_at, i.resource_id)
    return {row[0]: row[1] for row in conn.execute(query)}


def settled(
    conn: Connection, tenant_id: str, category: str, held: Mapping[str, datetime.datetime], now: datetime.datetime,
    *, seen: int | None = None,
) -> Settled:  # fmt: skip
    """A look at a tenant's category has ended: `held` is the stamp that the mirror holds now of each id that it has.

    Of a `whole` one the newest stamp of all counts. Closes what is held as new as its event; what is not, and was due, waits for its
    next time or is closed as not seen newer. `seen`: of the Dirty that was looked at; None: everything that is there.
    """
    mark = (tenant_id, category)
    row = locked(conn, mark)
    if row is None or row.due_at is None:
        return Settled()
    looked = row.version if seen is None else seen
    if row.whole:
        return _settled_whole(conn, mark, row, max(held.values(), default=None), looked, now)
    done: list[str] = []
    lags: list[datetime.timedelta] = []
    gone, again = [], []
    for one in conn.execute(sa.select(schema.inbox_ids).where(is_of(i, mark))).all():
        stamp = held.get(one.resource_id)
        if stamp is not None and stamp >= one.newest_at:
            done.append(one.resource_id)
            lags.append(now - one.received_at)
        elif one.version <= looked and one.due_at <= now:
            if one.asked >= len(AGAIN_S):
                gone.append(one.resource_id)
            else:
                again.append((one.resource_id, one.asked + 1, now + datetime.timedelta(seconds=AGAIN_S[one.asked])))
    _drop(conn, mark, [*done, *gone])
    for resource_id, asked, at in again:
        named = is_of(i, mark) & (i.resource_id == resource_id)
        conn.execute(sa.update(schema.inbox_ids).where(named).values(asked=asked, due_at=at))
    again_at = conn.execute(sa.select(sa.func.min(i.due_at)).where(is_of(i, mark))).scalar()
    conn.execute(sa.update(schema.inbox_marks).where(is_of(m, mark)).values(due_at=again_at))
    inbox_counts.settled(conn, lags, len(gone), now)
    return Settled(len(done), len(gone), again_at)


def _settled_whole(
    conn: Connection, mark: Mark, row: Marked, stamp: datetime.datetime | None, looked: int,
    now: datetime.datetime,
) -> Settled:  # fmt: skip
    assert row.due_at is not None, "who is to be looked at has a time for it"
    again_at: datetime.datetime | None = row.due_at
    seen, unseen, asked = 0, 0, row.asked
    if stamp is not None and stamp >= row.newest_at:
        seen, again_at = 1, None
    elif row.version <= looked and row.due_at <= now:
        if asked >= len(AGAIN_S):
            unseen, again_at = 1, None
        else:
            again_at, asked = now + datetime.timedelta(seconds=AGAIN_S[asked]), asked + 1
    values = {"due_at": again_at, "asked": asked, "whole": again_at is not None}
    conn.execute(sa.update(schema.inbox_marks).where(is_of(m, mark)).values(values))
    inbox_counts.settled(conn, [now - row.received_at] * seen, unseen, now)
    return Settled(seen, unseen, again_at)


def _drop(conn: Connection, mark: Mark, ids: Sequence[str]) -> None:
    if ids:
        conn.execute(
            sa.delete(schema.inbox_ids).where(is_of(i, mark) & (i.resource_id == sa.bindparam("gone"))),
            [{"gone": one} for one in ids],
        )


def locked(conn: Connection, mark: Mark) -> Marked | None:
    """The mark, for the rest of the transaction nobody else's; None: there is none."""
    found = _LOCKED.rows(conn, Marked, tenant=mark[0], category=mark[1])
    return found[0] if found else None


def is_of(columns: sa.ColumnCollection[str, sa.Column[object]], mark: Mark) -> sa.ColumnElement[bool]:
    """Rows of this tenant and category."""
    return (columns.tenant_id == mark[0]) & (columns.category == mark[1])
