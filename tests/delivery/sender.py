"""A process that sends notices until none is due: `python -m tests.delivery.sender URL CONFIG [DIE_AT]`.

With DIE_AT it kills itself, as kill -9 does, at its DIE_AT-th fault point.
"""

import asyncio
import datetime
import os
import signal
import sys
from pathlib import Path

from counterfoil import settings
from counterfoil.delivery import notifying
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import messages
from counterfoil.store.database import Database

LEASE = datetime.timedelta(seconds=1)


async def main(url: str, config: str, die_at: int) -> None:
    notifying.LEASE = LEASE  # a dead sender's message is taken over within the test's patience
    points = 0

    def point(_name: str) -> None:
        nonlocal points
        points += 1
        if points == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    clock = SystemClock()
    database = Database(url, clock)
    await database.open()
    loaded = settings.load(Path(config), None, {})
    courier = notifying.Courier(
        database, loaded.notify, owner=str(os.getpid()), environment="default", folder=Path(config).parent, point=point
    )
    while True:
        await courier.send_due()
        if not await database.read(lambda conn: messages.owed(conn, loaded.notify[0].to.key)):
            break
        await asyncio.sleep(0.02)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int((sys.argv[3:] or ["0"])[0])))
