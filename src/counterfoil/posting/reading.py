"""Documents read again by their ids, whole, right before something is decided about them.

Called by rewriting, unpaying, undoing and payments. Cost: 1 call per IDS_PER_CALL invoices, 1 per credit note, of which Xero lists
none by its id. What is read goes into the mirror.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from counterfoil import errors
from counterfoil.mirror.catching_up import CatchUp
from counterfoil.model import record
from counterfoil.posting import kinds
from counterfoil.store.postings import Posting
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import credit_notes, invoices

IDS_PER_CALL = 40  # keeps the address under 2 kB
FRUITLESS_MAX = 5  # readings in a row that settle nothing, before a person is told that Xero shows old data
Wire = dict[str, Any]


class Patience:
    """How often documents were read again in a row without anything being settled by it."""

    def __init__(self) -> None:
        self._fruitless = 0

    def after(self, settled: int) -> None:
        """One more reading, which settled so many. Raises Unclear when Xero keeps showing less than it has shown before."""
        self._fruitless = 0 if settled else self._fruitless + 1
        if self._fruitless >= FRUITLESS_MAX:
            raise errors.Unclear("Xero shows older documents than before.", remedy="Run again in a minute.")


async def fetch(client: XeroClient, catch_up: CatchUp, ids: Sequence[str], *, lane: str) -> dict[str, Wire]:
    """By id: each document as Xero sends it, lines and payments included; one that Xero does not show is absent."""
    found: dict[str, Wire] = {}
    for start in range(0, len(ids), IDS_PER_CALL):
        part = tuple(ids[start : start + IDS_PER_CALL])
        page = await invoices.page(client, page=1, page_size=100, lane=lane, ids=part)
        await catch_up.keep(client, kinds.INVOICE.resource, page.items)
        found.update({one.invoice_id: record.plain(one.raw) for one in page.items})
    return found


async def fetch_all(client: XeroClient, catch_up: CatchUp, chosen: Sequence[Posting], *, lane: str) -> dict[str, Wire]:
    """The documents of these postings, by id: credit notes with the names that an invoice's fields have."""
    ids = [one.document_id for one in chosen if one.resource == kinds.INVOICE.resource and one.document_id is not None]
    found = await fetch(client, catch_up, ids, lane=lane)
    for one in chosen:
        if one.resource == kinds.CREDIT_NOTE.resource and one.document_id is not None:
            note = await fetch_credit_note(client, catch_up, one.document_id, lane=lane)
            found |= {one.document_id: note} if note is not None else {}
    return found


async def fetch_credit_note(client: XeroClient, catch_up: CatchUp, own_id: str, *, lane: str) -> Wire | None:
    """One credit note in our words; None when Xero does not show it."""
    try:
        note = await credit_notes.get(client, own_id, lane=lane)
    except errors.NotFound:
        return None
    await catch_up.keep(client, kinds.CREDIT_NOTE.resource, [note])
    return kinds.in_our_words(record.plain(note.raw))


def stamp(stored: Mapping[str, Any]) -> datetime.datetime:
    """When Xero last changed the document."""
    return record.stamp(str(stored["UpdatedDateUTC"]))
