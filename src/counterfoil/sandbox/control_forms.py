"""What every control under /_sandbox/ shares: the body as an object, the answer as JSON, the refusal with its reason.

Called by `control`, `portal` and `screen`.
"""

from typing import Any, NoReturn

import msgspec
from aiohttp import web

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Answer, Refusal
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.world import World


async def given(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object; an empty body is {}."""
    try:
        body = await request.read()
    except web.RequestPayloadError:
        bad("the body is not in its Content-Encoding")
    if not body.strip():
        return {}
    try:
        # Plain floats for probabilities and seconds; what holds documents is read with decimals.
        documents = any(part in request.path for part in ("/document/", "/person/"))
        body_given = wire.decode(body) if documents else msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        bad(f"the body is not JSON: {error}")
    if not isinstance(body_given, dict):
        bad("the body must be a JSON object")
    return body_given


def answered(value: Any, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, wire.compact(value), wire.JSON)


def bad(error: str, **more: Any) -> NoReturn:
    """Refuse with 400 and the reason."""
    raise Refusal(answered({"error": error, **more}, 400))


def books_of(world: World, request: web.Request) -> Books:
    """The books of the tenant in the path; Refusal with 404."""
    books = world.books(request.match_info["tenant"])
    if books is None:
        raise Refusal(answered({"error": "no such tenant"}, 404))
    return books
