"""One rotation in a process of its own: `rotator.py URL KEYFILE POINT N`; it kills itself at the N-th passing of POINT."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from counterfoil.access.audit import AuditLog
from counterfoil.access.key_source import FileSource
from counterfoil.access.rotation import Rotation
from counterfoil.access.vault import Vault
from counterfoil.runtime.clock import SystemClock
from counterfoil.store.database import Database


async def main(url, key_file, deadly, nth):
    """Rotate, or die on the way."""
    passed = []

    def point(name):
        passed.append(name)
        if passed.count(deadly) == int(nth):
            os.kill(os.getpid(), signal.SIGKILL)

    database = Database(url, SystemClock())
    await database.open()
    source = FileSource(Path(key_file))
    await Rotation(database, source, point).rotate(AuditLog(Vault(source), "somebody@here", database.clock.now))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
