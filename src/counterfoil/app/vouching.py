"""`problems skip --document`: a person says which document of Xero's stands for a record; it is proven, never posted.

Called by the composition root. The document is looked for in the mirror, and once in Xero: at most a catch-up (1 call,
and 1 per 1,000 changed documents). Nothing is written to Xero, the document is not marked as ours.
"""

import re
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil import errors
from counterfoil.app import troubles
from counterfoil.posting.deciding import GONE
from counterfoil.store import documents, locks, postings
from counterfoil.store.database import Connection
from counterfoil.store.documents import Document, fold
from counterfoil.store.postings import Posting

NAMED = "named"  # how a posting came to its document: by a person's word
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Vouched(msgspec.Struct, frozen=True):
    """The record, the document that stands for it, and in which ways they differ: the document is what counts."""

    problem: int
    external_id: str
    document_id: str
    number: str | None
    differences: tuple[str, ...]


async def vouch(books: Any, n: int, because: str, clue: str, only: str | None) -> Vouched:
    """Let a document stand for the one record. Idempotent in effect: the record leaves the list.

    `clue`: a document's id, its number, or a link with its id. Raises InputError when it is not one document of one
    record, or another record's, NotFound when there is none, Reconnect and RunAgain when Xero has to be asked and cannot.
    """
    if not because.strip():
        raise errors.InputError("A skip needs a reason.", remedy='Say --because "…".')
    _of, stuck = await troubles.one_and_its_own(books, n)
    wanted = troubles.chosen(n, stuck, only)
    one = wanted[0]
    if len(wanted) > 1:
        raise errors.InputError(
            f"One document cannot stand for {len(wanted)} records.", remedy="Name the record: --only EXTERNAL_ID."
        )
    if not isinstance(one, Posting) or one.state not in ("held", "rejected"):
        raise errors.InputError(
            f"No document can stand for {one.external_id or one.source}: it never became a record, or Xero has its own.",
            remedy="Skip it without --document and name the document in --because.",
        )
    document = await _document(books, one, clue)
    log, now = books.access.audit, books.clock.now()
    data = {"problem": n, "posting": one.id, "document": document.document_id}

    def name_it(connection: Connection) -> None:
        _stand_in(connection, one, document, because, now)
        log.append(connection, one.entity, "document named", data)

    await books.database.run(name_it)
    await books.wake("postings", one.entity)  # what waited for it may go
    return Vouched(n, one.external_id, document.document_id, document.number, _differences(one, document))


async def _document(books: Any, posting: Posting, clue: str) -> Document:
    found = await books.database.read(lambda conn: _known(conn, posting, clue))
    if not found:
        await books.catch_up_safely(await books.client(posting.entity), posting.resource)
        found = await books.database.read(lambda conn: _known(conn, posting, clue))
    if not found:
        raise errors.NotFound(
            f"{posting.entity}'s organisation has no such document: {clue}.",
            remedy="Give its number, its id or a link to it, as Xero shows them.",
        )
    living = [one for one in found if one.status not in GONE]
    if not living:
        raise errors.InputError(
            f"{found[0].number or clue} was {found[0].status.lower()} in Xero.", remedy="Name a living one."
        )
    if len(living) > 1:
        raise errors.InputError(
            f"{len(living)} documents have the number {clue}.", remedy="Give the id of one, or a link to it."
        )
    document: Document = living[0]
    owners = await books.database.read(
        lambda conn: postings.by_document(conn, posting.tenant_id, posting.resource, [document.document_id])
    )
    owner = owners.get(document.document_id)
    if owner is not None and owner.id != posting.id:
        raise errors.InputError(
            f"{document.number or clue} is the document of {owner.external_id} already.",
            remedy=f"`counterfoil why {owner.external_id}` tells its story.",
        )
    return document


def _known(connection: Connection, posting: Posting, clue: str) -> list[Document]:
    guid = _GUID.search(clue.lower())
    column, value = ("document_id", guid[0]) if guid else ("number_key", fold(clue))
    return documents.documents_by(connection, posting.tenant_id, posting.resource, column, [value])


def _stand_in(connection: Connection, posting: Posting, document: Document, because: str, now: Any) -> None:
    locks.hold_tenants(connection, [posting.tenant_id])
    values = {
        "state": "posted", "how": NAMED, "document_id": document.document_id, "document_number": document.number,
        "cause": None, "reason": None, "remedy": None, "skipped": because, "changed_at": now,
        "record_hash": posting.pending_hash or posting.record_hash, "pending_hash": None, "date": document.date,
        "currency": document.currency, "sub_total": document.sub_total, "total_tax": document.total_tax,
        "total": document.total,
    }  # fmt: skip
    if not postings.update(connection, posting.id, ("held", "rejected"), values):
        raise errors.InputError(f"{posting.external_id} moved on meanwhile.", remedy="See `counterfoil problems`.")


def _cents(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _differences(posting: Posting, document: Document) -> tuple[str, ...]:
    """In which ways the record says otherwise; what it does not say is no difference."""
    pairs = (
        ("date", posting.date, document.date),
        ("currency", posting.currency, document.currency),
        ("total", _cents(posting.total), _cents(document.total)),
    )
    return tuple(
        f"{name}: {ours} in the record, {theirs} in Xero"
        for name, ours, theirs in pairs
        if ours is not None and ours != theirs
    )
