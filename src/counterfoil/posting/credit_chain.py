"""Write the chain of a credited invoice down: the credit note's posting, the allocation's, and what waits for them.

Called by rewriting, revising and concluding, inside their transaction. The invoice that is reissued stands at the end of
the chain (`after_id`), so that it is compared again when the link before it is posted, and held when that one is.
"""

import datetime
import hashlib
from typing import Any

import msgspec

from counterfoil.posting import encoding, identity, kinds
from counterfoil.posting.crediting import Step
from counterfoil.store import followers, postings
from counterfoil.store.changes import Content
from counterfoil.store.credited import SENT, Chain
from counterfoil.store.database import Connection
from counterfoil.store.postings import Posting

UNSENT = ("planned", "held", "rejected", "cancelled")
FREE: dict[str, Any] = {"cause": None, "reason": None, "remedy": None, "xero_messages": None, "skipped": None}


def go_on(connection: Connection, invoice: Posting, content: Content, chain: Chain, step: Step, now: Any) -> None:
    """Plan the next link of the chain, or plan it anew with what is true now; the invoice waits for it."""
    known = chain.credit if step.kind == kinds.CREDIT else chain.allocation
    link = _insert(connection, invoice, content, chain, step, now) if known is None else known.id
    if known is not None:
        _renew(connection, known, step, now)
    wait_for(connection, invoice, link, now)


def wait_for(connection: Connection, invoice: Posting, link: int, now: datetime.datetime) -> None:
    """The invoice is compared again when this link is posted; if that one is stopped already, so is the invoice."""
    postings.update(connection, invoice.id, ("planned",), {"after_id": link, "changed_at": now})
    found = postings.get(connection, link)
    if found is not None and found.cause is not None:
        followers.hold_followers(connection, [link], now)


def drop(connection: Connection, chain: Chain, now: datetime.datetime) -> None:
    """The invoice is not credited after all: what Xero surely has not is never sent."""
    for one in (one for one in chain.unsent if one.state != "cancelled"):
        postings.update(connection, one.id, UNSENT, {"state": "cancelled", **FREE, "changed_at": now})


def _insert(
    connection: Connection, invoice: Posting, content: Content, chain: Chain, step: Step, now: datetime.datetime
) -> int:
    of_note = step.kind == kinds.CREDIT
    kind = kinds.CREDIT_NOTE if of_note else kinds.ALLOCATION
    after = content.after_id or invoice.after_id
    if not of_note and chain.credit is not None:
        after = chain.credit.id
    mark = identity.marker(invoice.flow_id, step.kind, invoice.external_id, invoice.issue) if of_note else ""
    run_id = content.run_id or invoice.last_run_id
    row = postings.row(
        flow_id=invoice.flow_id, kind=step.kind, external_id=invoice.external_id, scope="", issue=invoice.issue,
        entity=invoice.entity, tenant_id=invoice.tenant_id, resource=kind.resource, marker=mark, state="planned",
        own_number=step.number is not None or not of_note, after_id=after, source=content.source, run_id=run_id,
        last_run_id=invoice.last_run_id, planned_at=now, changed_at=now, **_values(step),
    )  # fmt: skip
    inserted = postings.insert(connection, [row])
    link = inserted[step.kind, "", invoice.external_id]
    postings.add_revisions(connection, [_revision(link, 1, step, content.source, now, run_id, after)])
    return link


def _renew(connection: Connection, known: Posting, step: Step, now: datetime.datetime) -> None:
    """What was not sent yet says what is true now; what was, stays."""
    if known.state in SENT:
        return
    n = known.revision + 1
    values = {"state": "planned", "revision": n, **FREE, "looks": 0, "changed_at": now, **_values(step)}
    if postings.update(connection, known.id, UNSENT, values):
        row = _revision(known.id, n, step, known.source, now, known.run_id, known.after_id)
        postings.add_revisions(connection, [row])


def _values(step: Step) -> dict[str, Any]:
    """The columns that follow a link's content."""
    values: dict[str, Any] = {
        "record_hash": hashlib.sha256(encoding.encode(step.element)).hexdigest(),
        "number": step.number, "date": step.date, "currency": step.currency, "total": step.total,
    }  # fmt: skip
    if step.kind == kinds.CREDIT:
        values |= {"sub_total": step.predicted.sub_total, "total_tax": step.predicted.total_tax}
    return values


def _revision(
    link: int, n: int, step: Step, source: str, now: datetime.datetime, run_id: int | None, after: int | None
) -> dict[str, Any]:
    element = encoding.encode(step.element)
    return postings.revision_row(
        posting_id=link, n=n, record=element, record_hash=hashlib.sha256(element).hexdigest(), element=element,
        predicted=msgspec.json.encode(step.predicted), source=source, at=now, run_id=run_id, after_id=after,
    )  # fmt: skip
