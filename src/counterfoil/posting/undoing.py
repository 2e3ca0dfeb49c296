"""`undo RUN`: take a run back. First a plan, which writes nothing; then the plan is carried out as changes of documents.

Called by app. Drafts are deleted, unpaid authorised documents are voided; what was paid, sent, edited by a person or
changed by a later run stays, with the reason. What was planned and not sent yet is cancelled. Contacts stay. An undo that
is interrupted goes on with `finish`: carrying out only plans, posting/rewriting reads each document again right before
it writes. What was taken back is not posted again unasked (posting/changing). Cost: 1 call per 40 documents to plan.
"""

import datetime
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.mirror.catching_up import CatchUp
from counterfoil.posting import kinds, reading, rewriting, standing, weighing
from counterfoil.store import changes, locks, postings
from counterfoil.store.changes import UNDO, Content
from counterfoil.store.database import Connection, Database
from counterfoil.store.postings import Posting
from counterfoil.xero.client import XeroClient

BATCH = 200  # postings per transaction
DELETE, VOID, CANCEL, KEEP = "delete", "void", "cancel", "keep"
NOTHING_THERE = ("held", "rejected", "cancelled")
Clients = Callable[[str], Awaitable[XeroClient]]
Closed = Mapping[str, datetime.date]


class Line(msgspec.Struct, frozen=True):
    """One document's fate. `action`: delete | void | cancel (not sent yet) | keep, for the `reason`."""

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


class UndoPlan(msgspec.Struct, frozen=True):
    """What taking a run back would do, oldest posting first."""

    run_id: int
    lines: tuple[Line, ...]

    def count(self, *actions: str) -> int:
        """How many documents have one of these fates."""
        return sum(1 for line in self.lines if line.action in actions)


async def plan(
    database: Database, run_id: int, clients: Clients, catch_up: CatchUp, closed: Closed | None = None
) -> UndoPlan:
    """What would happen. `closed`: per entity the last day of its books that may not move. Raises what reading raises."""
    found = await database.read(lambda conn: changes.of_run(conn, run_id))
    invoices = [one for one in found if one.kind == kinds.INVOICE.name and one.state not in NOTHING_THERE]
    lines: dict[int, Line] = {}
    for entity in dict.fromkeys(one.entity for one in invoices):
        here = [one for one in invoices if one.entity == entity]
        ids = [one.document_id for one in here if one.state == "posted" and one.document_id is not None]
        stored = await reading.fetch(await clients(entity), catch_up, ids, lane="interactive") if ids else {}
        day = (closed or {}).get(entity)
        told = await database.read(functools.partial(_lines, run_id=run_id, chosen=here, stored=stored, closed=day))
        lines.update({line.posting_id: line for line in told})
    return UndoPlan(run_id, tuple(lines[one.id] for one in invoices))


def _lines(
    connection: Connection,
    run_id: int,
    chosen: Sequence[Posting],
    stored: Mapping[str, Mapping[str, Any]],
    closed: datetime.date | None,
) -> list[Line]:
    bases = changes.posted(connection, [posting.id for posting in chosen])
    return [_line(connection, run_id, posting, bases[posting.id], stored, closed) for posting in chosen]


def _line(
    connection: Connection,
    run_id: int,
    posting: Posting,
    base: Content,
    stored: Mapping[str, Mapping[str, Any]],
    closed: datetime.date | None,
) -> Line:
    if posting.state == "planned" and posting.action is None:
        return _told(posting, CANCEL)
    reason = _of_another(posting, base, run_id)
    if reason is not None:
        return _told(posting, KEEP, reason)
    document = stored.get(posting.document_id or "")
    if document is None:
        return _told(posting, KEEP, "Xero no longer shows it")
    weighed = rewriting.weighed_of(connection, posting, base, None, closed)
    reason = weighing.kept_because(weighed, document)
    if reason is not None:
        return _told(posting, KEEP, reason)
    return _told(posting, VOID if standing.theirs_head(document, "Status") == "AUTHORISED" else DELETE)


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
        posting.document_number or posting.number, posting.total, posting.currency, action, reason,
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
            fresh = posting.action is None and posting.document_id is None
            count += fresh and postings.update(connection, posting.id, ("planned",), values)
        elif posting.action != UNDO and posting.state == "posted":
            count += _take_back(connection, posting, run_id, closed.get(posting.entity), now)
    return count


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
