"""[retention]: what is dropped when it is old, what never is, and that everything works on afterwards."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from counterfoil import errors, settings
from counterfoil.app import housekeeping
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import happenings, retention
from tests.cli.office import Office
from tests.posting.conftest import bench, sandbox
from tests.posting.workbench import sale
from tests.store.test_happenings import change

__all__ = ["bench", "sandbox"]
DAY_US = 86_400 * 1_000_000
NEVER = (  # in every table, whatever is dropped
    "SELECT flow_id, kind, external_id, issue, marker, state, document_id, total, record_hash, rows_hash FROM postings ORDER BY id",
    "SELECT posting_id, n, record_hash, rows_hash, element, predicted FROM revisions ORDER BY posting_id, n",
    "SELECT id, method, path, idempotency_key, state, attempts, outcome FROM requests ORDER BY id",
    "SELECT request_id, n, started, outcome, status, correlation_id FROM attempts ORDER BY request_id, n",
    "SELECT * FROM audit ORDER BY entity, seq",
)


def sql(bench, text, *values):
    with closing(sqlite3.connect(bench.folder / "counterfoil.db")) as connection, connection:
        return connection.execute(text, values).fetchall()


def aged(bench, days):
    """Everything that is there happened so long ago."""
    for table, columns in (("requests", ["frozen_at"]), ("postings", ["planned_at", "changed_at"])):
        for column in columns:
            sql(bench, f"UPDATE {table} SET {column} = {column} - ?", days * DAY_US)
    sql(bench, "DELETE FROM meta WHERE key = 'retention_pass'")


def tidied(bench, **how):
    return asyncio.run(bench.use(lambda books: housekeeping.tidy(books, **how)))


def names(bench, table):
    """The columns of a table, but its id and what has to differ."""
    found = [row[1] for row in sql(bench, f"PRAGMA table_info({table})")]
    return ", ".join(name for name in found if name not in ("id", "idempotency_key"))


def kept(bench):
    bodies = sql(bench, "SELECT count(*) FROM requests WHERE length(body) > 0")[0][0]
    answers = sql(bench, "SELECT count(*) FROM attempts WHERE answer IS NOT NULL")[0][0]
    raw = sql(bench, "SELECT count(*) FROM revisions WHERE record <> CAST('null' AS BLOB)")[0][0]
    return bodies, answers, raw


def test_old_bytes_go_and_what_is_never_dropped_stays(bench):
    """After 100 days the raw records, after 500 the bytes; identity, hashes, sent content, attempts and audit log stay."""
    bench.run([sale(n) for n in range(20)])
    never = [sql(bench, one) for one in NEVER]
    assert 0 not in kept(bench)
    assert tidied(bench) == housekeeping.Tidied()
    aged(bench, 100)
    bodies, answers, _raw = kept(bench)
    assert tidied(bench).rows == 27  # seven customers among them
    assert kept(bench) == (bodies, answers, 0)
    aged(bench, 400)
    done = tidied(bench)
    assert (done.requests, done.rows, done.finished) == (bodies, 0, True)
    assert kept(bench) == (0, 0, 0)
    assert [[row[:4] for row in sql(bench, one)] for one in NEVER] == [[row[:4] for row in one] for one in never]
    assert sql(bench, NEVER[1]) == never[1]


def test_afterwards_the_same_records_are_the_same_and_changed_ones_are_updated(bench):
    """Nothing is posted again; a changed record is compared with what was sent last, and `why` says what was dropped."""
    bench.configure(flow='on_change = "update"')
    bench.run([sale(n, status="DRAFT") for n in range(3)])
    aged(bench, 1000)
    tidied(bench)
    report = bench.run([sale(0, status="DRAFT"), sale(1, status="DRAFT"), sale(2, status="DRAFT", reference="new")])
    assert (report.unchanged, report.updated, report.posted) == (2, 1, 0)
    assert len(bench.living()) == 3
    told = Office(bench.folder)("why", "order-1")
    assert "bytes were dropped on" in told.out
    assert "by [retention]" in told.out
    assert "the raw record was dropped on" in told.out
    assert Office(bench.folder)("why", "order-1", "--json").value


def test_what_waits_or_is_on_its_way_keeps_its_bytes(bench):
    """Held, planned and uncertain records and open requests, however old."""
    bench.sandbox.fault("429_day", method="PUT", count=40)
    bench.run([sale(1), sale(2, contact={"external_id": "c", "name": "Bad <name>"})])
    bench.sandbox.clear_faults()
    before = kept(bench)
    aged(bench, 5000)
    assert tidied(bench).rows == 0
    assert kept(bench)[2] == before[2]
    bench.new_day()
    assert bench.finish().posted == 1


def test_a_pass_goes_on_where_its_time_was_over(bench):
    """No time at all: little or nothing is done and it is not finished; calls add up to the whole, then there is a rest."""
    bench.run([sale(n) for n in range(20)])
    aged(bench, 1000)
    bodies = kept(bench)[0]
    first = tidied(bench, most_s=0.0)
    assert not first.finished
    second = tidied(bench)
    assert (first.requests + second.requests, second.finished) == (bodies, True)
    assert tidied(bench) == housekeeping.Tidied()


def test_many_windows_are_one_pass(bench, monkeypatch):
    """Windows of one row: each in a transaction of its own, each row dropped once."""
    monkeypatch.setattr(housekeeping, "WINDOW", 1)
    monkeypatch.setattr(housekeeping, "WINDOW_MAX", 1)
    seen = []
    steps = retention.drop_rows
    monkeypatch.setattr(retention, "drop_rows", lambda *given: seen.append(1) or steps(*given))
    bench.run([sale(n) for n in range(9)])
    aged(bench, 1000)
    assert tidied(bench).rows == 16
    assert len(seen) >= 16


def test_no_transaction_drops_many_rows_however_quick_the_way_there_was(bench, monkeypatch):
    """Thousands of rows that were dropped long ago are passed over in ever larger windows; behind them stand many to drop."""
    bench.run([sale(n) for n in range(4)])
    one, columns = sql(bench, "SELECT min(id) FROM requests WHERE state = 'closed'")[0][0], names(bench, "requests")
    copied = (
        f"INSERT INTO requests (id, idempotency_key, {columns}) SELECT ?1, ?1, {columns} FROM requests WHERE id = ?2"
    )
    with closing(sqlite3.connect(bench.folder / "counterfoil.db")) as connection, connection:
        connection.executemany(copied, [(100 + n, one) for n in range(2_500)])
        connection.execute("UPDATE requests SET body = CAST('' AS BLOB) WHERE id BETWEEN 100 AND 2099")
    aged(bench, 1000)
    steps, looked, dropped = retention.drop_requests, [], []

    def counted(conn, after, most, *others):
        step = steps(conn, after, most, *others)
        looked.append(most)
        dropped.append(step.dropped)
        return step

    monkeypatch.setattr(retention, "drop_requests", counted)
    monkeypatch.setattr(housekeeping, "TRANSACTION_S", 60.0)  # every one is quick
    done = tidied(bench, most_s=600)
    assert (done.finished, kept(bench)[0]) == (True, 0)
    assert max(looked) > 1_000
    assert max(dropped) == retention.DROPS_MAX
    assert sum(dropped) == done.requests > 500


def test_large_bodies_go_one_after_the_other(bench, monkeypatch):
    """As many in a transaction as are half a megabyte, or one that is larger; all of them in the end."""
    bench.configure(batch=1)
    bench.run([sale(n) for n in range(6)])
    sql(bench, "UPDATE requests SET body = zeroblob(300000) WHERE resource = 'Invoices'")
    sql(bench, "UPDATE requests SET body = zeroblob(900000) WHERE id = (SELECT max(id) FROM requests)")
    aged(bench, 1000)
    bodies, steps, dropped = kept(bench)[0], retention.drop_requests, []
    monkeypatch.setattr(retention, "drop_requests", lambda *given: dropped.append(steps(*given)) or dropped[-1])
    assert tidied(bench).requests == bodies
    assert [one.dropped for one in dropped if one.dropped][-5:] == [1, 1, 1, 1, 1]
    assert kept(bench)[0] == 0


def test_a_slow_disk_makes_the_windows_small(bench, monkeypatch):
    """Each row takes a millisecond: after the first transactions none looks at more than the 20 ms hold."""
    looked = []

    class Slow(SystemClock):
        def elapsed_s(self):
            return sum(looked) / 1_000

    def drop(_conn, after, most, _old, _now):
        looked.append(most)
        return retention.Step(0, None if after > 400 else after + most)

    async def tidy(books):
        books.clock = Slow()
        return await housekeeping.tidy(books, most_s=600)

    monkeypatch.setattr(retention, "drop_requests", drop)
    asyncio.run(bench.use(tidy))
    assert looked[:3] == [50, 25, 12]
    assert max(looked[2:]) <= 24


def test_for_ever_is_for_ever(bench):
    """`forever` keeps both."""
    bench.run([sale(1)])
    before = kept(bench)
    aged(bench, 20_000)
    path = bench.write_config()
    path.write_text(path.read_text() + '[retention]\nrequests = "forever"\nraw_rows = "forever"\n')

    async def tidy():
        from tests.posting.workbench import WorkbenchBooks

        books = WorkbenchBooks(settings.load(path), SystemClock(), lambda _point: None)
        await books.open()
        try:
            return await housekeeping.tidy(books)
        finally:
            await books.close()

    assert asyncio.run(tidy()) == housekeeping.Tidied()
    assert kept(bench) == before


def test_old_changes_go_and_young_ones_stay(bench):
    """After 90 days; the order of a document goes on where it stood."""

    def record(*ids):
        return asyncio.run(
            bench.use(lambda books: books.database.run(lambda c: happenings.record(c, list(map(change, ids)))))
        )

    record(*(f"old-{n}" for n in range(120)))
    sql(bench, "UPDATE happenings SET seen_at = seen_at - ?", 91 * DAY_US)
    record("young")
    assert tidied(bench).changes == 120
    assert sql(bench, "SELECT id, n, turn FROM happenings") == [("young", 121, 121)]


@pytest.mark.parametrize("text", ["1d", "0d", "90", "09d"])
def test_changes_are_kept_for_longer_than_they_are_tried(bench, text):
    """Two days at least: a feed tries for 28 hours."""
    path = bench.write_config()
    path.write_text(path.read_text() + f'[retention]\nchanges = "{text}"\n')
    with pytest.raises(errors.ConfigurationError) as refusal:
        settings.load(path)
    assert "two days" in str(refusal.value)


@pytest.mark.parametrize("text", ["90", "0d", "-3d", "90 days", "1y", ""])
def test_a_span_that_is_none_is_refused_with_its_line(bench, text):
    """Each with what would be right."""
    path = bench.write_config()
    path.write_text(path.read_text() + f'[retention]\nraw_rows = "{text}"\n')
    with pytest.raises(errors.ConfigurationError) as refusal:
        settings.load(path)
    assert "raw_rows" in str(refusal.value)
    assert "forever" in str(refusal.value)


def test_a_run_whose_bytes_were_dropped_can_still_be_taken_back_and_proved(bench):
    """Drafts are deleted, and the proof before it holds: neither needs what was dropped."""
    run = bench.run([sale(n, status="DRAFT") for n in range(3)]).run
    aged(bench, 1000)
    tidied(bench)
    assert asyncio.run(bench.use(lambda books: books.prove("shop"))).holds
    asyncio.run(bench.use(lambda books: books.undo(run)))
    assert bench.living() == []
