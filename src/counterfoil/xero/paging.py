"""Envelopes and pages: Xero's lists as typed records.

Called by resources, mirror and posting. An element of the wrong kind makes the page Unclear (Xero sometimes cuts JSON
under load, facts §9); unknown fields and enum values are kept. xero-facts §3.3, §4.4
(https://developer.xero.com/documentation/api/accounting/requests-and-responses, read 2026-11).
"""

import datetime
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

import msgspec

from counterfoil import errors
from counterfoil.model import record
from counterfoil.model.decoding import Decoder
from counterfoil.model.record import Record, Stamp
from counterfoil.xero.answers import Answer

PAGE_SIZE_MAX: Final = 1000
MAX_PAGES: Final = 10_000  # ten million records; a ledger beyond that is a loop of ours or of Xero's

R = TypeVar("R", bound=Record)


class Page(msgspec.Struct, Generic[R], frozen=True):
    """One page, in Xero's order. `page_count` and `item_count` are None where Xero does not page."""

    items: tuple[R, ...]
    page: int
    page_count: int | None
    item_count: int | None
    server_time: datetime.datetime  # Xero's clock when it answered, aware UTC


class _Pagination(msgspec.Struct, frozen=True, rename="camel"):
    page: int
    page_size: int
    page_count: int
    item_count: int


@functools.cache
def _decoder(type_: Any, plural: str) -> Decoder:
    envelope = msgspec.defstruct(
        f"{plural}Envelope",
        [
            ("status", str, msgspec.field(name="Status")),
            ("server_time", Stamp, msgspec.field(name="DateTimeUTC")),
            ("pagination", _Pagination | None, msgspec.field(default=None)),
            ("items", tuple[type_, ...], msgspec.field(name=plural)),
        ],
        kw_only=True,
    )
    return record.decoder(envelope)


def decode(answer: Answer, type_: type[R], plural: str) -> Page[R]:
    """The page that an answer holds under `plural` ("Invoices"). Raises Unclear when it cannot be read."""
    try:
        envelope = _decoder(type_, plural).decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, KeyError) as cause:
        raise errors.Unclear(
            f"Xero's {plural} cannot be read: {_where(cause)}.", correlation_id=answer.correlation_id
        ) from None
    if envelope.status != "OK":
        raise errors.Unclear(f"Xero's {plural} say {envelope.status!r} and not OK.")
    pages: _Pagination | None = envelope.pagination
    items: tuple[R, ...] = envelope.items
    body = answer.body
    record.remember(items, lambda: _decoder(msgspec.Raw, plural).decode(body).items)
    return Page(
        items=items,
        page=pages.page if pages else 1,
        page_count=pages.page_count if pages else None,
        item_count=pages.item_count if pages else None,
        server_time=envelope.server_time,
    )


class RawPage(msgspec.Struct, frozen=True):
    """One page of elements as bytes without spaces between, in Xero's order.

    `page_size` and `page_count` are None where Xero does not page, or does not say so.
    """

    elements: tuple[msgspec.Raw, ...]
    page_size: int | None
    page_count: int | None
    server_time: datetime.datetime  # Xero's clock when it answered, aware UTC


def split(answer: Answer, plural: str) -> RawPage:
    """The elements that an answer holds under `plural`, each by itself. Raises Unclear when it cannot be read.

    Nothing of them is looked at: whatever Xero sends is kept, digit for digit.
    """
    try:
        envelope = _decoder(msgspec.Raw, plural).decode(msgspec.json.format(answer.body, indent=-1))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, KeyError) as cause:
        raise errors.Unclear(
            f"Xero's {plural} cannot be read: {_where(cause)}.", correlation_id=answer.correlation_id
        ) from None
    if envelope.status != "OK":
        raise errors.Unclear(f"Xero's {plural} say {envelope.status!r} and not OK.")
    pages: _Pagination | None = envelope.pagination
    return RawPage(
        envelope.items, pages.page_size if pages else None, pages.page_count if pages else None, envelope.server_time
    )


def _where(cause: Exception) -> str:
    """What is wrong and at which field; msgspec names the path, never the value."""
    return str(cause).partition("\n")[0] if isinstance(cause, msgspec.MsgspecError) else "a field has the wrong form"


def only(answer: Answer, type_: type[R], plural: str) -> R:
    """The one record of a single GET. Raises NotFound when the list is empty, Unclear when it holds several."""
    page = decode(answer, type_, plural)
    if not page.items:
        raise errors.NotFound("Xero knows no such document in this organisation.")
    if len(page.items) > 1:
        raise errors.Unclear(f"Xero sent {len(page.items)} {plural} where one was asked for.")
    return page.items[0]


async def each_page(
    fetch: Callable[[int], Awaitable[Page[R]]], *, first: int = 1, pages_max: int = MAX_PAGES
) -> AsyncIterator[Page[R]]:
    """Pages from `first` until Xero has no more. `fetch(page)`: one call each.

    Reading by page number misses what moves while we read: for catching up, read by key (design §3.5). Raises Unclear
    when Xero sends the same page twice (it has, facts §9) or another than was asked, and when there are more than
    `pages_max`.
    """
    last: tuple[R, ...] = ()
    for number in range(first, first + pages_max):
        page = await fetch(number)
        if not page.items:
            return
        if page.page != number and page.page_count is not None:
            raise errors.Unclear(f"Xero sent page {page.page} where {number} was asked for.")
        if page.items == last:
            raise errors.Unclear(f"Xero sent page {number - 1} again as page {number}.")
        yield page
        last = page.items
        if page.page_count is None or number >= page.page_count:
            return
    raise errors.Unclear(f"There are more than {pages_max} pages.")


def list_params(
    *,
    page: int | None = None,
    page_size: int | None = None,
    where: str | None = None,
    order: str | None = None,
    summary_only: bool = False,
) -> dict[str, str]:
    """The query parameters that all lists share, in Xero's spelling; what is None is left out."""
    params: dict[str, str] = {}
    if page is not None:
        params["page"] = str(page)
    if page_size is not None:
        assert 1 <= page_size <= PAGE_SIZE_MAX, "Xero would silently take another size"
        params["pageSize"] = str(page_size)
    if where:
        params["where"] = where
    if order:
        params["order"] = order
    if summary_only:
        params["summaryOnly"] = "true"
    return params


def joined(values: tuple[str, ...]) -> str:
    """Values for a comma-separated parameter. Raises ValueError for one with a comma: Xero would read two."""
    for value in values:
        if "," in value:
            raise ValueError(f"{value!r} holds a comma")
    return ",".join(values)
