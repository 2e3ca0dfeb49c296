"""Erasing and purging on Postgres: the same places, no row of any table with a word of theirs afterwards."""

import asyncio

import sqlalchemy as sa

from counterfoil.app.privacy import erasing, exporting, purging
from counterfoil.store import schema
from tests.app.privacy import planted
from tests.posting.conftest import sandbox
from tests.posting.test_postgres import bench

__all__ = ["bench", "sandbox"]


async def rows(books):
    """Everything that stands in the tables, as one text."""

    def read(conn):
        found = []
        for table in schema.tables.sorted_tables:
            for row in conn.execute(sa.text(f"SELECT * FROM {table.name}")):
                found += [
                    one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in map(_bytes, row)
                ]
        return "\n".join(found).lower()

    return await books.database.read(read)


def _bytes(value):
    return bytes(value) if isinstance(value, memoryview) else value


def test_erased_and_purged_on_postgres(bench):
    """The person's words are in the rows before and not after; the same source is unchanged after each of the two."""
    assert bench.run(planted.history()).posted == 6
    planted.synced(bench)
    words = [word.lower() for word in planted.WORDS if word != "7911 987651"]
    before = asyncio.run(bench.use(rows))
    assert all(word in before for word in words)
    asyncio.run(bench.use(lambda books: exporting.export(books, planted.EMAIL, None, bench.folder / "all.json")))
    done = asyncio.run(bench.use(lambda books: erasing.erase(books, planted.EMAIL, None)))
    assert done.compacted
    after = asyncio.run(bench.use(rows))
    assert [word for word in words if word in after] == []
    assert bench.run(planted.history()).unchanged == 6
    asyncio.run(bench.use(lambda books: purging.purge(books, "acme-uk")))
    assert bench.run(planted.history()).unchanged == 6
    assert len(bench.living()) == 6
