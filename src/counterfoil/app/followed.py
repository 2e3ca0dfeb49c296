"""Which resources' changes the configuration's feeds and handlers ask for, so that the service keeps them up.

Called by syncing and needs. No call to Xero, and the user's module of handlers is not imported: where there is one, it may ask for any.
"""

from typing import Any, Final

from counterfoil.delivery.feed import Feed
from counterfoil.mapping import documents

EVERYTHING: Final = "*"


def wants(books: Any, entity: str, resource: str) -> bool:
    """Whether a feed or a handler of this entity hears of this resource."""
    if books.settings.handlers.module is not None:
        return True
    return any(
        (EVERYTHING in one.settings.on or _names(one, resource))
        and (one.settings.entities is None or entity in one.settings.entities)
        for one in books.feeds.values()
    )


def named(books: Any) -> dict[str, str]:
    """The resources that feeds name, each with the first feed that does; one about everything names none."""
    return {
        resource: feed
        for feed, one in reversed(books.feeds.items())
        for resource in documents.all_resources()
        if _names(one, resource)
    }


def _names(one: Feed, resource: str) -> bool:
    words = documents.all_resources()[resource].words
    return any(pattern.partition(".")[0] in words for pattern in one.settings.on)
