"""A process that calls as fast as it may: `python -m tests.xero.caller PLACE LOG SECONDS SEED`.

PLACE is a file or a Postgres address. Each call writes "+ tenant id instant" when it begins and "- …" when it ended, in
microseconds of the clock that all processes of this machine share.
"""

import asyncio
import contextlib
import random
import sys
import time
from pathlib import Path

from counterfoil.runtime.clock import SystemClock
from counterfoil.store.limits import InFile, OnServer
from counterfoil.xero.pacing import Pacer
from counterfoil.xero.places import SECOND, Limits

LIMITS = Limits(
    window=2 * SECOND, minute=20, slots=3, app_minute=50, burst=6, lease=3 * SECOND,
    minute_kept=(0, 0, 0, 1, 2), slots_kept=(0, 0, 0, 0, 1),
)  # fmt: skip
TENANTS = ("a", "b", "c")
LANES = ("interactive", "sync", "bulk")


def place(address):
    """Where the budgets are shared."""
    clock = SystemClock()
    return OnServer(address, clock) if address.startswith("postgres") else InFile(Path(address), clock)


def instant():
    """Microseconds since the machine started."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


async def main(address, log, seconds, seed):
    """Call until the time is up."""
    dice = random.Random(seed)
    pacer = Pacer(SystemClock(), place(address), limits=LIMITS)
    numbers = iter(range(1_000_000))

    async def caller(tenant, lane):
        while True:
            async with pacer.call(tenant, lane):
                number = next(numbers)
                log.write(f"+ {tenant} {number} {instant()}\n")
                await asyncio.sleep(dice.uniform(0.01, 0.2))
                log.write(f"- {tenant} {number} {instant()}\n")

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for tenant in TENANTS:
                for lane in LANES:
                    group.create_task(caller(tenant, lane))
    await pacer.close()


if __name__ == "__main__":
    with Path(sys.argv[2]).open("a", buffering=1) as opened:
        asyncio.run(main(sys.argv[1], opened, float(sys.argv[3]), int(sys.argv[4])))
