"""How changes of documents end: done, refused, held. Each transition of a change has its owner function here.

Called by recording and rewriting, inside their transaction. A change that is not done leaves the posting posted, with
what Xero has, and says why; the pending content is kept, so that it can be tried again.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from counterfoil.model.prepared import Finding, Predicted
from counterfoil.posting import credit_chain, crediting, encoding, identity, kinds
from counterfoil.posting.changing import REISSUE
from counterfoil.posting.judging import ItemVerdict
from counterfoil.store import changes, credited, followers, parts, postings
from counterfoil.store.changes import UNDO, Content
from counterfoil.store.credited import Chain
from counterfoil.store.database import Connection
from counterfoil.store.postings import Posting

ON_ITS_WAY = ("planned", "sending", "uncertain")
NOT_TAKEN_BACK = "not-taken-back"
_predicted = msgspec.json.Decoder(Predicted)
_ENDED: dict[str, Any] = {
    "action": None,
    "pending_revision": None,
    "pending_hash": None,
    "xero_messages": None,
    "looks": 0,
}


def done(connection: Connection, items: Sequence[tuple[int, ItemVerdict]], now: datetime.datetime) -> None:
    """Xero has what the change sets."""
    ids = [posting_id for posting_id, _item in items]
    found, contents = postings.many(connection, ids), changes.pending(connection, ids)
    for posting_id, item in items:
        posting, content = found[posting_id], contents.get(posting_id)
        if posting.action == UNDO:
            _taken_back(connection, posting, now)
        elif content is not None and posting.action == REISSUE:
            _reissued(connection, posting, content, now)
        elif content is not None:
            _updated(connection, posting, content, item, now)
    followers.free_followers(connection, [pid for pid, item in items if not item.differences], now)


def _updated(
    connection: Connection, posting: Posting, content: Content, item: ItemVerdict, now: datetime.datetime
) -> None:
    differs = bool(item.differences)
    values = {
        **_ENDED, "state": "posted", "revision": content.n, **_content(content),
        "document_number": item.document_number or posting.document_number, "changed_at": now,
        "cause": "stored-otherwise" if differs else None,
        "reason": f"Changed, but {'; '.join(item.differences)}." if differs else None,
        "remedy": "Compare the document in Xero with the record; then `counterfoil problems skip`." if differs else None,
    }  # fmt: skip
    postings.update(connection, posting.id, ON_ITS_WAY, values)


def _content(content: Content) -> dict[str, Any]:
    """The columns that follow what Xero has now."""
    predicted = _predicted.decode(content.predicted)
    return {
        "record_hash": content.record_hash, "rows_hash": content.rows_hash, "version": content.version,
        "source": content.source, "number": encoding.decode(content.element).get("InvoiceNumber"),
        "date": predicted.date, "currency": predicted.currency, "sub_total": predicted.sub_total,
        "total_tax": predicted.total_tax, "total": predicted.total,
    }  # fmt: skip


def _taken_back(connection: Connection, posting: Posting, now: datetime.datetime) -> None:
    """The document is voided or deleted. The action stays: it says that a person wanted this (posting/changing)."""
    values = {**_ENDED, "state": "cancelled", "action": UNDO, "cause": None, "reason": None, "remedy": None,
              "changed_at": now}  # fmt: skip
    if postings.update(connection, posting.id, ON_ITS_WAY, values) and posting.kind == kinds.PAYMENT.name:
        changes.unpaid(connection, posting.after_id or 0, NOT_TAKEN_BACK, now)


def _reissued(connection: Connection, posting: Posting, content: Content, now: datetime.datetime) -> None:
    """The old document is gone, or credited: its record gets another one, planned in this very transaction."""
    chain = credited.of(connection, [posting]).get(posting.id, credited.NONE)
    values = {**_ENDED, "state": "cancelled", "action": REISSUE, "cause": None, "reason": None, "remedy": None,
              "changed_at": now}  # fmt: skip
    if chain.is_sent:  # it stands in Xero, beside what credits it
        values |= {"state": "posted", "action": None, "after_id": content.after_id or posting.after_id}
        credit_chain.drop(connection, chain, now)
    if not postings.update(connection, posting.id, ON_ITS_WAY, values):
        return
    element = encoding.decode(content.element)
    first = element.get("InvoiceNumber")
    number = identity.next_number(first, posting.issue) if first else None
    new_id = _next(connection, posting, content, number, now)
    [old] = [one for one in postings.history(connection, posting.id) if one.n == content.n]
    kept = encoding.encode({**element, "InvoiceNumber": number} if number else element)
    revision = postings.revision_row(
        posting_id=new_id, n=1, record=old.record, record_hash=content.record_hash, element=kept,
        predicted=_noted(content, posting, chain), source=content.source, at=now, rows_hash=content.rows_hash,
        version=content.version, run_id=content.run_id, after_id=content.after_id, mapped=old.mapped,
    )  # fmt: skip
    postings.add_revisions(connection, [revision])
    parts.add(connection, [(new_id, 1, parts.of_posting(connection, posting.id, content.n))])
    changes.move_record(connection, posting.last_run_id, posting.id, new_id)


def _next(connection: Connection, posting: Posting, content: Content, number: str | None, now: Any) -> int:
    """The posting of the record's next document; what was not paid yet on the old one is paid on it."""
    issue = posting.issue + 1
    of_note = encoding.decode(content.element).get("Type") == "ACCRECCREDIT"
    kind = kinds.CREDIT_NOTE if of_note else kinds.INVOICE
    row = postings.row(
        flow_id=posting.flow_id, kind=kind.name, external_id=posting.external_id, scope=posting.scope, issue=issue,
        entity=posting.entity, tenant_id=posting.tenant_id, resource=kind.resource,
        marker=identity.marker(posting.flow_id, kind.name, posting.external_id, issue), state="planned",
        own_number=number is not None, after_id=content.after_id or posting.after_id, planned_at=now, changed_at=now,
        run_id=content.run_id or posting.last_run_id, last_run_id=posting.last_run_id,
        **_content(content) | {"number": number},
    )  # fmt: skip
    inserted = postings.insert(connection, [row])
    new_id = inserted[kind.name, posting.scope, posting.external_id]
    if not of_note:
        changes.move_payments(connection, posting.id, new_id)
    return new_id


def _noted(content: Content, posting: Posting, chain: Chain) -> bytes:
    """What we expect of the new document, and what became of the old one where it was credited."""
    if not chain.is_sent:
        return content.predicted
    predicted = _predicted.decode(content.predicted)
    note = crediting.told(posting.document_number or "The invoice before it", chain)
    return msgspec.json.encode(msgspec.structs.replace(predicted, notes=(*predicted.notes, note)))


def refused(connection: Connection, found: Mapping[int, Sequence[str]], now: datetime.datetime) -> None:
    """Xero refuses the change, in its own words; the document stands as it was."""
    for posting_id, messages in found.items():
        finding = Finding(
            f"xero:{messages[0] if messages else 'refused'}",
            " ".join(messages),
            "Correct the record or the document in Xero, then `counterfoil problems retry`.",
        )
        _stop(connection, posting_id, finding, now, list(messages))


def held(connection: Connection, found: Mapping[int, Finding], now: datetime.datetime) -> None:
    """A person has to look; the document stands as it was."""
    for posting_id, finding in found.items():
        _stop(connection, posting_id, finding, now, None)


def _stop(
    connection: Connection, posting_id: int, finding: Finding, now: datetime.datetime, messages: list[str] | None
) -> None:
    values: dict[str, Any] = {
        "state": "posted", "cause": finding.cause, "reason": finding.reason, "remedy": finding.remedy,
        "xero_messages": messages, "changed_at": now,
    }  # fmt: skip
    postings.update(connection, posting_id, ON_ITS_WAY, values)
    followers.hold_followers(connection, [posting_id], now)
