"""`GET /v1/changes`: what changed in the ledgers, by meaning, in one order, from a cursor that the program keeps.

Called by application. The envelope is that of webhooks and feeds (model/change), so that a program may go from one to the other.
"""

import asyncio
from typing import Annotated, Any, Final

import msgspec
from litestar import Request
from litestar.params import QueryParameter

from counterfoil.app import api_keys, change_feed
from counterfoil.model import spelling
from counterfoil.model.change import Change
from counterfoil.service.api import problems, registry
from counterfoil.service.api.registry import CURSOR_MAX, PAGE_USUAL, BooksOf, CallerOf, Limit
from counterfoil.service.api.waiting import WAIT_MAX_S, Waiting

ENTITIES_MAX: Final = 100
TYPES_MAX: Final = 100
EXAMPLE: Final[dict[str, Any]] = {
    "changes": [
        {
            "id": "6f1d2c3b4a5968778695a4b3c2d1e0f123456789", "type": "invoice.paid", "entity": "acme-uk",
            "tenant_id": "3c2f4e0a-8e0b-4f7e-9d6a-0c1c4b9b5a77", "resource": "Invoices",
            "document_id": "b4b1a1f0-7a0c-4f43-8a1e-1d6f1c3a9d10", "n": 1201, "turn": 4, "stamp": "2026-11-22T10:14:21Z",
            "seen_at": "2026-11-22T10:14:23.120000Z", "by": "others", "posting": None, "snapshot": False,
            "fields": ["AmountDue", "AmountPaid", "Payments", "Status"],
            "before": {"Status": "AUTHORISED", "AmountDue": "25.20", "AmountPaid": "0"},
            "after": {"Status": "PAID", "AmountDue": "0", "AmountPaid": "25.20"},
        }
    ],
    "next": "1201",
    "more": False,
}  # fmt: skip


class Changes(msgspec.Struct, frozen=True):
    """Changes, oldest first. `next`: hand it over as `after` when these are dealt with; it is there also without changes.

    `more`: there is something behind `next` already.
    """

    changes: tuple[Change, ...]
    next: str
    more: bool


@registry.get(
    "/v1/changes", rights="read", summary="What changed, from a cursor on",
    description=(
        "Every change once, in the order of `n`; keep `next` only when you have dealt with what came before it, and none is "
        "missed. What a first load or a repair brings (`snapshot`) comes only when asked for."
    ),
    refusals=(404, 410), example=EXAMPLE,
)  # fmt: skip
async def list_changes(
    books: BooksOf, caller: CallerOf, request: Request[Any, Any, Any],
    after: Annotated[
        str | None,
        QueryParameter(
            name="after", max_length=CURSOR_MAX,
            description='`next` of an answer, or the `n` of a change; "now": what comes from now on; without: all that is kept.',
        ),
    ] = None,
    entity: Annotated[
        list[str] | None,
        QueryParameter(name="entity", max_items=ENTITIES_MAX, description="Only of this company; repeatable."),
    ] = None,
    type: Annotated[
        list[str] | None,
        QueryParameter(
            name="type", max_items=TYPES_MAX, description='Only these, such as "invoice.paid" or "invoice.*"; repeatable.'
        ),
    ] = None,
    snapshots: Annotated[
        bool, QueryParameter(name="snapshots", description="Also what a first load or a repair brought.")
    ] = False,
    wait: Annotated[
        int,
        QueryParameter(name="wait", ge=0, le=WAIT_MAX_S, description="Seconds to wait for a change if there is none yet."),
    ] = 0,
    limit: Limit = PAGE_USUAL,
) -> Changes:  # fmt: skip
    """The next of them."""
    visible = registry.visible(books, caller)
    for one in entity or ():
        if one not in visible:
            raise problems.unknown(f"There is no entity {one[:100]!r}.", spelling.suggestion(one, visible))
    wanted = change_feed.Wanted(entity or visible, change_feed.named(type or ()), snapshots)
    number = await change_feed.begin(books, after)
    told = await change_feed.following(books, wanted, number, limit)
    if wait and not told.changes and not told.more:
        told = await _waited(books, request, wanted, told, wait, limit)
        if not await api_keys.opens_still(books, caller):  # revoked meanwhile
            raise problems.no_key()
    return Changes(tuple(told.changes), told.next, told.more)


async def _waited(
    books: Any, request: Request[Any, Any, Any], wanted: change_feed.Wanted, told: change_feed.Told, wait: int, limit: int
) -> change_feed.Told:  # fmt: skip
    """What comes within so many seconds; an answer without changes when none of those asked for does."""
    waiting: Waiting = request.app.state.waiting
    gone = asyncio.create_task(_gone(request))
    until_s = books.clock.elapsed_s() + wait
    try:
        while not told.changes and not told.more and not gone.done() and not waiting.is_over:
            left_s = until_s - books.clock.elapsed_s()
            if left_s <= 0:
                break
            await waiting.beyond(int(told.next), left_s, gone)
            told = await change_feed.following(books, wanted, int(told.next), limit)
    finally:
        gone.cancel()
    return told


async def _gone(request: Request[Any, Any, Any]) -> None:
    """Until nobody is there any more to be answered."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


ROUTES: Final = (list_changes,)
