"""A text about the installation that several processes set first, at once."""

import asyncio

from counterfoil.runtime.clock import SystemClock
from counterfoil.store.database import Database
from counterfoil.store.meta import get_meta, set_meta


async def test_several_that_set_a_new_key_at_once_all_go_on(server):
    """Four runs that end at once on Postgres, each with the first note of the clearing up: one of them failed."""
    databases = [Database(server.get_uri(), SystemClock()) for _ in range(4)]  # a process each
    for database in databases:
        await database.open()
    keys = [f"new-{n}" for n in range(20)]

    async def write(database: Database, value: str) -> None:
        for key in keys:
            await database.run(lambda conn, key=key: set_meta(conn, key, value))

    await asyncio.gather(*map(write, databases, "abcd"))
    kept = await databases[0].read(lambda conn: {get_meta(conn, key) for key in keys})
    for database in databases:
        await database.close()
    assert kept <= set("abcd")
