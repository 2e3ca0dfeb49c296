"""Records over HTTP on Postgres, where two processes plan the same records at the same moment."""

import asyncio

from counterfoil.app import api_keys
from counterfoil.store import handed, postings
from tests.posting.conftest import sandbox
from tests.posting.test_postgres import bench
from tests.posting.workbench import sale
from tests.service.api.test_records import Desk

__all__ = ["bench", "sandbox"]


def test_two_processes_that_take_the_same_records_make_each_posting_once(bench):
    """Each in its own transactions; nothing is left waiting, and Xero has each once."""

    async def work(books):
        other = await bench.open()
        try:
            desks = [Desk(books), Desk(other)]
            key = (await api_keys.create(books, "till", rights="write")).api_key
            records = [sale(n) for n in range(6)]
            answers = await asyncio.gather(*(desk.told(records, key) for desk in desks * 3))
            assert len({tuple(one["id"] for one in answer) for answer in answers}) == 1
            assert await books.database.read(handed.flows) == set()
            ids = [one["external_id"] for one in records]
            assert len(await books.database.read(lambda conn: postings.of_records(conn, "shop", ids))) == 6
            await books.finish()
        finally:
            await other.close()

    asyncio.run(bench.use(work))
    assert len(bench.living()) == 6
    assert set(bench.marks().values()) == {1}
