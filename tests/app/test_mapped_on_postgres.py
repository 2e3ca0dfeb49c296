"""Mapped flows on Postgres: the same course as on SQLite."""

import pytest
import sqlalchemy as sa

from tests.app import till as tills
from tests.app.till import Till, small

FIRST, SECOND = "02/11/2026", "03/11/2026"


@pytest.fixture
def till(server, sandbox, tmp_path):
    """A mapped flow in a fresh database on the server."""
    sandbox.post("/_sandbox/reset")
    url = sa.make_url(server.get_uri())
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text('CREATE DATABASE "mapped"'))
    engine.dispose()
    return Till(tmp_path, sandbox, store=url.set(database="mapped").render_as_string(hide_password=False))


def test_days_lookups_fixes_and_moved_sales(till):
    """A day with an unknown VAT name is fixed and posted; its sale is found; moved to another day it is held."""
    till.flow_text = tills.DAILY.replace('post = "daily"', 'post = "daily"\non_change = "update"')
    report = till.run_rows(small("#1", placed=FIRST), small("#2", "?", placed=FIRST), small("#3", placed=SECOND))
    assert (report.posted, report.rejected) == (1, 1)
    (problem,) = till.problems()
    till.fix(problem.n, use="Z")
    assert (till.retry(problem.n), till.finish().posted) == (1, 1)
    (story,) = till.do(lambda books: books.why("#2"))
    assert story.contents[-1].sales == ("#1", "#2")
    assert story.contents[-1].record["external_id"] == "daily-2026-11-02-GBP"
    moved = (small("#1", placed=FIRST), small("#2", "?", placed=SECOND), small("#3", placed=SECOND))
    report = till.run_rows(*moved)
    assert (report.held, report.updated) == (2, 0)
    assert {one.cause for one in till.problems()} == {"sale-elsewhere", "sales-vanished"}
    assert till.totals() == {"daily-2026-11-02-GBP": "22.00", "daily-2026-11-03-GBP": "12.00"}
    assert (
        till.run_rows(small("#1", placed=FIRST), small("#2", "?", placed=FIRST), small("#3", placed=SECOND)).held == 0
    )
