"""Tell what is there: postings, the whole story of one, runs, where things stand.

Called by cli/ and the library. Nothing here calls Xero, but `why` for a link reads its document id out of it.
"""

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from counterfoil import errors
from counterfoil.app import pausing
from counterfoil.app.reports import Document, Listed
from counterfoil.model import kept_answer, sheet
from counterfoil.store import parts, postings, requests, retention, stories
from counterfoil.store.database import Connection
from counterfoil.store.postings import Posting
from counterfoil.store.problems import DAY_UNKNOWN
from counterfoil.store.runs import BadRow

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MARK = re.compile(r"/p/([a-z2-7]{16})")
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode  # the very bytes that were sent and answered


def listed(books: Any, posting: Posting, pauses: Sequence[pausing.Standing] = ()) -> Listed:
    """One posting as lists show it. `pauses`: those in force; what one holds back says so, and stays planned."""
    document = None
    held = (
        pausing.holding(pauses, posting.entity, books.flow_name(posting.flow_id))
        if posting.state == "planned"
        else None
    )
    if posting.document_id is not None:
        url = books.document_url(posting.entity, posting.resource, posting.document_id)
        document = Document(posting.document_id, posting.document_number, url)
    flow = books.flow_name(posting.flow_id)
    return Listed(
        posting.id, posting.state, posting.entity, flow, posting.kind, posting.external_id, posting.source,
        posting.reason if held is None else f"held by a pause: {held.said}", posting.xero_messages,
        posting.remedy if held is None else f"Nothing has to be done; end it with {held.remedy}", document,
    )  # fmt: skip


def listed_row(row: BadRow) -> Listed:
    """One bad row as lists show it."""
    return Listed(
        None,
        "held" if row.cause == DAY_UNKNOWN else "rejected",
        row.entity,
        row.flow,
        "row",
        row.external_id,
        row.source,
        row.reason,
        None,
        row.remedy,
        None,
    )


async def list_postings(books: Any, *, state: str | None, flow: str | None, most: int) -> list[Listed]:
    """Postings, newest first; of one state or flow if given."""
    flow_id = books.flow(flow).id if flow else None
    found = await books.database.read(lambda conn: stories.newest(conn, state=state, flow_id=flow_id, most=most))
    held = await pausing.standing(books)
    return [listed(books, posting, held) for posting in found]


async def page_of_postings(
    books: Any, *, before: int | None, most: int, states: Sequence[str], flow: str | None, entities: Sequence[str] | None,
    external_id: str | None,
) -> list[Listed]:  # fmt: skip
    """A page of postings, newest first, behind the one with id `before`; filters as store/stories has them. No call."""
    flow_id = books.flow(flow).id if flow else None
    await books.learn_short_codes()

    def work(conn: Connection) -> list[Posting]:
        return stories.page(
            conn, before=before, most=most, states=states, flow_id=flow_id, entities=entities, external_id=external_id
        )

    found = await books.database.read(work)
    held = await pausing.standing(books)
    return [listed(books, posting, held) for posting in found]


class Try(msgspec.Struct, frozen=True):
    """One attempt to send."""

    n: int
    started: datetime.datetime
    ended: datetime.datetime | None
    outcome: str | None
    status: int | None
    correlation_id: str | None


class Sending(msgspec.Struct, frozen=True):
    """One request that carried the posting."""

    request: int
    idempotency_key: str
    position: int
    outcome: str | None
    element: Any  # what Xero was sent
    answer: Any  # what Xero said of it, None: nothing readable
    tries: tuple[Try, ...]
    dropped: datetime.datetime | None = None  # when [retention] let the bytes go; `element` and `answer` are None then


class RowTold(msgspec.Struct, frozen=True):
    """One row of a source: where it stands, and what its columns say where they say something."""

    source: str
    cells: dict[str, str]


class Content(msgspec.Struct, frozen=True):
    """One revision of a posting's content.

    `rows` are what the source gave where a mapping made the record of them, none where the source gives records. `record`
    is None where rows became none. `sales`: what was added up to one document of a day, by their external ids.
    """

    revision: int
    source: str
    at: datetime.datetime
    record: Any
    predicted: Any
    rows: tuple[RowTold, ...] = ()
    sales: tuple[str, ...] = ()
    dropped: datetime.datetime | None = None  # when [retention] let the raw record go; `record` is None then


class Story(msgspec.Struct, frozen=True):
    """All that is known of one posting: row, checks, prediction, bytes, Xero's answers."""

    posting: Listed
    marker: str
    planned_at: datetime.datetime
    changed_at: datetime.datetime
    total: Decimal | None
    currency: str | None
    how: str | None
    skipped: str | None
    contact: Listed | None
    contents: tuple[Content, ...]
    sendings: tuple[Sending, ...]


async def story(books: Any, posting_id: int) -> Story:
    """The story of one posting. Raises NotFound."""
    posting = await books.database.read(lambda conn: postings.get(conn, posting_id))
    if posting is None:
        raise errors.NotFound(f"There is no posting {posting_id}.", remedy="`counterfoil postings` lists them.")
    history = await books.database.read(lambda conn: postings.history(conn, posting_id))
    sales = await books.database.read(lambda conn: parts.by_revision(conn, posting_id))
    sent = await books.database.read(lambda conn: requests.attempts_of_posting(conn, posting_id))
    before = await books.database.read(lambda conn: postings.get(conn, posting.after_id)) if posting.after_id else None
    ids = [one[0].id for one in sent]
    gone = await books.database.read(lambda conn: retention.dropped_at(conn, retention.REQUESTS, ids))
    rows_gone = await books.database.read(lambda conn: retention.dropped_at(conn, retention.ROWS, [posting_id]))
    held = await pausing.standing(books)
    return Story(
        listed(books, posting, held), posting.marker, posting.planned_at, posting.changed_at, posting.total, posting.currency,
        posting.how, posting.skipped, listed(books, before, held) if before else None,
        tuple(_content(r, sales.get(r.n, ()), rows_gone.get(posting_id)) for r in history),
        tuple(_sending(posting, one, at, outcome, tries, gone.get(one.id)) for one, at, outcome, tries in sent),
    )  # fmt: skip


def _content(revision: postings.Revision, sales: Sequence[str], dropped: datetime.datetime | None) -> Content:
    one = revision
    if dropped is not None and one.record is None:
        return Content(one.n, one.source, one.at, None, one.predicted, (), tuple(sales), dropped)
    rows = sheet.unpack(msgspec.json.encode(one.record))
    if rows is None:
        return Content(one.n, one.source, one.at, one.record, one.predicted, (), tuple(sales))
    told = tuple(RowTold(row.source, {name: cell for name, cell in row.cells.items() if cell}) for row in rows)
    return Content(one.n, one.source, one.at, one.mapped, one.predicted, told, tuple(sales))


def _sending(
    posting: Posting, request: requests.Whole, position: int, outcome: str | None, tries: list[requests.Attempt],
    dropped: datetime.datetime | None,
) -> Sending:  # fmt: skip
    told = tuple(Try(a.n, a.started, a.ended, a.outcome, a.status, a.correlation_id) for a in tries)
    if not request.body:
        return Sending(request.id, request.idempotency_key, position, outcome, None, None, told, dropped)
    members = _members(request.body)  # of a request about one document by its id, the body is its element
    sent = _elements(members[posting.resource]) if posting.resource in members else [msgspec.Raw(request.body)]
    answers = [_element(attempt.answer, posting.resource, position) for attempt in tries if attempt.answer]
    return Sending(
        request.id, request.idempotency_key, position, outcome, sent[position], answers[-1] if answers else None, told
    )


def _element(kept: bytes | None, resource: str, position: int) -> Any:
    """Xero's element for a position; the whole text when it is no list of elements."""
    assert kept is not None
    body = kept_answer.unpack(kept)
    try:
        return _elements(_members(body)[resource])[position]
    except (msgspec.DecodeError, KeyError, IndexError, TypeError):
        return body[:2000].decode(errors="replace")


async def why(books: Any, clue: str) -> list[Story]:
    """The stories of what a number, an external id, a document id, a mark or a pasted link names. Raises NotFound."""
    clues = {clue.strip()}
    clues |= {found.lower() for found in _GUID.findall(clue)}
    clues |= set(_MARK.findall(clue))
    found = await books.database.read(lambda conn: stories.matching(conn, sorted(clues)))
    if not found:
        raise errors.NotFound(
            f"No posting has the number, id or mark {clue!r}.",
            remedy="Not made by Counterfoil, or by another installation; `counterfoil postings` lists ours.",
        )
    return [await story(books, posting.id) for posting in found]
