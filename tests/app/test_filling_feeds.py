"""`feeds try` and `feeds fill`: what a feed would write, and today's documents for its table, whatever goes on beside."""

import datetime
import json
import re
import sqlite3
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from counterfoil import errors, settings
from counterfoil.app import filling_feeds
from counterfoil.delivery import feed
from counterfoil.delivery.sql import outlet as outlets
from counterfoil.mirror.meaning import naming, recording, words
from counterfoil.model.observed import Observed
from counterfoil.model.whole import Whole
from counterfoil.store import mirrored
from counterfoil.store.mirrored import Mirrored
from tests.delivery.desk import NOON, TENANT, Desk
from tests.delivery.sql.tables import rows

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "feeds.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
TABLE = """
[feeds.books]
on = ["invoice.*"]
to = { sql = "sqlite:///books.db", table = "invoices", key = ["id"] }
[feeds.books.map]
id = "{document_id}"
number = "{InvoiceNumber}"
total = "{Total}"
doubled = "=mul(row.Reference, 2)"
[feeds.log]
on = ["invoice.*"]
to = { jsonl = "log.jsonl" }
"""


@pytest.fixture
async def desk(tmp_path):
    found = await Desk(f"sqlite:///{tmp_path / 'counterfoil.db'}").open()
    yield found
    await found.close()


def books(desk, tmp_path, text=TABLE, entity="uk"):
    """What of the books these operations use."""
    path = tmp_path / "counterfoil.toml"
    path.write_text(f'[xero]\nclient_id = "C"\n[entities.{entity}]\n' + textwrap.dedent(text))
    loaded = settings.load(path, environ={})
    return SimpleNamespace(
        database=desk.database, clock=desk.clock, settings=loaded, feeds=feed.compiled(loaded, words.names())
    )


def invoice(number, *, at=NOON, missing="", deleted=False, **fields):
    """One invoice as the mirror holds it."""
    document = {
        "InvoiceID": f"id-{number}", "Type": "ACCREC", "InvoiceNumber": f"INV-{number}", "Total": 10.5, "AmountDue": 10.5,
        "Status": "AUTHORISED", "Contact": {"ContactID": "c", "Name": "Fern"}, "Date": "/Date(1793577600000+0000)/",
        "CurrencyCode": "GBP", "LineItems": [{"LineItemID": f"l-{number}", "Description": "Widgets", "LineAmount": 10.5}],
    }  # fmt: skip
    body = json.dumps(document | fields).encode()
    gone_at = NOON if deleted else None
    return Mirrored(TENANT, "Invoices", f"id-{number}", "AUTHORISED", at, NOON, missing, gone_at, gone_at, body)


async def mirror(desk, *documents, record=True):
    """The mirror sees these, and what happened is kept."""

    def work(conn):
        was = mirrored.by_ids(conn, TENANT, "Invoices", [one.document_id for one in documents])
        mirrored.put(conn, documents)
        seen = [
            Observed(
                tenant_id=TENANT, resource="Invoices", document_id=one.document_id,
                before=Whole(was[one.document_id].body) if one.document_id in was else None,
                after=None if one.deleted_at else Whole(one.body), stamp=one.stamp, seen_at=NOON,
            )
            for one in documents
        ]  # fmt: skip
        if record:
            recording.record(conn, seen)

    await desk.database.run(work)


def later(seconds):
    return NOON + datetime.timedelta(seconds=seconds)


async def test_what_a_feed_would_write_is_shown_and_nothing_is_written(desk, tmp_path):
    """Of the newest changes that it wants, with why a value is blank, and how the table will be made."""
    await mirror(desk, invoice(1), invoice(2), invoice(3, Type="ACCPAY"))
    found = await filling_feeds.preview(books(desk, tmp_path), "books", 1)
    assert (found.of, found.columns) == ("changes", ("id", "number", "total", "doubled"))
    (one,) = found.found
    assert (one.type, one.rows) == (
        "invoice.approved",
        ({"id": "id-2", "number": "INV-2", "total": "10.5", "doubled": None},),
    )
    assert "Column `Reference`" in one.blank[0]
    assert found.target.startswith('The table invoices will be made: CREATE TABLE "invoices" ( "id" TEXT NOT NULL,')
    with sqlite3.connect(tmp_path / "books.db") as there:
        assert list(there.execute("SELECT * FROM sqlite_master")) == []


async def test_before_the_first_change_documents_are_shown(desk, tmp_path):
    """What `fill` would write."""
    await mirror(desk, invoice(1), record=False)
    found = await filling_feeds.preview(books(desk, tmp_path), "books", 10)
    assert (found.of, [one.rows[0]["number"] for one in found.found]) == ("documents", ["INV-1"])


async def test_filling_writes_every_document_of_the_feed(desk, tmp_path):
    """No bills; what is gone has no row; what the mirror has in part waits; amounts have no digit less."""
    await mirror(
        desk, invoice(1, Total=10.1234), invoice(2, Type="ACCPAY"), invoice(3, deleted=True), invoice(4, missing="Payments"),
        invoice(5, Status="DELETED"),
    )  # fmt: skip
    (found,) = await filling_feeds.fill(books(desk, tmp_path), "books")
    assert (found.resource, found.written, found.incomplete) == ("Invoices", 3, 1)
    assert [(row["id"], row["total"]) for row in rows(f"sqlite:///{tmp_path}/books.db")] == [("id-1", "10.1234")]


async def test_filling_never_writes_over_what_is_newer(desk, tmp_path, monkeypatch):
    """A change is handed over between reading a page and writing it: the table keeps the change."""
    here = books(desk, tmp_path)
    outlet = here.feeds["books"].outlet(filling_feeds.Tools(clock=desk.clock, folder=tmp_path))
    await mirror(desk, invoice(1))
    really = outlets.SqlOutlet.fill

    async def overtaken(self, changes, *, anew=False):
        monkeypatch.setattr(outlets.SqlOutlet, "fill", really)
        await mirror(desk, invoice(1, at=later(5), Total=99))
        newest = await desk.database.read(lambda conn: filling_feeds._newest(conn, here.feeds["books"], 1))
        await outlet.hand_over(newest)
        return await really(self, changes, anew=anew)

    monkeypatch.setattr(outlets.SqlOutlet, "fill", overtaken)
    (found,) = await filling_feeds.fill(here, "books")
    assert (found.written, found.newer) == (0, 1)
    assert [row["total"] for row in rows(f"sqlite:///{tmp_path}/books.db")] == ["99"]


async def test_an_interrupted_filling_goes_on_where_it_stopped(desk, tmp_path, monkeypatch):
    """Page by page; and `anew` begins again, whatever the table has."""
    monkeypatch.setattr(filling_feeds, "PAGE", 2)
    await mirror(desk, *(invoice(n) for n in range(1, 6)))
    here, pages = books(desk, tmp_path), []

    def killed(_entity, _resource, count):
        pages.append(count)
        if len(pages) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await filling_feeds.fill(here, "books", progress=killed)
    (found,) = await filling_feeds.fill(here, "books")
    assert found.written == 1
    assert len(rows(f"sqlite:///{tmp_path}/books.db")) == 5
    with sqlite3.connect(tmp_path / "books.db") as there:
        there.execute("UPDATE counterfoil_seen SET n = 900, stamp = '2999-01-01T00:00:00+00:00'")
        there.execute("UPDATE invoices SET total = 'wrong'")
    assert [one.newer for one in await filling_feeds.fill(here, "books")] == [5]
    assert [one.written for one in await filling_feeds.fill(here, "books", anew=True)] == [5]
    assert {row["total"] for row in rows(f"sqlite:///{tmp_path}/books.db")} == {"10.5"}


async def test_a_document_that_the_table_refuses_keeps_no_other_out(desk, tmp_path):
    """It is counted, with the column."""
    with sqlite3.connect(tmp_path / "books.db") as there:
        there.execute("CREATE TABLE invoices (id TEXT, number VARCHAR(5), total TEXT, doubled TEXT)")
    await mirror(desk, invoice(1), invoice(22), invoice(3))
    (found,) = await filling_feeds.fill(books(desk, tmp_path), "books")
    assert (found.written, found.refused) == (2, 1)
    assert found.why == ("id-22: the column number does not take it: it takes 5 characters, and the value has 6",)


async def test_what_cannot_be_filled_says_so(desk, tmp_path):
    """A log keeps no table; an unknown feed has a nearest name; a table that cannot be written now is tried again."""
    here = books(desk, tmp_path)
    with pytest.raises(errors.ConfigurationError, match="keeps no table that could be filled"):
        await filling_feeds.fill(here, "log")
    with pytest.raises(errors.ConfigurationError, match="Did you mean `books`"):
        await filling_feeds.preview(here, "boks", 1)
    await mirror(desk, invoice(1))
    (tmp_path / "books.db").write_text("no database, but a text of some length that says so" * 20)
    with pytest.raises(errors.RunAgain, match="file is not a database"):
        await filling_feeds.fill(here, "books")
    assert "cannot be used now: file is not a database" in (await filling_feeds.preview(here, "books", 1)).target


async def test_the_page_s_example_keeps_its_tables_current(desk, tmp_path):
    """From nothing: filled, then kept current by the engine, through a change, a deletion and a new invoice."""
    here = books(desk, tmp_path, EXAMPLES[0].replace("acme-uk", "uk"))
    await mirror(desk, invoice(1), invoice(2))
    for name in ("books", "lines"):
        await filling_feeds.fill(here, name)
    takers = [
        desk.subscriber(one.outlet(filling_feeds.Tools(clock=desk.clock, folder=tmp_path)), name)
        for name, one in here.feeds.items()
    ]
    for taker in takers:
        await desk.turn(taker)  # known from here on
    await mirror(
        desk, invoice(1, at=later(1), AmountDue=0, AmountPaid=10.5, Status="PAID"), invoice(2, at=later(2), Status="DELETED"),
        invoice(3, at=later(3), LineItems=[{"LineItemID": "a", "LineAmount": 1}, {"LineItemID": "b", "LineAmount": 2.5}]),
    )  # fmt: skip
    for taker in takers:
        await desk.turn(taker)
    url = f"sqlite:///{tmp_path}/books.db"
    found = rows(url, "xero_invoices", "number")
    assert [(row["number"], row["customer"], row["owed"], row["status"], row["overdue_by"]) for row in found] == [
        ("INV-1", "Fern", "0", "PAID", "nothing"), ("INV-3", "Fern", "10.5", "AUTHORISED", "see Xero"),
    ]  # fmt: skip
    lines = rows(url, "xero_invoice_lines", "invoice_id, line")
    assert [(row["invoice_id"], row["line"], row["what"], row["amount"]) for row in lines] == [
        ("id-1", 1, "Widgets", "10.5"), ("id-3", 1, None, "1"), ("id-3", 2, None, "2.5"),
    ]  # fmt: skip


async def test_every_example_of_the_page_loads(desk, tmp_path):
    """Also those of files."""
    for text in EXAMPLES:
        assert books(desk, tmp_path, text.replace("acme-uk", "uk")).feeds
    assert naming.word("Invoices", {"Type": "ACCPAY"}) == "bill"
