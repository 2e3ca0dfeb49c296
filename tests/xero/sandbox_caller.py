"""A process that calls a sandbox as fast as it may: `python -m tests.xero.sandbox_caller PLACE URL TOKEN SEED TENANT…`.

Its wall clock jumps back and forth by up to a day.
"""

import asyncio
import contextlib
import datetime
import random
import sys
from pathlib import Path

from counterfoil import errors
from counterfoil.model.binding import Binding, Fingerprint
from counterfoil.runtime.clock import SystemClock
from counterfoil.store.limits import InFile
from counterfoil.xero.client import XeroClient
from counterfoil.xero.pacing import Pacer
from counterfoil.xero.places import SECOND, Limits
from counterfoil.xero.transport import Transport

MINUTE_S = 4
PATIENCE_S = 800.0
LANES = ("interactive", "sync", "bulk")
LIMITS = Limits(window=MINUTE_S * SECOND, lease=4 * SECOND, offline=SECOND)


class Jumping(SystemClock):
    """Its wall clock is wrong by another amount each time; its elapsed seconds are true."""

    def __init__(self, dice):
        super().__init__()
        self.dice = dice

    def now(self):
        """Some time within a day of the present."""
        return super().now() + datetime.timedelta(seconds=self.dice.uniform(-86_400, 86_400))


class Token:
    """The one token."""

    def __init__(self, token):
        self.token = token

    async def access_token(self, grant_id, *, rejected=None):
        """As it is."""
        assert rejected is None, grant_id
        return self.token


async def main(place, url, token, seed, tenants):
    """Call until the patience ends."""
    dice = random.Random(seed)
    clock = Jumping(dice)
    pacer, transport = Pacer(clock, InFile(Path(place), clock), limits=LIMITS), Transport(clock, api_url=url)

    async def caller(tenant, lane):
        binding = Binding(tenant, tenant, "grant", Fingerprint(tenant, tenant, "!1", "GBP", "GB"))
        client = XeroClient(binding, transport, Token(token), pacer)
        while True:
            with contextlib.suppress(errors.RunAgain):
                await client.get("Organisation", lane=lane)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
            for tenant in tenants:
                for lane in LANES:
                    group.create_task(caller(tenant, lane))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:]))
