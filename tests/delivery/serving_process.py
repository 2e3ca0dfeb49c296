"""A process of the service whose leases are short: `python -m tests.delivery.serving_process CONFIG`, until it is killed."""

import asyncio
import datetime
import sys
from pathlib import Path

from counterfoil.app import open_books
from counterfoil.app.serving import Serving, delivering
from counterfoil.delivery import carrying
from counterfoil.runtime.port import Pace

QUICK = Pace(sweep_s=0.2, grace_s=2.0, backoff_s=0.2, alive_s=0.3)


async def main(config: str) -> None:
    carrying.LEASE, carrying.RENEW_S = datetime.timedelta(seconds=1), 0.3
    delivering.LOOK = datetime.timedelta(seconds=0.2)
    async with open_books(Path(config)) as books:
        await Serving(books, print, pace=QUICK).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
