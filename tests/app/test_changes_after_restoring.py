"""A copy of the database that is a day old is put back: who follows the changes by number misses none of those behind it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from counterfoil.app import backups, change_feed, feeding, syncing
from counterfoil.app.change_feed import Wanted
from counterfoil.store import feeds
from tests.posting import workbench
from tests.posting.workbench import Workbench, WorkbenchBooks
from tests.sandbox_process import SandboxProcess

WANTED = Wanted(["acme-uk"], None, snapshots=False)
FEED = '[feeds.crm]\non = ["contact.*"]\nto = { jsonl = "crm.jsonl" }\n'


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    """Its clock is moved."""
    with workbench.start() as process:
        yield process


@pytest.fixture
def bench(sandbox: SandboxProcess, tmp_path: Path) -> Workbench:
    """An installation of its own."""
    sandbox.post("/_sandbox/reset")
    return Workbench(tmp_path, sandbox)


def test_who_follows_by_number_misses_nothing_after_a_restore(bench: Workbench) -> None:
    """As many changes behind the copy as the program had already read of the forgotten ones: it is told each of them."""
    tenant = bench.sandbox.tenant(1)
    bench.configure(flow=f"\n{FEED}")
    ids = [bench.sandbox.make(tenant, "Contacts", {"Name": f"Customer {n}"})[0]["ContactID"] for n in range(4)]

    def edited(numbers: list[int], name: str) -> None:
        for n in numbers:
            bench.sandbox.advance(400)
            bench.sandbox.edit(tenant, ids[n], Name=f"{name} {n}")
            asyncio.run(bench.use(lambda books: syncing.sync(books, "acme-uk", "Contacts")))

    def followed(after: str | None) -> Any:
        async def work(books: WorkbenchBooks) -> Any:
            await books.database.run(
                lambda conn: feeds.know(conn, "crm", from_start=True, now=books.database.now(conn))
            )
            told = await change_feed.following(books, WANTED, await change_feed.begin(books, after), 100)
            return told, await feeding.standing(books)

        return asyncio.run(bench.use(work))

    asyncio.run(bench.use(lambda books: syncing.sync(books, "acme-uk", "Contacts")))
    edited([0], "first")
    kept = bench.folder / "kept.backup"
    asyncio.run(bench.use(lambda books: backups.backup(books, kept)))
    edited([1, 2], "forgotten")
    told, _stands = followed(None)
    assert len(told.changes) == 3
    asyncio.run(backups.restore(bench.write_config(), None, kept, over_newer=True))
    edited([3, 0], "later")
    told, stands = followed(told.next)
    assert [(one.document_id, one.turn) for one in told.changes] == [
        (ids[n], turn) for n, turn in ((1, 1), (2, 1), (3, 1), (0, 2))
    ]
    assert not told.more
    assert [(one.unseen, one.missed) for one in stands] == [(5, 0)]
