"""Changes of documents on their way: read the document again, compare, freeze; and look for a change that is unclear.

Called by finishing. Reading, freezing and the first attempt lie at most FRESH_S apart each: Xero has no way to say "only
if nobody changed it meanwhile" (facts §4.7), so that window is what remains (docs/promises/changes.md). Cost: 1 call per
40 documents for reading, 1 per batch for writing. A change is sent again under a new key only after the document was
read and compared anew.
"""

import datetime
import functools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from counterfoil.mirror.catching_up import CatchUp
from counterfoil.model.prepared import Finding
from counterfoil.posting import (
    changing,
    concluding,
    credit_chain,
    encoding,
    freezing,
    kinds,
    reading,
    recording,
    rewritten,
    weighing,
)
from counterfoil.posting.judging import ItemVerdict
from counterfoil.posting.rules import FRESH_S, LOOKS_MAX, Rules
from counterfoil.posting.weighing import Verdict, Weighed
from counterfoil.store import changes, credited, documents, locks, postings, requests
from counterfoil.store.changes import UNDO, Content
from counterfoil.store.credited import Chain
from counterfoil.store.database import Connection, Database
from counterfoil.store.postings import Posting
from counterfoil.store.requests import Request
from counterfoil.xero.client import XeroClient

LANE = "interactive"
Stored = Mapping[str, Mapping[str, Any]]


class Rewriter:
    """Compares and looks for changes of one tenant's documents."""

    def __init__(
        self, database: Database, rules: Rules, catch_up: CatchUp, owner: str, but: Collection[str] = ()
    ) -> None:
        """`but`: flows whose postings are left alone."""
        self._database = database
        self._but = but
        self._rules = rules
        self._catch_up = catch_up
        self._owner = owner
        self._patience = reading.Patience()

    async def compare(self, client: XeroClient, closed: Collection[str] = ()) -> None:
        """Read the documents of the next planned changes, and freeze, settle or hold each of them.

        Raises what reading raises; Unclear when Xero keeps showing less than it has shown before.
        """
        entity, tenant = client.binding.entity, client.binding.tenant_id
        most = min(self._rules.batch, reading.IDS_PER_CALL)
        due = await self._database.read(
            lambda conn: changes.ready(conn, entity, tenant, most, closed=closed, but=self._but)
        )
        chosen = _together(due)
        began_s = self._database.clock.elapsed_s()
        stored = await reading.fetch_all(client, self._catch_up, chosen, lane=LANE)
        work = functools.partial(self._settle, tenant, chosen, stored, began_s)
        self._patience.after(await self._database.run(work))

    def _settle(
        self, tenant: str, chosen: Sequence[Posting], stored: Stored, began_s: float, connection: Connection
    ) -> int:
        """Write down what follows for each; → how many are settled or frozen."""
        locks.hold_tenants(connection, [tenant])
        now = self._database.now(connection)
        if self._database.clock.elapsed_s() - began_s > FRESH_S:
            return 0
        current = postings.many(connection, [posting.id for posting in chosen])
        waiting = [current[posting.id] for posting in chosen if current[posting.id] == posting]
        unseen = outdated(connection, tenant, stored)
        waiting = [one for one in waiting if one.document_id not in unseen]
        chains = credited.of(connection, [one for one in waiting if one.action == changing.REISSUE])
        verdicts = _verdicts(connection, waiting, stored, chains)
        concluding.held(connection, {pid: v.finding for pid, v in verdicts.items() if v.finding is not None}, now)
        already = [
            (pid, ItemVerdict(0, "posted", current[pid].document_id, current[pid].document_number))
            for pid, verdict in verdicts.items()
            if verdict.is_done
        ]
        concluding.done(connection, already, now)
        self._credit(connection, waiting, verdicts, chains, stored, now)
        ready: list[tuple[Posting, bytes]] = []
        for posting in waiting:
            verdict = verdicts.get(posting.id)
            if verdict is not None and verdict.element is not None:
                credit_chain.drop(connection, chains.get(posting.id, credited.NONE), now)
                read = stored[posting.document_id or ""]
                ready.append((posting, self._frozen(connection, posting, verdict, read)))
        freezing.freeze_changes(connection, ready, self._rules, self._owner, now)
        return len(verdicts)

    def _credit(
        self, connection: Connection, waiting: Sequence[Posting], verdicts: Mapping[int, Verdict],
        chains: Mapping[int, Chain], stored: Stored, now: datetime.datetime,
    ) -> None:  # fmt: skip
        """Plan the next link of what credits a document, or wait for the one that is on its way.

        Of which state of the document is kept beside the change, so that what Xero refuses is not asked again unasked.
        """
        contents = changes.pending(connection, [pid for pid, verdict in verdicts.items() if verdict.step is not None])
        for posting in waiting:
            verdict = verdicts[posting.id]
            if verdict.step is not None:
                chain, content = chains.get(posting.id, credited.NONE), contents[posting.id]
                read: dict[str, Any] = {
                    "element": {},
                    "total": None,
                    "read": reading.stamp(stored[posting.document_id or ""]),
                }
                changes.freeze_with(connection, posting.id, content.n, encoding.encode(read))
                credit_chain.go_on(connection, posting, content, chain, verdict.step, now)
            elif verdict.after is not None:
                credit_chain.wait_for(connection, posting, verdict.after, now)

    def _frozen(self, connection: Connection, posting: Posting, verdict: Verdict, read: Mapping[str, Any]) -> bytes:
        """The bytes of a change; what it sets, and of which state of the document, is kept beside its content."""
        assert posting.pending_revision is not None
        assert verdict.element is not None
        sets = {"element": verdict.element, "total": verdict.total, "read": reading.stamp(read)}
        changes.freeze_with(connection, posting.id, posting.pending_revision, encoding.encode(sets))
        of_note = posting.resource == kinds.CREDIT_NOTE.resource
        return encoding.encode(kinds.in_xeros_words(verdict.element) if of_note else verdict.element)

    # ---- looking

    async def look(self, client: XeroClient, request: Request) -> None:
        """Is an unclear change there? Done if the fields that it sets are; else it is compared anew and sent again."""
        items = await self._database.read(lambda conn: requests.open_items(conn, request.id))
        found = await self._database.read(lambda conn: postings.many(conn, [pid for _position, pid, _n in items]))
        stored = await reading.fetch_all(client, self._catch_up, list(found.values()), lane="looking")
        await self._database.run(functools.partial(self._conclude, request, stored))

    def _conclude(self, request: Request, stored: Stored, connection: Connection) -> None:
        locks.hold_tenants(connection, [request.tenant_id])
        now = self._database.now(connection)
        values = {"looks": request.looks + 1, "last_look": now, "state": "closed", "outcome": "looked",
                  "owner": None, "lease_until": None, "not_before": None}  # fmt: skip
        items = requests.open_items(connection, request.id)
        if not requests.change(connection, request, values):
            return  # an attempt or another look came between: its word counts
        found = postings.many(connection, [posting_id for _position, posting_id, _n in items])
        sets = changes.sets_of(connection, request.id)
        there = {
            posting_id
            for _position, posting_id, _n in items
            if (document := stored.get(found[posting_id].document_id or "")) is not None
            and not rewritten.missing(dict(document), sets[posting_id])
        }
        outcomes = {position: "looked" if pid in there else "not found" for position, pid, _n in items}
        requests.close_items(connection, request.id, outcomes)
        verdicts = [(pid, _posted(pid, found, stored)) for pid in sorted(there)]
        concluding.done(connection, verdicts, now)
        self._again(connection, request, [found[pid] for _position, pid, _n in items if pid not in there], now)

    def _again(
        self, connection: Connection, request: Request, missing: Sequence[Posting], now: datetime.datetime
    ) -> None:
        """Not there: compared anew, alone, before anything is sent; after a few rounds a person is asked."""
        tired = {one.id: _tired(one, request) for one in missing if one.looks >= LOOKS_MAX}
        concluding.held(connection, tired, now)
        rows = [
            {"pid": one.id, "state": "planned", "looks": one.looks + 1, "cause": None, "reason": None, "remedy": None,
             "changed_at": now}
            for one in missing
            if one.id not in tired
        ]  # fmt: skip
        postings.update_many(connection, rows, recording.ON_ITS_WAY)


def _together(chosen: Sequence[Posting]) -> list[Posting]:
    """Changes that may share a request: one that was in trouble goes alone."""
    untroubled = [posting for posting in chosen if not posting.looks]
    return untroubled or list(chosen[:1])


def outdated(connection: Connection, tenant: str, stored: Stored) -> set[str]:
    """Documents of which the mirror has seen a newer state than the one just read."""
    known = [
        one
        for resource in (kinds.INVOICE.resource, kinds.CREDIT_NOTE.resource)
        for one in documents.documents_by(connection, tenant, resource, "document_id", list(stored))
    ]
    seen = {one.document_id: one.updated_at for one in known}
    return {
        document_id
        for document_id, document in stored.items()
        if (newer := seen.get(document_id)) is not None and newer > reading.stamp(document)
    }


def _verdicts(
    connection: Connection, waiting: Sequence[Posting], stored: Stored, chains: Mapping[int, Chain]
) -> dict[int, Verdict]:
    ids = [posting.id for posting in waiting]
    bases, contents = changes.posted(connection, ids), changes.pending(connection, ids)
    closed = changes.closed_of(connection, ids)
    found: dict[int, Verdict] = {}
    for posting in waiting:
        document = stored.get(posting.document_id or "")
        if document is None:
            found[posting.id] = Verdict(finding=_not_shown(posting))
            continue
        ours = contents.get(posting.id)
        chain = chains.get(posting.id, credited.NONE)
        weighed = weighed_of(connection, posting, bases[posting.id], ours, closed.get(posting.id), chain)
        found[posting.id] = weighing.weigh(weighed, document)
    return found


def weighed_of(
    connection: Connection,
    posting: Posting,
    base: Content,
    ours: Content | None,
    closed: datetime.date | None,
    chain: Chain = credited.NONE,
) -> Weighed:
    """What a change is weighed with, from the tables."""
    line_ids = changes.line_ids(connection, posting)
    side = changing.of(ours, posting) if ours is not None and posting.action != UNDO else None
    return Weighed(posting, changing.of(base, posting), side, line_ids, closed, chain)


def _posted(posting_id: int, found: Mapping[int, Posting], stored: Stored) -> ItemVerdict:
    document_id = found[posting_id].document_id or ""
    return ItemVerdict(0, "posted", document_id, stored[document_id].get("InvoiceNumber"))


def _not_shown(posting: Posting) -> Finding:
    return Finding(
        "not-in-xero",
        f"Xero no longer shows {posting.document_number or posting.document_id}.",
        "Look for it in Xero; `counterfoil why` tells its story.",
    )


def _tired(posting: Posting, request: Request) -> Finding:
    return Finding(
        "no-clear-answer",
        f"Xero never gave a clear answer to the change of {posting.external_id} ({request.outcome}), and it is not there.",
        "Look at the record for something unusual, then `counterfoil problems retry` or skip.",
    )
