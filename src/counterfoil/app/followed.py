"""Which resources' changes the configuration's feeds and handlers ask for, so that the service keeps them up.

Called by syncing. No call to Xero, and the user's module of handlers is not imported: where there is one, it may ask for any.
"""

from typing import Any, Final

from counterfoil.mapping import documents

EVERYTHING: Final = "*"


def wants(books: Any, entity: str, resource: str) -> bool:
    """Whether a feed or a handler of this entity hears of this resource."""
    if books.settings.handlers.module is not None:
        return True
    words = {EVERYTHING, *documents.all_resources()[resource].words}
    return any(
        words & {pattern.partition(".")[0] for pattern in one.settings.on}
        and (one.settings.entities is None or entity in one.settings.entities)
        for one in books.feeds.values()
    )
