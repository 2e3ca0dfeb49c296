"""A process that appends to chains of one database as fast as it can: `python -m tests.access.appender URL N NAME`."""

import asyncio
import sys

from counterfoil.access.audit import AuditLog
from counterfoil.access.vault import Vault
from counterfoil.runtime.clock import SystemClock
from counterfoil.store.database import Database
from tests.access.conftest import Keys

KEY = bytes(range(32))
CHAINS = ("acme", "", "zeta")


async def main(url: str, count: int, name: str) -> None:
    """Append to every chain, `count` times, in one transaction each time."""
    clock = SystemClock()
    database = Database(url, clock)
    await database.open()
    log = AuditLog(Vault(Keys(KEY)), f"{name}@here", clock.now)
    for n in range(count):
        acts = [(entity, "write", {"n": n}) for entity in (CHAINS if n % 2 else CHAINS[::-1])]
        await database.run(lambda conn, acts=acts: log.append_all(conn, acts))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
