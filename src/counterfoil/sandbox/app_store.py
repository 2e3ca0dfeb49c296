"""Subscriptions to an app in Xero's App Store: bought and changed by an organisation, read by the app (facts A2, 6.1).

Called by `without_tenant` (GET /appstore/2.0/subscriptions/{id}, scope marketplace.billing) and `portal`. Each change is
an event of the category SUBSCRIPTION, whose tenant is the app itself. Usage records are not played.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from counterfoil.sandbox import gate, wire
from counterfoil.sandbox.answers import Answer, Refusal
from counterfoil.sandbox.clock import guid_of
from counterfoil.sandbox.gate import Caller
from counterfoil.sandbox.tables import Row
from counterfoil.sandbox.world import CLIENT_ID, World

PATH: Final = "/appstore/2.0/subscriptions/"
SCOPE: Final = "marketplace.billing"
STATUSES: Final = ("ACTIVE", "CANCELED", "PAST_DUE")
FIELDS: Final = frozenset({"client_id", "tenant", "plan", "status"})
PLAN_MAX: Final = 100
SUBSCRIPTIONS_MAX: Final = 1_000
_MONTH: Final = timedelta(days=30)


def answered(world: World, caller: Caller, method: str, id: str) -> Answer:
    """GET one of the caller's own: 401 without the scope, 404 with a problem for what is not there."""
    if SCOPE not in caller.scopes:
        raise Refusal(gate.unauthorized(world, "AuthorizationUnsuccessful"))
    row = world.app_subscriptions.get(id.lower())
    if method != "GET":
        return Answer(405)
    if row is None or row["client_id"] != caller.client_id:
        problem = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "Subscription not found"}
        return Answer(404, wire.compact(problem), "application/problem+json")
    return Answer(200, wire.compact(row["shown"]), wire.JSON)


def listed(world: World) -> list[Row]:
    """Every subscription with its app."""
    return [{"client_id": row["client_id"], **row["shown"]} for row in world.app_subscriptions]


def bought(world: World, given: dict[str, Any]) -> Row:
    """An organisation subscribes to an app; returns it as it is listed. Raises ValueError, TypeError."""
    if len(world.app_subscriptions) >= SUBSCRIPTIONS_MAX:
        raise ValueError(f"there are {SUBSCRIPTIONS_MAX} subscriptions already")
    read = _read(given)
    client_id = read.get("client_id", CLIENT_ID)
    if client_id not in world.apps:
        raise ValueError("no such app")
    books = world.books(read["tenant"]) if "tenant" in read else world.organisations()[0]
    if books is None:
        raise ValueError("no such tenant")
    own_id, now = world.ids.guid(), world.clock.now()
    shown = {
        "id": own_id,
        "organisationId": books.tenant_id,
        "testMode": True,
        "status": read.get("status", "ACTIVE"),
        "startDate": _moment(now),
        "currentPeriodEnd": _moment(now + _MONTH),
        "plans": [_plan(own_id, read.get("plan", "Small"), now)],
    }
    return _put(world, {"client_id": client_id, "shown": shown})


def changed(world: World, id: str, given: dict[str, Any]) -> Row | None:
    """Another plan or status; None: there is no such subscription. Raises ValueError, TypeError."""
    row = world.app_subscriptions.get(id.lower())
    if row is None:
        return None
    if given.keys() & {"client_id", "tenant"}:
        raise ValueError("a subscription stays with its app and its organisation")
    read, now = _read(given), world.clock.now()
    shown = {**row["shown"], **({"status": read["status"]} if "status" in read else {})}
    if "plan" in read:
        gone = [_status(plan, "CANCELED") for plan in shown["plans"]]
        shown["plans"] = [*gone, _plan(f"{id}/{len(gone)}", read["plan"], now)]
    if shown["status"] == "CANCELED":
        shown |= {"endDate": shown["currentPeriodEnd"], "plans": [_status(plan, "CANCELED") for plan in shown["plans"]]}
    return _put(world, {**row, "shown": shown})


def _put(world: World, row: Row) -> Row:
    row = {**row, "UpdatedDateUTC": wire.stamp(world.clock.now())}
    world.app_subscriptions.put(row["shown"]["id"], row)
    return {"client_id": row["client_id"], **row["shown"]}


def _plan(basis: str, name: str, now: datetime) -> Row:
    """A plan of one item at a fixed price."""
    item = {
        "id": guid_of(f"{basis}/item"),
        "startDate": _moment(now),
        "status": "ACTIVE",
        "testMode": True,
        "quantity": 1,
        "price": {"id": guid_of(f"{basis}/price"), "amount": 50, "currency": "AUD"},
        "product": {"id": guid_of(f"{basis}/product"), "name": name, "type": "FIXED"},
    }
    return {"id": guid_of(f"{basis}/plan"), "name": name, "status": "ACTIVE", "subscriptionItems": [item]}


def _status(plan: Row, status: str) -> Row:
    items = [{**item, "status": status} for item in plan["subscriptionItems"]]
    return {**plan, "status": status, "subscriptionItems": items}


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _read(given: dict[str, Any]) -> Row:
    """The given fields, checked."""
    for field, value in given.items():
        if field not in FIELDS:
            raise ValueError(f"unknown field {field!r}; known: {', '.join(sorted(FIELDS))}")
        if not isinstance(value, str) or not 0 < len(value) <= PLAN_MAX:
            raise TypeError(f"{field} cannot be {value!r}")
    if given.get("status", "ACTIVE") not in STATUSES:
        raise ValueError(f"status is one of {', '.join(STATUSES)}")
    return given
