"""One change as everybody outside sees it: webhooks, feeds, handlers and the list of changes say the same of it.

Made by store/outward from what is kept, read by delivery, service and users' handlers. Pure. (model/happening is the same before
it is kept.)
"""

import datetime
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

By = Literal["us", "others"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of one document. Its fields are the JSON's keys, in this order.

    `before` and `after` have Xero's field names and nesting; amounts are text, so that no digit is lost; document dates and instants
    are ISO text. `before` None: the document was not there; `after` None: it is gone.
    """

    id: str  # the same whenever it is handed over again, so that a receiver can drop a double
    type: str  # "invoice.paid"
    entity: str  # your key of the company
    tenant_id: str
    resource: str  # Xero's plural
    document_id: str
    n: int  # orders all changes of this installation
    turn: int  # orders those of one document, from 1, without a gap
    stamp: datetime.datetime | None  # Xero's UpdatedDateUTC; None where it gives none
    seen_at: datetime.datetime  # when we read it
    by: By  # "us": our own write, field for field
    posting: int | None  # of "us": the posting that did it
    snapshot: bool  # from a first load or a repair: nothing happened just now
    fields: tuple[str, ...]  # the paths that differ, sorted
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def encoded(change: Change) -> bytes:
    """The JSON of a change, on one line, the same bytes each time."""
    return msgspec.json.encode(change)


def as_plain(change: Change) -> dict[str, Any]:
    """The same as plain JSON values: text, numbers, booleans, lists, objects and null."""
    found: dict[str, Any] = msgspec.to_builtins(change)
    return found
