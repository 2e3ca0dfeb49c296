"""Mirrored documents as programs ask for them: whole, as Xero has them, with how old they are. No call to Xero.

Called by service/api. Resources are spelled as addresses spell them ("bank-transactions").
"""

import base64
import datetime
import hashlib
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.app.entity_states import slug
from counterfoil.mirror import described
from counterfoil.model import sought as seeking
from counterfoil.model import spelling
from counterfoil.model.sought import Sought
from counterfoil.store import mirror_pages, mirrored
from counterfoil.store.mirrored import Mirrored, Reading

SLUGS: Final = {slug(name): name for name in described.NAMES}
FIRST_LOAD_S: Final = 30.0  # when to ask again while a resource is read for the first time


class FirstReading(errors.RunAgain):
    """The mirror reads this resource for the first time just now."""

    code = "first-reading"


class BadCursor(errors.FixInput):
    """A cursor that no page gave for this question."""

    code = "bad-cursor"


class Read(msgspec.Struct, frozen=True):
    """Documents by id, and how old they are. `next`: where the next page begins; None: there are no more now."""

    rows: list[Mirrored]
    next: str | None
    as_of: datetime.datetime
    lag_s: float


def resource_of(spelled: str) -> str:
    """Xero's spelling of a resource. Raises NotFound with the nearest one."""
    found = SLUGS.get(spelled)
    if found is None:
        raise errors.NotFound(
            f"There is no resource {spelled[:100]!r}.", remedy=spelling.suggestion(spelled[:100], SLUGS)
        )
    return found


async def listed(books: Any, entity: str, spelled: str, sought: Sought, *, after: str | None, most: int) -> Read:
    """The next page of those looked for. `after`: `next` of the page before, of the same question.

    Raises NotFound for a resource that there is not, BadCursor, NoBinding, NotRead, FirstReading, and FixInput for what the
    resource's documents do not have.
    """
    resource = resource_of(spelled)
    _check(resource, spelled, sought)
    question = _digest([entity, resource, sought])
    behind = "" if after is None else _position(after, question)
    tenant = (await books.binding(entity)).tenant_id

    def work(conn: Any) -> tuple[Reading, mirror_pages.Page | None]:
        reading = mirrored.reading(conn, tenant, resource)
        if reading.since is None:
            return reading, None
        return reading, mirror_pages.page(conn, tenant, resource, sought, after=behind, most=most)

    reading, page = await books.database.read(work)
    as_of = _as_of(entity, spelled, reading)
    assert page is not None
    following = None if page.next is None else _cursor(question, page.next)
    return Read(page.rows, following, as_of, _lag_s(books, as_of))


async def one(books: Any, entity: str, spelled: str, document_id: str, *, deleted: bool) -> Read:
    """One document. Raises as `listed`, and NotFound when it is not there or, without `deleted`, gone from Xero."""
    resource = resource_of(spelled)
    tenant = (await books.binding(entity)).tenant_id

    def work(conn: Any) -> tuple[Reading, Mirrored | None]:
        return mirrored.reading(conn, tenant, resource), mirror_pages.one(conn, tenant, resource, document_id)

    reading, row = await books.database.read(work)
    as_of = _as_of(entity, spelled, reading)
    if row is None:
        raise errors.NotFound(f"{spelled} of {entity} has no document {document_id[:100]!r}.")
    if not deleted and (row.deleted_at is not None or row.status == seeking.GONE):
        raise errors.NotFound("The document is gone from Xero.", remedy="deleted=true shows what it was.")
    return Read([row], None, as_of, _lag_s(books, as_of))


def _as_of(entity: str, spelled: str, reading: Reading) -> datetime.datetime:
    """When the resource was last caught up. Raises NotRead, FirstReading."""
    if reading.since is None or reading.caught_up_at is None:
        if reading.began_at is not None:
            raise FirstReading(
                f"{spelled} of {entity} is being read for the first time.",
                remedy="Ask again later.",
                retry_after_s=FIRST_LOAD_S,
            )
        raise errors.NotRead(
            f"{spelled} of {entity} was never read.",
            remedy=f"counterfoil sync {entity} {SLUGS[spelled]}; `[mirror] resources` says what `serve` keeps up.",
        )
    return reading.caught_up_at


def _lag_s(books: Any, as_of: datetime.datetime) -> float:
    lag_s: float = (books.clock.now() - as_of).total_seconds()
    return max(0.0, round(lag_s, 1))


def _check(resource: str, spelled: str, sought: Sought) -> None:
    """Raises FixInput for a filter that would find nothing, ever."""
    wrong = (
        (sought.contact is not None and resource not in seeking.WITH_CONTACT, "contact", "contact"),
        (sought.number is not None and resource not in seeking.NUMBERED, "number", "number of their own"),
        ((sought.first or sought.last) is not None and resource not in seeking.DATED, "date_from", "date of their own"),
        (sought.statuses and described.BY_NAME[resource].status is None, "status", "status"),
        (sought.updated_after is not None and described.BY_NAME[resource].stamp is None, "updated_after", "stamp"),
    )
    for is_wrong, name, what in wrong:
        if is_wrong:
            raise errors.FixInput(f"{spelled} have no {what}.", remedy=f"Ask without {name}.", field=name)


def _digest(question: Any) -> str:
    """Stands for a question in its cursors: a cursor of another one would leave documents out in silence."""
    return hashlib.sha256(msgspec.json.encode(question)).hexdigest()[:12]


def _cursor(question: str, behind: str) -> str:
    return base64.urlsafe_b64encode(f"{question} {behind}".encode()).decode().rstrip("=")


def _position(cursor: str, question: str) -> str:
    """The id behind which a cursor goes on. Raises BadCursor."""
    try:
        of, separator, behind = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(" ")
    except ValueError:
        of, separator, behind = "", "", ""
    if of != question or not separator or _cursor(of, behind) != cursor or "\0" in behind:
        raise BadCursor(
            "`after` is not of a page of this question.", remedy="Begin without it, and change no filter on the way."
        )
    return behind
