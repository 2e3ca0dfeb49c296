"""Postings and their revisions: read for deciding, written by one function per transition.

Called by posting/. States: planned → sending → posted | rejected | uncertain; held; cancelled. Functions run inside the
caller's transaction. Rows come back as `Posting`, never as the driver's.
"""

import datetime
import functools
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa

from counterfoil.store import prepared, schema
from counterfoil.store.prepared import STATEMENTS_MAX, Among, Prepared

WORDS = ("state", "how", "kind", "issue", "revision", "looks", "own_number")  # nothing but our own words and numbers


class Brief(msgspec.Struct, frozen=True):
    """What sending needs to know of a posting: one is read twice on its way, and a whole row has 37 columns."""

    id: int
    external_id: str
    entity: str
    tenant_id: str
    resource: str
    marker: str
    own_number: bool
    revision: int


class Posting(Brief, frozen=True):
    """One row of `postings`."""

    flow_id: str
    kind: str
    issue: int
    scope: str
    state: str
    how: str | None
    cause: str | None
    reason: str | None
    remedy: str | None
    xero_messages: list[str] | None
    skipped: str | None
    record_hash: str
    pending_hash: str | None
    source: str
    after_id: int | None
    number: str | None
    date: datetime.date | None
    currency: str | None
    sub_total: Decimal | None
    total_tax: Decimal | None
    total: Decimal | None
    document_id: str | None
    document_number: str | None
    looks: int
    run_id: int
    last_run_id: int
    planned_at: datetime.datetime
    changed_at: datetime.datetime
    action: str | None
    pending_revision: int | None
    rows_hash: str | None
    version: int | None
    accepted: str | None


class Revision(msgspec.Struct, frozen=True):
    """One row of `revisions`: the content of a posting at one time."""

    posting_id: int
    n: int
    record: Any
    record_hash: str
    element: Any
    predicted: Any
    source: str
    at: datetime.datetime
    rows_hash: str | None
    version: int | None
    run_id: int | None
    after_id: int | None
    action: str | None
    sets: Any
    closed: datetime.date | None
    mapped: Any


p = schema.postings.c
r = schema.revisions.c


BRIEF = [p[name] for name in Brief.__struct_fields__]
WHOLE = [p[name] for name in Posting.__struct_fields__]
_ALL = sa.select(*WHOLE)
_BY_EXTERNAL_ID = Prepared(
    _ALL.where(
        p.flow_id == sa.bindparam("flow_id"),
        p.kind == sa.bindparam("kind"),
        p.scope == sa.bindparam("scope"),
        Among(p.external_id, "external_ids"),
    ).order_by(p.issue)
)
_BY_ID = Prepared(_ALL.where(Among(p.id, "ids")))


_follower = schema.postings.alias("follower")


def without(name: str) -> sa.ColumnElement[bool]:
    """No posting of the flows in the parameter `name`, and no contact that nothing but theirs waits for."""
    waits = sa.and_(_follower.c.after_id == p.id, _follower.c.state == "planned")
    for_them = sa.exists().where(waits, Among(_follower.c.flow_id, name))
    for_others = sa.exists().where(waits, sa.not_(Among(_follower.c.flow_id, name)))
    is_wanted = sa.or_(p.kind != "contact", sa.not_(for_them), for_others)
    return sa.and_(sa.not_(Among(p.flow_id, name)), is_wanted)


def by_external_id(
    connection: sa.Connection, flow_id: str, kind: str, scope: str, external_ids: Sequence[str]
) -> dict[str, Posting]:
    """The newest issue of each identity, by external id."""
    if not external_ids:
        return {}
    found = _BY_EXTERNAL_ID.rows(
        connection, Posting, flow_id=flow_id, kind=kind, scope=scope, external_ids=external_ids
    )
    return {row.external_id: row for row in found}


def of_records(connection: sa.Connection, flow_id: str, external_ids: Sequence[str]) -> dict[str, Posting]:
    """The newest issue of each record's document, invoice or credit note, by external id."""
    found = by_external_id(connection, flow_id, "invoice", "", external_ids)
    for external_id, note in by_external_id(connection, flow_id, "credit_note", "", external_ids).items():
        other = found.get(external_id)
        if other is None or other.issue < note.issue:
            found[external_id] = note
    return found


def get(connection: sa.Connection, posting_id: int) -> Posting | None:
    """One posting by its id."""
    return many(connection, [posting_id]).get(posting_id)


def many(connection: sa.Connection, ids: Iterable[int]) -> dict[int, Posting]:
    """Postings by id."""
    wanted = list(ids)
    return {row.id: row for row in _BY_ID.rows(connection, Posting, ids=wanted)} if wanted else {}


_DOCUMENT_IDS = Prepared(sa.select(p.id, p.document_id).where(Among(p.id, "ids")))


def document_ids(connection: sa.Connection, ids: Iterable[int | None]) -> dict[int | None, str | None]:
    """Which document each of these postings made, by posting id; None where it has none."""
    wanted = {one for one in ids if one is not None}
    return dict(_DOCUMENT_IDS.tuples(connection, ids=wanted)) if wanted else {}


_REVISIONS = Prepared(sa.select(schema.revisions).where(Among(r.posting_id, "ids")))


def revisions(connection: sa.Connection, keys: Iterable[tuple[int, int]]) -> dict[int, Revision]:
    """The named revision of each posting, by posting id."""
    numbers = dict(keys)
    if not numbers:
        return {}
    found = _REVISIONS.rows(connection, Revision, ids=list(numbers))
    return {row.posting_id: row for row in found if numbers[row.posting_id] == row.n}


before = schema.postings.alias("before")
_CONTENTS = Prepared(
    sa.select(p.id, sa.type_coerce(r.element, sa.LargeBinary), before.c.document_id)
    .join(schema.revisions, sa.and_(r.posting_id == p.id, r.n == p.revision))
    .outerjoin(before, before.c.id == p.after_id)
    .where(Among(p.id, "ids"))
)


def contents(connection: sa.Connection, ids: Sequence[int]) -> dict[int, tuple[bytes, str | None]]:
    """By posting id: the element of its present revision, as JSON, and the document that the one before it made."""
    return {found[0]: found[1:] for found in _CONTENTS.tuples(connection, ids=ids)} if ids else {}


def history(connection: sa.Connection, posting_id: int) -> list[Revision]:
    """Every revision of one posting, oldest first."""
    query = sa.select(schema.revisions).where(r.posting_id == posting_id).order_by(r.n)
    return [Revision(*row) for row in connection.execute(query)]


_BY_DOCUMENT = Prepared(
    _ALL.where(
        p.tenant_id == sa.bindparam("tenant_id"), p.resource == sa.bindparam("resource"), Among(p.document_id, "ids")
    )
)


def by_document(connection: sa.Connection, tenant_id: str, resource: str, ids: Sequence[str]) -> dict[str, Posting]:
    """Which posting a document belongs to, by document id."""
    if not ids:
        return {}
    found = _BY_DOCUMENT.rows(connection, Posting, tenant_id=tenant_id, resource=resource, ids=ids)
    return {row.document_id or "": row for row in found}


_BY_NAME = Prepared(_ALL.where(schema.HAS_SCOPE, p.scope == sa.bindparam("scope"), Among(p.number, "names")))


def by_name_key(connection: sa.Connection, entity: str, name_keys: Sequence[str]) -> dict[str, list[Posting]]:
    """Contact postings of an entity by the folded name they were planned with (kept in `number`)."""
    found: dict[str, list[Posting]] = {}
    for row in _BY_NAME.rows(connection, Posting, scope=entity, names=name_keys) if name_keys else []:
        found.setdefault(row.number or "", []).append(row)
    return found


def row(**values: Any) -> dict[str, Any]:
    """One new row with every column named, so that many can be written at once."""
    return {**_NEW, **values}


OPTIONAL = tuple(column.name for column in schema.postings.columns if column.nullable and column.name != "id")
_NEW: dict[str, Any] = {**dict.fromkeys(OPTIONAL), "issue": 1, "revision": 1, "looks": 0}


def insert(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str, str], int]:
    """Insert postings of one run; → {(kind, scope, external_id): id} of those that are new.

    One that exists already (another process planned the same record) is left alone and not in the result.
    """
    if not rows:
        return {}
    before = _NEWEST.first(connection) or 0
    prepared.insert_many(connection, schema.postings, rows, skip_existing=True, words=WORDS)
    new = _SINCE.tuples(connection, before=before, run_id=rows[0]["run_id"])
    return {tuple(identity): posting_id for posting_id, *identity in new}


_NEWEST = Prepared(sa.select(sa.func.max(p.id)))
_SINCE = Prepared(
    sa.select(p.id, p.kind, p.scope, p.external_id).where(
        p.id > sa.bindparam("before"), p.run_id == sa.bindparam("run_id")
    )
)


def revision_row(**values: Any) -> dict[str, Any]:
    """One new revision with every column named, so that many can be written at once."""
    return {**_NO_REVISION, **values}


_NO_REVISION: dict[str, Any] = dict.fromkeys(column.name for column in schema.revisions.columns)


def add_revisions(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert contents."""
    prepared.insert_many(connection, schema.revisions, rows)


def update(connection: sa.Connection, posting_id: int, was: Sequence[str], values: Mapping[str, Any]) -> bool:
    """Change one posting if it is still in one of the states `was`; False: somebody else was first."""
    statement = sa.update(schema.postings).where(p.id == posting_id, p.state.in_(was)).values(**values)
    return connection.execute(statement).rowcount == 1


def update_many(connection: sa.Connection, rows: Sequence[dict[str, Any]], was: Sequence[str]) -> None:
    """Change many postings, each still in one of the states `was`; a row is {"pid": id, column: value, …}."""
    if not rows:
        return
    words = tuple((name, rows[0][name]) for name in rows[0] if _is_said(name, rows))
    names = tuple(name for name in rows[0] if name != "pid" and name not in dict(words))
    _update_many(names, words, tuple(was)).run_many(connection, rows)


def _is_said(name: str, rows: Sequence[dict[str, Any]]) -> bool:
    """What all rows have alike stands in the statement's own words: nothing, or a word that is ours."""
    return (name in WORDS or rows[0][name] is None) and prepared.is_alike(name, rows)


def update_all(connection: sa.Connection, ids: Sequence[int], values: Mapping[str, Any], was: Sequence[str]) -> None:
    """Change postings alike, those that are still in one of the states `was`."""
    named = {f"v_{name}": value for name, value in values.items()}
    _update_all(tuple(values), tuple(was)).run(connection, ids=ids, **named)


@functools.cache  # as many as there are transitions
def _update_all(names: tuple[str, ...], was: tuple[str, ...]) -> Prepared:
    return Prepared(
        sa.update(schema.postings)
        .where(Among(p.id, "ids"), sa.or_(*(p.state == state for state in was)))
        .values({name: sa.bindparam(f"v_{name}") for name in names})
    )


@functools.lru_cache(STATEMENTS_MAX)
def _update_many(names: tuple[str, ...], words: tuple[tuple[str, Any], ...], was: tuple[str, ...]) -> Prepared:
    """`words` is what all rows have alike: half of an outcome's cost was handing over its empty columns."""
    values = {name: sa.bindparam(name) for name in names} | {name: prepared.said(word) for name, word in words}
    return Prepared(
        sa.update(schema.postings)
        .where(p.id == sa.bindparam("pid"), sa.or_(*(p.state == prepared.said(state) for state in was)))
        .values(values)
    )


def markers_found(connection: sa.Connection, tenant_id: str, resource: str) -> list[tuple[Posting, str]]:
    """Planned postings whose marker a document of the mirror already carries, with that document's id."""
    d = schema.documents.c
    query = (
        sa.select(*WHOLE, d.document_id.label("found_id"))
        .join(
            schema.documents,
            sa.and_(d.tenant_id == p.tenant_id, d.resource == p.resource, d.marker == p.marker),
        )
        .where(p.tenant_id == tenant_id, p.resource == resource, p.state == "planned", p.action.is_(None))
    )
    return [(Posting(*row[:-1]), row[-1]) for row in connection.execute(query)]
