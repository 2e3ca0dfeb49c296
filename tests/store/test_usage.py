"""Rows of what was drawn are only ever added to, by any number of processes."""

import asyncio
import datetime

import pytest

from counterfoil.runtime.clock import SystemClock
from counterfoil.store import schema, usage
from counterfoil.store.database import Database
from counterfoil.store.usage import Drawn

DAY = datetime.date(2026, 11, 22)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("server").get_uri()
    return f"sqlite:///{tmp_path / 'counterfoil.db'}"


@pytest.fixture
async def database(url):
    found = Database(url, SystemClock())
    await found.open()
    await found.run(lambda conn: conn.execute(schema.usage.delete()))
    yield found
    await found.close()


def row(resource="Invoices", *, day=DAY, tenant="t-1", sums=(1, 0, 0, 10, 0, 5)):
    return Drawn(day, tenant, "shop", "sync", resource, *sums)


async def test_the_same_key_is_one_row(database):
    """Each sum is added to what was there; another resource is another row."""
    await database.run(lambda conn: usage.add(conn, [row(), row("Contacts")]))
    await database.run(lambda conn: usage.add(conn, [row(sums=(2, 1, 1, 5, 7, 3))]))
    assert await database.read(lambda conn: usage.since(conn, DAY)) == [
        row("Contacts"),
        row(sums=(3, 1, 1, 15, 7, 8)),
    ]


async def test_processes_that_write_at_once_lose_nothing(database, url):
    """Whoever adds, and in whatever order it names its rows, everything is there in the end."""
    other = Database(url, SystemClock())
    await other.open()
    rows = [row(tenant=f"t-{n}") for n in range(20)]

    async def write(through, order):
        for _ in range(10):
            await through.run(lambda conn: usage.add(conn, order))

    await asyncio.gather(write(database, rows), write(other, rows[::-1]))
    await other.close()
    found = await database.read(lambda conn: usage.since(conn, DAY))
    assert {one.calls for one in found} == {20}
    assert len(found) == 20


async def test_what_is_old_is_forgotten_and_what_is_young_enough_is_not(database):
    """The bound is usage.KEPT."""
    old, young = DAY - usage.KEPT - datetime.timedelta(days=1), DAY - usage.KEPT
    assert await database.read(usage.first_day) is None
    await database.run(lambda conn: usage.add(conn, [row(day=old), row(day=young), row()]))
    assert await database.read(usage.first_day) == old
    await database.run(lambda conn: usage.forget(conn, DAY))
    assert await database.read(usage.first_day) == young
    assert len(await database.read(lambda conn: usage.since(conn, young))) == 2
