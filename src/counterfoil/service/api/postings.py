"""`GET /v1/postings` and `/v1/postings/{id}`: what was handed over and what became of it; the whole story of one.

Called by application. As `counterfoil postings` and `why` tell it: no call to Xero.
"""

import contextlib
from typing import Annotated, Any, Final

import msgspec
from litestar.params import PathParameter, QueryParameter

from counterfoil import errors
from counterfoil.app import telling
from counterfoil.app.handing.telling import State
from counterfoil.app.reports import Listed
from counterfoil.app.telling import Story
from counterfoil.model import spelling
from counterfoil.service.api import problems, registry
from counterfoil.service.api.registry import PAGE_USUAL, BooksOf, CallerOf, Limit

ID_MAX: Final = 2**53
TAGS: Final = ("postings",)
_LISTED: Final = {
    "id": 17, "state": "posted", "entity": "acme-uk", "flow": "shop", "kind": "invoice", "external_id": "order-1001",
    "source": "http:9f2c51ab03de7781", "reason": None, "xero_messages": None, "remedy": None,
    "document": {"id": "3c2f4e0a-8e0b-4f7e-9d6a-0c1c4b9b5a77", "number": "SHOP-1001", "url": "https://go.xero.com/…"},
}  # fmt: skip
PostingId = Annotated[str, PathParameter(description="A posting's `id`.", max_length=100)]
_TRY: Final = {
    "n": 1, "started": "2026-11-22T10:15:02Z", "ended": "2026-11-22T10:15:03Z", "outcome": "answered", "status": 200,
    "correlation_id": "0f7c1b5e-8a53-4a7d-9a44-f0f3f3a7a2a1",
}  # fmt: skip
_STORY: Final[dict[str, Any]] = {
    "posting": _LISTED, "marker": "k3v7q2m4n6p8r2t4", "planned_at": "2026-11-22T10:15:01Z",
    "changed_at": "2026-11-22T10:15:03Z", "total": "25.20", "currency": "GBP", "how": "created", "skipped": None,
    "contact": None,
    "contents": [
        {"revision": 1, "source": "http:9f2c51ab03de7781", "at": "2026-11-22T10:15:01Z", "record": {"external_id": "order-1001"},
         "predicted": {"total": "25.20"}, "rows": [], "sales": [], "dropped": None}
    ],
    "sendings": [
        {"request": 4, "idempotency_key": "f1f0…", "position": 0, "outcome": "posted", "element": {"InvoiceNumber": "SHOP-1001"},
         "answer": {"InvoiceNumber": "SHOP-1001"}, "tries": [_TRY], "dropped": None}
    ],
}  # fmt: skip


class Postings(msgspec.Struct, frozen=True):
    """Postings, the newest first. `next`: hand it over as `after`; null: there are no more."""

    postings: tuple[Listed, ...]
    next: int | None


@registry.get(
    "/v1/postings",
    rights="read",
    summary="Postings, newest first",
    example={"postings": [_LISTED], "next": None},
    tags=TAGS,
)
async def list_postings(
    books: BooksOf, caller: CallerOf,
    states: Annotated[list[State] | None, QueryParameter(name="state", max_items=20, description="In one of these states.")] = None,
    flow: Annotated[str | None, QueryParameter(name="flow", max_length=100, description="Of this flow's table.")] = None,
    entity: Annotated[str | None, QueryParameter(name="entity", max_length=100, description="Of this company.")] = None,
    external_id: Annotated[
        str | None, QueryParameter(name="external_id", max_length=255, description="Of the record with this external id.")
    ] = None,
    limit: Limit = PAGE_USUAL,
    after: Annotated[int | None, QueryParameter(name="after", ge=1, le=ID_MAX, description="`next` of the page before.")] = None,
) -> Postings:  # fmt: skip
    """A page of those that the key may see."""
    flows = registry.visible_flows(books, caller)
    if flow is not None and flow not in flows:
        raise problems.field("flow", f"There is no flow {flow!r}.", remedy=spelling.suggestion(flow, flows))
    seen = registry.visible(books, caller)
    if entity is not None and entity not in seen:
        raise problems.field("entity", f"There is no entity {entity!r}.", remedy=spelling.suggestion(entity, seen))
    only = [entity] if entity is not None else sorted(caller.entities) if caller.entities is not None else None
    found = await telling.page_of_postings(
        books, before=after, most=limit + 1, states=states or (), flow=flow, entities=only, external_id=external_id
    )
    more = len(found) > limit
    return Postings(tuple(found[:limit]), found[limit - 1].id if more else None)


@registry.get(
    "/v1/postings/{posting:str}", rights="read", summary="The whole story of a posting", refusals=(404,), tags=TAGS, example=_STORY,
    description="The record, its checks, what was predicted, the bytes that were sent, and what Xero said: as `counterfoil why`.",
)  # fmt: skip
async def get_posting(books: BooksOf, caller: CallerOf, posting: PostingId) -> Story:
    """All that is known of it."""
    found: Story | None = None
    with contextlib.suppress(errors.NotFound):
        found = await books.story(registry.number(posting, "posting"))
    if found is None or not caller.sees(
        found.posting.entity
    ):  # the same of one that there is not: nobody can tell which
        raise problems.unknown(f"There is no posting {posting}.", "`GET /v1/postings` lists them.")
    return found


ROUTES: Final = (list_postings, get_posting)
