"""What our own postings say of a batch of records: how far each came, and what Xero was last sent of it.

Called by planning, before any record is decided. No call to Xero.
"""

from collections.abc import Sequence

import msgspec

from counterfoil.posting import changing
from counterfoil.posting.known import Past
from counterfoil.posting.plans import Item, Plan
from counterfoil.store import changes, credited, postings
from counterfoil.store.database import Connection


class _Status(msgspec.Struct, frozen=True):
    """Of what a content is expected to come to."""

    status: str = ""


_status = msgspec.json.Decoder(_Status)


def past(connection: Connection, plan: Plan, items: Sequence[Item]) -> Past:
    """Everything that is known of these records, each question one query."""
    ids = [item.external_id for item in items if item.external_id]
    existing = postings.of_records(connection, plan.flow_id, ids)
    issues = {external_id: posting.issue for external_id, posting in existing.items()}
    differing: list[int] = []
    for item in items:
        posting = existing.get(item.external_id or "")
        if posting is None or item.prepared is None:
            continue
        if _made_anew(plan, item, posting):
            issues[posting.external_id] += 1
            del existing[posting.external_id]
        elif posting.document_id is not None and posting.record_hash != item.record_hash:
            differing.append(posting.id)
    chains = credited.of(connection, [one for one in existing.values() if one.document_id is not None])
    unsent = [one.id for one in existing.values() if one.state == "planned" and one.action is None]
    refused = [one.id for one in existing.values() if changing.was_refused(one, chains.get(one.id, credited.NONE))]
    statuses = {
        one.posting_id: _status.decode(one.predicted).status for one in changes.posted(connection, unsent).values()
    }
    return Past(
        existing, issues, changes.posted(connection, differing), _refused(connection, refused), chains, statuses
    )


def _refused(connection: Connection, ids: Sequence[int]) -> dict[int, changing.Refused]:
    """By posting id: the change that Xero refused, as it was then."""
    contents, closed = changes.pending(connection, ids), changes.closed_of(connection, ids) if ids else {}
    read = changes.read_at(connection, ids)
    return {one: changing.Refused(content, closed.get(one), read.get(one)) for one, content in contents.items()}


def _made_anew(plan: Plan, item: Item, posting: postings.Posting) -> bool:
    """A document was taken back, and the record is to have a new one."""
    policy = plan.policy(posting.entity)
    renewed = changing.renewed(posting, item.record_hash, item.content_hash, policy)
    return renewed and posting.document_id is not None and posting.entity == item.entity
