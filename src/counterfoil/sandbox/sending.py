"""The last step of an answer: headers that every answer has, and the faults that spoil it on its way.

Called by `door`. What is spoilt here was processed and, for an idempotency key, kept unspoilt.
"""

import email.utils
import gzip as gzip_library
import random

from aiohttp import web

from counterfoil.sandbox import wire
from counterfoil.sandbox.answers import Answer
from counterfoil.sandbox.clock import guid_of
from counterfoil.sandbox.faults import Fault
from counterfoil.sandbox.log import RequestRow

GZIP_FROM_BYTES = 1_400
_NOT_CACHED = {"Cache-Control": "max-age=0, no-cache, no-store", "Pragma": "no-cache"}
_DROP_AFTER = frozenset({"lost_answer", "token_lost"})
_PAGE = b"<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>"


def drops_before(fault: Fault | None) -> bool:
    """Whether the connection goes before anything is processed."""
    return fault is not None and fault.kind == "reset"


async def sent(
    request: web.Request, row: RequestRow, answer: Answer | None, fault: Fault | None, *, gzip: bool
) -> web.StreamResponse:
    """Send the answer (None: there is none, the connection is dropped), spoilt as the fault says; fill in the log row."""
    kind = None if fault is None else fault.kind
    if answer is not None:
        row.status = answer.status
    if answer is None or kind in _DROP_AFTER:
        return _dropped(request)
    assert fault is not None or kind is None
    if kind in {"reordered", "one_short"} and fault is not None:
        answer = _disturbed(answer, kind, fault.dice)
    headers = {
        "Date": email.utils.format_datetime(row.at, usegmt=True),  # the sandbox's own time, as its tokens have it
        "Xero-Correlation-Id": guid_of(f"{row.n}/{row.at.timestamp()}"),
        **_NOT_CACHED,
        **answer.headers,
    }
    if answer.content_type is not None:
        headers["Content-Type"] = answer.content_type
    body = answer.body
    if kind == "text_answer":
        body, headers["Content-Type"] = _PAGE, wire.HTML
    elif kind == "truncated_json":
        body = body[: len(body) // 2]
    elif kind == "bad_gzip":
        body, headers["Content-Encoding"] = b"\x1f\x8b\x08\x00" + body[: len(body) // 2], "gzip"
    elif gzip and len(body) >= GZIP_FROM_BYTES and "gzip" in request.headers.get("Accept-Encoding", ""):
        body, headers["Content-Encoding"] = gzip_library.compress(body, 1), "gzip"
    row.bytes_out = len(body)
    if kind == "truncated":
        return await _cut(request, row, answer.status, headers, body)
    response = web.Response(status=answer.status, body=body, headers=headers)
    if answer.content_type is None:
        # aiohttp would name a type of its own; Xero's empty answers have none.
        response.headers.popall("Content-Type", None)
    return response


def _dropped(request: web.Request) -> web.StreamResponse:
    """Reset the connection. What is returned is written to a closed transport, which aiohttp takes calmly."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)


async def _cut(
    request: web.Request, row: RequestRow, status: int, headers: dict[str, str], body: bytes
) -> web.StreamResponse:
    """Announce the whole length, send half, close."""
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = max(len(body), 1)
    await response.prepare(request)
    row.bytes_out = len(body) // 2
    await response.write(body[: row.bytes_out])
    if request.transport is not None:
        request.transport.close()
    return response


def _disturbed(answer: Answer, kind: str, dice: random.Random) -> Answer:
    """The elements of a write's answer in another order, or one of them missing."""
    if answer.status >= 400 or answer.plural is None:
        return answer
    document = wire.decode(answer.body)
    elements = document[answer.plural]
    if kind == "one_short" and elements:
        del elements[dice.randrange(len(elements))]
    elif kind == "reordered" and len(elements) > 1:
        first, second = dice.sample(range(len(elements)), 2)
        elements[first], elements[second] = elements[second], elements[first]
    return Answer(answer.status, wire.pretty(document), answer.content_type, answer.headers, answer.plural)
