"""Looking for what an unclear request may have made."""

import asyncio

from counterfoil.posting.looking import Looker
from counterfoil.store import requests
from tests.posting.workbench import Workbench, WorkbenchBooks, sale


def test_a_look_that_another_process_finished_meanwhile_asks_and_changes_nothing(bench: Workbench) -> None:
    """Random history 301017: a process was stopped between claiming a look and reading its items."""
    bench.run([sale(1)])
    before = len(bench.sandbox.requests())

    async def look(books: WorkbenchBooks) -> None:
        done = await books.database.read(lambda conn: requests.get(conn, requests.sequence(conn)))
        client = await books.client("acme-uk")
        await Looker(books.database, books.rules, books.catch_up, "another process").look(client, done)

    asyncio.run(bench.use(look))
    assert len(bench.sandbox.requests()) == before
    assert bench.run().unchanged == 1
