"""What a handler is given and what it gives back, and the refusals that Xero has words for (facts 3.1, 3.2).

Called by `door`, `api`, `identity` and every resource.
"""

from dataclasses import dataclass, field
from typing import Any

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.tables import Row
from counterfoil.sandbox.world import World

SYSTEM_USER = "System Generated"
NOT_FOUND_TEXT = "The resource you're looking for cannot be found"


@dataclass(slots=True)
class Answer:
    """A complete HTTP answer. `plural` names the array of elements in a JSON envelope, for faults that disturb it."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    plural: str | None = None
    document: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a resource, after the gate. `query` has lower-case names; `path` is what follows the resource.

    `plural`: the resource's own name, "" for a call of nobody's.
    `person`: who sits at Xero's own screen and does this; None: an app, whose user Xero's histories do not name.
    """

    world: World
    books: Books
    client_id: str
    method: str
    path: tuple[str, ...]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    person: str | None = None
    plural: str = ""

    @property
    def user(self) -> str:
        """Who did it, as histories say."""
        return self.person or SYSTEM_USER

    def flag(self, name: str, *, absent: bool = False) -> bool:
        """A true/false parameter; case does not matter, anything but true is false."""
        value = self.query.get(name)
        return absent if value is None else value.strip().lower() == "true"


class Refusal(Exception):
    """Raised anywhere below the door: the request ends with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def problem(world: World, status: int, title: str, detail: str) -> Answer:
    """401 and 403: a problem object, not an Accounting error."""
    body: Row = {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": world.ids.guid(),
        "Extensions": {},
    }
    return Answer(status, wire.compact(body), "application/json")


def not_found() -> Answer:
    """404: not JSON."""
    return Answer(404, NOT_FOUND_TEXT.encode(), wire.HTML)


def error(number: int, type: str, message: str, status: int = 400) -> Answer:
    """An Accounting error without elements."""
    body = {"ErrorNumber": number, "Type": type, "Message": message}
    return Answer(status, wire.pretty(body), wire.JSON, document=body)


def validation(elements: list[Row]) -> Answer:
    """400 with the refused elements."""
    body = {
        "ErrorNumber": 10,
        "Type": "ValidationException",
        "Message": "A validation exception occurred",
        "Elements": elements,
    }
    return Answer(400, wire.pretty(body), wire.JSON, plural="Elements", document=body)


def post_data_invalid(message: str) -> Answer:
    """400 for a body that cannot be read: the whole request, no elements."""
    return error(14, "PostDataInvalidException", message)


def query_parse(message: str) -> Answer:
    """400 for a where or order that cannot be read."""
    return error(16, "QueryParseException", message)


def high_volume() -> Answer:
    """400 for a list of too many rows that is not paged, or filtered or ordered by what Xero has not optimised."""
    message = "The request would return too many records: page it, and filter and order by optimised fields only"
    return error(51, "HighVolumeException", message)


def not_implemented() -> Answer:
    """501: Xero, or this sandbox, has no such method here."""
    return error(20, "ApiMethodNotImplementedException", "The Api Method called is not implemented", 501)


def envelope(world: World, client_id: str, plural: str, elements: list[Row], pagination: Row | None = None) -> Answer:
    """200 with a list, in Xero's order of keys. The correlation id in the header is the envelope's Id."""
    body = _head(world, client_id, pagination)
    headers = {"Xero-Correlation-Id": body["Id"]}
    body[plural] = elements
    return Answer(200, wire.pretty(body), wire.JSON, headers, plural, body)


def joined(world: World, client_id: str, plural: str, elements: list[bytes], pagination: Row | None = None) -> Answer:
    """The same envelope around elements that `wire.element` made; the answer has no `document`."""
    head = _head(world, client_id, pagination)
    body = wire.with_list(head, plural, elements)
    return Answer(200, body, wire.JSON, {"Xero-Correlation-Id": head["Id"]}, plural)


def _head(world: World, client_id: str, pagination: Row | None) -> Row:
    head: Row = {
        "Id": world.ids.guid(),
        "Status": "OK",
        "ProviderName": world.apps[client_id].name,
        "DateTimeUTC": wire.envelope_time(world.clock.now()),
    }
    return head if pagination is None else head | {"pagination": pagination}
