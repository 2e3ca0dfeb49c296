"""Receivables and payables: who owes what since when, and the documents behind each number.

Called by the service's API and by programs. Sums are made anew each time it is asked, of what the copy holds: 10,000 open
documents take a fraction of a second. No call to Xero.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from counterfoil.app.figures import reading
from counterfoil.app.figures.reading import Basis
from counterfoil.model.binding import Binding
from counterfoil.reporting import ageing, papers
from counterfoil.reporting.ageing import Aged, Ageing, BaseAged, By, Chosen, ContactAged
from counterfoil.reporting.papers import Open, Side

UNSAID_MAX: Final = 20  # documents named that do not say what is open of them; all are counted


class Unsaid(msgspec.Struct, frozen=True):
    """Documents that are in no number, since they do not say what is left, of whom, or in which currency."""

    count: int
    ids: tuple[str, ...]


class Owed(msgspec.Struct, frozen=True):
    """What all contacts owe, or are owed. `contacts` by (contact id, currency) behind `after`; `next`: more follow it."""

    side: Side
    by: By
    basis: Basis
    totals: dict[str, Aged]
    base: BaseAged
    contacts: tuple[ContactAged, ...]
    next: tuple[str, str] | None
    unsaid: Unsaid


class Behind(msgspec.Struct, frozen=True):
    """The documents behind a number, the oldest debt first. `next`: more follow this (due day, document id)."""

    side: Side
    basis: Basis
    documents: tuple[Open, ...]
    next: tuple[date, str] | None


async def owed(
    books: Any, entity: str, side: Side, *, by: By = "due_date", after: tuple[str, str] = ("", ""),
    most: int | None = None, on: date | None = None,
) -> Owed:  # fmt: skip
    """What is open now on one side, by contact and currency, aged to a day. Raises NotFound, NoBinding, NotRead, InputError."""
    basis, bound = await reading.basis(books, entity, papers.RESOURCES, on)
    sums, count = Ageing(basis.on, basis.base_currency, by), 0
    unsaid: list[str] = []
    async for documents, missing in opened(books, bound, side):
        sums.add(documents)
        count += len(missing)
        unsaid += missing[: UNSAID_MAX - len(unsaid)]
    rows = sums.contacts(after, None if most is None else most + 1)
    shown = rows if most is None else rows[:most]
    following = (shown[-1].contact_id, shown[-1].currency) if shown and len(rows) > len(shown) else None
    return Owed(
        side, by, basis, sums.totals(), sums.base(), tuple(shown), following, Unsaid(count, tuple(unsaid))
    )  # fmt: skip


async def behind(
    books: Any, entity: str, side: Side, chosen: Chosen, *, after: tuple[date, str] | None = None, most: int = 100,
    on: date | None = None,
) -> Behind:  # fmt: skip
    """The documents behind a number of `owed`, a page at a time. Raises NotFound, NoBinding, NotRead, InputError."""
    basis, bound = await reading.basis(books, entity, papers.RESOURCES, on)
    page = ageing.Page(after, most + 1)
    async for documents, _missing in opened(books, bound, side):
        page.add([one for one in documents if chosen.takes(one, basis.on)])
    found = page.documents()
    following = ageing.key(found[most - 1]) if len(found) > most else None
    return Behind(side, basis, tuple(found[:most]), following)


async def opened(
    books: Any, bound: Binding, side: Side | None = None
) -> AsyncIterator[tuple[list[Open], Sequence[str]]]:
    """What is open, lot by lot, and the ids of what does not say; None: of both sides. Each document once."""
    base_currency = bound.fingerprint.base_currency
    for resource in papers.RESOURCES:
        async for rows in reading.lots(books, bound.tenant_id, resource):
            try:
                found, unsaid = papers.read(resource, rows, base_currency)
            except msgspec.MsgspecError as cause:
                raise reading.unreadable(resource, cause) from None
            yield [one for one in found if side in (None, one.side)], unsaid
