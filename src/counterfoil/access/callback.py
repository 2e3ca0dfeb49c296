"""A listener for one OAuth callback on this machine, with the standard library alone.

Called by consent. It takes GET on one path from a loopback address, hands the query over and shows the browser the page
that it is given back. Loopback redirects: RFC 8252 §7.3, xero-facts §1.3.
"""

import asyncio
import contextlib
import errno
import socket
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import msgspec

from counterfoil import errors

LOOPBACK: Final = {"localhost": ("127.0.0.1", "::1"), "127.0.0.1": ("127.0.0.1",), "::1": ("::1",)}
HEAD_BYTES_MAX: Final = 16 * 1024
FIELDS_MAX: Final = 20  # of a query; a consent's answer has five at most
HEAD_TIMEOUT_S: Final = 10.0  # browsers open connections and say nothing on them

Query = dict[str, str]
Answerer = Callable[[Query], Awaitable[tuple[int, str]]]  # (HTTP status, page)


class Address(msgspec.Struct, frozen=True):
    """Where the callback is awaited. `port` 0: any free one (the sandbox takes every port, Xero only the exact URI)."""

    hosts: tuple[str, ...]
    name: str
    port: int
    path: str

    def uri(self, port: int) -> str:
        """The redirect URI with the port that was really taken."""
        return f"http://{self.name}:{port}{self.path}"


def address(redirect_uri: str) -> Address:
    """Where to listen for a redirect URI. Raises ConfigurationError when that is not on this machine."""
    try:
        parts = urllib.parse.urlsplit(redirect_uri)
        port = 80 if parts.port is None else parts.port
    except ValueError:
        parts, port = urllib.parse.urlsplit(""), 0
    hosts = LOOPBACK.get(parts.hostname or "")
    if parts.scheme != "http" or hosts is None:
        raise errors.ConfigurationError(
            f"redirect_uri {redirect_uri} is not on this machine, so nobody would hear the answer here.",
            remedy="Set [xero] redirect_uri to http://localhost:PORT/oauth/callback, here and at developer.xero.com.",
        )
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return Address(hosts, name, port, parts.path or "/")


@contextlib.asynccontextmanager
async def listening(at: Address, answer: Answerer) -> AsyncIterator[int]:
    """Listen while inside; gives the port. Raises PortTaken.

    On leaving, a page that `answer` gave is still delivered.
    """
    answering: set[asyncio.Future[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # a browser that went away
            try:
                query = await _query(reader, at.path)
                if isinstance(query, int):
                    writer.write(_http(query, ""))
                    return
                delivered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                answering.add(delivered)
                try:
                    writer.write(_http(*await answer(query)))
                    await writer.drain()
                finally:
                    delivered.cancel()
            finally:
                writer.close()

    server = await _started(at, serve)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        if answering:
            await asyncio.wait(answering, timeout=HEAD_TIMEOUT_S)


async def _started(
    at: Address, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> asyncio.Server:
    """Bind every loopback address that this machine has.

    One that another program has is a refusal, though the other address be free: a browser takes either for "localhost",
    and that program would get the code.
    """
    hosts = at.hosts if at.port else at.hosts[:1]  # any free port: the same one could not be promised on two
    try:
        return await asyncio.start_server(serve, list(here(hosts)), at.port, limit=HEAD_BYTES_MAX)
    except OSError as cause:
        reason = "it is taken" if cause.errno == errno.EADDRINUSE else cause.strerror or type(cause).__name__
        raise errors.PortTaken(
            f"Port {at.port} on this machine cannot be listened on: {reason}.",
            remedy="End the program that uses it, or change [xero] redirect_uri here and at developer.xero.com.",
            port=at.port,
        ) from cause


def here(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """Those of some loopback addresses that this machine has; at least the first."""
    return tuple(host for host in hosts if _is_there(host)) or hosts[:1]


def _is_there(host: str) -> bool:
    """Whether this machine has that loopback address; many containers have no IPv6."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as plug:
            plug.bind((host, 0))
    except OSError:
        return False
    return True


async def _query(reader: asyncio.StreamReader, path: str) -> Query | int:
    """The query of a request for our path, or the status that anything else gets."""
    try:
        async with asyncio.timeout(HEAD_TIMEOUT_S):
            head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
        return 400
    method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    # Taken apart here: the library's parser of whole addresses refuses some that a stranger may send.
    asked, _, query = rest.partition(" ")[0].partition("#")[0].partition("?")
    if method != "GET" or asked != path:
        return 404
    try:
        return dict(urllib.parse.parse_qsl(query, max_num_fields=FIELDS_MAX))
    except ValueError:
        return 400


def _http(status: int, page: str) -> bytes:
    body = page.encode()
    head = (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\nCache-Control: no-store\r\n"
        "Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n"
    )
    return head.encode() + body
