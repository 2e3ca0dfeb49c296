"""The copy of Xero's documents, its index and the changes that were named from it: one person's text taken out.

Called by app/privacy/erasing. Every document of the tenant is looked at, a window in each transaction; what is rewritten keeps its
ids, amounts, dates and marks.
"""

from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from counterfoil.model import record as records
from counterfoil.model import veil
from counterfoil.model.person import Person
from counterfoil.store import schema
from counterfoil.store.removing.turns import Turn

m, h, c, d, k = (
    one.c for one in (schema.mirrored, schema.happenings, schema.contacts, schema.documents, schema.reference)
)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")
PARTS: Final = ("before", "after")


class Swept(NamedTuple):
    """One window: after which row the next begins (None: it was the last), and how many rows of which table were changed."""

    after: str | None
    rows: dict[str, int]


def documents(conn: sa.Connection, person: Person, resource: str, after: str | None, turn: Turn) -> Swept:
    """The next documents of one resource."""
    of = sa.and_(m.tenant_id == person.tenant_id, m.resource == resource, m.document_id > (after or ""))
    query = sa.select(m.document_id, m.body).where(of).order_by(m.document_id).limit(turn.most)
    found: list[dict[str, Any]] = []
    with conn.execute(query) as rows:
        for document_id, body in turn.of(rows):
            if veil.mentions(body, person.contact_ids):
                clean = veil.body(body, person.contact_ids, person.numbers)
                if clean is not body:
                    found.append({"this": document_id, "clean": clean})
    if found:
        this = sa.and_(m.tenant_id == person.tenant_id, m.resource == resource, m.document_id == sa.bindparam("this"))
        conn.execute(sa.update(schema.mirrored).where(this).values(body=sa.bindparam("clean")), found)
    return Swept(_first(turn.last()), {"mirrored": len(found)})


def _first(row: Any) -> str | None:
    return None if row is None else str(row[0])


def resources(conn: sa.Connection, tenant_id: str) -> list[str]:
    """Which resources of a tenant are held."""
    return sorted(conn.execute(sa.select(m.resource).where(m.tenant_id == tenant_id).distinct()).scalars())


def changes(conn: sa.Connection, person: Person, after: str | None, turn: Turn) -> Swept:
    """The next changes that were named, in their order."""
    of = sa.and_(h.tenant_id == person.tenant_id, h.n > int(after or 0))
    found: list[dict[str, Any]] = []
    with conn.execute(sa.select(h.n, h.body).where(of).order_by(h.n).limit(turn.most)) as rows:
        for n, body in turn.of(rows):
            if veil.mentions(body, person.contact_ids):
                found.append({"this": n, "clean": veiled_change(body, person)})
    if found:
        this = h.n == sa.bindparam("this")
        conn.execute(sa.update(schema.happenings).where(this).values(body=sa.bindparam("clean")), found)
    return Swept(_first(turn.last()), {"happenings": len(found)})


def veiled_change(body: bytes, person: Person) -> bytes:
    """A change's before and after without the person's text."""
    found: dict[str, Any] = records.plain(body)
    clean = {
        name: veil.document(found.get(name), person.contact_ids, person.numbers) for name in PARTS if name in found
    }
    return _ENCODER.encode(found | clean)


def index(conn: sa.Connection, person: Person, after: str | None, turn: Turn) -> Swept:
    """The thin tables by which postings look contacts and documents up: by the person's ids, at once or a window at a time."""
    if after is None:
        named: dict[str, Any] = {
            "number": None, "name": veil.ERASED, "name_key": sa.literal(f"{veil.ERASED} ") + c.contact_id,
            "email_key": None, "tax_number": None,
        }  # fmt: skip
        theirs = sa.and_(c.tenant_id == person.tenant_id, c.contact_id.in_(person.contact_ids))
        return Swept("", {"contacts": conn.execute(sa.update(schema.contacts).where(theirs).values(**named)).rowcount})
    of = sa.and_(d.tenant_id == person.tenant_id, d.contact_id.in_(person.contact_ids), d.document_id > after)
    window = conn.execute(
        sa.select(d.document_id, d.reference).where(of).order_by(d.document_id).limit(turn.most)
    ).all()
    for document_id, reference in turn.of(window):
        values: dict[str, Any] = {"reference": None if reference is None else veil.text(reference)}
        if document_id in person.numbers:
            values |= {"number": veil.ERASED, "number_key": None}
        this = sa.and_(d.tenant_id == person.tenant_id, d.document_id == document_id)
        conn.execute(sa.update(schema.documents).where(this).values(**values))
    return Swept(_first(turn.last()), {"documents": turn.taken})
