"""The inbox of Xero's webhooks: deliveries as they came, and of each tenant and category what is to be looked at again.

Called by webhooks (`put`, in the transaction that many deliveries share) and by whoever keeps the mirror (`due`, then
`settled`). An event carries no data: it says that something about an id changed, at least once, in any order (facts
§6). It is done when the mirror holds a stamp as new as the event; until then it is asked for again after AGAIN_S, and then
closed as "not seen newer" and counted (design §3.5). Everything here is idempotent: twice is as good as once.
"""

import datetime
import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import inbox_counts, schema
from counterfoil.store.prepared import Among, Prepared, insert

Connection: TypeAlias = sa.Connection
MIRRORED: Final = ("CONTACT", "CREDITNOTE", "INVOICE", "OVERPAYMENT", "PAYMENT", "PREPAYMENT")
KNOWN: Final = (*MIRRORED, "SUBSCRIPTION")  # of an app in Xero's store: nothing that a ledger holds
IDS_MAX: Final = 1_000  # ids of a tenant and category that are named; more: all of the category
MARKS_MAX: Final = 200  # that one call of `due` gives
AGAIN_S: Final = (2.0, 10.0, 60.0)  # after the first look that did not see it, the second, the third; then it is closed
d, m, i, b = (
    one.c for one in (schema.inbox_deliveries, schema.inbox_marks, schema.inbox_ids, schema.bindings)
)  # fmt: skip


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


_OF_MARK: Final = (i.tenant_id == sa.bindparam("tenant")) & (i.category == sa.bindparam("category"))
_KNOWN_IDS: Final = Prepared(sa.select(i.resource_id, i.newest_at).where(_OF_MARK, Among(i.resource_id, "ids")))
_COUNT_IDS: Final = Prepared(sa.select(sa.func.count()).select_from(schema.inbox_ids).where(_OF_MARK))


@functools.cache
def _put_delivery(dialect: str) -> Prepared:
    names = ("digest", "body", "received_at", "times", "events", "unread")
    added = insert(dialect)(schema.inbox_deliveries).values({name: sa.bindparam(name) for name in names})
    again = added.on_conflict_do_update(index_elements=[d.digest], set_={"times": d.times + 1})
    return Prepared(again.returning(d.times))


@functools.cache
def _put_ids(dialect: str) -> Prepared:
    added = insert(dialect)(schema.inbox_ids).values({name: sa.bindparam(name) for name in i.keys()})  # noqa: SIM118 - columns
    new = {name: added.excluded[name] for name in ("newest_at", "received_at", "version", "asked", "due_at")}
    keys = [i.tenant_id, i.category, i.resource_id]
    return Prepared(added.on_conflict_do_update(index_elements=keys, set_=new))


def put(conn: Connection, deliveries: Iterable[Delivery]) -> frozenset[Mark]:
    """Write deliveries down and mark what they are about; → the tenants and categories that have something new."""
    newest: dict[Mark, dict[str, Event]] = {}
    received_at = None
    statement = _put_delivery(conn.dialect.name)
    # In one order everywhere, so that two processes on Postgres wait for each other and never both.
    for one in sorted(deliveries, key=lambda delivery: delivery.digest):
        times: int = statement.first(
            conn, digest=one.digest, body=one.body, received_at=one.received_at, times=1, events=len(one.events),
            unread=one.unread,
        )  # fmt: skip
        if times > 1:
            continue  # the same bytes marked the same when they first came
        received_at = max(received_at or one.received_at, one.received_at)
        for event in one.events:
            ids = newest.setdefault((event.tenant_id, event.category), {})
            known = ids.get(event.resource_id)
            if known is None or known.at < event.at:
                ids[event.resource_id] = event
    if received_at is None:
        return frozenset()
    return frozenset(mark for mark in sorted(newest) if _mark(conn, mark, newest[mark], received_at))


def _mark(conn: Connection, mark: Mark, events: Mapping[str, Event], now: datetime.datetime) -> bool:
    """One tenant and category; → whether anything of it is new."""
    tenant_id, category = mark
    newest_at = max(event.at for event in events.values())
    tenant_type = next(iter(events.values())).tenant_type
    due_at = now if category != "SUBSCRIPTION" else None
    row = _locked(conn, mark)
    if row is None:
        made = {
            "tenant_id": tenant_id, "category": category, "tenant_type": tenant_type, "newest_at": newest_at,
            "received_at": now, "version": 0, "whole": False, "asked": 0, "due_at": None,
        }  # fmt: skip
        conn.execute(insert(conn.dialect.name)(schema.inbox_marks).values(made).on_conflict_do_nothing())
        row = _locked(conn, mark)
        assert row is not None, "it was just made"
    if due_at is None:
        values = {"newest_at": max(row.newest_at, newest_at), "received_at": now}
        conn.execute(sa.update(schema.inbox_marks).where(_is(m, mark)).values(values))
        return False
    version = row.version + 1
    whole, fresh = row.whole, True
    if not whole:
        fresh, count = _name(conn, mark, events, version, now)
        whole = count > IDS_MAX
        if whole:
            conn.execute(sa.delete(schema.inbox_ids).where(_is(i, mark)))
    elif newest_at <= row.newest_at:
        fresh = False  # a look that sees the newest one sees the older ones as well
    if not fresh:
        return False
    values = {
        "version": version, "whole": whole, "due_at": now if row.due_at is None else min(row.due_at, now),
        "newest_at": max(row.newest_at, newest_at), "received_at": now, "asked": 0,
    }  # fmt: skip
    conn.execute(sa.update(schema.inbox_marks).where(_is(m, mark)).values(values))
    return True


def _name(
    conn: Connection, mark: Mark, events: Mapping[str, Event], version: int, now: datetime.datetime
) -> tuple[bool, int]:
    """Write ids down, those whose event is newer than the one that is known; → (whether there was one, how many are named now)."""
    known = dict(_KNOWN_IDS.tuples(conn, tenant=mark[0], category=mark[1], ids=list(events)))
    rows = [
        {
            "tenant_id": mark[0], "category": mark[1], "resource_id": event.resource_id, "newest_at": event.at,
            "received_at": now, "version": version, "asked": 0, "due_at": now,
        }
        for event in events.values()
        if event.resource_id not in known or known[event.resource_id] < event.at
    ]  # fmt: skip
    if not rows:
        return False, 0
    there: int = _COUNT_IDS.first(conn, tenant=mark[0], category=mark[1])
    count = there + sum(row["resource_id"] not in known for row in rows)
    if count <= IDS_MAX:
        _put_ids(conn.dialect.name).run_many(conn, rows)
    return True, count


def due(conn: Connection, now: datetime.datetime, categories: Collection[str] = MIRRORED) -> list[Dirty]:
    """What is to be looked at now, longest waiting first, MARKS_MAX at most.

    Only of organisations that an entity is bound to, and only of `categories`: everything else is kept until it is.
    """
    return _dirty(conn, categories, m.due_at <= now)


def waiting(conn: Connection, categories: Collection[str] = MIRRORED) -> list[Dirty]:
    """The same with what is to be looked at later: for a sweep, which says when."""
    return _dirty(conn, categories, m.due_at.is_not(None))


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
    query = sa.select(i.resource_id, i.newest_at).where(_is(i, mark)).order_by(i.newest_at, i.resource_id)
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
    row = _locked(conn, mark)
    if row is None or row.due_at is None:
        return Settled()
    looked = row.version if seen is None else seen
    if row.whole:
        return _settled_whole(conn, mark, row, max(held.values(), default=None), looked, now)
    done: list[str] = []
    lags: list[datetime.timedelta] = []
    gone, again = [], []
    for one in conn.execute(sa.select(schema.inbox_ids).where(_is(i, mark))).all():
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
        named = _is(i, mark) & (i.resource_id == resource_id)
        conn.execute(sa.update(schema.inbox_ids).where(named).values(asked=asked, due_at=at))
    again_at = conn.execute(sa.select(sa.func.min(i.due_at)).where(_is(i, mark))).scalar()
    conn.execute(sa.update(schema.inbox_marks).where(_is(m, mark)).values(due_at=again_at))
    inbox_counts.settled(conn, lags, len(gone), now)
    return Settled(len(done), len(gone), again_at)


def _settled_whole(
    conn: Connection, mark: Mark, row: sa.Row[tuple[object, ...]], stamp: datetime.datetime | None, looked: int,
    now: datetime.datetime,
) -> Settled:  # fmt: skip
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
    conn.execute(sa.update(schema.inbox_marks).where(_is(m, mark)).values(values))
    inbox_counts.settled(conn, [now - row.received_at] * seen, unseen, now)
    return Settled(seen, unseen, again_at)


def _drop(conn: Connection, mark: Mark, ids: Sequence[str]) -> None:
    if ids:
        conn.execute(
            sa.delete(schema.inbox_ids).where(_is(i, mark) & (i.resource_id == sa.bindparam("gone"))),
            [{"gone": one} for one in ids],
        )


def _locked(conn: Connection, mark: Mark) -> sa.Row[tuple[object, ...]] | None:
    return conn.execute(sa.select(schema.inbox_marks).where(_is(m, mark)).with_for_update()).one_or_none()


def _is(columns: sa.ColumnCollection[str, sa.Column[object]], mark: Mark) -> sa.ColumnElement[bool]:
    return (columns.tenant_id == mark[0]) & (columns.category == mark[1])
