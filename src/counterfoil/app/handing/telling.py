"""What became of records that were handed over: one answer for each, in the order in which they were sent.

Called by the service's API. No call to Xero.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from counterfoil.app import pausing, telling, troubles
from counterfoil.app.handing.taking import Taken
from counterfoil.app.reports import Document
from counterfoil.store import handed, postings
from counterfoil.store.handed import Handed
from counterfoil.store.postings import Posting

WAIT_MAX_S: Final = 60
LOOK_S: Final = 0.25  # how often somebody who waits looks
ON_ITS_WAY: Final = frozenset({"planned", "sending", "uncertain"})
State = Literal[
    "received", "refused", "planned", "sending", "posted", "rejected", "uncertain", "held", "cancelled", "unchanged"
]


class RecordProblem(msgspec.Struct, frozen=True):
    """Why a record is not posted. `field`: the record's field or the row's column; "" where it is none."""

    code: str
    field: str
    reason: str
    remedy: str


class Became(msgspec.Struct, frozen=True):
    """What became of one record. `n`: its place in what was sent; of a record that rows make, the place of the first.

    `state`: that of its posting; `received`: it is kept and not planned yet; `refused`: it was not kept; `unchanged`: it is
    older than the company's `start`, or else nothing is to be done. `id` null: it has no posting.
    """

    n: int
    external_id: str | None
    entity: str | None
    id: int | None
    state: State
    problems: tuple[RecordProblem, ...]
    document: Document | None


async def became(books: Any, taken: Taken, *, wait_s: int = 0) -> list[Became]:
    """Each record of a request, after at most `wait_s` (up to WAIT_MAX_S) for those that are on their way to Xero."""
    await books.learn_short_codes()
    began_s = books.clock.elapsed_s()
    while True:
        rows = {one.n: one for one in await books.database.read(lambda conn: handed.of_request(conn, taken.request))}
        ids = [one.posting_id for one in rows.values() if one.posting_id is not None]
        found = await books.database.read(lambda conn, ids=ids: postings.many(conn, ids))
        left_s = min(wait_s, WAIT_MAX_S) - (books.clock.elapsed_s() - began_s)
        if left_s <= 0 or not _moves(rows.values(), found.values()):
            break
        await books.clock.sleep(min(LOOK_S, left_s))
    pauses = await pausing.standing(books)
    return [_became(books, one.n, rows.get(one.n), found, taken, pauses) for one in taken.given]


def _moves(rows: Any, found: Any) -> bool:
    return any(one.ended_at is None for one in rows) or any(one.state in ON_ITS_WAY for one in found)


def _became(
    books: Any, n: int, row: Handed | None, found: dict[int, Posting], taken: Taken, pauses: Sequence[Any]
) -> Became:  # fmt: skip
    refused = taken.refused.get(n)
    if refused is not None or row is None:
        why = (_problem(refused.cause, refused.field, refused.reason, refused.remedy),) if refused is not None else ()
        return Became(n, None, None, None, "refused", why, None)
    posting = found.get(row.posting_id or 0)
    if posting is None:
        state: Any = "received" if row.ended_at is None else row.ended_as or "unchanged"
        why = (_problem(row.cause or "", row.field or "", row.reason, row.remedy or ""),) if row.reason else ()
        if state == "received" and taken.waits is not None:
            why = (_problem(taken.waits.cause, "", taken.waits.reason, taken.waits.remedy),)
        return Became(n, row.external_id, row.entity, None, state, why, None)
    shown = telling.listed(books, posting, pauses)
    why = ()
    if shown.reason:
        field = row.field or troubles.field_of(shown.reason)
        why = (_problem(posting.cause or "", field, shown.reason, shown.remedy or ""),)
    return Became(n, posting.external_id, posting.entity, posting.id, posting.state, why, shown.document)  # type: ignore[arg-type]  # the store's word is one of them


def _problem(code: str, field: str, reason: str | None, remedy: str) -> RecordProblem:
    return RecordProblem(code.removeprefix("waits:").partition(":")[0], field, reason or "", remedy)
