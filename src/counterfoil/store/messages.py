"""Messages: one notice to one target in one state, each sent by one process at a time.

Called by delivery/ and app. A message is claimed by compare-and-swap before it is sent, with a lease: a sender that
died leaves it to the next one after that. What may have arrived is remembered, so that whoever may have been told that
a cause stands is told that it is over.
"""

import datetime
from typing import Final, TypeAlias

import msgspec
import sqlalchemy as sa

from counterfoil.store import prepared, schema
from counterfoil.store.notices import Notice

Connection: TypeAlias = sa.Connection
STANDING: Final = "standing"
OVER: Final = "over"
ERROR_MAX: Final = 200
_N = schema.notices
_M = schema.messages


class Message(msgspec.Struct, frozen=True):
    """One row, in the table's order of columns."""

    notice_id: int
    target: str
    state: str
    tries: int
    owner: str | None
    lease_until: datetime.datetime | None
    next_at: datetime.datetime
    may_have_arrived: bool
    target_is_down: bool
    sent_at: datetime.datetime | None
    given_up_at: datetime.datetime | None
    error: str | None


class Owed(msgspec.Struct, frozen=True):
    """A notice that a target has not got in this state. `before`: what was tried; None: nothing yet."""

    notice: Notice
    state: str
    before: Message | None


class Trouble(msgspec.Struct, frozen=True):
    """A target that messages do not get to: how many wait, when the next is tried, how many were given up."""

    target: str
    waiting: int
    next_at: datetime.datetime | None
    given_up: int
    error: str


def owed(conn: Connection, target: str) -> list[Owed]:
    """What a target has not got: causes that stand, and the end of those that it was or may have been told of; oldest first.

    What was given up is not among them. Whether the target wants a cause at all is the caller's to decide.
    """
    mine = (_M.c.notice_id == _N.c.id) & (_M.c.target == target)
    query = (
        sa.select(_N, _M)
        .select_from(_N.outerjoin(_M, mine & (_M.c.state == STANDING)))
        .where(_N.c.over_at.is_(None), _M.c.sent_at.is_(None), _M.c.given_up_at.is_(None))
    )
    found = [_owed(row, STANDING) for row in conn.execute(query)]
    told = sa.exists().where(
        mine, _M.c.state == STANDING, sa.or_(_M.c.sent_at.is_not(None), _M.c.may_have_arrived.is_(sa.true()))
    )
    said = _M.alias()
    mine = (said.c.notice_id == _N.c.id) & (said.c.target == target) & (said.c.state == OVER)
    query = (
        sa.select(_N, said)
        .select_from(_N.outerjoin(said, mine))
        .where(_N.c.over_at.is_not(None), told, said.c.sent_at.is_(None), said.c.given_up_at.is_(None))
    )
    found += [_owed(row, OVER) for row in conn.execute(query)]
    return sorted(found, key=lambda one: (one.notice.over_at or one.notice.first_at, one.notice.id))


def _owed(row: sa.Row[tuple[object, ...]], state: str) -> Owed:
    width = len(_N.c)
    values = tuple(row)
    before = None if values[width] is None else Message(*values[width:])  # type: ignore[arg-type]  # columns are untyped
    return Owed(Notice(*values[:width]), state, before)  # type: ignore[arg-type]  # columns are untyped


def claim(
    conn: Connection, one: Owed, target: str, *, owner: str, now: datetime.datetime, lease: datetime.timedelta
) -> bool:
    """Take a message for sending it now; False: another process has it, sent it, or it is no longer to be sent.

    It counts as one that may have arrived until `failed` says otherwise: its sender may be killed at any instant.
    """
    is_over = _N.c.over_at.is_not(None) if one.state == OVER else _N.c.over_at.is_(None)
    if not conn.execute(sa.select(_N.c.id).where(_N.c.id == one.notice.id, is_over)).first():
        return False
    if one.state == OVER and _is_on_its_way(conn, one.notice.id, target, now):
        return False
    mine = {"owner": owner, "lease_until": now + lease, "may_have_arrived": True, "target_is_down": False}
    key = {"notice_id": one.notice.id, "target": target, "state": one.state}
    if one.before is None:
        insert = prepared.insert(conn.dialect.name)(_M).values(**key, **mine, tries=1, next_at=now)
        return conn.execute(insert.on_conflict_do_nothing()).rowcount == 1
    free = sa.or_(_M.c.lease_until.is_(None), _M.c.lease_until <= now)
    same = sa.and_(_is(key), _M.c.tries == one.before.tries, _M.c.sent_at.is_(None), _M.c.given_up_at.is_(None))
    statement = sa.update(_M).where(same, free, _M.c.next_at <= now).values(**mine, tries=_M.c.tries + 1)
    return conn.execute(statement).rowcount == 1


def _is_on_its_way(conn: Connection, notice_id: int, target: str, now: datetime.datetime) -> bool:
    """Whether somebody is just telling the target that the cause stands: its end is told after that."""
    key = {"notice_id": notice_id, "target": target, "state": STANDING}
    query = sa.select(_M.c.tries).where(_is(key), _M.c.sent_at.is_(None), _M.c.lease_until > now)
    return conn.execute(query).first() is not None


def _is(key: dict[str, object]) -> sa.ColumnElement[bool]:
    return sa.and_(*(_M.c[name] == value for name, value in key.items()))


def arrived(conn: Connection, one: Owed, target: str, *, now: datetime.datetime) -> None:
    """The target has it: never again, whoever holds it by now."""
    key = {"notice_id": one.notice.id, "target": target, "state": one.state}
    values = {"sent_at": now, "owner": None, "lease_until": None, "given_up_at": None, "error": None}
    conn.execute(sa.update(_M).where(_is(key), _M.c.sent_at.is_(None)).values(**values))


def failed(
    conn: Connection,
    one: Owed,
    target: str,
    *,
    owner: str,
    error: str,
    may_have_arrived: bool,
    target_is_down: bool,
    now: datetime.datetime,
    next_at: datetime.datetime | None,
) -> None:
    """It did not get there, or nobody knows; `next_at` None: it is given up. A late owner changes nothing."""
    key = {"notice_id": one.notice.id, "target": target, "state": one.state}
    was = one.before is not None and one.before.may_have_arrived
    values = {
        "owner": None, "lease_until": None, "error": error[:ERROR_MAX], "next_at": next_at or now,
        "given_up_at": now if next_at is None else None, "may_have_arrived": was or may_have_arrived,
        "target_is_down": target_is_down,
    }  # fmt: skip
    conn.execute(sa.update(_M).where(_is(key), _M.c.owner == owner, _M.c.sent_at.is_(None)).values(**values))


def try_again(conn: Connection, target: str, now: datetime.datetime) -> int:
    """A person has mended the target: what waits for it or was given up is due now; → how many messages."""
    unsent = sa.and_(_M.c.target == target, _M.c.sent_at.is_(None), _M.c.lease_until.is_(None))
    values = {"next_at": now, "given_up_at": None, "tries": 0, "target_is_down": False}
    return conn.execute(sa.update(_M).where(unsent).values(**values)).rowcount


def of_notice(conn: Connection, notice_ids: list[int]) -> list[Message]:
    """The messages of these notices, by target and state."""
    query = sa.select(_M).where(_M.c.notice_id.in_(notice_ids)).order_by(_M.c.notice_id, _M.c.target, _M.c.state.desc())
    return [Message(*row) for row in conn.execute(query)]


def troubles(conn: Connection, targets: list[str]) -> list[Trouble]:
    """The targets among these that messages failed to get to and still have not, by name.

    A cause that ended before anybody was told of it needs no telling, and is no trouble.
    """
    wanted = sa.and_(_M.c.target.in_(targets), _M.c.sent_at.is_(None), _M.c.error.is_not(None))
    still = sa.or_(_M.c.state == OVER, _N.c.over_at.is_(None))
    query = sa.select(_M).join(_N, _N.c.id == _M.c.notice_id).where(wanted, still)
    found: dict[str, list[Message]] = {}
    for row in conn.execute(query.order_by(_M.c.target, _M.c.next_at)):
        found.setdefault(row.target, []).append(Message(*row))
    return [_trouble(target, ones) for target, ones in found.items()]


def _trouble(target: str, ones: list[Message]) -> Trouble:
    waiting = [one for one in ones if one.given_up_at is None]
    next_at = min((one.next_at for one in waiting), default=None)
    return Trouble(target, len(waiting), next_at, len(ones) - len(waiting), ones[-1].error or "")
