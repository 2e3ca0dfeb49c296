"""GET /connections and DELETE /connections/{id} (facts 1.6): a bare array, no limits, no envelope.

Called by `server`'s routes, after `gate` has read the token.
"""

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Answer
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.clock import guid_of
from counterfoil.sandbox.gate import Caller
from counterfoil.sandbox.tables import Row
from counterfoil.sandbox.world import World


def listed(world: World, caller: Caller, event_id: str | None) -> Answer:
    """The tenants that this user let this app into, or with `event_id` only those of that consent; oldest first.

    A token without a user (client_credentials with app.connections) sees the connections of all users.
    """
    own = world.books_of_custom(caller.client_id)
    if own is not None:
        return Answer(200, wire.compact([_shown(world, _of_custom(caller.client_id, own))]), wire.JSON)
    rows = [row for row in _mine(world, caller) if not row["disconnected"] and event_id in {None, row["event_id"]}]
    return Answer(200, wire.compact([_shown(world, row) for row in rows]), wire.JSON)


def removed(world: World, caller: Caller, id: str) -> Answer:
    """204, or 404 for an id that is not one of the caller's."""
    own = world.books_of_custom(caller.client_id)
    if own is not None and id.lower() == _of_custom(caller.client_id, own)["id"]:
        world.disconnect(own, caller.client_id)
        return Answer(204)
    for row in _mine(world, caller):
        if row["id"] == id.lower() and not row["disconnected"]:
            world.connections.put(row["id"], {**row, "disconnected": True})
            return Answer(204)
    return Answer(404)


def _mine(world: World, caller: Caller) -> list[Row]:
    if caller.user_id is None:
        return [row for row in world.connections if row["client_id"] == caller.client_id]
    return world.connections.find("owner", (caller.client_id, caller.user_id))


def _of_custom(client_id: str, books: Books) -> Row:
    """The one connection of a custom connection, which no consent made."""
    created = wire.seven_digits(wire.moment_of(books.organisation["CreatedDateUTC"]))
    return {
        "id": guid_of(f"{client_id}/{books.tenant_id}/connection"),
        "event_id": wire.ZERO_GUID,
        "tenant_id": books.tenant_id,
        "created": created,
        "updated": created,
    }


def _shown(world: World, row: Row) -> Row:
    books = world.books(row["tenant_id"])
    assert books is not None, "a connection goes with its books"
    return {
        "id": row["id"],
        "authEventId": row["event_id"],
        "tenantId": row["tenant_id"],
        "tenantType": "ORGANISATION",
        "tenantName": books.name,
        "createdDateUtc": row["created"],
        "updatedDateUtc": row["updated"],
    }
