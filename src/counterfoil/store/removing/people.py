"""Who a name, an e-mail address, a ContactID or an external id means, and everything that belongs to them by id.

Called by app/privacy before anything is exported or erased, and again in a restored copy. Reads only.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from counterfoil.model import record as records
from counterfoil.model.person import Person, Words, composed, words_of
from counterfoil.store import mirrored, schema
from counterfoil.store.documents import fold
from counterfoil.store.postings import WHOLE, Posting

OPEN: Final = ("planned", "sending", "uncertain")
UNCHECKED: Final = ("held", "rejected", "cancelled")
AT_ONCE: Final = 400  # ids of one query
LINKS_MAX: Final = 100  # postings behind one another: contact, invoice, payment
MERGES_MAX: Final = 10
p, r, c, b = (one.c for one in (schema.postings, schema.revisions, schema.contacts, schema.bindings))
k, d = schema.contact_links.c, schema.documents.c
_CONTACT: Final = sa.and_(p.flow_id == sa.literal_column("''"), p.kind == "contact")


class Found(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One contact that a clue means. `contact_id` None: Xero has none of them that we know of."""

    entity: str
    tenant_id: str
    contact_id: str | None
    external_id: str | None
    name: str | None
    merged_to: str | None = None


def windows(ids: Iterable[Any]) -> Iterable[list[Any]]:
    """A few at a time."""
    those = list(ids)
    return (those[start : start + AT_ONCE] for start in range(0, len(those), AT_ONCE))


def find(conn: sa.Connection, clue: str, entity: str | None) -> list[Found]:
    """Every contact that a clue means: ContactID, external id, exact name or e-mail address; by entity and id."""
    keys = sorted(map(fold, composed(clue)))
    at_xero = sa.or_(c.contact_id == clue, c.number == clue, c.name_key.in_(keys), c.email_key.in_(keys))
    ours = sa.or_(p.external_id == clue, p.document_id == clue, p.number.in_(keys))
    found: dict[tuple[str, str], Found] = {}
    for row in conn.execute(sa.select(c.tenant_id, c.contact_id, c.number, c.name, c.merged_to).where(at_xero)):
        found[row[0], row[1]] = Found(
            entity=_entity(conn, row[0]),
            tenant_id=row[0],
            contact_id=row[1],
            external_id=row[2],
            name=row[3],
            merged_to=row[4],
        )
    for one in conn.execute(sa.select(*WHOLE).where(_CONTACT, ours).order_by(p.id)):
        posting = Posting(*one)
        of = (posting.tenant_id, posting.document_id or posting.external_id)
        named = found[of].name if of in found else posting.number
        merged_to = found[of].merged_to if of in found else None
        found[of] = Found(
            entity=posting.entity, tenant_id=posting.tenant_id, contact_id=posting.document_id, name=named,
            external_id=posting.external_id, merged_to=merged_to,
        )  # fmt: skip
    if not found:
        found = _never_posted(conn, clue, set(keys))
    return sorted((one for one in found.values() if entity in (None, one.entity)), key=_order)


def _never_posted(conn: sa.Connection, clue: str, keys: set[str]) -> dict[tuple[str, str], Found]:
    """Customers of records that did not pass their checks, so that no contact was ever looked for."""
    found: dict[tuple[str, str], Found] = {}
    for _id, entity, tenant_id, contact in _unchecked(conn):
        external_id, name, email = (contact.get(one) for one in ("external_id", "name", "email"))
        told = {fold(form) for one in (name, email) if isinstance(one, str) for form in composed(one)}
        if isinstance(external_id, str) and (external_id == clue or told & keys):
            found[tenant_id, external_id] = Found(
                entity=entity, tenant_id=tenant_id, contact_id=None, external_id=external_id,
                name=name if isinstance(name, str) else None,
            )  # fmt: skip
    return found


def _unchecked(conn: sa.Connection, entity: str | None = None) -> Iterable[tuple[int, str, str, dict[str, Any]]]:
    """(posting, entity, tenant, contact) of records that did not pass their checks; their own words say whose they are."""
    alone = sa.and_(p.after_id.is_(None), p.kind != "contact", p.state.in_(UNCHECKED))
    of = alone if entity is None else sa.and_(alone, p.entity == entity)
    query = sa.select(p.id, p.entity, p.tenant_id, r.record, r.mapped)
    joined = query.join(schema.revisions, sa.and_(r.posting_id == p.id, r.n == p.revision))
    for posting_id, whose, tenant_id, record, mapped in conn.execute(joined.where(of)):
        contact = _contact_of(mapped if mapped is not None else record)
        if isinstance(contact, dict):
            yield posting_id, whose, tenant_id, contact


def _order(one: Found) -> tuple[str, str, str]:
    return one.entity, one.contact_id or "", one.external_id or ""


def _entity(conn: sa.Connection, tenant_id: str) -> str:
    """Whose tenant it is, or was: of one that is unbound its postings say so."""
    bound = conn.execute(sa.select(b.entity).where(b.tenant_id == tenant_id)).scalar()
    was = sa.select(p.entity).where(p.tenant_id == tenant_id).order_by(p.id.desc()).limit(1)
    return bound or conn.execute(was).scalar() or ""


def person(conn: sa.Connection, entity: str, tenant_id: str, ids: Sequence[str], external_ids: Sequence[str]) -> Person:
    """Everything that belongs to these contacts and external ids: those merged into them, their postings, their words."""
    contact_ids = _merged(conn, tenant_id, ids)
    names = _external_ids(conn, entity, tenant_id, contact_ids, external_ids)
    own = _contacts(conn, entity, tenant_id, contact_ids, names)
    linked = _followers(conn, own | _unlinked(conn, entity, names))
    strong: set[str] = set()
    weak: set[str] = set()
    for words in _said(conn, tenant_id, contact_ids, linked):
        words_of(words, strong, weak)
    known = Words(strong, weak)
    strong |= {one for one in names if known.name(one)}
    linked |= _unread(conn, entity, Words(strong))
    telling = Words(strong, weak)
    return Person(
        entity=entity, tenant_id=tenant_id, contact_ids=tuple(sorted(contact_ids)), external_ids=tuple(sorted(names)),
        postings=tuple(sorted(linked)), numbers=tuple(_numbers(conn, tenant_id, contact_ids, telling)),
        strong=tuple(sorted(strong)), weak=tuple(sorted(weak)),
    )  # fmt: skip


def _merged(conn: sa.Connection, tenant_id: str, ids: Sequence[str]) -> set[str]:
    """These and whoever was merged into them."""
    found, new = set(ids), set(ids)
    for _ in range(MERGES_MAX):
        losers = sa.select(c.contact_id).where(c.tenant_id == tenant_id, c.merged_to.in_(list(new)))
        new = set(conn.execute(losers).scalars()) - found if new else set()
        found |= new
    return found


def _external_ids(
    conn: sa.Connection, entity: str, tenant_id: str, contact_ids: set[str], given: Sequence[str]
) -> set[str]:
    found = set(given)
    for some in windows(contact_ids):
        posted = sa.select(p.external_id).where(_CONTACT, p.tenant_id == tenant_id, p.document_id.in_(some))
        linked = sa.select(k.external_id).where(k.entity == entity, k.contact_id.in_(some))
        numbered = sa.select(c.number).where(c.tenant_id == tenant_id, c.contact_id.in_(some), c.number.is_not(None))
        for query in (posted, linked, numbered):
            found |= set(conn.execute(query).scalars())
    return found


def _contacts(
    conn: sa.Connection, entity: str, tenant_id: str, contact_ids: set[str], names: set[str]
) -> set[int]:  # fmt: skip
    """The postings that made or linked these contacts."""
    here = sa.and_(_CONTACT, p.tenant_id == tenant_id)
    found: set[int] = set()
    for some in windows(contact_ids):
        found |= set(conn.execute(sa.select(p.id).where(here, p.document_id.in_(some))).scalars())
    for some in windows(names):
        mine = sa.select(p.id).where(here, p.scope == entity, p.external_id.in_(some))
        found |= set(conn.execute(mine).scalars())
    return found


def _unlinked(conn: sa.Connection, entity: str, names: set[str]) -> set[int]:
    """Their records that did not pass their checks, so that no contact was looked for."""
    return {
        posting_id for posting_id, _entity, _tenant, one in _unchecked(conn, entity) if one.get("external_id") in names
    }


def _unread(conn: sa.Connection, entity: str, words: Words) -> set[int]:
    """Rows of which no record could be made, so that nobody knows whose they are, with their name or address in them."""
    alone = sa.and_(p.entity == entity, p.after_id.is_(None), p.kind != "contact", p.state.in_(UNCHECKED))
    raw = sa.select(p.id, r.record).join(schema.revisions, sa.and_(r.posting_id == p.id, r.n == p.revision))
    rows = conn.execute(raw.where(alone, r.mapped.is_(None)))
    return {row[0] for row in rows if not _contact_of(row[1]) and words.out_of_any(row[1]) is not row[1]}


def _contact_of(record: Any) -> Any:
    return record.get("contact") if isinstance(record, dict) else None


def _followers(conn: sa.Connection, ids: set[int]) -> set[int]:
    """These and what hangs on them: documents on their contact, payments and credits on their document."""
    found, new = set(ids), set(ids)
    for _ in range(LINKS_MAX):
        if not new:
            break
        behind: set[int] = set()
        for some in windows(sorted(new)):
            behind |= set(conn.execute(sa.select(p.id).where(p.after_id.in_(some))).scalars())
            behind |= set(conn.execute(sa.select(r.posting_id).where(r.after_id.in_(some))).scalars())
        new = behind - found
        found |= new
    return found


def _said(conn: sa.Connection, tenant_id: str, contact_ids: set[str], linked: set[int]) -> Iterable[Any]:
    """Every contact of theirs, as Xero, our elements and their records have it."""
    for one in mirrored.by_ids(conn, tenant_id, "Contacts", sorted(contact_ids)).values():
        yield records.plain(one.body)
    for some in windows(sorted(linked)):
        contents = (p.kind, r.record, r.mapped, r.element)
        query = sa.select(*contents).join(schema.postings, p.id == r.posting_id).where(r.posting_id.in_(some))
        for kind, record, mapped, element in conn.execute(query):
            given = mapped if mapped is not None else record
            if kind == "contact":
                yield element
            elif isinstance(given, dict) and "parts" not in given:
                yield given.get("contact")


def _numbers(conn: sa.Connection, tenant_id: str, contact_ids: set[str], words: Words) -> list[str]:
    """Documents of theirs whose own number is a word of theirs."""
    found: set[str] = set()
    for some in windows(contact_ids):
        query = sa.select(d.document_id, d.number).where(d.tenant_id == tenant_id, d.contact_id.in_(some))
        found |= {row[0] for row in conn.execute(query) if words.name(row[1])}
    return sorted(found)


def in_the_way(conn: sa.Connection, ids: Sequence[int]) -> list[str]:
    """The external ids of those that are not at their end, or stand in a request that is not: their bytes are needed."""
    i, q = schema.request_items.c, schema.requests.c
    found: set[str] = set()
    for some in windows(ids):
        found |= set(conn.execute(sa.select(p.external_id).where(p.id.in_(some), p.state.in_(OPEN))).scalars())
        requested = schema.request_items.join(schema.requests, q.id == i.request_id)
        theirs = sa.select(i.posting_id).select_from(requested).where(i.posting_id.in_(some), q.state != "closed")
        found |= set(conn.execute(sa.select(p.external_id).where(p.id.in_(theirs))).scalars())
    return sorted(found)


def customers(conn: sa.Connection, entity: str, is_wanted: Callable[[str], bool]) -> list[str]:
    """The external ids of an entity's customers for which `is_wanted`: a restored copy is asked by keyed hash."""
    query = sa.select(p.external_id).where(_CONTACT, p.scope == entity)
    unchecked = (one.get("external_id") for _id, _entity, _tenant, one in _unchecked(conn, entity))
    known = {*conn.execute(query).scalars(), *(one for one in unchecked if isinstance(one, str))}
    return [one for one in sorted(known) if is_wanted(one)]


def entities(conn: sa.Connection) -> dict[str, str]:
    """Tenant → the entity that it is, or was."""
    tenants = set(conn.execute(sa.select(p.tenant_id).distinct()).scalars())
    tenants |= set(conn.execute(sa.select(b.tenant_id)).scalars())
    return {one: _entity(conn, one) for one in tenants}
