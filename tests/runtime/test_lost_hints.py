"""A hint to a database that went away is lost without a word: whoever gave it has done its work already."""

from procrastinate import exceptions

from counterfoil.runtime.clock import SystemClock
from counterfoil.runtime.distributed import Distributed
from counterfoil.runtime.port import Work


async def test_a_hint_that_cannot_be_written_down_fails_nobody(monkeypatch):
    """A sweep finds the work from the tables."""

    async def handle(_key):
        return None

    async def find():
        return ()

    async def away(*_given):
        raise exceptions.ConnectorException

    runtime = Distributed("dbname=nobody", SystemClock(), print)
    runtime.register(Work("deliver", handle, find))
    monkeypatch.setattr(runtime, "_want", away)
    await runtime.wake("deliver", "crm")
