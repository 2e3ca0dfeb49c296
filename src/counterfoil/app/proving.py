"""`prove`: what the source gave, what we posted and what Xero has now, side by side. Credit notes count below zero.

Called by cli/prove, the library and the demo. Reads the mirror after catching it up: 1 call per entity, 1 more where the
flow made credit notes, and 1 per 1,000 documents changed since; 1 more for the contacts of an entity where a document has
another one than it was posted for. Writes nothing to Xero. Xero's lists show no lines: they are proven by subtotal, tax
and total.
"""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from counterfoil.app.reports import Proof, ProofRow
from counterfoil.app.usage import for_its_flow
from counterfoil.app.vouching import NAMED
from counterfoil.posting import identity, kinds, known
from counterfoil.posting.deciding import GONE
from counterfoil.settings import FlowSettings
from counterfoil.store import documents, payments, proofs
from counterfoil.store.credited import CREDIT
from counterfoil.store.database import Connection
from counterfoil.store.documents import Document
from counterfoil.store.proofs import Pair

Key = tuple[str, Any, str]
Moved = dict[tuple[str, str], tuple[str, str]]  # (tenant, contact) → the contact that it is now, and its name
ZERO = Decimal(0)
COMPARED = ("number", "total", "tax", "subtotal", "date", "currency")
# What a copy may have forgotten of a document: kind, resource, how many issues later, what it does to it. The first tells.
FORGOTTEN = (
    *((kind, kinds.BY_NAME[kind].resource, 1, "stands in place of") for kind in kinds.RECORDS),
    (CREDIT, kinds.CREDIT_NOTE.resource, 0, "credits"),
)


class _Sums:
    """One row of the proof while it is added up."""

    def __init__(self) -> None:
        self.source = self.ours = self.xero = (0, ZERO, ZERO)


Sums = tuple[int, Decimal, Decimal]


def _plus(pair: Pair, sums: Sums, tax: Decimal | None, total: Decimal | None) -> Sums:
    if pair.kind == kinds.INVOICE.name:
        return sums[0] + 1, sums[1] + (tax or ZERO), sums[2] + (total or ZERO)
    return sums[0] + 1, sums[1] - (tax or ZERO), sums[2] - (total or ZERO)


@for_its_flow
async def prove(books: Any, flow: FlowSettings) -> Proof:
    """Compare every posting of a flow with its document, per day, currency and tax."""
    for entity, resource in await books.database.read(lambda conn: proofs.resources(conn, flow.id)):
        await books.catch_up_safely(await books.client(entity), resource)
    pairs = await books.database.read(lambda conn: proofs.of_flow(conn, flow.id))
    tenants = sorted({pair.tenant_id for pair in pairs})
    moved = await _moved(books, pairs)
    marks = [pair.marker for pair in pairs]
    rows = await books.database.read(lambda conn: proofs.without_posting(conn, flow.id))
    twice = await books.database.read(lambda conn: proofs.marked_twice(conn, tenants, marks))
    forgotten = await books.database.read(lambda conn: _forgotten(conn, flow.id, pairs))
    return Proof(
        flow.table,
        _rows(pairs),
        tuple(text for pair in pairs for text in _differences(pair, moved)),
        (*(f"{one.number} carries the mark {one.marker} of another document" for one in twice), *forgotten),
        rows + sum(pair.state not in ("posted", "cancelled") for pair in pairs),
        sum(pair.state == "cancelled" for pair in pairs),
    )


def _forgotten(connection: Connection, flow_id: str, pairs: list[Pair]) -> list[str]:
    """Documents that were made in place of ours in a time that a copy of the database, put back since, knows nothing of."""
    if not payments.doubted(connection):
        return []
    newest = {(one.tenant_id, one.external_id): one for one in sorted(pairs, key=_issue) if one.kind != CREDIT}
    known_marks = {pair.marker for pair in pairs}
    told: dict[Pair, str] = {}
    for kind, resource, later, does in FORGOTTEN:
        marks = {(t, identity.marker(flow_id, kind, of, one.issue + later)): one for (t, of), one in newest.items()}
        for tenant in sorted({tenant for tenant, _of in newest}):
            wanted = [mark for there, mark in marks if there == tenant and mark not in known_marks]
            for one in documents.documents_by(connection, tenant, resource, "marker", wanted):
                pair = marks[tenant, one.marker or ""]
                if one.status not in GONE:
                    told.setdefault(pair, _told_of(one, does, pair))
    return list(told.values())


def _told_of(document: Document, does: str, pair: Pair) -> str:
    return (
        f"{document.number} {does} {pair.document_number} ({pair.entity} {pair.external_id}), which a copy of the "
        "database that was put back does not know"
    )


def _rows(pairs: list[Pair]) -> tuple[ProofRow, ...]:
    sums: dict[Key, _Sums] = defaultdict(_Sums)
    records = {pair.external_id: pair.issue for pair in sorted(pairs, key=_issue) if pair.kind != CREDIT}
    for pair in pairs:
        if pair.total is None:
            continue  # refused before it had a total: counted in `not_posted`
        row = sums[pair.entity, pair.date, pair.currency or ""]
        # A record is what it says now: neither what stood for it before it was posted anew, nor what credits that.
        if pair.kind != CREDIT and pair.issue == records[pair.external_id]:
            row.source = _plus(pair, row.source, pair.total_tax, pair.total)
        if pair.state == "posted":
            row.ours = _plus(pair, row.ours, pair.total_tax, pair.total)
        if pair.status is not None and pair.status not in GONE:
            there = sums[pair.entity, pair.xero_date, pair.xero_currency or ""]
            there.xero = _plus(pair, there.xero, pair.xero_total_tax, pair.xero_total)
    ordered = sorted(sums.items(), key=lambda item: (item[0][0], str(item[0][1]), item[0][2]))
    return tuple(ProofRow(*key, *one.source, *one.ours, *one.xero) for key, one in ordered)


def _issue(pair: Pair) -> int:
    return pair.issue


async def _moved(books: Any, pairs: list[Pair]) -> Moved:
    """Where documents have another contact than they were posted for: what became of that one, its merges followed."""
    other = [pair for pair in pairs if pair.state == "posted" and _other_contact(pair)]
    for entity in sorted({pair.entity for pair in other}):
        await books.catch_up_safely(await books.client(entity), kinds.CONTACT.resource)
    wanted = sorted({(pair.tenant_id, one or "") for pair in other for one in (pair.contact_id, pair.xero_contact_id)})
    return await books.database.read(lambda conn: {key: _now(conn, *key) for key in wanted})  # type: ignore[no-any-return]  # books is Any


def _now(connection: Connection, tenant_id: str, contact_id: str) -> tuple[str, str]:
    found = documents.contacts_by(connection, tenant_id, "contact_id", [contact_id])
    if not found:
        return contact_id, contact_id
    winner = known.merged(connection, tenant_id, found[0])
    return winner.contact_id, winner.name


def _other_contact(pair: Pair) -> bool:
    """Its contact is not the one that it was posted for; of a document that a person named none is known."""
    known_of_both = pair.contact_id is not None and pair.xero_contact_id is not None and pair.how != NAMED
    return known_of_both and pair.contact_id != pair.xero_contact_id


def _differences(pair: Pair, moved: Moved) -> list[str]:
    """What is not as it was posted, field by field, in a bookkeeper's words."""
    if pair.state != "posted":
        return []
    name = f"{pair.entity} {pair.external_id} ({pair.document_number})"
    if pair.status is None:
        return [f"{name} is not in Xero's list"]
    if pair.status in GONE:
        return [f"{name} was {pair.status.lower()} in Xero"]
    found: list[tuple[str, Any, Any]] = []
    if _other_contact(pair):
        us, them = (moved.get((pair.tenant_id, one or "")) for one in (pair.contact_id, pair.xero_contact_id))
        found += [("contact", us, them)] if us != them else []
    ours = (pair.document_number, pair.total, pair.total_tax, pair.sub_total, pair.date, pair.currency)
    theirs = (pair.xero_number, pair.xero_total, pair.xero_total_tax, pair.xero_sub_total, pair.xero_date, pair.xero_currency)  # fmt: skip
    if ours != theirs:
        found += [(what, us, them) for what, us, them in zip(COMPARED, ours, theirs, strict=True) if us != them]
    return [f"{name}: {what} posted {_shown(us)}, in Xero now {_shown(them)}" for what, us, them in found]


def _shown(value: Any) -> str:
    """An amount with its cents, a contact by its name."""
    if isinstance(value, tuple):
        return str(value[1])
    return f"{value:.2f}" if isinstance(value, Decimal) else str(value)
