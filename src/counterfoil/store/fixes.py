"""Stored corrections, which content was made with them, and the records that we keep.

Called by app/fixing, app/checking, app/telling and posting/applying, inside the caller's transaction.
"""

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.model.fixes import Fix, Fixed
from counterfoil.store import schema
from counterfoil.store.prepared import Among, Prepared

f = schema.fixes.c
u = schema.fixes_used.c
r = schema.revisions.c
p = schema.postings.c


class Stored(msgspec.Struct, frozen=True):
    """One row of `fixes`."""

    id: int
    flow_id: str
    problem: int
    entity: str | None
    external_ids: list[str] | None
    by_name: bool
    cause: str
    field: str
    value: str | None
    put: dict[str, Any]
    because: str | None
    actor: str
    at: datetime.datetime
    undone_at: datetime.datetime | None
    undone_by: str | None

    @property
    def fix(self) -> Fix:
        """What is laid over records."""
        named = None if self.external_ids is None else frozenset(self.external_ids)
        return Fix(
            self.id, self.entity, named, self.by_name, self.cause, self.field, self.value, self.put, self.actor, self.at
        )


def add(connection: sa.Connection, flow_id: str, problem: int, because: str | None, fix: Fix) -> int:
    """Store a fix; → its id. The id that it came with is not used."""
    values = {
        name: getattr(fix, name) for name in ("entity", "by_name", "cause", "field", "value", "put", "actor", "at")
    }
    values["external_ids"] = None if fix.external_ids is None else sorted(fix.external_ids)
    statement = sa.insert(schema.fixes).values(flow_id=flow_id, problem=problem, because=because, **values)
    made: int = connection.execute(statement.returning(f.id)).scalar_one()
    return made


def current(connection: sa.Connection, flow_id: str) -> list[Fix]:
    """The fixes of a flow that are in force, oldest first."""
    query = sa.select(schema.fixes).where(f.flow_id == flow_id, f.undone_at.is_(None)).order_by(f.id)
    return [Stored(*row).fix for row in connection.execute(query)]


def everything(connection: sa.Connection) -> list[Stored]:
    """Every fix ever made, newest first, with those that were undone."""
    return [Stored(*row) for row in connection.execute(sa.select(schema.fixes).order_by(f.id.desc()))]


def get(connection: sa.Connection, fix_id: int) -> Stored | None:
    """One fix."""
    row = connection.execute(sa.select(schema.fixes).where(f.id == fix_id)).one_or_none()
    return Stored(*row) if row else None


def undo(connection: sa.Connection, fix_id: int, actor: str, now: datetime.datetime) -> bool:
    """Take a fix out of force; False: it was already."""
    statement = sa.update(schema.fixes).where(f.id == fix_id, f.undone_at.is_(None))
    return connection.execute(statement.values(undone_at=now, undone_by=actor)).rowcount == 1


def note(connection: sa.Connection, made: Iterable[tuple[int, int, Sequence[Fixed]]]) -> None:
    """Remember which fixes a posting's revision was made with: (posting id, revision, what they did)."""
    rows = [
        {"posting_id": posting_id, "revision": revision, "fix_id": one.fix, "said": one.said}
        for posting_id, revision, notes in made
        for one in notes
    ]
    if rows:
        connection.execute(sa.insert(schema.fixes_used), rows)


def used_by(connection: sa.Connection, posting_id: int) -> dict[int, list[str]]:
    """What fixes did to a posting's record, by revision."""
    found: dict[int, list[str]] = {}
    query = sa.select(u.revision, u.said).where(u.posting_id == posting_id).order_by(u.revision, u.fix_id)
    for revision, said in connection.execute(query):
        found.setdefault(revision, []).append(said)
    return found


def unsent_with(connection: sa.Connection, fix_id: int) -> list[int]:
    """Postings not yet sent whose content was made with a fix."""
    query = (
        sa.select(p.id)
        .join(schema.fixes_used, sa.and_(u.posting_id == p.id, u.revision == p.revision))
        .where(u.fix_id == fix_id, p.state.in_(("planned", "held", "rejected")))
        .order_by(p.id)
    )
    return list(connection.execute(query).scalars())


def counts(connection: sa.Connection) -> dict[int, int]:
    """How many postings each fix touched, in their newest content."""
    query = (
        sa.select(u.fix_id, sa.func.count())
        .join(schema.postings, sa.and_(u.posting_id == p.id, u.revision == p.revision))
        .group_by(u.fix_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


_KEPT = Prepared(
    sa.select(r.posting_id, sa.type_coerce(r.record, sa.LargeBinary), sa.type_coerce(r.element, sa.LargeBinary))
    .join(schema.postings, sa.and_(p.id == r.posting_id, p.revision == r.n))
    .where(Among(r.posting_id, "ids"))
)


class Kept(msgspec.Struct, frozen=True):
    """The newest content of a posting: the record as the source gave it, and what Xero would be sent ("{}": nothing)."""

    posting_id: int
    record: bytes
    element: bytes


def kept(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Kept]:
    """The newest content of postings, by posting id."""
    found = _KEPT.rows(connection, Kept, ids=list(ids)) if ids else []
    return {one.posting_id: one for one in found}
