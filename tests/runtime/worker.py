"""A worker of its own process: `python -m tests.runtime.worker ADAPTER ADDRESS FILE`; it takes a piece up and never ends it.

It writes "started" into FILE when it has begun, so that a test can kill it in the middle.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

from counterfoil.runtime.clock import SystemClock
from counterfoil.runtime.port import Due, Work
from tests.runtime.adapters import opened


async def main(adapter: str, address: str, file: Path) -> None:
    """Run until killed."""

    async def handle(_key):
        await asyncio.to_thread(file.write_text, "started")
        await asyncio.Event().wait()

    async def find():
        return [Due("piece")]

    async with contextlib.AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(opened(adapter, address, SystemClock(), lambda _failure: None))
        runtime.register(Work("finish", handle, find))
        await runtime.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
