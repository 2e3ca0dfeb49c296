"""Look at Xero for what an unclear request may have made: adopt what is there, send again only what is not.

Called by finishing. A complete look (design §3.1, 6): by the table's key, and for what is not found also through every
document of that resource changed since the first attempt less five minutes (a person may have renumbered ours). Cost:
1 call per 40 numbers, plus 1 per 1,000 documents changed since. Idempotent.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from counterfoil.mirror.catching_up import CatchUp
from counterfoil.model.prepared import Finding, Predicted
from counterfoil.posting import deciding, deciding_contacts, freezing, kinds, recording
from counterfoil.posting.judging import ItemVerdict
from counterfoil.posting.rules import LOOK_FRESH_S, LOOK_OVERLAP, LOOKS_MAX, Rules, looks_needed
from counterfoil.store import documents, locks, postings, requests
from counterfoil.store.database import Connection, Database
from counterfoil.store.documents import Document, KnownContact, fold
from counterfoil.store.postings import Posting, Revision
from counterfoil.store.requests import Request
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import invoices

NUMBERS_PER_CALL = 40  # keeps the address under 2 kB with numbers of ordinary length
LANE = "looking"

Embedded = Mapping[str, Any]
Seen = Mapping[int, Sequence[Embedded] | None]
"""By posting id: what its parent document shows, None: Xero does not show the parent. Empty for kinds of the index."""


class Looked(msgspec.Struct, frozen=True):
    """What a look found for one posting: its document, a finding that needs a person, or nothing."""

    position: int
    posting: Posting
    document_id: str | None = None
    document_number: str | None = None
    finding: Finding | None = None
    state: str = "held"  # with a finding: held | rejected


class Looker:
    """Looks at unclear requests, several at once: what a look has read belongs to that look alone."""

    def __init__(self, database: Database, rules: Rules, catch_up: CatchUp, owner: str) -> None:
        self._database = database
        self._rules = rules
        self._catch_up = catch_up
        self._owner = owner

    async def look(self, client: XeroClient, request: Request) -> None:
        """Take one look and write what follows from it. Raises what reading raises; then nothing is written."""
        items = await self._database.read(lambda conn: requests.open_items(conn, request.id))
        if not items:
            return  # another process finished it since it was claimed
        ids = [posting_id for _position, posting_id, _revision in items]
        found = await self._database.read(lambda conn: postings.many(conn, ids))
        began_s = self._database.clock.elapsed_s()
        seen = await self._read(client, request, [found[posting_id] for posting_id in ids])
        await self._database.run(lambda conn: self._conclude(conn, request, items, seen, began_s))

    async def _read(self, client: XeroClient, request: Request, sought: Sequence[Posting]) -> Seen:
        """Bring the index up to date for these postings: by number, then by what changed since."""
        numbers = [posting.number for posting in sought if posting.own_number and posting.number]
        if request.resource == kinds.INVOICE.resource:
            for start in range(0, len(numbers), NUMBERS_PER_CALL):
                part = tuple(numbers[start : start + NUMBERS_PER_CALL])
                page = await invoices.page(client, page=1, page_size=1000, lane=LANE, numbers=part)
                await self._catch_up.keep(client, request.resource, page.items)
            marks = [posting.marker for posting in sought]
            seen = await self._database.read(
                lambda conn: documents.documents_by(conn, request.tenant_id, request.resource, "marker", marks)
            )
            if {document.marker for document in seen} >= set(marks):
                return {}
        cursor = await self._database.read(lambda conn: documents.cursor(conn, request.tenant_id, request.resource))
        since = (request.first_started or request.frozen_at) - LOOK_OVERLAP
        if cursor.since is not None:  # Xero's own time, in case our clock runs ahead of it
            since = min(since, cursor.since)
        await self._catch_up.changed_since(client, request.resource, since, lane=LANE)
        return {}

    def _conclude(
        self,
        connection: Connection,
        request: Request,
        items: Sequence[tuple[int, int, int]],
        seen: Seen,
        began_s: float,
    ) -> None:
        locks.hold_tenants(connection, [request.tenant_id])
        now = self._database.now(connection)
        found = postings.many(connection, [posting_id for _position, posting_id, _revision in items])
        contents = postings.revisions(connection, [(posting_id, revision) for _position, posting_id, revision in items])
        looked = [
            self._find(connection, position, found[pid], contents[pid], seen) for position, pid, _revision in items
        ]
        if request.resource != kinds.CONTACT.resource:
            looked = _one_each(connection, looked)
        last = request.looks + 1 >= looks_needed(request)
        fresh = self._database.clock.elapsed_s() - began_s <= LOOK_FRESH_S
        values = {"looks": request.looks + 1, "last_look": now, "not_before": now, "owner": None, "lease_until": None}
        if not requests.change(connection, request, values):
            return  # an attempt or another look came between: its word counts
        request = requests.get(connection, request.id)
        self._write_found(connection, request, looked, now)
        missing = [one for one in looked if one.document_id is None and one.finding is None]
        if not missing:
            requests.change(connection, request, {"state": "closed", "outcome": "looked"})
        elif last and fresh:
            self._send_again(connection, request, missing, now)
        elif not last:
            when = now + datetime.timedelta(seconds=self._rules.second_look_s)
            requests.change(connection, request, {"not_before": when})

    def _write_found(
        self, connection: Connection, request: Request, looked: Sequence[Looked], now: datetime.datetime
    ) -> None:
        how = "created" if request.unclear_attempts else "adopted"
        there = [one for one in looked if one.document_id is not None and one.finding is None]
        verdicts = [
            (one.posting.id, ItemVerdict(one.position, "posted", one.document_id, one.document_number)) for one in there
        ]
        recording.write_posted(connection, verdicts, how, now)
        for state in ("held", "rejected"):
            told = {one.posting.id: one.finding for one in looked if one.finding is not None and one.state == state}
            recording.write_held(connection, told, state, now)
        done = {one.position: "looked" for one in looked if one.document_id is not None or one.finding is not None}
        requests.close_items(connection, request.id, done)

    def _send_again(
        self, connection: Connection, request: Request, missing: Sequence[Looked], now: datetime.datetime
    ) -> None:
        """Not at Xero: close the request and freeze them anew in this very transaction, under a new key.

        What was unclear before goes in halves: one element may be what Xero breaks on, and the others shall not wait.
        """
        requests.close_items(connection, request.id, {one.position: "not found" for one in missing})
        requests.change(connection, request, {"state": "closed", "outcome": "looked: not all found"})
        tired = {one.posting.id: _tired(one.posting, request) for one in missing if _is_tired(one, request, missing)}
        recording.write_held(connection, tired, "held", now)
        again = [
            one.posting
            for one in missing
            if one.posting.id not in tired and one.posting.state in recording.ON_ITS_WAY  # nobody took it off meanwhile
        ]
        if request.unclear_attempts:
            looked = [{"pid": posting.id, "looks": posting.looks + 1} for posting in again]
            postings.update_many(connection, looked, recording.ON_ITS_WAY)
        half = (len(again) + 1) // 2 if any(posting.looks for posting in again) else len(again)
        kind = kinds.BY_RESOURCE[request.resource]
        for part in (again[:half], again[half:]):
            if part:
                freezing.freeze(connection, kind, part, self._rules, self._owner, now, was=recording.ON_ITS_WAY)

    def _find(self, connection: Connection, position: int, posting: Posting, revision: Revision, seen: Seen) -> Looked:
        del seen  # it is in the index
        if posting.resource == kinds.CONTACT.resource:
            return _find_contact(connection, position, posting, revision)
        return _find_document(connection, position, posting, revision)


def _find_document(connection: Connection, position: int, posting: Posting, revision: Revision) -> Looked:
    tenant, resource = posting.tenant_id, posting.resource
    ours = documents.documents_by(connection, tenant, resource, "marker", [posting.marker])
    if ours:
        return _judge_ours(position, posting, deciding.adopt_or_hold(ours))
    if not posting.number:
        return Looked(position, posting)
    numbered = documents.documents_by(connection, tenant, resource, "number_key", [fold(posting.number)])
    if not numbered:
        return Looked(position, posting)
    return _judge_numbered(connection, position, posting, revision, numbered)


def _one_each(connection: Connection, looked: Sequence[Looked]) -> list[Looked]:
    """A document belongs to one posting: what another has, or another of this look finds first, is not ours."""
    first = looked[0].posting
    ids = [one.document_id for one in looked if one.document_id is not None]
    owners = postings.by_document(connection, first.tenant_id, first.resource, ids)
    single: list[Looked] = []
    for one in looked:
        owner = owners.setdefault(one.document_id, one.posting) if one.document_id is not None else one.posting
        if owner.id == one.posting.id:
            single.append(one)
        else:
            single.append(Looked(one.position, one.posting, finding=deciding.taken_by_posting(owner), state="rejected"))
    return single


def _judge_ours(position: int, posting: Posting, decision: deciding.Decision) -> Looked:
    if decision.action == "adopt" and decision.document is not None:
        return Looked(position, posting, decision.document.document_id, decision.document.number)
    return Looked(position, posting, finding=decision.finding)


def _judge_numbered(
    connection: Connection, position: int, posting: Posting, revision: Revision, numbered: Sequence[Document]
) -> Looked:
    """Our number, another mark or none: proved by contact, date, currency and total, or somebody else's."""
    marked = next((document for document in numbered if document.marker), None)
    if marked is not None:
        return Looked(position, posting, finding=deciding.taken_by_ours(posting.number or "", marked), state="rejected")
    predicted = msgspec.convert(revision.predicted, Predicted)
    contact = postings.get(connection, posting.after_id) if posting.after_id else None
    contact_id = contact.document_id if contact and contact.document_id else ""
    owners = postings.by_document(connection, posting.tenant_id, posting.resource, [d.document_id for d in numbered])
    if len(numbered) == 1 and not owners and deciding.proves(predicted, contact_id, numbered[0]):
        return _judge_ours(position, posting, deciding.adopt_or_hold(numbered))
    return Looked(position, posting, finding=deciding.taken_by_stranger(numbered[0]))


def _find_contact(connection: Connection, position: int, posting: Posting, revision: Revision) -> Looked:
    numbered = documents.contacts_by(connection, posting.tenant_id, "number", [posting.external_id])
    name = str(revision.predicted["name"])
    if numbered:
        return _judge_contact(position, posting, numbered[0], name)
    namesakes = documents.contacts_by(connection, posting.tenant_id, "name_key", [fold(name)])
    if any(contact.status == "ACTIVE" for contact in namesakes):
        return Looked(position, posting, finding=deciding_contacts.namesake(posting.external_id))
    return Looked(position, posting)


def _judge_contact(position: int, posting: Posting, contact: KnownContact, name: str) -> Looked:
    if contact.status != "ACTIVE":
        return Looked(position, posting, finding=deciding_contacts.archived(posting.external_id, contact.status))
    if contact.name_key != fold(name):
        return Looked(position, posting, finding=deciding_contacts.number_differs(posting.external_id))
    return Looked(position, posting, contact.contact_id, posting.external_id)


def _is_tired(one: Looked, request: Request, missing: Sequence[Looked]) -> bool:
    """Asked of Xero often enough: a number that nobody can find, or an element that alone gets no clear answer."""
    alone = len(missing) == 1 or not request.unclear_attempts
    return alone and one.posting.looks >= LOOKS_MAX


def _tired(posting: Posting, request: Request) -> Finding:
    if request.unclear_attempts:
        return Finding(
            "no-clear-answer",
            f"Xero never gave a clear answer to {posting.external_id} ({request.outcome}), and it is not there.",
            "Look at the record for something unusual, then `counterfoil problems retry` or skip.",
        )
    return Finding(
        "number-unfindable",
        f"Xero says that {posting.number or posting.external_id} is used, but shows no such document.",
        "Search for it in Xero (deleted and voided ones included), then `counterfoil problems retry` or skip.",
    )
