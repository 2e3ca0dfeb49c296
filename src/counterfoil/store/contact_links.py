"""What people said of their customers: which contact of Xero's one is, that it is a new one, or that it waits.

Called by app/matching_contacts, app/fixing and posting/planning, inside the caller's transaction.
"""

import datetime
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from counterfoil.store import documents, schema
from counterfoil.store.prepared import Among, Prepared

k = schema.contact_links.c
c = schema.contacts.c


class Link(msgspec.Struct, frozen=True):
    """One row of `contact_links`. `decision`: link (then `contact_id` says to whom) | new | hold."""

    entity: str
    external_id: str
    decision: str
    contact_id: str | None
    actor: str
    at: datetime.datetime


_OF = Prepared(
    sa.select(schema.contact_links).where(k.entity == sa.bindparam("entity"), Among(k.external_id, "external_ids"))
)


def of(connection: sa.Connection, entity: str, external_ids: Sequence[str]) -> dict[str, Link]:
    """What was said of these customers of an entity, by external id."""
    if not external_ids:
        return {}
    return {one.external_id: one for one in _OF.rows(connection, Link, entity=entity, external_ids=external_ids)}


def everything(connection: sa.Connection, entity: str) -> list[Link]:
    """Everything that was said of an entity's customers, by external id."""
    query = sa.select(schema.contact_links).where(k.entity == entity).order_by(k.external_id)
    return [Link(*row) for row in connection.execute(query)]


def put(connection: sa.Connection, links: Sequence[Link]) -> None:
    """Store what a person said; what was said before is replaced."""
    documents.upsert(connection, schema.contact_links, [msgspec.structs.asdict(link) for link in links])


def known(connection: sa.Connection, tenant_id: str) -> list[documents.KnownContact]:
    """Every contact of a tenant as the mirror last saw it, by name."""
    query = sa.select(schema.contacts).where(c.tenant_id == tenant_id).order_by(c.name_key, c.contact_id)
    return [documents.KnownContact(*row) for row in connection.execute(query)]
