"""What every list shares: where, order, If-Modified-Since, pages (facts 4.3 to 4.5).

Called by the resources' GET handlers.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from counterfoil.sandbox import answers, where, wire
from counterfoil.sandbox.answers import Answer, Call, Refusal
from counterfoil.sandbox.tables import Row, Table

View = Callable[[Row], Row]

PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Page:
    """The rows to show. `pagination` only when the request said `page`."""

    rows: list[Row]
    paged: bool
    pagination: Row | None


def filtered(
    call: Call,
    rows: Iterable[Row],
    view: View | None = None,
    *,
    changed: bool = True,
    stamp_key: str = "UpdatedDateUTC",
) -> list[Row]:
    """The rows that `where` and If-Modified-Since leave.

    `where` looks at `view(row)`; `changed=False`: these rows have no stamp (in `stamp_key`), so If-Modified-Since is ignored.

    Refusal with QueryParseException.
    """
    kept = list(rows)
    return _left(call, kept, view, changed=changed, stamp_key=stamp_key)


def listed(
    call: Call,
    rows: Iterable[Row],
    id_key: str | None,
    view: View | None = None,
    *,
    changed: bool = True,
    stamp_key: str = "UpdatedDateUTC",
) -> list[Row]:
    """`filtered` and then `ordered`. A whole table in Xero's own order is sorted only when one of its rows has changed."""
    if isinstance(rows, Table) and id_key is not None and not call.query.get("order"):
        kept = rows.in_order(id_key, _by_stamp(id_key))
        return _left(call, kept, view, changed=changed, stamp_key=stamp_key)
    return ordered(call, filtered(call, rows, view, changed=changed, stamp_key=stamp_key), id_key)


def _left(call: Call, kept: list[Row], view: View | None, *, changed: bool, stamp_key: str) -> list[Row]:
    since = call.headers.get("if-modified-since")
    if changed and since is not None and (moment := _since(call, since)) is not None:
        since_s = wire.milliseconds(moment) // 1000
        if call.world.unknowns.plays("modified-since", "exclusive"):
            since_s += 1
        kept = [row for row in kept if wire.stamp_ms(row[stamp_key]) // 1000 >= since_s]
    text = call.query.get("where")
    if text:
        kept = _matching(call, text, kept, view or _as_is)
    return kept


def ordered(call: Call, rows: list[Row], id_key: str | None) -> list[Row]:
    """In the asked order; else by UpdatedDateUTC, then id; without `id_key` as they are."""
    text = call.query.get("order")
    if text:
        order = _asked(call, where.compile_order, text)
        _refuse_high_volume(call, len(rows), is_quick=order.is_optimised)
        return sorted(rows, key=order.key, reverse=order.reverse)
    if id_key is None:
        return rows
    return sorted(rows, key=_by_stamp(id_key))


def _by_stamp(id_key: str) -> Callable[[Row], tuple[int, str]]:
    return lambda row: (wire.stamp_ms(row["UpdatedDateUTC"]), row[id_key])


def paged(call: Call, rows: list[Row], *, implied: bool) -> Page:
    """The asked page; `implied` = a parameter was given that forces paging. Past the end: an empty page."""
    given = call.query.get("page")
    if given is None and not implied:
        _refuse_high_volume(call, len(rows), is_quick=False)
        return Page(rows, paged=False, pagination=None)
    number = max(1, integer(given, 1))
    size = min(max(1, integer(call.query.get("pagesize"), PAGE_SIZE_DEFAULT)), PAGE_SIZE_MAX)
    shown = rows[(number - 1) * size : number * size]
    if not shown and number > 1 and call.world.unknowns.plays("past-the-end", "refused"):
        raise Refusal(answers.error(10, "ValidationException", "Requested page does not exist"))
    pagination = {
        "page": number,
        "pageSize": size,
        "pageCount": -(-len(rows) // size),
        "itemCount": len(rows),
    }
    return Page(shown, paged=True, pagination=None if given is None else pagination)


def read_only(call: Call, plural: str, id_key: str, rows: list[Row], *, changed: bool) -> Answer:
    """GET the list or one by id, of rows that nobody writes; Refusal with 404 or 501."""
    if call.method != "GET" or len(call.path) > 1:
        raise Refusal(answers.not_implemented())
    if call.path:
        rows = [row for row in rows if row[id_key] == call.path[0].lower()]
        if not rows:
            raise Refusal(answers.not_found())
        return answers.envelope(call.world, call.client_id, plural, rows)
    kept = ordered(call, filtered(call, rows, changed=changed), None)
    return answers.envelope(call.world, call.client_id, plural, kept)


def names(call: Call, parameter: str) -> list[str] | None:
    """A comma-separated parameter; None: not given."""
    given = call.query.get(parameter)
    return None if given is None else [part.strip() for part in given.split(",") if part.strip()]


def _matching(call: Call, text: str, rows: list[Row], view: View) -> list[Row]:
    matches = _asked(call, where.compile_where, text)
    _refuse_high_volume(call, len(rows), is_quick=matches.is_optimised)
    try:
        return [row for row in rows if matches(view(row))]
    except where.QueryParse as error:
        raise Refusal(answers.query_parse(error.message)) from error


def _as_is(row: Row) -> Row:
    return row


def _asked(call: Call, compile: Callable[..., Any], text: str) -> Any:
    without = where.SUMMARY_DROPS.get(call.plural, frozenset()) if call.flag("summaryonly") else frozenset()
    try:
        return compile(text, call.plural, without)
    except where.QueryParse as error:
        raise Refusal(answers.query_parse(error.message)) from error


def _refuse_high_volume(call: Call, rows: int, *, is_quick: bool) -> None:
    """Over 100,000 rows only pages, by fields that Xero has optimised; of some resources none is known (facts 11.14)."""
    if call.plural in where.GUESSED and call.world.unknowns.plays("optimised-fields", "none"):
        is_quick = False
    if not is_quick and rows > call.world.options.high_volume_rows:
        raise Refusal(answers.high_volume())


def _since(call: Call, text: str) -> datetime | None:
    """yyyy-mm-ddThh:mm:ss, UTC, to the second, and if a switch says so RFC 1123; anything else is ignored."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        if call.world.unknowns.plays("modified-since-rfc1123", "ignored"):
            return None
        try:
            moment = parsedate_to_datetime(text.strip())
        except ValueError:
            return None
    try:
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)).replace(microsecond=0)
    except OverflowError:  # an offset that leads out of the calendar
        return None


def integer(text: str | None, otherwise: int) -> int:
    """A number among the parameters; `otherwise` if there is none or it is none."""
    try:
        return otherwise if text is None else int(text)
    except ValueError:
        return otherwise
