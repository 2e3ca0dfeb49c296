"""What every request to the API passes before the framework sees it, and what every answer carries.

Called by guard, which leaves `/v1/` and `/schema` to it. In this order: the host's name, the key, how many requests of that
key run, the body's kind, size and pace. A stranger without a key is told nothing but that: 401 at every address of /v1.
No CORS: a page of somebody else's cannot read an answer, and a key does not belong in a browser. One line is logged for
each request, with the names of its query's fields and never their values.
"""

import asyncio
import collections
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from counterfoil import errors
from counterfoil.app import api_keys
from counterfoil.app.api_keys import Caller
from counterfoil.service import guard
from counterfoil.service.api import problems
from counterfoil.service.api.problems import Refusal
from counterfoil.service.api.registry import CALLER
from counterfoil.service.api.waiting import Waiting

PREFIXES: Final = ("/v1", "/schema")
OPEN: Final = ("/schema", "/schema/reference")  # the description of the API is no secret
BODY_BYTES_MAX: Final = 4 << 20
BODIES_BYTES_MAX: Final = 32 << 20  # of all bodies that are here at once
BODY_S: Final = 30.0
REQUEST_S: Final = 120.0
KEY_REQUESTS_MAX: Final = 16  # of one key at once
QUERY_BYTES_MAX: Final = 8 << 10
QUERY_FIELDS_MAX: Final = 200
AGAIN_S: Final = 1.0
KINDS: Final = ("application/json", "application/x-ndjson")
HEADERS: Final = {
    b"cache-control": b"no-store",
    b"content-security-policy": guard.POLICY.encode(),
    b"referrer-policy": b"no-referrer",
    b"vary": b"Authorization",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"cross-origin-resource-policy": b"same-origin",
}

_log = logging.getLogger("counterfoil.api")
Recognise = Callable[[str], Awaitable[Caller | None]]


def is_ours(path: str) -> bool:
    """Whether a path is the API's."""
    return any(path == one or path.startswith(f"{one}/") for one in PREFIXES)


class Gate:
    """An ASGI application around the framework's. `waiting`: who waits for something, until `end`."""

    def __init__(self, app: Any, books: Any, is_known_host: Callable[[Any], bool], waiting: Waiting) -> None:
        self._app = app
        self._books = books
        self._is_known_host = is_known_host
        self.waiting = waiting
        self.end = waiting.end
        self._running: collections.Counter[str] = collections.Counter()
        self._bytes = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        began_s = self._books.clock.elapsed_s()
        sender = Sender(send)
        caller: Caller | None = None
        try:
            self._look(scope)
            if scope["path"].rstrip("/") not in OPEN:
                caller = await self._caller(scope)
            async with asyncio.timeout(REQUEST_S):
                await self._answer(scope, receive, sender, caller)
        except errors.CounterfoilError as error:
            await sender.problem(error)
        except TimeoutError:
            await sender.problem(Refusal("too-slow", "The request took too long.", "Ask for less, or try again."))
        except Exception:  # noqa: BLE001 - the last place before the wire: whatever it is, the answer is ours
            _log.exception("a request failed")
            await sender.problem(problems.unforeseen())
        finally:
            self._say(scope, sender, caller, self._books.clock.elapsed_s() - began_s)

    def _look(self, scope: Any) -> None:
        """Of what needs no key to be refused. Raises Refusal."""
        if not self._is_known_host(scope):
            raise Refusal(
                "misdirected",
                "This service is not called so.",
                "Its names are those of [service] listen, public_url and hosts.",
            )
        query = scope["query_string"]
        if len(query) > QUERY_BYTES_MAX or query.count(b"&") >= QUERY_FIELDS_MAX:
            raise Refusal("bad-request", "The query is too long.", "Ask in several requests.")
        if {b"content-length", b"transfer-encoding"} <= {bytes(name) for name, _value in scope["headers"]}:
            # Where a proxy believes the one and we the other, half of a request is somebody else's.
            raise Refusal("bad-request", "The body has a length and comes in chunks.", "Send one of the two headers.")
        if "\0" in scope["path"]:
            raise Refusal("bad-request", "The address has a character in it that no text of ours has.")
        if b"%00" in query:
            asked = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
            name = next((name for name, value in asked if "\0" in name + value), "").replace("\0", "")
            raise problems.field(name[: problems.TEXT_MAX], "It has a character in it that no text of ours has.")
        try:
            query.decode("ascii")
            scope["path"].encode()
        except UnicodeError:
            raise Refusal("bad-request", "The address is not in UTF-8.", "Percent-encode it.") from None

    async def _caller(self, scope: Any) -> Caller:
        """Whoever asks. Raises Refusal: 401, the same for whatever is wrong with a key."""
        given = [bytes(value) for name, value in scope["headers"] if name == b"authorization"]
        kind, _, text = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
        try:
            found = await api_keys.caller(self._books, text.strip()) if kind.lower() == "bearer" else None
        except errors.Stop as error:  # what is wrong here, and where, is no stranger's business
            _log.warning("no key can be recognised: %s", error.code, exc_info=error)
            raise Refusal("stop", "Keys cannot be looked at now.", "The service's log says why.") from error
        if found is None:
            raise problems.no_key(given=bool(given))
        return found

    async def _answer(self, scope: Any, receive: Any, sender: "Sender", caller: Caller | None) -> None:
        who = caller.prefix if caller is not None else ""
        if caller is not None and self._running[who] >= KEY_REQUESTS_MAX:
            raise Refusal(
                "too-many",
                f"{KEY_REQUESTS_MAX} requests of this key run already.",
                "Wait for one to end.",
                retry_after_s=AGAIN_S,
            )
        self._running[who] += 1
        parts: list[bytes] = []
        try:
            if scope["method"] in ("POST", "PUT", "PATCH", "DELETE"):
                await self._fill(parts, scope, receive)
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            await self._app({**scope, "method": method, CALLER: caller}, given(b"".join(parts), receive), sender)
        finally:
            self._bytes -= sum(map(len, parts))
            self._running[who] -= 1
            if not self._running[who]:
                del self._running[who]

    async def _fill(self, parts: list[bytes], scope: Any, receive: Any) -> None:
        """Put a request's whole body into `parts`. Raises Refusal."""
        length = guard.header(scope, b"content-length")
        if length and (not length.isdigit() or int(length) > BODY_BYTES_MAX):
            raise _too_large()
        size, more = 0, True
        try:
            async with asyncio.timeout(BODY_S):
                while more:
                    event = await receive()
                    if event["type"] != "http.request":
                        raise Refusal("bad-request", "The request was broken off.")
                    part = event.get("body", b"")
                    size += len(part)
                    if size > BODY_BYTES_MAX:
                        raise _too_large()
                    parts.append(part)
                    self._bytes += len(part)
                    if self._bytes > BODIES_BYTES_MAX:
                        raise Refusal(
                            "too-many", "Too many large requests at once.", "Send it again.", retry_after_s=AGAIN_S
                        )
                    more = event.get("more_body", False)
        except TimeoutError:
            raise Refusal("too-slow", "The body came too slowly.", "Send less at a time.") from None
        coding = guard.header(scope, b"content-encoding").decode("latin-1").strip().lower()
        if size and coding not in ("", "identity"):
            raise Refusal(
                "media-type", f"A body that is encoded as {coding[:100]!r} is not taken.", "Send it as it is.",
                headers={"Accept-Encoding": "identity"},
            )  # fmt: skip
        kind = guard.header(scope, b"content-type").decode("latin-1").partition(";")[0].strip().lower()
        if size and kind not in KINDS:
            raise Refusal(
                "media-type", f"A body of kind {kind[:100] or 'nothing'!r} is not taken.", f"Send {KINDS[0]}."
            )

    def _say(self, scope: Any, sender: "Sender", caller: Caller | None, took_s: float) -> None:
        """One line. The path has entities and ids in it, which the log may hold; what a query looks for may be a name."""
        try:
            asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        except ValueError:
            asked = []
        names = sorted({name[:40] for name, _ in asked})[:20]
        _log.info(
            "%s %s%s: %s", scope["method"], scope["path"][:300], f" ?{','.join(names)}" if names else "", sender.status,
            extra={
                "key": caller.prefix if caller else None, "status": sender.status, "bytes": sender.bytes,
                "ms": round(took_s * 1000, 1),
            },
        )  # fmt: skip


def _too_large() -> Refusal:
    return Refusal("too-large", f"The body is larger than {BODY_BYTES_MAX >> 20} MB.", "Send it in several requests.")


def given(body: bytes, receive: Any) -> Any:
    """A receiver that hands a body over that is here already, then whatever comes."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_event() -> Any:
        return left.pop() if left else await receive()

    return next_event


class Sender:
    """Sends an answer with our headers; a problem in place of one that was not begun. `status` 0: nothing was sent."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self.status = 0
        self.bytes = 0

    async def __call__(self, event: Any) -> None:
        """The next event of an answer."""
        if event["type"] == "http.response.start":
            self.status = event["status"]
            had = {bytes(name).lower() for name, _value in event["headers"]}
            more = [(name, value) for name, value in HEADERS.items() if name not in had]
            event = {**event, "headers": [*event["headers"], *more]}
        else:
            self.bytes += len(event.get("body", b""))
        await self._send(event)

    async def problem(self, error: errors.CounterfoilError) -> None:
        """A refusal, after which the connection ends: what is left of a body is not read. None when an answer was begun."""
        if self.status:
            return
        problem = problems.of(error)
        body = msgspec.json.encode(problem)
        more = problems.headers(problem, getattr(error, "headers", {}))
        headers = [
            (b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"), *((name.lower().encode(), value.encode()) for name, value in more.items()),
        ]  # fmt: skip
        await self({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self({"type": "http.response.body", "body": body})
