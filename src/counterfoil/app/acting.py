"""The same books in another's name: what an API key does stands under the key in the audit log, runs and fixes.

Called by service/api, for each request. Database, clock, clients and tokens are shared with the books that it was made
from; only whoever acts is another.
"""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

from counterfoil.model.actor import Actor

if TYPE_CHECKING:
    from counterfoil.app import Books


def acting(books: "Books", actor: Actor, sees: Callable[[str | None], bool] | None = None) -> "Books":
    """These books, with `actor` as the one who acts, and is shown what is of the entities that it `sees` (None: as before).

    Closing stays with the original.
    """
    own = copy.copy(books)
    own.actor = str(actor)
    own.sees = sees or books.sees
    own.access = books.access.acting(own.actor)
    return own
