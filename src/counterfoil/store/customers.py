"""Postings of customers: one per entity, customer and organisation, since a ContactID means nothing in another ledger.

Called by posting/ and app/matching_contacts. An entity that was bound to another organisation later has a later issue of the same
customer there.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.postings import WHOLE, Posting
from counterfoil.store.prepared import Among, Prepared

CONTACT = "contact"
p = schema.postings.c

_OF_TENANT = Prepared(
    sa.select(*WHOLE)
    .where(
        p.flow_id == sa.literal_column("''"),
        p.kind == sa.literal_column(f"'{CONTACT}'"),
        p.scope == sa.bindparam("entity"),
        p.tenant_id == sa.bindparam("tenant_id"),
        Among(p.external_id, "external_ids"),
    )
    .order_by(p.issue)
)
_ISSUES = Prepared(
    sa.select(p.external_id, sa.func.max(p.issue))
    .where(
        p.flow_id == sa.literal_column("''"),
        p.kind == sa.literal_column(f"'{CONTACT}'"),
        p.scope == sa.bindparam("entity"),
        Among(p.external_id, "external_ids"),
    )
    .group_by(p.external_id)
)


def of_tenant(
    connection: sa.Connection, entity: str, tenant_id: str, external_ids: Sequence[str]
) -> dict[str, Posting]:
    """An entity's customers in one organisation, by external id: the newest issue of each."""
    if not external_ids:
        return {}
    found = _OF_TENANT.rows(connection, Posting, entity=entity, tenant_id=tenant_id, external_ids=external_ids)
    return {one.external_id: one for one in found}


def issues(connection: sa.Connection, entity: str, external_ids: Sequence[str]) -> dict[str, int]:
    """The newest issue of each customer that an entity has anywhere, by external id."""
    found = _ISSUES.tuples(connection, entity=entity, external_ids=external_ids) if external_ids else []
    return dict(found)
