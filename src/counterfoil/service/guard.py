"""What every request passes first: whose host it names, how large and how slow it is; and what every answer carries.

Called by application: it stands around the framework, so that nothing of the framework's own words gets out. The Host
header is checked because a stranger's page can have its own name lead to this machine (DNS rebinding).
"""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from counterfoil.service import answers

BODY_BYTES_MAX: Final = 16 * 1024
BODY_S: Final = 10.0
REQUEST_S: Final = 120.0  # connecting asks Xero several times
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS: Final = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",  # `no-referrer` would hide a form's own origin from us as well
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}

_log = logging.getLogger("counterfoil.service")


class _TooLarge(Exception):
    """A body is larger than BODY_BYTES_MAX."""


def name_of(host: str) -> str:
    """The name in a Host header, without its port, in small letters; IPv6 without brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


class Guard:
    """An ASGI application around another. `hosts`: the names by which the service may be called; `end`: of what it began.

    `doors`: paths that programs call, each with the application that has it to itself; what is above holds for none of them.
    `api` likewise, of the paths that `api[0]` knows.
    """

    def __init__(
        self, app: Any, end: Callable[[], Awaitable[None]], hosts: Iterable[str], doors: Mapping[str, Any] | None = None,
        api: tuple[Callable[[str], bool], Any] | None = None,
    ) -> None:  # fmt: skip
        self._app = app
        self._doors = doors or {}
        self._api = api
        self.end = end
        self._is_known = known_hosts(hosts)

    @contextlib.asynccontextmanager
    async def waited_for(self) -> AsyncIterator[None]:
        """While inside, a program may wait for something; nobody does any longer when the door begins to close."""
        try:
            yield
        finally:
            if self._api is not None:
                await self._api[1].end()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        door = self._doors.get(scope["path"].rstrip("/"))
        if door is not None:
            await door(scope, receive, send)
            return
        if self._api is not None and self._api[0](scope["path"]):
            await self._api[1](scope, receive, send)
            return
        sender = _Sender(send)
        wants_page = b"text/html" in header(scope, b"accept")
        try:
            refused = self._refused(scope)
            if refused is not None:
                await sender.plain(*refused, page=wants_page)
                return
            async with asyncio.timeout(REQUEST_S):
                body = await _body(receive) if scope["method"] == "POST" else b""
                inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
                await self._app(inner, _given(body, receive), sender)
        except _TooLarge:
            await sender.plain(413, "The request is too large.", "", page=wants_page)
        except TimeoutError:
            await sender.plain(408, "The request took too long.", "Try again.", page=wants_page)
        except Exception:  # noqa: BLE001 - the last place before the wire: whatever it is, the answer is ours
            _log.exception("a request failed")
            await sender.plain(500, answers.UNFORESEEN, answers.UNFORESEEN_REMEDY, page=wants_page)

    def _refused(self, scope: Any) -> tuple[int, str, str] | None:
        """(status, what, remedy) of what nobody here should be asked."""
        if not self._is_known(scope):
            return (
                421,
                "This service is not called so.",
                "Its names are those of [service] listen, public_url and hosts.",
            )
        length = header(scope, b"content-length")
        if length and (not length.isdigit() or int(length) > BODY_BYTES_MAX):
            return 413, "The request is too large.", ""
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "This cannot be done here.", ""
        return None


def known_hosts(hosts: Iterable[str]) -> Callable[[Any], bool]:
    """Whether a request calls us by one of these names, or by the very address that it came to."""
    names = LOOPBACK | {name_of(one) for one in hosts}

    def is_known(scope: Any) -> bool:
        given = [value for name, value in scope["headers"] if name == b"host"]
        name = name_of(given[0].decode("latin-1")) if len(given) == 1 else ""
        return name in names or _is_own_address(name, scope)

    return is_known


def header(scope: Any, wanted: bytes) -> bytes:
    """The first header of this name, in small letters; empty when there is none."""
    return next((bytes(value) for name, value in scope["headers"] if name == wanted), b"")


def _is_own_address(name: str, scope: Any) -> bool:
    """Whether it is the very address that the connection came to: no name, so nobody can have it lead here."""
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(scope["server"][0])
    except (TypeError, ValueError):
        return False


async def _body(receive: Any) -> bytes:
    """A request's whole body. Raises _TooLarge, TimeoutError."""
    parts, size, more = [], 0, True
    async with asyncio.timeout(BODY_S):
        while more:
            event = await receive()
            parts.append(event.get("body", b""))
            size += len(parts[-1])
            if size > BODY_BYTES_MAX:
                raise _TooLarge
            more = event.get("more_body", False)
    return b"".join(parts)


def _given(body: bytes, receive: Any) -> Any:
    """A receiver that hands a body over that is here already, then whatever comes."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_event() -> Any:
        return left.pop() if left else await receive()

    return next_event


class _Sender:
    """Sends an answer with our headers; one of ours in place of one that was not begun."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._begun = False

    async def __call__(self, event: Any) -> None:
        """The next event of an answer."""
        if event["type"] == "http.response.start":
            self._begun = True
            given = {bytes(name).lower() for name, _value in event["headers"]}
            more = [(name, value) for name, value in HEADERS.items() if name not in given]
            event = {**event, "headers": [*event["headers"], *more]}
        await self._send(event)

    async def plain(self, status: int, what: str, remedy: str, *, page: bool) -> None:
        """An answer of our own, after which the connection ends; none when another was begun already."""
        if self._begun:
            return
        body, kind = answers.told(status, what, remedy, page=page)
        headers = [
            (b"content-type", f"{kind}; charset=utf-8".encode()), (b"content-length", str(len(body)).encode()), (b"connection", b"close"),
            *answers.PAGE_HEADERS,
        ]  # fmt: skip
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})
