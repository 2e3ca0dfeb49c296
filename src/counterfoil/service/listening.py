"""uvicorn on the caller's event loop: its sockets, its bounds, and an end that comes in time.

Called by open_door. No signal handlers, no reloading, no access log (addresses of pages hold secrets once). A client that
says nothing, says it slowly or does not read is cut off.
"""

import asyncio
import contextlib
import functools
import math
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from counterfoil import errors
from counterfoil.access import callback
from counterfoil.service.api import problems

CONNECTIONS_MAX: Final = 200
HEAD_BYTES_MAX: Final = 16 * 1024
PIPELINED_MAX: Final = 100  # requests that wait behind the one that is being answered
HEAD_S: Final = 10.0  # for a request's head, and between two requests on one connection
IDLE_S: Final = 5
END_S: Final = 5.0  # for requests that run when the service ends
BACKLOG: Final = 128
NO_HTTP: Final = problems.Refusal(
    "bad-request", "This is no HTTP/1.1 request.", "Look at what stands between you and us."
)
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Connection(HttpToolsProtocol):
    """A connection that has a limited time for each head, of which there is a limited number.

    The parser itself has no bounds: it would take a head or a line between two chunks of any length.
    """

    _heads_end: asyncio.TimerHandle | None = None
    _meaningless = 0  # bytes since the parser last made something of them
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """One more. Of too many the one goes that has said nothing whole for longest; this one, where all are being answered.

        Not so many for each address: behind a proxy, and on this machine, all come from one.
        """
        super().connection_made(transport)
        self._expect_head()
        if len(self.connections) > CONNECTIONS_MAX:
            min((one for one in self.connections if isinstance(one, Connection)), key=Connection.patience).cut_off()

    def patience(self) -> float:
        """Until when it has time to ask; for ever while it is answered."""
        return math.inf if self._heads_end is None else self._heads_end.when()

    def cut_off(self) -> None:
        """It is on its way out: the next one too many finds another."""
        self._head_came()
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """What comes must soon mean something, be it a head, a part of a body or an end."""
        self._meaningless += len(data)
        super().data_received(data)
        if self._meaningless > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers. What follows the body does not belong to what was judged already."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A head has come in time; the body's time is the guard's."""
        self._in_head = False
        self._meaningless = 0
        if not self._is_http():
            raise ValueError(NO_HTTP.message)  # the parser ends with it, and that is answered with 400
        super().on_headers_complete()
        self._head_came()
        if len(self.pipeline) > PIPELINED_MAX:
            self.cut_off()
            raise ValueError(NO_HTTP.message)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._meaningless = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._meaningless = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next head's time begins, which is also the time to fetch this answer."""
        super().on_response_complete()
        if not self._is_answering():
            self._expect_head()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words, in place of which are ours
        """What is no HTTP is told so, and that is the end of the connection; what was asked before it is answered first."""
        if self._is_answering() and not self.cycle.more_body:
            self.cycle.keep_alive = False
        elif not self.transport.is_closing():
            self.transport.write(_no_http())
            self.transport.close()

    def _is_http(self) -> bool:
        """What RFC 9112 asks of a head and the parser does not, and its size."""
        version = self.parser.get_http_version()
        hosts = sum(name == b"host" for name, _value in self.headers)
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        return size <= HEAD_BYTES_MAX and (version == "1.0" or (version == "1.1" and hosts == 1))

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        return cycle is not None and not cycle.response_complete

    def _expect_head(self) -> None:
        self._head_came()
        self._heads_end = self.loop.call_later(HEAD_S, self.transport.abort)

    def _head_came(self) -> None:
        if self._heads_end is not None:
            self._heads_end.cancel()
            self._heads_end = None


@functools.cache
def _no_http() -> bytes:
    """A problem document: only a program sends what is no HTTP, and which path it meant nobody can tell."""
    body = msgspec.json.encode(problems.of(NO_HTTP))
    return (
        f"HTTP/1.1 400 Bad Request\r\nContent-Type: {problems.MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n"
    ).encode() + body


class _Server(uvicorn.Server):
    """The server without signal handlers: the program has its own. `listens` is set when it does."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to answer."""
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves them alone."""
        yield


def bound(host: str, port: int) -> list[socket.socket]:
    """Sockets that are bound to every address of `host`. Raises PortTaken.

    One that means this machine means all its own addresses: a browser takes either for "localhost", and whoever listened on
    the other one would be brought what is meant for us.
    """
    found: list[socket.socket] = []
    try:
        for family, kind, protocol, _name, at in _addresses(host, port):
            if port == 0 and found:
                break  # any free port: the same one could not be promised on two addresses
            one = socket.socket(family, kind, protocol)
            found.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(at)
            one.listen(BACKLOG)  # taken now, so that a second program is told so
            one.setblocking(False)
    except OSError as cause:
        for one in found:
            one.close()
        raise errors.PortTaken(
            f"The service cannot listen on {host}:{port} ({cause.strerror or 'it is taken'}).",
            remedy="Is another `counterfoil serve` running? End the program that uses the port, or change [service] listen.",
            port=port,
        ) from cause
    return found


def _addresses(host: str, port: int) -> list[Any]:
    """What to bind, each once; raises OSError for a name that is not known."""
    names = callback.here(callback.LOOPBACK["localhost"]) if host in ("localhost", "127.0.0.1") else (host,)
    every = [
        one for name in names
        for one in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    ]  # fmt: skip
    return list(dict.fromkeys(every))


def port_of(sockets: Sequence[socket.socket]) -> int:
    """The port that was taken."""
    return int(sockets[0].getsockname()[1])


def url(host: str, port: int) -> str:
    """The address of the service, as a browser on this machine takes it."""
    name = "localhost" if host in (*LOOPBACK, "", "0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


@contextlib.asynccontextmanager
async def serving(app: Any, sockets: list[socket.socket]) -> AsyncIterator[None]:
    """Answer while inside. On leaving, what runs has END_S to end, then it is cut off.

    Raises Stop when it ends by itself, which nobody foresaw: a service without its door must not look alive.
    """
    server = _Server(
        uvicorn.Config(
            app, http=Connection, ws="none", lifespan="off", loop="none", interface="asgi3", log_config=None,
            access_log=False, server_header=False, proxy_headers=False, backlog=BACKLOG,
            timeout_keep_alive=IDLE_S, timeout_graceful_shutdown=round(END_S),
        )
    )  # fmt: skip
    task = asyncio.create_task(server.serve(sockets), name="door")
    current = asyncio.current_task()
    assert current is not None, "a coroutine has a task"

    def ended(_task: asyncio.Task[None]) -> None:
        if not server.should_exit:
            current.cancel()

    task.add_done_callback(ended)
    try:
        await server.listens.wait()
        yield
    except asyncio.CancelledError:
        if task.done() and not server.should_exit and current.uncancel() == 0:
            cause = None if task.cancelled() else task.exception()
            said = f": {type(cause).__name__}: {cause}" if cause else ""
            raise errors.Stop(f"The HTTP door ended by itself{said}.", remedy="Start the service again.") from cause
        raise
    finally:
        server.should_exit = True
        await asyncio.wait({task}, timeout=END_S * 2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for one in (*getattr(server, "servers", ()), *sockets):  # of one that ended by itself; else they are closed
            one.close()
