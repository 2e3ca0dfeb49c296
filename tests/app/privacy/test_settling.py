"""How an erasure begins: in one short transaction however much there is of them, and nothing that slips in is lost or left."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from counterfoil.app.privacy import erasing
from counterfoil.store.removing import people
from tests.app.privacy import planted
from tests.app.privacy.planted import theirs
from tests.cli.office import Office


def erase(bench, clue=planted.EMAIL, **more):
    return asyncio.run(bench.use(lambda books: erasing.erase(books, clue, None), **more))


def rows(bench, text):
    with closing(sqlite3.connect(bench.folder / "counterfoil.db")) as connection:
        return connection.execute(text).fetchall()


def statements(bench, clue):
    """How many statements the transaction has in which an erasure is written down."""
    told = []

    async def erased(books):
        books.database._connection.connection.driver_connection.set_trace_callback(told.append)
        return await erasing.erase(books, clue, None)

    assert asyncio.run(bench.use(erased)).compacted
    written = next(n for n, text in enumerate(told) if text.startswith("INSERT INTO removals"))
    began = max(n for n, text in enumerate(told[:written]) if text.startswith("BEGIN"))
    ended = written + told[written:].index("COMMIT")
    return ended - began


@pytest.mark.parametrize("sales", [2, 40])
def test_the_first_transaction_is_as_short_for_many_postings_as_for_few(shop, monkeypatch, sales):
    """It took 30 µs for each of their postings, so that thousands of them kept everybody waiting for longer than 20 ms."""
    monkeypatch.setattr(people, "AT_ONCE", 1)
    assert shop.run([theirs(100 + n) for n in range(sales)]).posted == sales
    assert statements(shop, planted.EMAIL) < 20
    assert planted.found(shop) == set()


def slipping_in(bench, monkeypatch, records):
    """Another process plans these records between the look at what is open and the erasure's beginning."""
    look = erasing._at_rest

    def and_then(connection, found):
        person = look(connection, found)
        with ThreadPoolExecutor(1) as other:
            assert other.submit(bench.run, records).result().planned == len(records)
        return person

    monkeypatch.setattr(erasing, "_at_rest", and_then)


def test_a_sale_that_slips_in_is_sent_whole_and_then_erased(shop, monkeypatch):
    """It is theirs like the others: the erasure waits until Xero has it, says so, and goes on by itself."""
    shop.sandbox.fault("429_day", method="PUT", count=40)
    slipping_in(shop, monkeypatch, [theirs(31)])
    done = erase(shop)
    assert (done.waits_for, done.compacted) == (("order-31",), False)
    assert asyncio.run(shop.use(erasing.finish)) is None  # the service's next minute: it still waits
    assert rows(shop, "SELECT state FROM postings WHERE external_id = 'order-31'") == [("planned",)]
    shop.sandbox.clear_faults()
    shop.new_day()
    assert shop.finish().posted == 1
    (made,) = [one for one in shop.living() if one["Reference"] == "Mumblecore 31"]
    assert made["LineItems"][0]["Description"] == "harpsichord lesson for Zelda"
    asyncio.run(shop.use(erasing.finish))
    assert planted.found(shop) == set()
    assert rows(shop, "SELECT count(*) FROM removals WHERE ended_at IS NULL") == [(0,)]
    assert shop.run([*planted.history(), theirs(31)]).unchanged == 7


def test_while_it_waits_nothing_new_of_theirs_is_planned(shop, monkeypatch):
    """From its first transaction on: what comes now is held without its text."""
    shop.sandbox.fault("429_day", method="PUT", count=40)
    slipping_in(shop, monkeypatch, [theirs(31)])
    assert erase(shop).waits_for
    assert shop.run([theirs(32)]).held == 1
    told = Office(shop.folder)("why", "order-32").out
    assert "erased" in told
    assert "Mumblecore" not in told


def test_the_command_says_what_it_waits_for(shop, monkeypatch):
    """Exit 4, as with whatever is not at its end, and what to do."""
    shop.sandbox.fault("429_day", method="PUT", count=40)
    slipping_in(shop, monkeypatch, [theirs(31)])
    told = Office(shop.folder)("privacy", "erase", planted.EMAIL, "--yes")
    assert told.code == 4
    assert "1 posting came in just before and is on the way: `counterfoil finish`" in told.out


def test_a_record_of_theirs_is_the_same_in_the_middle_of_the_erasure(shop):
    """Its external id is a personal text, replaced by one transaction with what it is known by: before and after it is unchanged."""
    told = []

    def reach(name):
        if name.startswith("erase: ") and name[-1].isdigit():
            with ThreadPoolExecutor(1) as other:
                report = other.submit(shop.run, planted.history()).result()
            told.append((name, report.unchanged, report.held))

    erase(shop, point=reach)
    assert len(told) > 30
    assert {(unchanged, held) for _name, unchanged, held in told} == {(6, 0)}


def test_so_it_is_in_an_older_copy_that_was_put_back(shop, tmp_path):
    """The list beside it knows the record's hash before the copy's own row is renamed: it stays one posting, and is found."""
    older = tmp_path / "older.db"
    with closing(sqlite3.connect(shop.folder / "counterfoil.db")) as now, closing(sqlite3.connect(older)) as copy:
        now.backup(copy)
    erase(shop)
    for ending in ("", "-wal", "-shm"):
        (shop.folder / f"counterfoil.db{ending}").unlink(missing_ok=True)
    older.rename(shop.folder / "counterfoil.db")
    told = []

    def reach(name):
        if name == "erase: step 3":
            with ThreadPoolExecutor(1) as other:
                told.append(other.submit(shop.run, planted.history()).result().unchanged)

    asyncio.run(shop.use(erasing.finish, point=reach))
    assert told == [6]
    assert planted.found(shop) == set()
    assert shop.run(planted.history()).unchanged == 6
