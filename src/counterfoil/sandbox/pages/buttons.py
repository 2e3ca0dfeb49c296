"""The two buttons of the pages: a person disconnects an app, or has an intent to receive sent. Called by `views`.

A form of another site is refused: browsers say where a request comes from.
"""

from collections.abc import Callable
from urllib.parse import parse_qs

from aiohttp import web

from counterfoil.sandbox.pages import render
from counterfoil.sandbox.webhooks import subscriptions
from counterfoil.sandbox.webhooks.sender import Sender
from counterfoil.sandbox.world import World

FIELDS_MAX = 10
OURS = frozenset({None, "same-origin", "none"})  # what browsers say of our own pages; other programs say nothing


async def disconnected(world: World, commit: Callable[[], None], request: web.Request) -> web.Response:
    """POST client_id: the app loses this organisation, as in Xero's own list of connected apps."""
    if request.headers.get("Sec-Fetch-Site") not in OURS:
        return render.message_page("Refused", "This form belongs to another site.", status=403)
    books = world.books_named(request.match_info["key"])
    client_id = await _client_id(request)
    if books is None or client_id not in world.apps:
        return render.not_found("This sandbox has no such organisation or app.")
    world.disconnect(books, client_id)
    commit()
    return _back_to(f"/organisations/{books.tenant_id}#apps")


async def intent_sent(world: World, hooks: Sender, commit: Callable[[], None], request: web.Request) -> web.Response:
    """POST client_id: its webhook begins an intent to receive."""
    if request.headers.get("Sec-Fetch-Site") not in OURS:
        return render.message_page("Refused", "This form belongs to another site.", status=403)
    client_id = await _client_id(request)
    if world.webhooks.get(client_id) is None:
        return render.not_found("This app has no webhook.")
    subscriptions.subscribed(world, {"client_id": client_id})
    commit()
    hooks.wake()
    return _back_to("/#webhooks")


async def _client_id(request: web.Request) -> str:
    """The one field of our forms; "" for a body that is no form."""
    try:
        fields = parse_qs((await request.read()).decode("utf-8", "replace"), max_num_fields=FIELDS_MAX)
    except (ValueError, web.RequestPayloadError):
        return ""
    return fields.get("client_id", [""])[0]


def _back_to(path: str) -> web.Response:
    return web.Response(status=303, headers={**render.HEADERS, "Location": path})
