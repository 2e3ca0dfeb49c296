"""The same on Postgres: keys, filters and pages of documents, changes from a cursor on."""

from counterfoil.app import api_keys
from counterfoil.store import happenings
from tests.service.api import test_changes, test_documents
from tests.service.api.conftest import AU, housed


async def test_keys_documents_and_changes(tmp_path, server):
    """Each filter finds what it finds on SQLite, page by page, and nothing of another company."""
    async with housed(tmp_path, f'[store]\nurl = "{server.get_uri()}"\n') as house:
        await test_documents.filled(house)
        await test_documents.filled(house, AU)
        key = await house.key("read", "acme-uk")
        for query, expected in (
            ("limit=2", [0, 1, 2, 4, 5]),
            ("limit=1&contact=c1&deleted=true", [1, 3, 5]),
            ("limit=1&number=N5", [5]),
            ("limit=1&ids=id-5&ids=id-0", [0, 5]),
            ("limit=1&updated_after=2026-11-22T10:03:00Z&date_from=2026-11-21", [4, 5]),
        ):
            assert (await test_documents.numbers(house, query, key))[0] == expected
        await test_changes.filled(house)
        assert await test_changes.ids(house, "limit=1&type=invoice.*", key) == (["a", "e"], "6")
        table = happenings._H
        await house.books.database.run(lambda conn: conn.execute(table.delete().where(table.c.n <= 3)))
        assert (await house.get("/v1/changes?after=1", key)).json["oldest"] == "3"
        assert (await house.get("/v1/status", key)).status == 200
        [listed] = await api_keys.listed(house.books)
        assert listed.last_used_at is not None
        await api_keys.revoke(house.books, listed.prefix)
        assert (await house.get("/v1/status", key)).status == 401
