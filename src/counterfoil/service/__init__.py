"""The HTTP service: whether it lives and is ready, its metrics, the page that asks for consent, Xero's webhooks, and its logs.

Called by cli (`counterfoil serve`), and by tests. May import app and everything below it, never cli or the console. It
imports the web framework when a door is opened and not before: no other command waits for that.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from counterfoil.service.health import Health, Schedule

if TYPE_CHECKING:
    from counterfoil.app import Books
    from counterfoil.webhooks.inbox import Wake

__all__ = ["Door", "Health", "Schedule", "address", "open_door"]


class Door(msgspec.Struct, frozen=True):
    """An open door. `port` is the one that was really taken; `url` is its address on this machine."""

    host: str
    port: int
    url: str


@contextlib.asynccontextmanager
async def open_door(
    books: "Books", *, host: str, port: int, health: Callable[[], Health | None], wake: "Wake | None" = None
) -> AsyncIterator[Door]:
    """Answer HTTP on `host`:`port` (0: any free one) while inside, on the caller's event loop.

    `health()`: how the runtime is right now, None while there is none; `wake(key)` hears which part of a mirror Xero says has
    changed. On leaving, requests that run have a few seconds
    (listening.END_S) to end. Meanwhile everything that is logged goes to stderr as [service] says. Raises PortTaken when it
    cannot listen there, StoreError.
    """
    from counterfoil.service import application, heart, listening, logs, xero_door
    from counterfoil.service.readiness import Readiness
    from counterfoil.webhooks import signature
    from counterfoil.webhooks.hearing import Hearing
    from counterfoil.webhooks.inbox import Inbox

    sockets = listening.bound(host, port)
    taken = listening.port_of(sockets)
    try:
        ready = Readiness(books, health)
        hearing = Hearing(books.clock)
        inbox = Inbox(books.database, hearing, wake)

        def keys() -> Sequence[bytes]:
            return signature.keys_of(books.settings.xero.webhook_keys)  # of the configuration that is in force now

        doors = {xero_door.PATH: xero_door.XeroDoor(keys, inbox, hearing, books.clock)}
        app = await application.made(books, ready, host=host, port=taken, health=health, doors=doors)
    except BaseException:
        for one in sockets:
            one.close()
        raise
    with logs.kept(books.settings):
        try:
            async with (
                hearing.written(books.database),
                inbox.opened(),
                listening.serving(app, sockets),
                app.waited_for(),
                heart.beating(books, ready),
            ):
                yield Door(host, taken, listening.url(host, taken))
        finally:
            await app.end()


def address(listen: str) -> tuple[str, int]:
    """`[service] listen` as host and port; an IPv6 host without its brackets."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
