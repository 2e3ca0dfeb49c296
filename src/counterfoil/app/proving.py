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
from counterfoil.store.proofs import Pair

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
    tenants = sorted({pair.tenant_id for pair in pairs})
    marks = [pair.marker for pair in pairs]
    twice = await books.database.read(lambda conn: proofs.marked_twice(conn, tenants, marks))
    return Proof(
        flow.table,
        _rows(pairs),
        tuple(text for pair in pairs for text in _differences(pair)),
        tuple(f"{document.number} carries the mark {document.marker} of another document" for document in twice),
        sum(pair.state not in ("posted", "cancelled") for pair in pairs),
        sum(pair.state == "cancelled" for pair in pairs),
    )


def _rows(pairs: list[Pair]) -> tuple[ProofRow, ...]:
    sums: dict[Key, _Sums] = defaultdict(_Sums)
    for pair in pairs:
        if pair.total is None:
            continue  # refused before it had a total: counted in `not_posted`
        row = sums[pair.entity, pair.date, pair.currency or ""]
        row.source = _plus(row.source, pair.total_tax, pair.total)
        if pair.state == "posted":
            row.ours = _plus(row.ours, pair.total_tax, pair.total)
        if pair.status is not None and pair.status not in GONE:
            there = sums[pair.entity, pair.xero_date, pair.xero_currency or ""]
            there.xero = _plus(there.xero, pair.xero_total_tax, pair.xero_total)
    ordered = sorted(sums.items(), key=lambda item: (item[0][0], str(item[0][1]), item[0][2]))
    return tuple(ProofRow(*key, *one.source, *one.ours, *one.xero) for key, one in ordered)


def _differences(pair: Pair) -> list[str]:
    """What is not as it was posted, in a bookkeeper's words."""
    if pair.state != "posted":
        return []
    name = f"{pair.entity} {pair.external_id} ({pair.document_number})"
    if pair.status is None:
        return [f"{name} is not in Xero's list"]
    if pair.status in GONE:
        return [f"{name} was {pair.status.lower()} in Xero"]
    compared = (
        ("total", pair.total, pair.xero_total),
        ("tax", pair.total_tax, pair.xero_total_tax),
        ("date", pair.date, pair.xero_date),
        ("currency", pair.currency, pair.xero_currency),
    )
    return [f"{name}: {what} posted {ours}, in Xero now {theirs}" for what, ours, theirs in compared if ours != theirs]
