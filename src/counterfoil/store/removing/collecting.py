"""Everything that is held about one person, place by place, for their export; and how much it is. Reads only.

Called by app/privacy/exporting and erasing. Of what several share (a request of many invoices) only their part.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.model import kept_answer, veil
from counterfoil.model import record as records
from counterfoil.model.person import Person
from counterfoil.store import schema
from counterfoil.store.removing import texts
from counterfoil.store.removing.people import windows

AT_ONCE: Final = 500
m, h, c, d, p, r, i, q, a = (
    one.c
    for one in (
        schema.mirrored, schema.happenings, schema.contacts, schema.documents, schema.postings, schema.revisions,
        schema.request_items, schema.requests, schema.attempts,
    )
)  # fmt: skip
WORDED: Final = tuple(name for name in texts.PLACES if name not in ("postings", "revisions", "requests", "attempts"))


def documents(conn: sa.Connection, person: Person) -> Iterator[tuple[str, str, Any]]:
    """(resource, document id, the document or their part of it) of the copy of Xero."""
    after: tuple[str, str] = ("", "")
    while True:
        of = sa.and_(
            m.tenant_id == person.tenant_id, sa.tuple_(m.resource, m.document_id) > sa.tuple_(*map(sa.literal, after))
        )
        query = (
            sa.select(m.resource, m.document_id, m.body).where(of).order_by(m.resource, m.document_id).limit(AT_ONCE)
        )
        window = conn.execute(query).all()
        for resource, document_id, body in window:
            if veil.mentions(body, person.contact_ids):
                yield resource, document_id, theirs(records.plain(body), person.contact_ids)
        if len(window) < AT_ONCE:
            return
        after = (window[-1][0], window[-1][1])


def theirs(found: Any, contact_ids: tuple[str, ...]) -> Any:
    """A document of theirs; of somebody else's that names them only the parts about them."""
    if not isinstance(found, dict) or veil.is_about(found, contact_ids):
        return found
    return {"of another document": list(_parts(found, contact_ids))}


def _parts(found: Any, contact_ids: tuple[str, ...]) -> Iterator[Any]:
    inner: Iterable[Any] = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    for one in inner:
        if isinstance(one, dict) and one.get("ContactID") in contact_ids:
            yield one
        else:
            yield from _parts(one, contact_ids)


def changes(conn: sa.Connection, person: Person) -> Iterator[dict[str, Any]]:
    """The changes that were named of their documents, in order."""
    query = sa.select(h.n, h.name, h.resource, h.document_id, h.seen_at, h.body).where(h.tenant_id == person.tenant_id)
    for n, name, resource, document_id, seen_at, body in conn.execute(query.order_by(h.n)):
        if veil.mentions(body, person.contact_ids):
            found = records.plain(body)
            parts = {side: theirs(found.get(side), person.contact_ids) for side in ("before", "after")}
            yield {"number": n, "name": name, "resource": resource, "document": document_id, "seen": seen_at, **parts}


def postings(conn: sa.Connection, person: Person) -> Iterator[dict[str, Any]]:
    """Their postings, each with everything that its record said and Xero was to be sent."""
    columns = ("n", "record", "mapped", "element", "predicted", "sets", "source", "at")
    for some in windows(person.postings):
        for row in conn.execute(sa.select(schema.postings).where(p.id.in_(some)).order_by(p.id)).mappings().all():
            query = sa.select(*(r[name] for name in columns)).where(r.posting_id == row["id"]).order_by(r.n)
            yield {**_said(row), "contents": [_said(one) for one in conn.execute(query).mappings()]}


def requests(conn: sa.Connection, person: Person) -> Iterator[dict[str, Any]]:
    """Their elements of what was sent, and of what Xero answered."""
    mine = set(person.postings)
    ids: set[int] = set()
    for some in windows(person.postings):
        ids |= set(conn.execute(sa.select(i.request_id).where(i.posting_id.in_(some))).scalars())
    for request_id in sorted(ids):
        items = conn.execute(sa.select(i.position, i.posting_id).where(i.request_id == request_id)).all()
        places = {position for position, posting_id in items if posting_id in mine}
        method, path, body, at = conn.execute(
            sa.select(q.method, q.path, q.body, q.frozen_at).where(q.id == request_id)
        ).one()
        answers = conn.execute(sa.select(a.answer).where(a.request_id == request_id, a.answer.is_not(None))).scalars()
        yield {
            "request": request_id, "what": f"{method} {path}", "at": at, "sent": _elements(body, places, len(items)),
            "answered": [one for kept in answers for one in _elements(_opened(kept), places, len(items))],
        }  # fmt: skip


def _opened(kept: bytes) -> bytes:
    try:
        return kept_answer.unpack(kept)
    except zlib.error:
        return b""


def _elements(body: bytes, places: set[int], items: int) -> list[Any]:
    """Only theirs: of a body that cannot be parted all of it, when nobody else stands in it."""
    try:
        found = records.plain(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    lists = (
        [one for one in found.values() if isinstance(one, list) and len(one) == items]
        if isinstance(found, dict)
        else []
    )
    if len(lists) == 1:
        return [one for place, one in enumerate(lists[0]) if place in places]
    return [found] if len(places) == items else []


def lookup(conn: sa.Connection, person: Person) -> Iterator[dict[str, Any]]:
    """What postings look them up by."""
    for some in windows(person.contact_ids):
        for table, ids in ((schema.contacts, c.contact_id), (schema.documents, d.contact_id)):
            of = sa.and_(table.c.tenant_id == person.tenant_id, ids.in_(some))
            yield from map(_said, conn.execute(sa.select(table).where(of)).mappings())


def texted(conn: sa.Connection, person: Person, table_name: str) -> Iterator[dict[str, Any]]:
    """Rows of a small table in which their name, address or number stands."""
    table, words = schema.tables.tables[table_name], person.words()
    named, jsons = texts.PLACES[table_name]
    for row in conn.execute(sa.select(table)).mappings():
        told = {name: row[name] for name in (*named, *jsons)}
        found = any(words.stand_in(str(told[name])) for name in named if told[name] is not None)
        found = found or any(_stand_in(told[name], words) for name in jsons if told[name] is not None)
        if found:
            yield {"id": row.get("id"), **_said(told)}


def _stand_in(value: Any, words: Any) -> bool:
    if isinstance(value, bytes):
        return texts.out_of_json(value, words) is not value
    return words.out_of_any(value) is not value


def days(conn: sa.Connection, person: Person) -> Iterator[dict[str, Any]]:
    """Of documents of many sales the rows in which they stand."""
    o, words = schema.posting_parts.c, person.words()
    of = r.posting_id.in_(sa.select(o.posting_id).distinct())
    for posting_id, record in conn.execute(sa.select(r.posting_id, r.record).where(of)):
        rows = record.get("rows", ()) if isinstance(record, dict) else ()
        mine = [row for row in rows if words.out_of_any(row) is not row]
        if mine:
            yield {"posting": posting_id, "rows": mine}


def counts(conn: sa.Connection, person: Person) -> dict[str, int]:
    """How many documents of each resource."""
    found: dict[str, int] = {}
    for resource, _document_id, _found in documents(conn, person):
        found[resource] = found.get(resource, 0) + 1
    return found


def _said(row: Any) -> dict[str, Any]:
    """A row's columns that say something, bytes as what they hold."""
    return {str(name): _plain(value) for name, value in dict(row).items() if value not in (None, "", b"")}


def _plain(value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    try:
        return records.plain(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return value.decode("utf-8", "replace")
