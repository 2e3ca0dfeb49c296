"""Apps as a developer registers them in Xero's portal: made and changed under /_sandbox/apps (facts 1.2, 1.7, 2.4).

Called by `control`. Values that are left out of a new app are as the sandbox's options say.
"""

from datetime import date
from typing import Any, Final

from counterfoil.sandbox.apps import KINDS, new_row
from counterfoil.sandbox.identity import redirects, scopes
from counterfoil.sandbox.options import TIERS
from counterfoil.sandbox.tables import Row
from counterfoil.sandbox.world import World

APPS_MAX: Final = 1_000
FIELDS: Final = frozenset(
    {"name", "kind", "created", "tier", "certified", "scopes", "tenant", "authorised", "redirect_uris"}
)


def listed(world: World) -> list[Row]:
    """Every app as it is shown."""
    return [shown(world, client_id) for client_id in world.apps]


def shown(world: World, client_id: str) -> Row:
    """One app: ids, kind, when it was made, its tier, and the organisation of a custom connection."""
    app = world.apps[client_id]
    books = next((books for books in world.organisations() if books.number == app.organisation), None)
    return {
        "client_id": app.client_id,
        "client_secret": app.secret,
        "name": app.name,
        "kind": app.kind,
        "created": app.created.isoformat(),
        "tier": app.tier,
        "certified": app.is_certified,
        "scopes": None if app.scopes is None else list(app.scopes),
        "tenant": None if books is None else books.tenant_id,
        "authorised": app.authorised,
        "redirect_uris": list(app.redirect_uris),
    }


def created(world: World, given: dict[str, Any]) -> Row:
    """Register an app; returns it with its new id and secret. Raises ValueError, TypeError."""
    if len(world.apps) >= APPS_MAX:
        raise ValueError(f"there are {APPS_MAX} apps already")
    kind = given.get("kind", "web")
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}")
    client_id = world.ids.guid().replace("-", "").upper()
    secret = None if kind == "pkce" else world.ids.token()
    row = new_row(client_id, secret, "An app", kind, organisation=1 if kind == "custom" else None)
    world.apps.put(row | _read(world, given))
    return shown(world, client_id)


def changed(world: World, client_id: str, given: dict[str, Any]) -> Row | None:
    """Change an app; None: there is none. Raises ValueError, TypeError.

    New scopes or another organisation end a custom connection until it is `authorised` again.
    """
    row = world.apps.rows.get(client_id)
    if row is None:
        return None
    if "kind" in given:
        raise ValueError("an app stays of its kind")
    read = _read(world, given)
    if row["kind"] == "custom" and read.keys() & {"scopes", "organisation"}:
        read = {"authorised": False, **read}
    world.apps.put(row | read)
    return shown(world, client_id)


def _read(world: World, given: dict[str, Any]) -> Row:
    """The given fields as the table keeps them."""
    row: Row = {}
    for field, value in given.items():
        match field, value:
            case "kind", _:
                pass
            case "name", str() if 0 < len(value) <= 100:
                row["name"] = value
            case "created", str():
                row["created"] = date.fromisoformat(value).isoformat()
            case "tier", str() if value in TIERS:
                row["tier"] = value
            case (("certified" | "authorised"), bool()):
                row[field] = value
            case "scopes", list() if all(isinstance(scope, str) for scope in value):
                row["scopes"] = _known(value)
            case "redirect_uris", list() if all(isinstance(uri, str) for uri in value):
                row["redirect_uris"] = _addresses(value)
            case "tenant", str() if (books := world.books(value)) is not None:
                row["organisation"] = books.number
            case _ if field not in FIELDS:
                raise ValueError(f"unknown field {field!r}; known: {', '.join(sorted(FIELDS))}")
            case _:
                raise TypeError(f"{field} cannot be {value!r}")
    return row


def _addresses(uris: list[str]) -> list[str]:
    wrong = [uri for uri in uris if not redirects.may_be_registered(uri)]
    if wrong or len(uris) > redirects.REGISTERED_MAX:
        raise ValueError(f"at most {redirects.REGISTERED_MAX} https addresses (or http://localhost): {wrong[:1]}")
    return uris


def _known(asked: list[str]) -> list[str]:
    wrong = [scope for scope in asked if scope not in scopes.GRANULAR | scopes.BROAD]
    if wrong:
        raise ValueError(f"no such scope: {wrong[0]}")
    return asked
