"""Who wants which events where, what is still to be delivered, and the states that the portal shows (facts 6.5 to 6.7).

Called by `sender` (delivery), `door` (through `sender.note`), `control` and `pages`. Everything is in the world's tables,
so that a state file keeps undelivered events.
"""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from counterfoil.sandbox.tables import Change, Row
from counterfoil.sandbox.webhooks import events
from counterfoil.sandbox.webhooks.events import Event
from counterfoil.sandbox.world import CLIENT_ID, PUBLIC_CLIENT_ID, WEBHOOK_KEY, World

REQUIRED: Final = "Intent to receive required"
IN_PROGRESS: Final = "Intent to receive in progress"
OK: Final = "OK"
RETRY: Final = "Retry"
DISABLED: Final = "Disabled"

RETRY_EVERY_S: Final = 900
DISABLED_AFTER_S: Final = 86_400
KEPT_S: Final = 31 * 86_400
STORED_MAX: Final = 100_000
DELIVERY_EVENTS_MAX: Final = 250
URL_MAX: Final = 2_000
FIELDS: Final = frozenset({"client_id", "url", "key", "categories"})


def subscribed(world: World, given: dict[str, Any]) -> list[Row]:
    """Set address, key or categories of an app's webhook, or of both default apps'; returns them as shown.

    A new address, or none given (enabled again), begins an intent to receive. Raises ValueError, TypeError.
    """
    read = _read(given)
    client_id = given.get("client_id")
    if client_id is not None and client_id not in world.apps:
        raise ValueError("no such app")
    rows = []
    for wanted in (CLIENT_ID, PUBLIC_CLIENT_ID) if client_id is None else (client_id,):
        before = world.webhooks.get(wanted)
        if before is None and "url" not in read:
            raise ValueError("a new webhook needs a url")
        row = (before or _new(wanted)) | read
        if before is None or not read or row["url"] != before["url"]:
            row |= {"status": IN_PROGRESS, "message": "", "intent": row["intent"] + 1}
        world.webhooks.put(wanted, row)
        rows.append(shown(world, row))
    return rows


def removed(world: World) -> int:
    """Forget every webhook and what was stored for it; returns how many there were."""
    clients = list(world.webhooks.rows)
    for client_id in clients:
        world.webhooks.drop(client_id)
        for row in waiting(world, client_id):
            world.webhook_events.drop(row["id"])
    return len(clients)


def shown(world: World, row: Row) -> Row:
    """A subscription for people: its state, Xero's words for a failed intent, how many events wait."""
    keys = ("client_id", "url", "key", "categories", "status", "message")
    return {key: row[key] for key in keys} | {"waiting": len(waiting(world, row["client_id"]))}


def raised(world: World, changes: Iterable[Change], api_url: str) -> bool:
    """Store the events of a commit for every app that wants them; whether there was one."""
    if not len(world.webhooks):
        return False
    found = events.of(list(changes), api_url, world.unknowns)
    stored = False
    for subscription in list(world.webhooks):
        mine = [event for event in found if _wants(world, subscription, event)]
        if mine:
            _store(world, subscription, mine)
            stored = True
    return stored


def waiting(world: World, client_id: str) -> list[Row]:
    """The stored events of an app, oldest first."""
    return world.webhook_events.find("client", client_id)


def delivered(world: World, client_id: str, rows: Iterable[Row]) -> None:
    """These events arrived, or are given up; after an arrival the webhook is well again."""
    for row in rows:
        world.webhook_events.drop(row["id"])
    subscription = world.webhooks.get(client_id)
    if subscription is not None and (subscription["status"] != OK or subscription["due_ms"] is not None):
        world.webhooks.put(client_id, {**subscription, "status": OK, "since_ms": None, "due_ms": None, "message": ""})


def failed(world: World, client_id: str, message: str) -> None:
    """A delivery failed twice: again in a quarter of an hour, and never again after a day of failures."""
    subscription = world.webhooks.get(client_id)
    if subscription is None:
        return
    now_ms = int(world.clock.seconds() * 1000)
    since_ms = subscription["since_ms"] or now_ms
    is_over = now_ms - since_ms >= DISABLED_AFTER_S * 1000
    world.webhooks.put(
        client_id,
        {
            **subscription,
            "status": DISABLED if is_over else RETRY,
            "message": message,
            "since_ms": since_ms,
            "due_ms": now_ms + RETRY_EVERY_S * 1000,
        },
    )


def intended(world: World, client_id: str, intent: int, message: str) -> None:
    """An intent to receive ended: well (`message` empty), or with what the portal says.

    `intent` is its number: if another was asked for meanwhile, this one counts for nothing.
    """
    subscription = world.webhooks.get(client_id)
    if subscription is None or subscription["intent"] != intent:
        return
    good = {"status": OK, "once_ok": True, "since_ms": None, "due_ms": None, "message": ""}
    world.webhooks.put(
        client_id, {**subscription, **(good if not message else {"status": REQUIRED, "message": message})}
    )


def delayed(world: World, client_id: str, delay_s: float) -> None:
    """Nothing is delivered for so long."""
    due_ms = int((world.clock.seconds() + delay_s) * 1000)
    world.webhooks.put(client_id, {**world.webhooks.rows[client_id], "due_ms": due_ms})


def forget_old(world: World) -> None:
    """Drop what was stored for more than 31 days."""
    oldest_ms = int((world.clock.seconds() - KEPT_S) * 1000)
    for row in [row for row in world.webhook_events if row["raised_ms"] < oldest_ms]:
        world.webhook_events.drop(row["id"])


def _wants(world: World, subscription: Row, event: Event) -> bool:
    """Events flow after the first good intent to receive, for organisations that are connected to the app."""
    if not subscription["once_ok"] or event.category not in subscription["categories"]:
        return False
    if world.writer == subscription["client_id"] and world.unknowns.plays("own-writes", "silent"):
        return False
    if event.client_id:
        return bool(event.client_id == subscription["client_id"])
    own = world.books_of_custom(subscription["client_id"])
    if own is not None:
        return own.tenant_id == event.tenant_id
    return world.connection_of(subscription["client_id"], None, event.tenant_id) is not None


def _store(world: World, subscription: Row, mine: list[Event]) -> None:
    client_id, sequence = subscription["client_id"], subscription["sequence"]
    for event in mine:
        sequence += 1
        row = {
            "id": f"{client_id}/{sequence}",
            "client_id": client_id,
            "sequence": sequence,
            "tenant_id": event.tenant_id,
            "raised_ms": int(world.clock.seconds() * 1000),
            "event": event.wire,
        }
        world.webhook_events.put(row["id"], row)
    world.webhooks.put(client_id, {**subscription, "sequence": sequence})
    for row in waiting(world, client_id)[:-STORED_MAX]:
        world.webhook_events.drop(row["id"])


def _new(client_id: str) -> Row:
    return {
        "client_id": client_id,
        "url": "",
        "key": WEBHOOK_KEY,
        "categories": list(events.CATEGORIES_DEFAULT),
        "status": REQUIRED,
        "message": "",
        "intent": 0,
        "sequence": 0,
        "since_ms": None,
        "due_ms": None,
        "once_ok": False,
    }


def _is_address(url: str) -> bool:
    """Whether something can be posted there."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and len(url) <= URL_MAX
    except ValueError:
        return False


def _read(given: dict[str, Any]) -> Row:
    """The given fields, checked."""
    row: Row = {}
    for field, value in given.items():
        match field, value:
            case "client_id", str():
                pass
            case "url", str() if _is_address(value):
                row["url"] = value
            case "key", str() if value:
                row["key"] = value
            case "categories", list() if set(value) <= set(events.CATEGORIES):
                row["categories"] = value
            case "categories", _:
                raise ValueError(f"categories is a list of: {', '.join(events.CATEGORIES)}")
            case _ if field not in FIELDS:
                raise ValueError(f"unknown field {field!r}; known: {', '.join(sorted(FIELDS))}")
            case _:
                raise TypeError(f"{field} cannot be {value!r}")
    return row
