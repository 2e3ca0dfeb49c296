"""What a process says of itself when it starts, and what it takes from those that cannot live any more."""

import asyncio
import datetime
from types import SimpleNamespace

from counterfoil.app.serving import presence
from counterfoil.store import feeds
from tests.delivery.desk import NOON, Desk


def test_on_sqlite_what_a_killed_service_carried_is_free_when_the_next_one_starts():
    """The lock on the file says that nobody else serves it: its feed waits for no lease."""

    async def play():
        desk = await Desk("sqlite://").open()

        def carried(conn):
            feeds.know(conn, "crm", from_start=False, now=NOON)
            return feeds.claim(conn, "crm", "killed", NOON, NOON + datetime.timedelta(seconds=30))

        await desk.database.run(carried)
        books = SimpleNamespace(clock=desk.clock, database=desk.database, owner="next")
        await presence.begin(books, presence.of_this_process(books, "serve"))
        found = await desk.feed()
        await desk.close()
        return found

    found = asyncio.run(play())
    assert (found.owner, found.lease_until) == (None, None)
