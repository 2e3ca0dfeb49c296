"""Look for payments through their documents: an unclear one, and one that a forgotten time may have made already.

Called by finishing. A payment is found by the mark in its Reference; without one by amount, day and account, if exactly
one payment of nobody else's agrees (design §3.1). Cost: 1 call per 40 documents, and 1 per payment without a mark.

A record whose document was posted anew has its payments where they were made: they stay on the one that was credited, or
were planned for the first one and made on the next. A database that knows nothing of it looks at all of them, for the marks of all issues.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from counterfoil.mirror.catching_up import CatchUp
from counterfoil.model import record
from counterfoil.model.prepared import Finding
from counterfoil.posting import encoding, identity, kinds, reading, recording
from counterfoil.posting.deciding import GONE
from counterfoil.posting.judging import ItemVerdict
from counterfoil.posting.looking import Embedded, Looked, Looker, Seen
from counterfoil.store import documents, locks, payments, postings
from counterfoil.store.database import Connection, Database
from counterfoil.store.documents import Cursor
from counterfoil.store.postings import Posting, Revision
from counterfoil.store.requests import Request
from counterfoil.xero.client import XeroClient

LANE = "looking"
RESOURCE = kinds.PAYMENT.resource


class PaymentLooker(Looker):
    """Looks at unclear requests that make payments."""

    async def _read(self, client: XeroClient, request: Request, sought: Sequence[Posting]) -> Seen:
        del request
        return await _candidates(self._database, client, self._catch_up, sought)

    def _find(self, connection: Connection, position: int, posting: Posting, revision: Revision, seen: Seen) -> Looked:
        del revision
        found = _choose(connection, posting, seen[posting.id])
        if isinstance(found, Finding):
            return Looked(position, posting, finding=found)
        return Looked(position, posting, found)


async def verify(database: Database, client: XeroClient, catch_up: CatchUp, now: datetime.datetime) -> None:
    """Before the first payment of a database, and for documents that were there before: adopt what is there.

    Raises what reading raises; then nothing is written.
    """
    tenant = client.binding.tenant_id
    cursor = await database.read(lambda conn: documents.cursor(conn, tenant, RESOURCE))
    chosen = await database.read(lambda conn: payments.unverified(conn, tenant, every=not cursor.recovered))
    seen = await _candidates(database, client, catch_up, chosen)

    def work(connection: Connection) -> None:
        locks.hold_tenants(connection, [tenant])
        current = postings.many(connection, [one.id for one in chosen])
        for posting in current.values():
            if posting.state not in ("planned", "held"):
                continue
            found = _choose(connection, posting, seen[posting.id])
            if isinstance(found, Finding):
                recording.write_held(connection, {posting.id: found}, "held", now)
            elif found is not None:
                recording.write_posted(connection, [(posting.id, ItemVerdict(0, "posted", found))], "adopted", now)
            else:
                postings.update(connection, posting.id, (posting.state,), {"how": payments.LOOKED})
        if not cursor.recovered:
            documents.set_cursor(connection, Cursor(tenant, RESOURCE, now, recovered=True, recover_since=None))

    await database.run(work)


async def _candidates(
    database: Database, client: XeroClient, catch_up: CatchUp, sought: Sequence[Posting]
) -> dict[int, Sequence[Embedded] | None]:
    """By posting id: the payment with its mark, else those of its documents that agree in amount, day and account.

    None: Xero does not show the document, or one that it was posted anew for.
    """
    parents = await database.read(lambda conn: postings.many(conn, {one.after_id for one in sought if one.after_id}))
    earlier = await database.read(lambda conn: _earlier(conn, parents.values()))
    contents = await database.read(lambda conn: postings.contents(conn, [one.id for one in sought]))
    ids = {parent.document_id for parent in parents.values() if parent.document_id is not None}
    stored = await reading.fetch(client, catch_up, sorted(ids.union(*earlier.values())), lane=LANE)
    found: dict[int, Sequence[Embedded] | None] = {}
    for posting in sought:
        parent = parents.get(posting.after_id or 0)
        here = stored.get(parent.document_id or "") if parent is not None else None
        before = [stored.get(document) for document in earlier.get(posting.after_id or 0, ())]
        if here is None or None in before:
            found[posting.id] = None
            continue
        listed = [one for document in (here, *before) if document is not None for one in document.get("Payments") or []]
        marks = {
            identity.marker(posting.flow_id, posting.kind, posting.external_id, n) for n in range(1, posting.issue + 1)
        }
        marked = [one for one in listed if identity.find_marker(None, one.get("Reference")) in marks]
        found[posting.id] = marked or [
            one
            for one in listed
            if _agrees(posting, one) and await _same_account(client, one, encoding.decode(contents[posting.id][0]))
        ]
    return found


def _earlier(connection: Connection, parents: Iterable[Posting]) -> dict[int, list[str]]:
    """By posting id of a document: those that its record had before and that may be paid, by their marks, as far as they were read."""
    found: dict[int, list[str]] = {}
    for parent in parents:
        marks = [identity.marker(parent.flow_id, parent.kind, parent.external_id, n) for n in range(1, parent.issue)]
        if marks:
            there = documents.documents_by(connection, parent.tenant_id, parent.resource, "marker", marks)
            found[parent.id] = [one.document_id for one in there if one.status not in GONE]
    return found


def _agrees(posting: Posting, payment: Embedded) -> bool:
    day = record.day(str(payment["Date"])) if payment.get("Date") else None
    marked = identity.find_marker(None, payment.get("Reference")) is not None
    return not marked and day == posting.date and Decimal(str(payment.get("Amount", 0))) == posting.total


async def _same_account(client: XeroClient, payment: Embedded, element: Mapping[str, Any]) -> bool:
    """The document shows no account with its payments: the payment itself has to be asked for."""
    answer = await client.get(f"{RESOURCE}/{payment['PaymentID']}", lane=LANE)
    [whole] = record.plain(answer.body)[RESOURCE]
    wanted, there = element.get("Account") or {}, whole.get("Account") or {}
    return any(wanted.get(key) is not None and wanted[key] == there.get(key) for key in ("AccountID", "Code"))


def _choose(connection: Connection, posting: Posting, candidates: Sequence[Embedded] | None) -> str | Finding | None:
    """The payment that is this posting's; None: it was not made."""
    if candidates is None:
        return Finding(
            "parent-not-shown",
            f"Xero does not show the document of {posting.external_id}, so nobody can tell whether it is paid.",
            "Look for it in Xero: `counterfoil problems skip` if the payment is there, else `counterfoil problems retry`.",
        )
    ids = [str(one["PaymentID"]) for one in candidates]
    owners = postings.by_document(connection, posting.tenant_id, RESOURCE, ids)
    free = [one for one in ids if one not in owners or owners[one].id == posting.id]
    if len(free) > 1:
        return Finding(
            "payment-ambiguous",
            f"{len(free)} payments in Xero agree with {posting.external_id} in amount, day and account.",
            "Look at them in Xero; `counterfoil problems skip` if one of them is it, else `counterfoil problems retry`.",
        )
    return free[0] if free else None
