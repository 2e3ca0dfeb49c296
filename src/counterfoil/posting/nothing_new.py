"""Which records need nothing of Xero: those that were posted, or skipped by a person, with this very content.

Called by app/intake, before an organisation is asked what changed there: for such a record it would change nothing
(posting/changing decides by our own tables alone), and a run that finds only such records costs no call.
"""

from collections.abc import Collection, Mapping, Sequence

from counterfoil.posting.plans import Item
from counterfoil.store import credited, postings
from counterfoil.store.database import Connection
from counterfoil.store.postings import Posting

BEFORE_START = "before-start"


def entities_to_ask(
    connection: Connection, flow_id: str, items: Sequence[Item], tenants: Mapping[str, str]
) -> set[str]:
    """The entities, of those in `tenants` (each with its tenant), that have a record for which Xero has to be asked."""
    those = [item for item in items if item.entity in tenants]
    ids = [item.external_id for item in those if item.external_id]
    found = postings.of_records(connection, flow_id, ids)
    credits_ = credited.of(connection, [one for one in found.values() if one.document_id is not None])
    return {
        item.entity
        for item in those
        if item.entity and not _is_done(item, found.get(item.external_id or ""), tenants[item.entity], credits_)
    }


def _is_done(item: Item, existing: Posting | None, tenant_id: str, credits_: Collection[int]) -> bool:
    same = existing is not None and existing.record_hash == item.record_hash
    if item.prepared is None:
        too_old = bool(item.findings) and all(finding.cause == BEFORE_START for finding in item.findings)
        return too_old or (same and existing is not None and existing.skipped is not None)
    if existing is None or not same or existing.id in credits_:
        return False
    here = existing.entity == item.entity and existing.tenant_id == tenant_id
    return here and existing.action is None and (existing.state == "posted" or existing.skipped is not None)
