"""A request as it came: its headers as text, its query, the parts of its path, its body in whole.

Called by `door`. A client may send any bytes: what is read here can be logged, kept and shown, whatever it was.
"""

from urllib.parse import unquote

from aiohttp import web

from counterfoil.sandbox import answers
from counterfoil.sandbox.answers import Refusal

BODY_MAX = 10 * 1024 * 1024


def headers(request: web.Request) -> dict[str, str]:
    """By lower-case name; of one that came twice the last."""
    return {name.lower(): readable(value) for name, value in request.headers.items()}


def readable(text: str) -> str:
    """The text; bytes that are no UTF-8, and so could never be encoded again, each by its number."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def query(request: web.Request) -> dict[str, str]:
    """Parameters by lower-case name."""
    return {name.lower(): value for name, value in request.query.items()}


def parts(request: web.Request) -> list[str]:
    """What stands between the slashes of the path, also of one that names the host."""
    return [unquote(part) for part in request.rel_url.raw_path.split("/") if part]


async def body(request: web.Request) -> bytes | None:
    """The whole body; None: over 10 MB. ConnectionError if the client left; Refusal for a Content-Encoding that it is not in."""
    if (request.content_length or 0) > BODY_MAX:
        return None
    pieces, size = [], 0
    try:
        async for piece in request.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            if size > BODY_MAX:
                return None
    except web.RequestPayloadError as error:
        raise Refusal(answers.post_data_invalid("The body is not in its Content-Encoding")) from error
    return b"".join(pieces)
