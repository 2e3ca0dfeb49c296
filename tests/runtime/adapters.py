"""Both adapters behind one function, with times short enough for tests."""

import contextlib

from counterfoil.runtime.distributed import Distributed
from counterfoil.runtime.embedded import Embedded
from counterfoil.runtime.port import Pace

QUICK = Pace(sweep_s=0.2, grace_s=2.0, backoff_s=0.3, alive_s=0.3)


@contextlib.asynccontextmanager
async def opened(adapter, address, clock, told, *, slots=8, pace=QUICK):
    """A runtime, ready for its kinds of work. `address` is for the distributed one."""
    if adapter == "embedded":
        yield Embedded(clock, told, slots=slots, pace=pace)
        return
    runtime = Distributed(address, clock, told, slots=slots, pace=pace)
    async with runtime.opened():
        yield runtime
