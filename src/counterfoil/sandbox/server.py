"""The sandbox's process: builds the world, serves it on localhost, says when it is ready, ends cleanly on a signal.

Called by `counterfoil sandbox` and `python -m counterfoil.sandbox`. One event loop, one thread.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiohttp import web

from counterfoil.sandbox import control, journal, pages, past, wire, world
from counterfoil.sandbox.control import Control
from counterfoil.sandbox.door import Door
from counterfoil.sandbox.identity.authorize import Authorize
from counterfoil.sandbox.identity.keys import Signer
from counterfoil.sandbox.identity.token import Tokens
from counterfoil.sandbox.journal import Journal
from counterfoil.sandbox.limits import Limits
from counterfoil.sandbox.options import Options, parse
from counterfoil.sandbox.organisation_file import OrganisationFileError
from counterfoil.sandbox.webhooks.sender import Sender
from counterfoil.sandbox.world import World

HOST = "127.0.0.1"
SHUTDOWN_S = 1.0
CANNOT_START = (journal.StateFileError, OrganisationFileError, past.ImpossibleError, OSError)
# Books are large and hold no cycles: looking through all of them for garbage every few thousand objects is a waste.
GARBAGE_AFTER = 50_000


def run(arguments: Sequence[str], prog: str = "python -m counterfoil.sandbox") -> int:
    """Parse a command line and serve; returns the exit code: 0 after a signal, 2 for what cannot be started."""
    options = parse(arguments, prog)
    try:
        serve(options)
    except CANNOT_START as error:
        sys.stderr.write(f"The sandbox cannot start: {error}\n")
        return 2
    return 0


def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT; prints the ready line on stdout when requests are answered.

    Raises what is in CANNOT_START: OSError (the port is taken, the state file cannot be written), `StateFileError`,
    `OrganisationFileError`, and `past.ImpossibleError` for a chart that cannot have a past.
    """
    asyncio.run(_serve(options))


async def _serve(options: Options) -> None:
    gc.set_threshold(GARBAGE_AFTER)
    the_world, the_journal = journal.open_world(options)
    if past.lived(the_world):
        the_journal.rewrite(the_world)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    runner, port = await start(the_world, the_journal)
    gc.freeze()
    try:
        sys.stdout.write(wire.compact(ready_line(the_world, port)).decode() + "\n")
        sys.stdout.flush()
        await ended.wait()
    finally:
        await runner.cleanup()
        the_journal.close()


async def start(the_world: World, the_journal: Journal) -> tuple[web.AppRunner, int]:
    """Listen; returns the runner (the caller cleans it up) and the port."""
    # The socket comes first: tokens name their issuer, which includes the port.
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, HOST, the_world.options.port)
    listening = server.sockets[0].dup()
    server.close()
    port: int = listening.getsockname()[1]
    app = application(the_world, the_journal, f"http://{HOST}:{port}")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner, port


def application(the_world: World, the_journal: Journal, url: str) -> web.Application:
    """All routes over one world: control and pages first, everything else is Xero's."""
    signer = Signer(the_world)
    limits = Limits(
        the_world.options,
        the_world.clock,
        lambda client_id: the_world.apps[client_id].tier,
        lambda: the_world.unknowns,
    )
    consent = Authorize(the_world, pages.consent_page, pages.refused_page)
    door = Door(the_world, the_journal, signer, limits, Tokens(the_world, signer, url), consent)
    hooks = Sender(the_world, door.commit, url)
    door.hooks = hooks
    controls = Control(the_world, the_journal, limits, door, hooks)
    door.commit()
    app = web.Application(client_max_size=control.BODY_MAX)
    app.add_routes(controls.routes())
    app.add_routes(pages.routes(the_world, pages.Screen(limits, hooks, door.commit)))
    app.router.add_route("*", "/{path:.*}", door.handle)

    async def delivering(_: web.Application) -> AsyncIterator[None]:
        await hooks.run()
        yield
        await hooks.close()

    app.cleanup_ctx.append(delivering)
    return app


def ready_line(the_world: World, port: int) -> dict[str, Any]:
    """What a client needs to know; one origin serves all three of Xero's hosts."""
    url = f"http://{HOST}:{port}"
    return {
        "ready": True,
        "url": url,
        "login_url": url,
        "identity_url": url,
        "api_url": url,
        "client_id": world.CLIENT_ID,
        "client_secret": world.CLIENT_SECRET,
        "public_client_id": world.PUBLIC_CLIENT_ID,
        "webhook_key": world.WEBHOOK_KEY,
        "organisations": control.described(the_world),
    }
