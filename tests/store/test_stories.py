"""Postings for people: what a clue leads to, and what that costs."""

import sqlalchemy as sa

from counterfoil.store import schema, stories
from counterfoil.store.database import Database
from tests.app.test_noticing import Clock, Table


async def test_a_mark_is_one_look_into_an_index(tmp_path):
    """Ours is found, a stranger's is not, and neither has all postings read."""
    database = Database(f"sqlite:///{tmp_path / 'counterfoil.db'}", Clock())
    await database.open()
    posting = await Table(database).posting("planned")
    marker = await database.read(lambda conn: conn.execute(sa.select(schema.postings.c.marker)).scalar_one())
    assert await database.read(lambda conn: stories.marked(conn, marker)) == posting
    assert await database.read(lambda conn: stories.marked(conn, "a" * 16)) is None
    told = await database.read(
        lambda conn: conn.exec_driver_sql("EXPLAIN QUERY PLAN SELECT id FROM postings WHERE marker = 'a'").all()
    )
    assert all("postings_marker" in row[-1] for row in told)
    await database.close()
