"""Several processes append to the same chains at once: each chain stays one, on both databases."""

from collections import Counter

import pytest

from counterfoil.access.audit import AuditLog
from counterfoil.access.vault import Vault
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import audit as rows
from counterfoil.store.database import Database
from tests import warm
from tests.access import appender
from tests.access.conftest import Keys

PROCESSES = 3
ENTRIES = 40


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """A database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/db"
    return request.getfixturevalue("server").get_uri()


def appended(url):
    """Several processes append; → their exit codes."""
    command = ["-m", "tests.access.appender", url, str(ENTRIES)]
    running = [warm.start(*command, f"p{n}", cwd=warm.ROOT) for n in range(PROCESSES)]
    return [process.wait(timeout=120) for process in running]


async def test_processes_that_append_at_once_keep_one_chain(url):
    """Every entry of every process stands in its chain once, in an order that verifies to its end."""
    assert appended(url) == [0] * PROCESSES
    clock = SystemClock()
    database = Database(url, clock)
    await database.open()
    log = AuditLog(Vault(Keys(appender.KEY)), "judge@here", clock.now)
    for entity in appender.CHAINS:
        found = await database.read(lambda conn, e=entity: log.verify(conn, e))
        assert (found.length, found.broken_at) == (PROCESSES * ENTRIES, None)
        entries = await database.read(lambda conn, e=entity: rows.chain(conn, e))
        assert Counter(one.actor for one in entries) == {f"p{n}@here": ENTRIES for n in range(PROCESSES)}
    await database.close()
