"""Runs, the records that each run saw, and rows that no posting could be made of.

Called by posting/ and app. A run's counts are read from its records: what was decided while planning, else what became
of the posting.
"""

import datetime
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.store import locks, prepared, schema

OUTCOMES = ("posted", "updated", "adopted", "unchanged", "rejected", "held", "uncertain", "planned")

CHANGE = "change"  # of a record whose document was to be changed: the posting tells what became of it


class Run(msgspec.Struct, frozen=True):
    """One row of `runs`."""

    id: int
    flow: str | None
    flow_id: str | None
    command: str
    source: str
    actor: str
    started: datetime.datetime
    ended: datetime.datetime | None
    counts: dict[str, Any] | None


class BadRow(msgspec.Struct, frozen=True):
    """One row of `bad_rows`."""

    id: int
    flow: str
    flow_id: str
    entity: str | None
    external_id: str | None
    source: str
    content_hash: str
    cause: str
    reason: str
    remedy: str
    state: str
    skipped: str | None
    last_run_id: int
    record: bytes | None


runs = schema.runs
records = schema.run_records
p = schema.postings.c


def start(
    connection: sa.Connection,
    *,
    flow: str | None,
    flow_id: str | None,
    command: str,
    source: str,
    actor: str,
    now: datetime.datetime,
) -> int:
    """Begin a run; → its id."""
    values = {"flow": flow, "flow_id": flow_id, "command": command, "source": source, "actor": actor, "started": now}
    run_id: int = connection.execute(sa.insert(runs).values(**values).returning(runs.c.id)).scalar_one()
    return run_id


def flow_ids(connection: sa.Connection) -> set[str]:
    """The ids of all flows that ever ran here."""
    return set(connection.execute(sa.select(runs.c.flow_id).where(runs.c.flow_id.is_not(None)).distinct()).scalars())


def get(connection: sa.Connection, run_id: int) -> Run | None:
    """A run by its number."""
    row = connection.execute(sa.select(runs).where(runs.c.id == run_id)).one_or_none()
    return None if row is None else Run(*row)


def entities(connection: sa.Connection, run_id: int) -> set[str]:
    """The entities that a run's records belong to."""
    mine = records.join(schema.postings, p.id == records.c.posting_id)
    return set(
        connection.execute(sa.select(p.entity).select_from(mine).where(records.c.run_id == run_id).distinct()).scalars()
    )


def made_and_open(connection: sa.Connection, flow_id: str) -> tuple[int, int]:
    """How many documents a flow has in Xero, and how many are on their way."""
    mine = sa.select(p.state, sa.func.count()).where(p.flow_id == flow_id).group_by(p.state)
    found: dict[str, int] = {row.state: row[1] for row in connection.execute(mine)}
    return found.get("posted", 0), sum(found.get(state, 0) for state in ("planned", "sending", "uncertain"))


def held_for(connection: sa.Connection, flow_id: str, cause: str) -> int:
    """How many of a flow's postings are held for one cause."""
    mine = sa.select(sa.func.count()).where(p.flow_id == flow_id, p.state == "held", p.cause == cause)
    return int(connection.execute(mine).scalar_one())


def end(connection: sa.Connection, run_id: int, now: datetime.datetime, counts: dict[str, Any]) -> None:
    """Close a run with its counts."""
    connection.execute(sa.update(runs).where(runs.c.id == run_id).values(ended=now, counts=counts))


def latest(connection: sa.Connection, most: int = 50) -> list[Run]:
    """The newest runs first."""
    return [Run(*row) for row in connection.execute(sa.select(runs).order_by(runs.c.id.desc()).limit(most))]


def latest_of(connection: sa.Connection, flow_id: str) -> Run | None:
    """The newest run of a flow."""
    query = sa.select(runs).where(runs.c.flow_id == flow_id).order_by(runs.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return Run(*row) if row else None


def ended_since(connection: sa.Connection, since: datetime.datetime, most: int) -> list[Run]:
    """Runs that began since an instant and ended, the newest first."""
    query = sa.select(runs).where(runs.c.started >= since, runs.c.ended.is_not(None)).order_by(runs.c.id.desc())
    return [Run(*row) for row in connection.execute(query.limit(most))]


def add_records(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write what a run saw: {"run_id", "n", "posting_id", "outcome"}."""
    prepared.insert_many(connection, records, rows)


def hold_changes(connection: sa.Connection, run_id: int, ids: Sequence[int]) -> None:
    """The changes of these postings that the run planned were taken back before they were sent: their records are held."""
    if ids:
        planned = sa.and_(records.c.run_id == run_id, records.c.posting_id.in_(ids), records.c.outcome == CHANGE)
        connection.execute(sa.update(records).where(planned).values(outcome="held"))


def counts(connection: sa.Connection, run_id: int) -> dict[str, int]:
    """How many records of a run ended where, by OUTCOMES; they add up to the records."""
    state = sa.case(
        (sa.and_(records.c.outcome == CHANGE, p.state == "posted", p.action.is_(None)), "updated"),
        (sa.and_(records.c.outcome == CHANGE, p.state == "posted", p.xero_messages.is_not(None)), "rejected"),
        (sa.and_(records.c.outcome == CHANGE, p.state == "posted"), "held"),
        (sa.and_(records.c.outcome.is_not(None), records.c.outcome != CHANGE), records.c.outcome),
        (p.skipped.is_not(None), "unchanged"),
        (sa.and_(p.state == "posted", p.how != "created"), "adopted"),
        (p.state == "posted", "posted"),
        (p.state == "sending", "uncertain"),
        (p.state == "cancelled", "unchanged"),
        else_=p.state,
    ).label("ended_as")
    query = (
        sa.select(state, sa.func.count())
        .select_from(records.outerjoin(schema.postings, p.id == records.c.posting_id))
        .where(records.c.run_id == run_id)
        .group_by(state)
    )
    found = dict.fromkeys(OUTCOMES, 0)
    found.update({row[0]: row[1] for row in connection.execute(query)})
    return found


_revisions = schema.revisions.c
_changed = sa.exists().where(  # what Xero has of it now is a change's content
    _revisions.posting_id == p.id, _revisions.n == p.revision, _revisions.action.is_not(None)
)


def open_counts(connection: sa.Connection, touched: Sequence[int]) -> dict[str, int]:
    """The same for `finish`: postings that were open when it began, by what became of them."""
    found = dict.fromkeys(OUTCOMES, 0)
    state = sa.case(
        (sa.and_(p.state == "posted", p.action.is_not(None)), "held"),
        (sa.and_(p.state == "posted", _changed), "updated"),
        (sa.and_(p.state == "posted", p.how != "created"), "adopted"),
        (p.state == "sending", "uncertain"),
        (p.state == "cancelled", "unchanged"),
        else_=p.state,
    )
    for begin in range(0, len(touched), 500):
        query = sa.select(state, sa.func.count()).where(p.id.in_(touched[begin : begin + 500])).group_by(state)
        for row in connection.execute(query):
            found[row[0]] += row[1]
    return found


def add_bad_rows(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep rows that no posting could be made of; the same line seen again is the same problem, still or again open."""
    b = schema.bad_rows
    locks.hold(connection, "bad rows")
    for row in rows:
        same = sa.and_(
            b.c.flow_id == row["flow_id"], b.c.content_hash == row["content_hash"], b.c.source == row["source"]
        )
        values = {name: row[name] for name in ("cause", "reason", "remedy", "last_run_id")}
        state = sa.case((b.c.state == "skipped", "skipped"), else_="open")
        if not connection.execute(sa.update(b).where(same).values(state=state, **values)).rowcount:
            connection.execute(sa.insert(b).values(state="open", **row))


def seen(connection: sa.Connection, run_id: int, after: int, most: int) -> tuple[dict[str, str], int | None]:
    """External id → hash of the record, of the `most` records of a run after number `after`; and the last one's number."""
    query = (
        sa.select(records.c.n, p.external_id, p.record_hash)
        .select_from(records.outerjoin(schema.postings, p.id == records.c.posting_id))
        .where(records.c.run_id == run_id, records.c.n > after)
        .order_by(records.c.n)
        .limit(most)
    )
    rows = connection.execute(query).all()
    return {row[1]: row[2] for row in rows if row[1]}, rows[-1][0] if rows else None


def planned(connection: sa.Connection, run_id: int, numbers: Sequence[int]) -> dict[int, tuple[int | None, str | None]]:
    """Of records of a run, by their numbers: the posting that each has, and the outcome that was decided for it."""
    query = sa.select(records.c.n, records.c.posting_id, records.c.outcome)
    query = query.where(records.c.run_id == run_id, records.c.n.in_(numbers))
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def bad_row(connection: sa.Connection, flow_id: str, content_hash: str, source: str) -> BadRow | None:
    """What is kept of a row that no posting could be made of."""
    b = schema.bad_rows
    of = sa.and_(b.c.flow_id == flow_id, b.c.content_hash == content_hash, b.c.source == source)
    row = connection.execute(sa.select(b).where(of).limit(1)).one_or_none()
    return None if row is None else BadRow(*row)


def bad_rows_seen(connection: sa.Connection, flow_id: str, run_id: int) -> dict[str, str]:
    """The same of rows that no posting could be made of."""
    b = schema.bad_rows.c
    query = sa.select(b.external_id, b.content_hash).where(b.flow_id == flow_id, b.last_run_id == run_id)
    return {row[0]: row[1] for row in connection.execute(query) if row[0]}


def close_bad_rows(connection: sa.Connection, flow_id: str, source_name: str, run_id: int) -> None:
    """A whole read of the same source no longer has them: they were corrected."""
    b = schema.bad_rows.c
    statement = (
        sa.update(schema.bad_rows)
        .where(
            b.flow_id == flow_id,
            b.state == "open",
            b.last_run_id < run_id,
            b.source.startswith(f"{source_name}:", autoescape=True),
        )
        .values(state="gone")
    )
    connection.execute(statement)


def close_rows_made(connection: sa.Connection, ids: Sequence[int], run_id: int) -> None:
    """Rows that a run read again and no longer complains of: postings were made of them."""
    b = schema.bad_rows
    still = sa.and_(b.c.id.in_(ids), b.c.state == "open", b.c.last_run_id < run_id)
    connection.execute(sa.update(b).where(still).values(state="gone"))


def bad_rows(connection: sa.Connection, *, state: str = "open") -> list[BadRow]:
    """Rows in a state, oldest first."""
    b = schema.bad_rows
    return [BadRow(*row) for row in connection.execute(sa.select(b).where(b.c.state == state).order_by(b.c.id))]


def skip_bad_rows(connection: sa.Connection, ids: Sequence[int], because: str) -> None:
    """A person decided that these need no posting."""
    b = schema.bad_rows
    connection.execute(sa.update(b).where(b.c.id.in_(ids)).values(state="skipped", skipped=because))


def problem_count(connection: sa.Connection, flow_id: str, run_id: int) -> int:
    """How many different causes stop records that this run saw."""
    causes = set(
        connection.execute(
            sa.select(p.cause).where(p.last_run_id == run_id, p.cause.is_not(None), p.skipped.is_(None)).distinct()
        ).scalars()
    )
    b = schema.bad_rows.c
    query = sa.select(b.cause).where(b.flow_id == flow_id, b.last_run_id == run_id, b.state == "open").distinct()
    causes |= set(connection.execute(query).scalars())
    return len({(cause or "").removeprefix("waits:") for cause in causes})  # what waits for a contact is cured there


OPEN = ("planned", "sending", "uncertain")


def open_postings(connection: sa.Connection) -> list[int]:
    """Postings of documents that are not at their end."""
    return list(connection.execute(sa.select(p.id).where(p.state.in_(OPEN), p.kind != "contact")).scalars())


def open_flows(connection: sa.Connection, entity: str) -> set[str]:
    """The ids of the flows that have documents of an entity which are not at their end."""
    query = sa.select(p.flow_id).where(p.state.in_(OPEN), p.entity == entity, p.flow_id != "").distinct()
    return set(connection.execute(query).scalars())


def open_by_entity(connection: sa.Connection) -> dict[str, int]:
    """How many documents and contacts of each entity are not at their end."""
    query = sa.select(p.entity, sa.func.count()).where(p.state.in_(OPEN)).group_by(p.entity).order_by(p.entity)
    return {row[0]: row[1] for row in connection.execute(query)}
