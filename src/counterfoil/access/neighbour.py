"""Who listens on the redirect port, when it is not us: our own service says so by its name.

Called by app/connecting when `counterfoil connect` finds the port taken. One plain HTTP question to this machine, with
the standard library alone; whoever answers anything else is a stranger.
"""

import asyncio
import contextlib
from typing import Final

import msgspec

from counterfoil.access.callback import Address

PATH: Final = "/healthz"
ANSWER_S: Final = 3.0
ANSWER_BYTES_MAX: Final = 16 * 1024


class Alive(msgspec.Struct, frozen=True):
    """What the service says on PATH. `installation`: which one it is; its name means nothing to anybody else."""

    installation: str
    alive: bool = True


async def installation_at(at: Address) -> str | None:
    """The name of the installation whose service listens there; None: something else does, or nothing."""
    for host in at.hosts:
        with contextlib.suppress(OSError, TimeoutError, ValueError, msgspec.MsgspecError):
            async with asyncio.timeout(ANSWER_S):
                return msgspec.json.decode(await _body(host, at), type=Alive).installation
    return None


async def _body(host: str, at: Address) -> bytes:
    reader, writer = await asyncio.open_connection(host, at.port, limit=ANSWER_BYTES_MAX)
    try:
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: {at.name}:{at.port}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read(ANSWER_BYTES_MAX)).partition(b"\r\n\r\n")
        while len(body) < ANSWER_BYTES_MAX and (more := await reader.read(ANSWER_BYTES_MAX)):
            body += more
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ValueError("not ours")
        return body
    finally:
        writer.close()
