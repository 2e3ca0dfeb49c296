"""purge: the copy goes, identities stay; binding again and running posts nothing twice, wherever it was killed."""

import asyncio
import contextlib
import sqlite3
from contextlib import closing

import pytest

from counterfoil import errors
from counterfoil.app.privacy import purging
from tests.app.privacy import planted
from tests.app.privacy.planted import theirs
from tests.app.privacy.test_erasing import Killed, at
from tests.posting.workbench import sale

IDENTITY = "SELECT flow_id, kind, external_id, issue, marker, state, document_id, total, record_hash, rows_hash FROM postings ORDER BY id"


def sql(bench, text):
    with closing(sqlite3.connect(bench.folder / "counterfoil.db")) as connection, connection:
        return connection.execute(text).fetchall()


def purge(bench, **more):
    return asyncio.run(bench.use(lambda books: purging.purge(books, "acme-uk"), **more))


def test_the_copy_goes_and_nothing_is_posted_twice(shop):
    """Every table of the tenant is empty, no record's text is left; the same source is unchanged, a changed record held."""
    before = sql(shop, IDENTITY)
    done = purge(shop)
    assert done.compacted
    assert done.rows["mirrored"] > 20
    assert sql(shop, IDENTITY) == before
    for one in purging.purging.REGISTRY:
        assert sql(shop, f"SELECT count(*) FROM {one.table}") == [(0,)], one.table
    assert {word for word in planted.found(shop) if "harpsichord" in word or "frobozz" in word.lower()} == set()
    living = len(shop.living())
    report = shop.run([*planted.history(), sale(7)])
    assert (report.unchanged, report.posted) == (6, 1)
    report = shop.run([theirs(21, due_date="2026-12-24")])
    assert (report.held, report.posted, report.updated) == (1, 0, 0)
    assert len(shop.living()) == living + 1
    assert max(shop.marks().values()) == 1


def test_killed_on_the_way_the_next_command_goes_on(shop):
    """At several of its steps; afterwards everything that goes is gone."""
    for point in ("purge: begun", "purge: step 0", "purge: step 3", "purge: step 12", "purge: swept"):
        with contextlib.suppress(Killed):
            purge(shop, point=at(point))
        sql(shop, "UPDATE removals SET owner = 'elsewhere:1:a', touched_at = 0")
        sql(shop, "DELETE FROM meta WHERE key = 'home'")
        asyncio.run(shop.use(lambda books: books.finish()))
        assert sql(shop, "SELECT count(*) FROM removals WHERE ended_at IS NULL") == [(0,)], point
        assert sql(shop, "SELECT count(*) FROM mirrored") == [(0,)], point
    assert shop.run(planted.history()).unchanged == 6


def test_what_was_never_sent_is_planned_anew(bench):
    """Planned and held records are cancelled with their customers, and posted once by the next run."""
    bench.sandbox.fault("429_day", method="PUT", count=40)
    report = bench.run([sale(1), sale(2, contact={"external_id": "c", "name": "Bad <name>"})])
    assert report.posted == 0
    sql(bench, "UPDATE requests SET state = 'closed'")  # nothing of them was ever begun
    sql(bench, "UPDATE request_items SET open = 0")
    sql(bench, "UPDATE postings SET state = 'planned' WHERE state IN ('sending', 'uncertain')")
    purge(bench)
    bench.sandbox.clear_faults()
    bench.new_day()
    assert bench.run([sale(1)]).posted == 1
    assert bench.run([sale(1)]).unchanged == 1
    assert len(bench.living()) == 1


def test_what_is_uncertain_is_refused(bench):
    """Nobody knows whether Xero has it: its bytes are needed, nothing goes."""
    assert bench.run([sale(1)]).posted == 1
    sql(bench, "UPDATE postings SET state = 'uncertain' WHERE kind = 'invoice'")
    with pytest.raises(errors.FixInput, match="order-1"):
        purge(bench)
    assert sql(bench, "SELECT count(*) FROM removals") == [(0,)]


def test_nothing_is_known_of_a_stranger(bench):
    """An entity that never was is named."""
    with pytest.raises(errors.NotFound, match="acme-nowhere"):
        asyncio.run(bench.use(lambda books: purging.plan(books, "acme-nowhere")))
