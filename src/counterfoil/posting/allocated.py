"""Look for an unclear allocation through its credit note: by the invoice that it is on, and by its amount.

Called by finishing. There is one allocation of ours per credit note and invoice (design §3.1; facts §5.9). Cost: 1 call.
"""

from collections.abc import Sequence
from decimal import Decimal

from counterfoil.model.prepared import Finding
from counterfoil.posting import reading
from counterfoil.posting.looking import Embedded, Looked, Looker, Seen
from counterfoil.store import postings
from counterfoil.store.database import Connection
from counterfoil.store.postings import Posting, Revision
from counterfoil.store.requests import Request
from counterfoil.xero.client import XeroClient

LANE = "looking"


class AllocationLooker(Looker):
    """Looks at unclear requests that allocate credit notes."""

    async def _read(self, client: XeroClient, request: Request, sought: Sequence[Posting]) -> Seen:
        del request
        parents = await self._database.read(lambda conn: postings.document_ids(conn, [one.after_id for one in sought]))
        seen: dict[int, Sequence[Embedded] | None] = {}
        for posting in sought:
            own_id = parents.get(posting.after_id)
            note = await reading.fetch_credit_note(client, self._catch_up, own_id, lane=LANE) if own_id else None
            seen[posting.id] = None if note is None else note.get("Allocations") or []
        return seen

    def _find(self, connection: Connection, position: int, posting: Posting, revision: Revision, seen: Seen) -> Looked:
        del connection
        wanted, shown = revision.predicted["invoice_id"], seen[posting.id]
        if shown is None:
            return Looked(position, posting, finding=_hidden(posting))
        on_it = [one for one in shown if (one.get("Invoice") or {}).get("InvoiceID") == wanted]
        ours = [one for one in on_it if Decimal(str(one.get("Amount", 0))) == posting.total]
        if ours:
            return Looked(position, posting, str(ours[0].get("AllocationID")))
        return Looked(position, posting, finding=_of_another_hand(posting)) if on_it else Looked(position, posting)


def _hidden(posting: Posting) -> Finding:
    return Finding(
        "parent-not-shown",
        f"Xero does not show the credit note of {posting.external_id}, so nobody can tell whether it is allocated.",
        "Look for it in Xero: `counterfoil problems skip` if it is allocated, else `counterfoil problems retry`.",
    )


def _of_another_hand(posting: Posting) -> Finding:
    return Finding(
        "allocated-otherwise",
        f"The credit note of {posting.external_id} is allocated to its invoice with another amount than {posting.total}.",
        "Look at the credit note in Xero; `counterfoil problems skip` if it is right.",
    )
