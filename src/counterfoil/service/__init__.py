"""The HTTP service: whether it lives and is ready, its metrics, the page that asks for consent, and its logs.

Called by cli (`counterfoil serve`), and by tests. May import app and everything below it, never cli or the console. It
imports the web framework when a door is opened and not before: no other command waits for that.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import msgspec

from counterfoil.service.health import Health, Schedule

if TYPE_CHECKING:
    from counterfoil.app import Books

__all__ = ["Door", "Health", "Schedule", "address", "open_door"]


class Door(msgspec.Struct, frozen=True):
    """An open door. `port` is the one that was really taken; `url` is its address on this machine."""

    host: str
    port: int
    url: str


@contextlib.asynccontextmanager
async def open_door(
    books: "Books", *, host: str, port: int, health: Callable[[], Health | None]
) -> AsyncIterator[Door]:
    """Answer HTTP on `host`:`port` (0: any free one) while inside, on the caller's event loop.

    `health()`: how the runtime is right now, None while there is none. On leaving, requests that run have a few seconds
    (listening.END_S) to end. Meanwhile everything that is logged goes to stderr as [service] says. Raises PortTaken when it cannot listen there, StoreError.
    """
    from counterfoil.service import application, heart, listening, logs
    from counterfoil.service.readiness import Readiness

    sockets = listening.bound(host, port)
    taken = listening.port_of(sockets)
    try:
        ready = Readiness(books, health)
        app = await application.made(books, ready, host=host, port=taken, health=health)
    except BaseException:
        for one in sockets:
            one.close()
        raise
    with logs.kept(books.settings):
        async with listening.serving(app, sockets), heart.beating(books, ready):
            yield Door(host, taken, listening.url(host, taken))


def address(listen: str) -> tuple[str, int]:
    """`[service] listen` as host and port; an IPv6 host without its brackets."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
