"""Payments of ours that are taken back: deleted at Xero, each by a call of its own, before their invoice is voided.

Called by undoing (to plan) and finishing. A payment is never changed at Xero, only deleted, by POST /Payments/{id} with
Status DELETED (facts §5.10); the invoice is then as if it had never been paid. Its invoice is read again right before,
and decides: what somebody else paid, sent or edited keeps our payment too. An unclear deletion is looked for through the
invoice. Cost: 1 call per 40 invoices for reading, 1 per payment.
"""

import datetime
import functools
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil.mirror.catching_up import CatchUp
from counterfoil.model import record
from counterfoil.model.prepared import Finding
from counterfoil.posting import concluding, encoding, freezing, kinds, reading, recording, rewriting, weighing
from counterfoil.posting.judging import ItemVerdict
from counterfoil.posting.kinds import Kind, WrittenPayment
from counterfoil.posting.rules import FRESH_S, LOOKS_MAX, Rules
from counterfoil.store import changes, locks, payments, postings, requests
from counterfoil.store.changes import UNDO
from counterfoil.store.database import Connection, Database
from counterfoil.store.postings import Brief, Posting
from counterfoil.store.requests import Request
from counterfoil.xero.client import XeroClient

LANE = "interactive"
DELETED = "DELETED"
BODY = encoding.encode({"Status": DELETED})
ITS_INVOICE_STAYS = "its invoice stays: "
Stored = Mapping[str, Mapping[str, Any]]


class WrittenDeletion(WrittenPayment, frozen=True, kw_only=True):
    """A payment as Xero shows it after it was deleted."""

    status: str | None = msgspec.field(default=None, name="Status")


def _differences(stored: WrittenDeletion, _sets: bytes, _document_id: str | None) -> tuple[str, ...]:
    return () if stored.status == DELETED else (f"status: we expected {DELETED}, Xero stored {stored.status}",)


def _is_it(stored: WrittenDeletion, posting: Brief) -> bool:
    return isinstance(posting, Posting) and stored.document_id == posting.document_id


DELETED_PAYMENT = msgspec.structs.replace(
    kinds.PAYMENT, written=WrittenDeletion, carries_mark=_is_it, differences=_differences
)  # what a request that deletes one is judged by; it is never built


def kind_of(request: Request) -> Kind | None:
    """How the answer to a deletion is recognised; None: the request is another one."""
    is_deletion = request.resource == kinds.PAYMENT.resource and recording.is_change(request)
    return DELETED_PAYMENT if is_deletion else None


def listed(invoice: Mapping[str, Any], payment_ids: Collection[str | None]) -> list[Mapping[str, Any]]:
    """Those of these payments that the invoice shows."""
    return [one for one in invoice.get("Payments") or () if one["PaymentID"] in payment_ids]


def without(invoice: Mapping[str, Any], payment_ids: Collection[str | None]) -> dict[str, Any]:
    """The invoice as it would be without these payments."""
    gone = listed(invoice, payment_ids)
    if not gone:
        return dict(invoice)
    others = [one for one in invoice["Payments"] if one not in gone]
    paid = Decimal(str(invoice.get("AmountPaid") or 0)) - sum(Decimal(str(one["Amount"])) for one in gone)
    status = "AUTHORISED" if invoice.get("Status") == "PAID" else invoice.get("Status")
    return {**invoice, "Payments": others, "AmountPaid": paid, "Status": status}


def kept_because(payment: Mapping[str, Any], closed: datetime.date | None) -> str | None:
    """Why a payment of ours is not deleted; None: it can be. What Xero says of a reconciled one is Xero's to say."""
    day = record.day(str(payment["Date"])) if payment.get("Date") else None
    if day is not None and closed is not None and day <= closed:
        return f"it is dated {day}, and the books are closed up to {closed}"
    return None


class Unpayer:
    """Deletes the payments of one tenant that are planned to be taken back."""

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

    async def delete(self, client: XeroClient) -> None:
        """Read the invoices of the next payments, and freeze, settle or hold each deletion.

        Raises what reading raises; Unclear when Xero keeps showing less than it has shown before.
        """
        entity, tenant = client.binding.entity, client.binding.tenant_id
        chosen = await self._database.read(
            lambda conn: payments.to_delete(conn, entity, tenant, reading.IDS_PER_CALL, self._but)
        )
        began_s = self._database.clock.elapsed_s()
        stored = await self._invoices(client, chosen, LANE)
        work = functools.partial(self._settle, tenant, chosen, stored, began_s)
        self._patience.after(await self._database.run(work))

    async def _invoices(self, client: XeroClient, chosen: Sequence[Posting], lane: str) -> dict[int, Mapping[str, Any]]:
        """By the invoice's posting: the invoice as Xero has it now; one that Xero does not show is absent."""
        owners = await self._database.read(lambda conn: postings.document_ids(conn, [one.after_id for one in chosen]))
        ids = sorted({document_id for document_id in owners.values() if document_id is not None})
        stored = await reading.fetch(client, self._catch_up, ids, lane=lane)
        return {own: stored[of] for own, of in owners.items() if own is not None and of is not None and of in stored}

    def _settle(
        self,
        tenant: str,
        chosen: Sequence[Posting],
        stored: Mapping[int, Mapping[str, Any]],
        began_s: float,
        connection: Connection,
    ) -> int:
        """Write down what follows for each; → how many are settled or frozen."""
        locks.hold_tenants(connection, [tenant])
        now = self._database.now(connection)
        if self._database.clock.elapsed_s() - began_s > FRESH_S:
            return 0
        current = postings.many(connection, [one.id for one in chosen])
        shown = {str(invoice["InvoiceID"]): invoice for invoice in stored.values()}
        outdated = rewriting.outdated(connection, tenant, shown)
        count = 0
        for posting in (current[one.id] for one in chosen if current[one.id] == one):
            invoice = stored.get(posting.after_id or 0)
            if invoice is None or str(invoice["InvoiceID"]) not in outdated:
                self._decide(connection, posting, invoice, now)
                count += 1
        return count

    def _decide(
        self, connection: Connection, posting: Posting, invoice: Mapping[str, Any] | None, now: datetime.datetime
    ) -> None:
        there = listed(invoice or {}, [posting.document_id])
        if invoice is None:
            reason: str | None = "Xero no longer shows its invoice"
        elif not there:  # a person deleted it, or an earlier request of ours did
            concluding.done(connection, [(posting.id, ItemVerdict(0, "posted", posting.document_id))], now)
            return
        else:
            reason = kept_because(there[0], changes.closed_of(connection, [posting.id]).get(posting.id))
            reason = reason or self._invoice_stays(connection, posting, invoice)
        if reason is not None:
            concluding.held(connection, {posting.id: _not_taken_back(posting, reason)}, now)
            return
        assert posting.pending_revision is not None
        changes.freeze_with(connection, posting.id, posting.pending_revision, BODY)
        freezing.freeze_deletion(connection, posting, BODY, self._rules, self._owner, now)

    def _invoice_stays(self, connection: Connection, posting: Posting, invoice: Mapping[str, Any]) -> str | None:
        """Where the invoice is taken back too: why that will not be, so that the payment stays with it."""
        owner = postings.get(connection, posting.after_id) if posting.after_id is not None else None
        if owner is None or owner.action != UNDO:
            return None
        ours = [one.document_id for one in payments.of_documents(connection, [owner.id]) if one.action == UNDO]
        base, closed = changes.posted(connection, [owner.id])[owner.id], changes.closed_of(connection, [owner.id])
        weighed = rewriting.weighed_of(connection, owner, base, None, closed.get(owner.id))
        stays = weighing.kept_because(weighed, without(invoice, ours))
        return None if stays is None else f"{ITS_INVOICE_STAYS}{stays}"

    # ---- looking

    async def look(self, client: XeroClient, request: Request) -> None:
        """Is an unclear deletion done? Yes if the invoice no longer shows the payment; else it is decided anew."""
        items = await self._database.read(lambda conn: requests.open_items(conn, request.id))
        found = await self._database.read(lambda conn: postings.many(conn, [pid for _position, pid, _n in items]))
        stored = await self._invoices(client, list(found.values()), "looking")
        await self._database.run(functools.partial(self._conclude, request, stored))

    def _conclude(self, request: Request, stored: Mapping[int, Mapping[str, Any]], connection: Connection) -> None:
        locks.hold_tenants(connection, [request.tenant_id])
        now = self._database.now(connection)
        values = {"looks": request.looks + 1, "last_look": now, "state": "closed", "outcome": "looked",
                  "owner": None, "lease_until": None, "not_before": None}  # fmt: skip
        items = requests.open_items(connection, request.id)
        if not requests.change(connection, request, values):
            return  # an attempt or another look came between: its word counts
        for position, posting_id, _revision in items:
            posting = postings.many(connection, [posting_id])[posting_id]
            invoice = stored.get(posting.after_id or 0)
            is_gone = invoice is not None and not listed(invoice, [posting.document_id])
            requests.close_items(connection, request.id, {position: "looked" if is_gone else "not found"})
            if is_gone:
                concluding.done(connection, [(posting_id, ItemVerdict(0, "posted", posting.document_id))], now)
            elif posting.looks >= LOOKS_MAX:
                tired = _not_taken_back(posting, f"Xero never gave a clear answer ({request.outcome})")
                concluding.held(connection, {posting_id: tired}, now)
            else:
                again = {"pid": posting_id, "state": "planned", "looks": posting.looks + 1, "cause": None, "reason": None,
                         "remedy": None, "changed_at": now}  # fmt: skip
                postings.update_many(connection, [again], recording.ON_ITS_WAY)


def _not_taken_back(posting: Posting, reason: str) -> Finding:
    return Finding(
        weighing.NOT_TAKEN_BACK,
        f"Payment {posting.external_id} was not deleted: {reason}.",
        "Delete it in Xero by hand if it is wrong; `counterfoil problems skip` keeps it.",
    )
