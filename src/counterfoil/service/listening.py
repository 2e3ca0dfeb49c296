"""uvicorn on the caller's event loop: its sockets, its bounds, and an end that comes in time.

Called by open_door. No signal handlers, no reloading, no access log (addresses of pages hold secrets once). A client that
says nothing, says it slowly or does not read is cut off.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

import uvicorn

from counterfoil import errors
from counterfoil.access import callback
from counterfoil.service.connection import Connection

IDLE_S: Final = 5
END_S: Final = 5.0  # for requests that run when the service ends
BACKLOG: Final = 128
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


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
