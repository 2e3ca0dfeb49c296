"""`GET /v1/entities`: the companies that a key is for, each with its organisation and how old its mirror is.

Called by application.
"""

import datetime
from typing import Final

import msgspec

from counterfoil.app import entity_states
from counterfoil.service.api import registry
from counterfoil.service.api.registry import BooksOf, CallerOf

EXAMPLE: Final = {
    "entities": [
        {
            "entity": "acme-uk", "organisation": "Acme UK Ltd", "tenant_id": "3c2f4e0a-8e0b-4f7e-9d6a-0c1c4b9b5a77",
            "base_currency": "GBP", "country": "GB", "timezone": "GMTSTANDARDTIME", "is_demo": False, "stopped": None,
            "resources": [
                {"resource": "invoices", "as_of": "2026-11-22T10:15:02Z", "lag_s": 41.5, "is_complete": True}
            ],
        }
    ]
}  # fmt: skip


class ResourceState(msgspec.Struct, frozen=True):
    """How far one resource was read. `as_of`, `lag_s`: since it was last caught up; null: never yet.

    `is_complete`: it was read to its end once, so that it can be asked for.
    """

    resource: str
    as_of: datetime.datetime | None
    lag_s: float | None
    is_complete: bool


class Entity(msgspec.Struct, frozen=True):
    """A company of yours. `organisation` and what follows is null until it is bound. `stopped`: why its writes are."""

    entity: str
    organisation: str | None
    tenant_id: str | None
    base_currency: str | None
    country: str | None
    timezone: str | None
    is_demo: bool | None
    stopped: str | None
    resources: tuple[ResourceState, ...]


class Entities(msgspec.Struct, frozen=True):
    """The companies that the key is for, in the configuration's order."""

    entities: tuple[Entity, ...]


@registry.get("/v1/entities", rights="read", summary="The companies that this key is for", example=EXAMPLE)
async def list_entities(books: BooksOf, caller: CallerOf) -> Entities:
    """Which organisation each company is, and how old its mirror is."""
    found = await entity_states.states(books, registry.visible(books, caller))
    return Entities(tuple(msgspec.convert(one, Entity, from_attributes=True) for one in found))


ROUTES: Final = (list_entities,)
