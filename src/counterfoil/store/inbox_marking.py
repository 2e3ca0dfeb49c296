"""Xero's webhooks as they come: each delivery kept, and the tenants and categories marked of which it speaks.

Called by webhooks, in the transaction that many deliveries share: this is what each second's worth of events waits for, so
that every statement is compiled once. Idempotent: the same bytes mark the same.
"""

import datetime
import functools
from collections.abc import Iterable, Mapping
from typing import Final

import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.inbox import Connection, Delivery, Event, Mark, Marked, is_of, locked
from counterfoil.store.prepared import Among, Prepared, insert

IDS_MAX: Final = 1_000  # ids of a tenant and category that are named; more: all of the category
d, m, i = schema.inbox_deliveries.c, schema.inbox_marks.c, schema.inbox_ids.c

_OF_MARK: Final = (i.tenant_id == sa.bindparam("tenant")) & (i.category == sa.bindparam("category"))
_OF_MARKED: Final = (m.tenant_id == sa.bindparam("tenant")) & (m.category == sa.bindparam("category"))
_NEW: Final = ("newest_at", "received_at", "version", "whole", "asked", "due_at")
_CHANGED: Final = Prepared(
    sa.update(schema.inbox_marks).where(_OF_MARKED).values({name: sa.bindparam(name) for name in _NEW})
)
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
    row = locked(conn, mark)
    if row is None:
        made = {
            "tenant_id": tenant_id, "category": category, "tenant_type": tenant_type, "newest_at": newest_at,
            "received_at": now, "version": 0, "whole": False, "asked": 0, "due_at": None,
        }  # fmt: skip
        conn.execute(insert(conn.dialect.name)(schema.inbox_marks).values(made).on_conflict_do_nothing())
        row = locked(conn, mark)
        assert row is not None, "it was just made"
    if due_at is None:
        _change(conn, row._replace(newest_at=max(row.newest_at, newest_at), received_at=now))
        return False
    version = row.version + 1
    whole, fresh = row.whole, True
    if not whole:
        fresh, count = _name(conn, mark, events, version, now)
        whole = count > IDS_MAX
        if whole:
            conn.execute(sa.delete(schema.inbox_ids).where(is_of(i, mark)))
    elif newest_at <= row.newest_at:
        fresh = False  # a look that sees the newest one sees the older ones as well
    if not fresh:
        return False
    changed = row._replace(
        version=version, whole=whole, due_at=now if row.due_at is None else min(row.due_at, now),
        newest_at=max(row.newest_at, newest_at), received_at=now, asked=0,
    )  # fmt: skip
    _change(conn, changed)
    return True


def _change(conn: Connection, row: Marked) -> None:
    values = {name: getattr(row, name) for name in _NEW}
    _CHANGED.run(conn, tenant=row.tenant_id, category=row.category, **values)


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
