"""Processes that share one grant, forked from a server that has imported everything: sixteen start in a second.

A worker gets orders through its pipe and answers each: "call" makes a real call with the grant's token, as a client does
(401 TokenExpired refreshes once); "ahead" is one look of the background. It answers "ok" or an error's code.
"""

import asyncio
import multiprocessing
import types

from counterfoil import errors
from counterfoil.access.background import Background
from counterfoil.access.key_source import FileSource
from tests.access.conftest import Installation

PRELOADED = ["tests.access.crew", "sqlalchemy.ext.asyncio", "sqlalchemy.dialects.postgresql", "psycopg", "aiohttp"]


def begin(url, ready, key, grant_id, owner):
    """Start one worker, whose master key stands in the file `key`; → (process, pipe)."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    here, there = context.Pipe()
    process = context.Process(target=_main, args=(there, url, ready, key, grant_id, owner), daemon=True)
    process.start()
    there.close()
    return process, here


def _main(pipe, url, ready, key, grant_id, owner):
    asyncio.run(_serve(pipe, url, ready, key, grant_id, owner))


async def _serve(pipe, url, ready, key, grant_id, owner):
    sandbox = types.SimpleNamespace(ready=ready, url=ready["url"])
    async with Installation(None, sandbox, owner=owner, url=url, source=FileSource(key)) as here:
        beside = Background(here.database, lambda: here.tokens, here.app.client_id, here.transport.time)
        while True:
            try:
                order = await asyncio.to_thread(pipe.recv)
            except EOFError:
                return
            try:
                if order == "ahead":
                    await beside.refresh_used()
                else:
                    await here.probe.connections(grant_id)
                said = "ok"
            except errors.CounterfoilError as problem:
                said = problem.code
            pipe.send(said)
