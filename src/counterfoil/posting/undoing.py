"""`undo RUN`: take a run back. First a plan, which writes nothing; then the plan is carried out as changes of documents.

Called by app. Drafts are deleted, unpaid authorised documents are voided, credit notes too, and so are those that only
payments of the same run paid, which are deleted first (posting/unpaying); what somebody else paid or allocated, what was
sent, edited by a person or changed by a later run stays, with the reason, and so do a credited invoice, its credit note
and what replaced it. What was planned and not sent yet is cancelled. Contacts stay. An undo that is interrupted goes on
with `finish`: carrying out only plans, posting/rewriting reads each document again right before it writes. What was taken
back is not posted again unasked (posting/changing). Cost: 1 call per 40 invoices to plan, 1 per credit note.
"""

import datetime
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.mirror.catching_up import CatchUp
from counterfoil.posting import kinds, looking_through, reading, recovering, rewriting, standing, unpaying, weighing
from counterfoil.store import changes, credited, locks, payments, postings
from counterfoil.store import documents as store_documents
from counterfoil.store.changes import UNDO, Content
from counterfoil.store.database import Connection, Database
from counterfoil.store.postings import Posting
from counterfoil.xero.client import XeroClient

BATCH = 200  # postings per transaction
UNPAY, DELETE, VOID, CANCEL, KEEP = "unpay", "delete", "void", "cancel", "keep"
UNSENT = ("planned", "held", "rejected")
NOTHING_THERE = ("held", "rejected", "cancelled")
TAKEN_BACK = (*kinds.RECORDS, kinds.CREDIT, kinds.PAYMENT.name)
Clients = Callable[[str], Awaitable[XeroClient]]
Closed = Mapping[str, datetime.date]


class Line(msgspec.Struct, frozen=True):
    """One document's or payment's fate.

    `action`: unpay (the payment is deleted) | delete | void | cancel (not sent yet) | keep, for the `reason`.
    """

    posting_id: int
    revision: int
    entity: str
    external_id: str
    document_id: str | None
    number: str | None
    total: Decimal | None
    currency: str | None
    action: str
    reason: str = ""
    kind: str = kinds.INVOICE.name


class UndoPlan(msgspec.Struct, frozen=True):
    """What taking a run back would do: company by company, oldest document first, each after its payments."""

    run_id: int
    lines: tuple[Line, ...]

    def count(self, *actions: str) -> int:
        """How many documents have one of these fates."""
        return sum(1 for line in self.lines if line.action in actions)


async def plan(
    database: Database, run_id: int, clients: Clients, catch_up: CatchUp, closed: Closed | None = None
) -> UndoPlan:
    """What would happen. `closed`: per entity the last day of its books that may not move. Raises what reading raises."""
    chosen = await _chosen(database, run_id)
    if unsent := [one for one in chosen if one.state == "planned" and one.action is None]:
        await _compared(database, unsent, clients, catch_up)
        chosen = await _chosen(database, run_id)
    lines: list[Line] = []
    for entity in dict.fromkeys(one.entity for one in chosen):
        here = [one for one in chosen if one.entity == entity]
        notes = [one for one in here if one.kind == kinds.CREDIT_NOTE.name and one.state == "posted"]
        documents = await database.read(functools.partial(_documents, chosen=here))
        stored: dict[str, dict[str, Any]] = {}
        if documents or notes:
            client = await clients(entity)
            stored = await reading.fetch(client, catch_up, documents, lane="interactive")
            stored |= await reading.fetch_all(client, catch_up, notes, lane="interactive")
        seen = _Seen(run_id, stored, (closed or {}).get(entity))
        lines += await database.read(functools.partial(_lines, chosen=here, seen=seen))
    return UndoPlan(run_id, tuple(lines))


async def _chosen(database: Database, run_id: int) -> list[Posting]:
    found = await database.read(lambda conn: changes.of_run(conn, run_id))
    return [one for one in found if one.kind in TAKEN_BACK and one.state not in NOTHING_THERE]


async def _compared(database: Database, unsent: Sequence[Posting], clients: Clients, catch_up: CatchUp) -> None:
    """A copy of the database may believe unsent what Xero has: it is read before anything is cancelled (recovering)."""
    for entity, resource in dict.fromkeys((one.entity, one.resource) for one in unsent):
        client = await clients(entity)
        tenant = client.binding.tenant_id
        cursor = await database.read(functools.partial(store_documents.cursor, tenant_id=tenant, resource=resource))
        if cursor.recovered:
            continue
        if resource == kinds.PAYMENT.resource:
            await recovering.quiet(database)
            await looking_through.verify(database, client, catch_up, database.clock.now())
        else:
            await recovering.catch_up_safely(database, client, catch_up, resource, lane="interactive")


class _Seen(msgspec.Struct, frozen=True):
    """The run that is taken back, what Xero has now of an entity's documents, the last day that may not move."""

    run_id: int
    stored: Mapping[str, Mapping[str, Any]]
    closed: datetime.date | None


def _documents(connection: Connection, chosen: Sequence[Posting]) -> list[str]:
    """The invoices that have to be read: those that were posted, and those that payments are on."""
    paid = postings.document_ids(connection, [one.after_id for one in chosen if one.kind == kinds.PAYMENT.name])
    made = [one.document_id for one in chosen if one.kind == kinds.INVOICE.name and one.state == "posted"]
    return sorted({one for one in (*made, *paid.values()) if one is not None})


def _lines(connection: Connection, chosen: Sequence[Posting], seen: _Seen) -> list[Line]:
    made = [one for one in chosen if one.kind != kinds.PAYMENT.name]
    stays = _credits(connection, made)
    invoices = [one for one in made if one.kind == kinds.INVOICE.name]
    paying: dict[int, list[Posting]] = {}
    for payment in payments.of_documents(connection, [one.id for one in invoices]):
        paying.setdefault(payment.after_id or 0, []).append(payment)
    bases = changes.posted(connection, [one.id for one in (*made, *(p for ps in paying.values() for p in ps))])
    lines = [
        line
        for posting in made
        for line in (
            [_told(posting, KEEP, f"{stays[posting.id]}: run the flow with what the record said before")]
            if posting.id in stays
            else _of_document(connection, posting, paying.get(posting.id, []), bases, seen)
        )
    ]
    alone = [one for one in chosen if one.kind == kinds.PAYMENT.name and one.after_id not in {i.id for i in invoices}]
    owners = postings.document_ids(connection, [one.after_id for one in alone])
    bases = changes.posted(connection, [one.id for one in alone])
    return lines + [_of_payment(one, bases[one.id], owners.get(one.after_id), seen) for one in alone]


def _credits(connection: Connection, chosen: Sequence[Posting]) -> dict[int, str]:
    """Why these stay: one alone of a credited invoice, its credit note and what replaced it would leave a wrong balance."""
    found: dict[int, str] = {}
    for flow_id in {one.flow_id for one in chosen}:
        here = [one for one in chosen if one.flow_id == flow_id]
        chains = credited.of_flow(connection, flow_id, [one.external_id for one in here])
        notes = {of: one.credit.document_number for of, one in chains.items() if one.is_sent and one.credit is not None}
        for one in here:
            own, before = (one.external_id, one.issue), (one.external_id, one.issue - 1)
            if one.kind == kinds.CREDIT:
                found[one.id] = "it credits an invoice, in whose place another one came"
            elif own in notes:
                found[one.id] = f"it was credited by {notes[own] or 'a credit note'}, and another one came in its place"
            elif before in notes:
                found[one.id] = f"it replaces an invoice that was credited by {notes[before] or 'a credit note'}"
    return found


def _of_document(
    connection: Connection, posting: Posting, paying: Sequence[Posting], bases: Mapping[int, Content], seen: _Seen
) -> list[Line]:
    """A document after its payments; of one that stays, they stay too."""
    unsent = [_told(one, CANCEL) for one in paying if one.state in UNSENT and one.document_id is None]
    if posting.state == "planned" and posting.action is None:
        return [*unsent, _told(posting, CANCEL)]
    base, document = bases[posting.id], seen.stored.get(posting.document_id or "")
    reason = _of_another(posting, base, seen.run_id)
    if reason is None and document is None:
        reason = "Xero no longer shows it"
    ours = [one for one in paying if one.document_id and _of_another(one, bases[one.id], seen.run_id) is None]
    if reason is None and any(one.state in ("sending", "uncertain") for one in paying):
        reason = "a payment of it is on its way to Xero: run `counterfoil finish` first"
    if reason is None and document is not None:
        reason = _paid_later(document, paying, bases, seen.run_id)
    if reason is not None or document is None:
        return [_told(posting, KEEP, reason or "")]
    left = unpaying.without(document, {one.document_id for one in ours})
    weighed = rewriting.weighed_of(connection, posting, base, None, seen.closed)
    reason = weighing.kept_because(weighed, left) or _a_payment_stays(document, ours, seen.closed)
    if reason is not None:
        return [_told(posting, KEEP, reason)]
    unpaid = [_told(one, UNPAY) for one in ours if unpaying.listed(document, {one.document_id})]
    return [*unpaid, *unsent, _told(posting, VOID if standing.theirs_head(left, "Status") == "AUTHORISED" else DELETE)]


def _paid_later(
    document: Mapping[str, Any], paying: Sequence[Posting], bases: Mapping[int, Content], run_id: int
) -> str | None:
    """Another run of ours paid it, which can be taken back itself."""
    others = {one.document_id: bases[one.id].run_id for one in paying if bases[one.id].run_id != run_id}
    shown = unpaying.listed(document, others.keys())
    return f"run {others[shown[0]['PaymentID']]} paid it: take that one back first" if shown else None


def _a_payment_stays(document: Mapping[str, Any], ours: Sequence[Posting], closed: datetime.date | None) -> str | None:
    """Why one of the run's own payments on it cannot be deleted."""
    shown = unpaying.listed(document, {one.document_id for one in ours})
    reasons = [reason for one in shown if (reason := unpaying.kept_because(one, closed)) is not None]
    return f"a payment of it stays: {reasons[0]}" if reasons else None


def _of_payment(posting: Posting, base: Content, document_id: str | None, seen: _Seen) -> Line:
    """A payment that the run made of an invoice that it did not make."""
    if posting.state == "planned" and posting.action is None:
        return _told(posting, CANCEL)
    shown = unpaying.listed(seen.stored.get(document_id or "", {}), {posting.document_id})
    reason = _of_another(posting, base, seen.run_id)
    if reason is None:
        reason = unpaying.kept_because(shown[0], seen.closed) if shown else "Xero no longer shows it"
    return _told(posting, UNPAY if reason is None else KEEP, reason or "")


def _of_another(posting: Posting, base: Content, run_id: int) -> str | None:
    """Why the document is not this run's to take back; None: it is."""
    if posting.state != "posted":
        return "it is on its way to Xero: run `counterfoil finish` first"
    if posting.how != "created":
        return "the run did not make it, it was in Xero before"
    if base.run_id != run_id:
        return f"run {base.run_id} changed it later" if base.action else f"run {base.run_id} made it"
    if base.action is not None:
        return "the run changed it and did not make it: run the flow with what the record said before"
    return None


def _told(posting: Posting, action: str, reason: str = "") -> Line:
    return Line(
        posting.id, posting.revision, posting.entity, posting.external_id, posting.document_id,
        posting.document_number or posting.number, posting.total, posting.currency, action, reason, posting.kind,
    )  # fmt: skip


async def carry_out(database: Database, wanted: UndoPlan, run_id: int, closed: Closed | None = None) -> int:
    """Plan the changes; → how many. `run_id`: the undo's own run. Then the entities' workers have to finish them.

    Idempotent: what moved on since the plan is left alone.
    """
    chosen = [line for line in wanted.lines if line.action != KEEP]
    count = 0
    for start in range(0, len(chosen), BATCH):
        part = chosen[start : start + BATCH]
        count += await database.run(functools.partial(_plan, part, run_id, closed or {}, database))
    return count


def _plan(part: Sequence[Line], run_id: int, closed: Closed, database: Database, connection: Connection) -> int:
    found = postings.many(connection, [line.posting_id for line in part])
    locks.hold_tenants(connection, sorted({posting.tenant_id for posting in found.values()}))
    found = postings.many(connection, list(found))  # as they are now that nobody else moves them
    now = database.now(connection)
    count = 0
    for line in part:
        posting = found[line.posting_id]
        if posting.revision != line.revision:
            continue
        if line.action == CANCEL:
            values: dict[str, Any] = {"state": "cancelled", "action": UNDO, "last_run_id": run_id, "changed_at": now}
            fresh = posting.action is None and posting.document_id is None and _is_nowhere(connection, posting, now)
            was = UNSENT if posting.kind == kinds.PAYMENT.name else ("planned",)
            count += fresh and postings.update(connection, posting.id, was, values)
        elif posting.action != UNDO and posting.state == "posted":
            count += _take_back(connection, posting, run_id, closed.get(posting.entity), now)
    return count


def _is_nowhere(connection: Connection, posting: Posting, now: datetime.datetime) -> bool:
    """Whether Xero has nothing of what is to be cancelled: it was read since this database was opened anew."""
    if not store_documents.cursor(connection, posting.tenant_id, posting.resource).recovered:
        return False
    return posting.kind not in kinds.RECORDS or bool(recovering.sift(connection, [posting], now))


def _take_back(
    connection: Connection, posting: Posting, run_id: int, closed: datetime.date | None, now: datetime.datetime
) -> int:
    n = changes.next_revision(connection, posting.id)
    values: dict[str, Any] = {
        "state": "planned", "action": UNDO, "pending_revision": n, "pending_hash": None, "cause": None, "reason": None,
        "remedy": None, "xero_messages": None, "skipped": None, "looks": 0, "last_run_id": run_id, "changed_at": now,
    }  # fmt: skip
    if not postings.update(connection, posting.id, ("posted",), values):
        return 0
    revision = postings.revision_row(
        posting_id=posting.id, n=n, record=b"null", record_hash=posting.record_hash, element=b"{}", predicted=b"{}",
        source="undo", at=now, run_id=run_id, after_id=posting.after_id, action=UNDO, closed=closed,
    )  # fmt: skip
    postings.add_revisions(connection, [revision])
    return 1
