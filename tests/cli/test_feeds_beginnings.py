"""Where a feed begins, and what it never hears of by itself, is said where its owner looks."""

import asyncio

import pytest

from counterfoil.app.feeding import Stands
from counterfoil.cli import feeds
from counterfoil.store import beginnings, mirrored
from counterfoil.store.mirrored import Reading
from tests.cli.office import Office
from tests.delivery.desk import NOON, TENANT, Desk, Taker

HEAD = '[xero]\nclient_id = "abc"\n[entities.uk]\n'
BOOKS = """
[feeds.books]
on = ["invoice.*"]
to = { sql = "sqlite:///books.db", table = "invoices", key = ["id"] }
[feeds.books.map]
id = "{document_id}"
"""
LOG = '[feeds.log]\non = ["*"]\nsnapshot = true\nfrom = "start"\nto = { jsonl = "log.jsonl" }\n'


@pytest.fixture
def office(tmp_path):
    """Two feeds that nobody has served yet."""
    (tmp_path / "counterfoil.toml").write_text(HEAD + BOOKS + LOG)
    return Office(tmp_path)


def served(office, *names, copy=False):
    """The service begins with these feeds; `copy`: there is one already."""

    async def work():
        desk = await Desk(f"sqlite:///{office.folder / 'counterfoil.db'}").open()
        if copy:
            reading = Reading(TENANT, "Invoices", since=NOON)
            await desk.database.run(lambda conn: mirrored.set_reading(conn, reading))
        await desk.database.run(lambda conn: beginnings.note(conn, names))
        for name in names:
            await desk.turn(desk.subscriber(Taker(), name))
        await desk.close()

    asyncio.run(work())


def froms(office):
    """The column, by feed."""
    lines = [line.split() for line in office("feeds").out.splitlines()[1:3]]
    return {line[0]: line[3] for line in lines}


def test_the_list_says_where_each_feed_begins(office):
    """Now until it was served, then since when; from the start where that is asked."""
    assert froms(office) == {"books": "now", "log": "start"}
    assert "Begins: with what happens after `counterfoil serve` first serves it" in office("feeds", "show", "books").out
    served(office, "books", "log")
    assert froms(office) == {"books": "2026-11-22", "log": "start"}
    assert "Begins: with what happened after 2026-11-22 12:00 UTC" in office("feeds", "show", "books").out
    assert "Begins: with the oldest change that was kept" in office("feeds", "show", "log").out


def test_a_feed_that_begins_beside_a_copy_is_told_that_it_has_nothing_of_it_until_it_is_filled(office):
    """A table can be filled, and that is the next thing to type; a file cannot, whatever `snapshot` says."""
    served(office, "books", "log", copy=True)
    listed = office("feeds")
    said = "books: its table has nothing of what the copy had before it began; `feeds fill books` writes that."
    assert said in listed.out
    assert "log: what the copy had before it began is not handed over, snapshot = true or not." in listed.out
    filled = "Feed books: ok, 0 handed over, its table was never filled: `counterfoil feeds fill books`."
    assert filled in office("status").out
    assert (
        feeds._next([Stands(**{**one, "on": ()}) for one in office("feeds", "--json").value])
        == "counterfoil feeds fill books"
    )
    assert office("feeds", "fill", "books", "--json").code == 0
    assert "books: its table" not in office("feeds").out


def test_a_feed_that_began_before_the_first_sync_lacks_nothing_only_if_it_asked_for_snapshots(office):
    """The log hears of what the first load brings; the table does not, and is to be filled."""
    served(office, "books", "log")
    assert "the copy had" not in office("feeds").out
    served(office, copy=True)
    out = office("feeds").out
    assert "books: its table has nothing of what the copy had" in out
    assert "log: what the copy had" not in out


def test_a_feed_whose_table_was_renamed_is_told_how_to_go_on_where_it_was(office):
    """Its place is remembered by its name: under another it is a new one."""
    served(office, "books", "log")
    (office.folder / "counterfoil.toml").write_text(HEAD + BOOKS.replace("feeds.books", "feeds.ledger") + LOG)
    said = 'ledger is new, and books is no longer in the configuration. Renamed? Write id = "books" into it.'
    assert said in office("feeds").out
    renamed = BOOKS.replace("feeds.books", "feeds.ledger").replace("to =", 'id = "books"\nto =')
    (office.folder / "counterfoil.toml").write_text(HEAD + renamed + LOG)
    assert froms(office) == {"ledger": "2026-11-22", "log": "start"}
    assert "Renamed?" not in office("feeds").out
