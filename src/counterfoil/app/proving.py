"""`prove`: what the source gave, what we posted and what Xero has now, side by side.

Called by cli/prove, the library and the demo. Reads the mirror after catching it up: 1 call per entity, and 1 per 1,000
documents changed since. Writes nothing to Xero.
"""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from counterfoil.app.reports import Proof, ProofRow
from counterfoil.posting import kinds
from counterfoil.posting.deciding import GONE
from counterfoil.settings import FlowSettings
from counterfoil.store import proofs
from counterfoil.store.documents import Document
from counterfoil.store.postings import Posting

Key = tuple[str, Any, str]
ZERO = Decimal(0)


class _Sums:
    """One row of the proof while it is added up."""

    def __init__(self) -> None:
        self.source = self.ours = self.xero = (0, ZERO, ZERO)


def _plus(
    sums: tuple[int, Decimal, Decimal], tax: Decimal | None, total: Decimal | None
) -> tuple[int, Decimal, Decimal]:
    return sums[0] + 1, sums[1] + (tax or ZERO), sums[2] + (total or ZERO)


async def prove(books: Any, flow: FlowSettings) -> Proof:
    """Compare every posting of a flow with its document, per day, currency and tax."""
    for entity in await books.database.read(lambda conn: proofs.entities(conn, flow.id)):
        await books.catch_up_safely(await books.client(entity), kinds.INVOICE.resource)
    pairs = await books.database.read(lambda conn: proofs.of_flow(conn, flow.id))
    tenants = sorted({posting.tenant_id for posting, _document in pairs})
    marks = [posting.marker for posting, _document in pairs]
    twice = await books.database.read(lambda conn: proofs.marked_twice(conn, tenants, marks))
    return Proof(
        flow.table,
        _rows(pairs),
        tuple(text for posting, document in pairs for text in _differences(posting, document)),
        tuple(f"{document.number} carries the mark {document.marker} of another document" for document in twice),
        sum(1 for posting, _document in pairs if posting.state != "posted"),
    )


def _rows(pairs: list[tuple[Posting, Document | None]]) -> tuple[ProofRow, ...]:
    sums: dict[Key, _Sums] = defaultdict(_Sums)
    for posting, document in pairs:
        if posting.total is None:
            continue  # refused before it had a total: counted in `not_posted`
        row = sums[posting.entity, posting.date, posting.currency or ""]
        row.source = _plus(row.source, posting.total_tax, posting.total)
        if posting.state == "posted":
            row.ours = _plus(row.ours, posting.total_tax, posting.total)
        if document is not None and document.status not in GONE:
            there = sums[posting.entity, document.date, document.currency or ""]
            there.xero = _plus(there.xero, document.total_tax, document.total)
    ordered = sorted(sums.items(), key=lambda item: (item[0][0], str(item[0][1]), item[0][2]))
    return tuple(ProofRow(*key, *one.source, *one.ours, *one.xero) for key, one in ordered)


def _differences(posting: Posting, document: Document | None) -> list[str]:
    """What is not as it was posted, in a bookkeeper's words."""
    if posting.state != "posted":
        return []
    name = f"{posting.entity} {posting.external_id} ({posting.document_number})"
    if document is None:
        return [f"{name} is not in Xero's list"]
    if document.status in GONE:
        return [f"{name} was {document.status.lower()} in Xero"]
    pairs = (
        ("total", posting.total, document.total),
        ("tax", posting.total_tax, document.total_tax),
        ("date", posting.date, document.date),
        ("currency", posting.currency, document.currency),
    )
    return [f"{name}: {what} posted {ours}, in Xero now {theirs}" for what, ours, theirs in pairs if ours != theirs]
