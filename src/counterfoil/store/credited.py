"""The credit note of an invoice of ours and its allocation, as postings. Called by posting/credit_chain and planning.

Both have the identity of the invoice that is credited, under their own kinds, so that they are found without a column.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.postings import WHOLE, Posting
from counterfoil.store.prepared import Among, Prepared

CREDIT, ALLOCATION = "credit", "allocation"
SENT = ("sending", "uncertain", "posted")  # Xero has it, or may have it
p = schema.postings.c


class Chain(msgspec.Struct, frozen=True):
    """What became of crediting one invoice: its credit note, then what that takes off it; None: not planned yet."""

    credit: Posting | None = None
    allocation: Posting | None = None

    @property
    def is_sent(self) -> bool:
        """The invoice is credited, or may be: there is no way back."""
        return self.credit is not None and self.credit.state in SENT

    @property
    def unsent(self) -> list[Posting]:
        """What Xero surely has not."""
        return [one for one in (self.credit, self.allocation) if one is not None and one.state not in SENT]


NONE = Chain()
_OF = Prepared(
    sa.select(*WHOLE).where(
        p.flow_id == sa.bindparam("flow_id"),
        p.kind == sa.bindparam("kind"),
        p.scope == "",
        Among(p.external_id, "external_ids"),
    )
)


def of_flow(connection: sa.Connection, flow_id: str, external_ids: Sequence[str]) -> dict[tuple[str, int], Chain]:
    """By the credited invoice's external id and issue; invoices without a credit note are not in it."""
    if not external_ids:
        return {}
    credits_made = _OF.rows(connection, Posting, flow_id=flow_id, kind=CREDIT, external_ids=external_ids)
    if not credits_made:
        return {}
    found = _OF.rows(connection, Posting, flow_id=flow_id, kind=ALLOCATION, external_ids=external_ids)
    allocated = {(one.external_id, one.issue): one for one in found}
    return {
        (one.external_id, one.issue): Chain(one, allocated.get((one.external_id, one.issue))) for one in credits_made
    }


_OF_RUN = Prepared(
    sa.select(p.flow_id, p.external_id).where(
        p.last_run_id == sa.bindparam("run_id"), p.run_id == sa.bindparam("run_id"), p.kind == CREDIT
    )
)


def of_run(connection: sa.Connection, run_id: int) -> list[Chain]:
    """What a run credited, or planned to."""
    by_flow: dict[str, list[str]] = {}
    for flow_id, external_id in _OF_RUN.tuples(connection, run_id=run_id):
        by_flow.setdefault(flow_id, []).append(external_id)
    found = [chain for flow_id, ids in by_flow.items() for chain in of_flow(connection, flow_id, ids).values()]
    return [chain for chain in found if chain.credit is not None and chain.credit.run_id == run_id]


def of(connection: sa.Connection, invoices: Iterable[Posting]) -> Mapping[int, Chain]:
    """By the credited invoice's posting id; those without a credit note are not in it."""
    by_flow: dict[str, list[Posting]] = {}
    for one in invoices:
        by_flow.setdefault(one.flow_id, []).append(one)
    chains: dict[int, Chain] = {}
    for flow_id, those in by_flow.items():
        found = of_flow(connection, flow_id, [one.external_id for one in those])
        chains |= {one.id: found[one.external_id, one.issue] for one in those if (one.external_id, one.issue) in found}
    return chains
