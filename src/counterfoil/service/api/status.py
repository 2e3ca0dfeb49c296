"""`GET /v1/status`: where the work of the entities stands that a key is for.

Called by application. Whether this process lives and is ready say /healthz and /readyz, to anybody.
"""

import datetime
from typing import Any, Final

import msgspec

from counterfoil import __version__
from counterfoil.app import entity_work
from counterfoil.app.entity_work import EntityWork, Pause
from counterfoil.service.api import registry
from counterfoil.service.api.registry import BooksOf, CallerOf

EXAMPLE: Final[dict[str, Any]] = {
    "version": "0.1.0", "now": "2026-11-22T10:15:44Z", "key": "k7m2q9xa", "rights": "read",
    "entities": [
        {
            "entity": "acme-uk", "bound": True, "mode": "normal", "stopped": None, "postings": {"posted": 1204, "held": 2},
            "needs_person": 2, "mirror_as_of": "2026-11-22T10:15:02Z", "mirror_lag_s": 41.5, "mirror_unread": 0,
        }
    ],
    "pauses": [],
}  # fmt: skip


class Status(msgspec.Struct, frozen=True):
    """Where things stand. `key`, `rights`: of whoever asks."""

    version: str
    now: datetime.datetime
    key: str
    rights: str
    entities: tuple[EntityWork, ...]
    pauses: tuple[Pause, ...]


@registry.get("/v1/status", rights="read", summary="Where the work of this key's companies stands", example=EXAMPLE)
async def get_status(books: BooksOf, caller: CallerOf) -> Status:
    """Postings by state, what needs a person, what holds writes back, how old the copies are."""
    work = await entity_work.work(books, registry.visible(books, caller), flows=caller.entities is None)
    return Status(
        __version__, books.clock.now(), caller.prefix, caller.rights, tuple(work.entities), tuple(work.pauses)
    )


ROUTES: Final = (get_status,)
