"""Reading by key, not by page number, since documents move while we read; and the pages of any resource.

Called by catching_up (typed rows) and mirroring (raw ones). Order by UpdatedDateUTC, take page 1, ask again from the last
row's second less one (nobody knows whether the boundary is included); further pages only while most of a page would come
again. What moves meanwhile comes again at the end of them: then they are read once more, by key. Where Xero does not keep
the order that was asked for, pages are counted instead; a short page ends nothing while Xero itself counts further ones.
Cost: 1 call when nothing or little changed, else 1 per page.
Xero: facts §4.3, §4.4, §9 (https://developer.xero.com/documentation/api/accounting/requests-and-responses, read 2026-11).
"""

import datetime
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.mirror.described import FIXED_PAGE, PAGE_SIZE, Described
from counterfoil.model import record
from counterfoil.xero import paging
from counterfoil.xero.client import XeroClient

READS_MAX: Final = 5_000  # pages of one catch-up: five million documents; more is a loop of ours
SECOND: Final = datetime.timedelta(seconds=1)

Stamp = datetime.datetime | None
Of = Callable[[Any], tuple[str, Stamp]]


class Seen(msgspec.Struct, frozen=True):
    """One document of an answer: its JSON, and each of its fields' JSON."""

    document_id: str
    status: str | None
    stamp: Stamp
    body: bytes
    fields: Mapping[str, msgspec.Raw]


class Rows(msgspec.Struct, frozen=True):
    """What one call brought. `more`: Xero counts further pages of this question; `goes_on_from`: the key to ask next with."""

    items: Sequence[Any]
    server_time: datetime.datetime
    page_size: int = PAGE_SIZE
    goes_on_from: Stamp = None
    more: bool = False


Fetch = Callable[[int, Stamp], Awaitable[Rows]]


async def by_key(fetch: Fetch, of: Of, since: Stamp) -> AsyncIterator[Rows]:
    """Every page from `since` (None: all there is). `fetch(page, since)`: one call; `of(row)`: its id and its stamp.

    Raises Unclear when Xero sends the same page again and again, and what `fetch` raises.
    """
    page, is_by_key = 1, False
    counted: set[str] = set()  # on the pages before this one, of the same question
    for _ in range(READS_MAX):
        answer = await fetch(page, since)
        found = [of(row) for row in answer.items]
        there = {one for one, _stamp in found}
        if not is_by_key and not counted.isdisjoint(there):
            yield answer
            page, is_by_key = 1, True
            counted.clear()
            continue
        if counted and there and there <= counted:
            raise errors.Unclear(f"Xero sent the same {len(there)} documents again as page {page}.")
        if not found and answer.more and since is None:  # of another question nobody knows what Xero's count covers
            raise errors.Unclear(f"Xero sent an empty page {page} and says that more follow.")
        if len(found) < answer.page_size and not (found and answer.more):
            yield answer
            return
        moved = _next_key(found)
        stays = moved is None or (since is not None and moved <= since)  # those seconds fill a page
        if stays or not (is_by_key or _mostly_before(found, moved)):
            yield answer
            page += 1
            counted |= there
        else:
            yield msgspec.structs.replace(answer, goes_on_from=moved)
            since, page = moved, 1
            counted.clear()
    raise AssertionError(f"more than {READS_MAX} pages in one catch-up")


def _next_key(found: Sequence[tuple[str, Stamp]]) -> Stamp:
    """A second before the last row's; None where rows have no stamp or do not stand in their order."""
    stamps = [at for _id, at in found if at is not None]
    if len(stamps) < len(found) or any(later < at for at, later in itertools.pairwise(stamps)):
        return None
    return stamps[-1].replace(microsecond=0) - SECOND


def _mostly_before(found: Sequence[tuple[str, Stamp]], moved: Stamp) -> bool:
    """Asking again from `moved` brings less than half of these once more."""
    middle = found[len(found) // 2][1]
    return moved is not None and middle is not None and middle < moved


async def page(
    client: XeroClient, one: Described, number: int | None, since: Stamp, *, lane: str,
    summary: bool = False, ids: Sequence[str] = (),
) -> Rows:  # fmt: skip
    """One page of a resource (`number` None: the whole list), each element as `Seen`. Costs one call.

    Raises Unclear for what cannot be read, and what XeroClient.get raises.
    """
    params = dict(one.params)
    size = one.page_size or 0
    if number is not None:
        params |= {"page": str(number), "order": "UpdatedDateUTC"}
        if one.page_size != FIXED_PAGE:
            params["pageSize"] = str(one.page_size)
    if summary:
        params["summaryOnly"] = "true"
    if ids:
        params[one.ids] = paging.joined(tuple(ids))
    answer = await client.get(one.name, params, lane=lane, if_modified_since=since)
    found = paging.split(answer, one.list)
    more = number is not None and found.page_count is not None and number < found.page_count
    return Rows([seen(one, raw) for raw in found.elements], found.server_time, found.page_size or size, more=more)


_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str | None)


def seen(one: Described, raw: msgspec.Raw | bytes) -> Seen:
    """An element, with what is never kept left out. Raises Unclear when it has no id, or a stamp that is none."""
    try:
        fields = _FIELDS.decode(raw)
        if not one.unkept.isdisjoint(fields):
            fields = {name: value for name, value in fields.items() if name not in one.unkept}
            raw = msgspec.json.encode(fields)
        document_id = _text(fields, one.id)
        stamp = _text(fields, one.stamp)
        if not document_id:
            raise errors.Unclear(f"Xero sent one of its {one.list} without {one.id}.")
        return Seen(document_id, _text(fields, one.status), record.stamp(stamp) if stamp else None, bytes(raw), fields)
    except (msgspec.DecodeError, ValueError) as cause:
        raise errors.Unclear(f"Xero's {one.list} cannot be read: {str(cause).partition(chr(10))[0]}.") from None


def _text(fields: Mapping[str, msgspec.Raw], name: str | None) -> str | None:
    raw = fields.get(name) if name else None
    return None if raw is None else _TEXT.decode(raw)
