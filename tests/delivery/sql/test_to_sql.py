"""A feed to a table: it says what Xero says, whatever is repeated, late, cut off or refused."""

import asyncio
import contextlib
import datetime
import os
import sqlite3
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.delivery.outcome import NeverDelivered, NotDelivered
from counterfoil.delivery.sql import outlet as outlets
from counterfoil.delivery.sql import writing
from counterfoil.delivery.sql.outlet import SqlOutlet
from tests.delivery.changing import AT, change
from tests.delivery.sql.tables import INVOICES, LINES, execute, outlet, rows, told

SOAK = "SOAK" in os.environ
PAID = {"InvoiceNumber": "INV-1", "Total": "10.50", "SentToContact": True, "Date": "2026-11-02"}


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'books.db'}"


def invoice(n, document="d1", **more):
    return change(n, document, after=PAID | more)


def gone(n, document="d1"):
    return change(n, document, before=PAID, what="invoice.deleted")


async def test_a_document_is_a_row_that_stays_current(url):
    """The table is made; amounts are text on SQLite, which would make floats of them."""
    to = outlet(url)
    await to.hand_over([invoice(1), invoice(2, "d2", Total="3.00")])
    await to.hand_over([invoice(3, Total="11.1000", SentToContact=False)])
    assert rows(url) == [
        {"id": "d1", "number": "INV-1", "total": "11.1000", "sent": 0, "day": "2026-11-02"},
        {"id": "d2", "number": "INV-1", "total": "3.00", "sent": 1, "day": "2026-11-02"},
    ]


async def test_an_older_change_never_overwrites_a_newer_one(url):
    """Nor does it bring back what was deleted; and an equal one repairs what somebody did to the row."""
    to = outlet(url)
    await to.hand_over([invoice(5, Total="5"), gone(6, "d2")])
    await to.hand_over([invoice(4, Total="4"), invoice(3, "d2")])
    assert [(row["id"], row["total"]) for row in rows(url)] == [("d1", "5")]
    execute(url, "DELETE FROM invoices")
    await outlet(url).hand_over([invoice(5, Total="5")])
    assert [row["total"] for row in rows(url)] == ["5"]


async def test_after_a_restore_numbers_begin_again_and_newer_is_still_newer(url):
    """Xero's stamp decides first, our own number only between equal stamps."""
    to = outlet(url)
    await to.hand_over([invoice(900, Total="old")])
    later = AT + datetime.timedelta(days=1)
    await to.hand_over([change(12, after=PAID | {"Total": "new"}, stamp=later)])
    await to.hand_over([change(11, after=PAID | {"Total": "same stamp, older"}, stamp=later)])
    assert [row["total"] for row in rows(url)] == ["new"]


async def test_what_is_gone_is_deleted_or_kept_with_a_mark(url):
    """Gone is what Xero has no longer, or calls DELETED; VOIDED stays. It may come back."""
    deletes, keeps = outlet(url), outlet(url, table="kept", gone="keep")
    for to in (deletes, keeps):
        await to.hand_over([invoice(1), invoice(2, "d2"), invoice(3, "d3")])
        await to.hand_over(
            [gone(4), invoice(5, "d2", Status="DELETED"), invoice(6, "d3", Status="VOIDED"), gone(7, "d4")]
        )
    assert [row["id"] for row in rows(url)] == ["d3"]
    assert [(row["id"], row["gone"]) for row in rows(url, "kept")] == [("d1", 1), ("d2", 1), ("d3", 0), ("d4", 1)]
    await keeps.hand_over([invoice(8)])
    assert rows(url, "kept")[0]["gone"] == 0


async def test_lines_are_replaced_as_a_set(url):
    """A line that was taken out is gone from the table; other documents' lines are left alone."""
    to = outlet(url, LINES, "LineItems", table="lines", key=("id", "line"))

    def lines(n, document, **amounts):
        listed = [{"LineItemID": key, "LineAmount": amount} for key, amount in amounts.items()]
        return change(n, document, after=PAID | {"LineItems": listed})

    await to.hand_over([lines(1, "d1", a="1", b="2"), lines(2, "d2", a="7")])
    await to.hand_over([lines(3, "d1", b="3", c="4")])
    found = rows(url, "lines", "id, line")
    assert [(row["id"], row["line"], row["amount"]) for row in found] == [
        ("d1", "b", "3"),
        ("d1", "c", "4"),
        ("d2", "a", "7"),
    ]
    await to.hand_over([gone(4, "d1"), lines(5, "d2")])
    assert rows(url, "lines") == []


async def test_columns_of_the_customers_own_are_left_alone(url):
    """A row is updated in place; the table may have more columns and more rows."""
    execute(
        url, "CREATE TABLE invoices (id TEXT, number TEXT, total TEXT, sent TEXT, day TEXT, note TEXT)",
        "INSERT INTO invoices (id, note) VALUES ('d1', 'call them'), ('mine', 'not of Xero')",
    )  # fmt: skip
    await outlet(url).hand_over([invoice(1)])
    assert [(row["id"], row["number"], row["note"]) for row in rows(url)] == [
        ("d1", "INV-1", "call them"), ("mine", None, "not of Xero"),
    ]  # fmt: skip


async def test_rows_that_are_not_wanted_any_more_are_taken_out(url):
    """`when` is asked of each change."""
    to = outlet(url, when='=row.Status in ["PAID"]')
    await to.hand_over([invoice(1, Status="PAID"), invoice(2, "d2", Status="DRAFT")])
    assert [row["id"] for row in rows(url)] == ["d1"]
    await to.hand_over([invoice(3, Status="AUTHORISED")])
    assert rows(url) == []


async def test_names_and_values_are_never_carried_out(url):
    """A column with quotes and a text of SQL are a column and a text."""
    columns = {"id": "{document_id}", 'n"); DROP TABLE x; --': "{InvoiceNumber}", "100%": "{Total}"}
    to = outlet(url, columns, table='in"voices; x')
    await to.hand_over([invoice(1, InvoiceNumber="'); DELETE FROM invoices; --")])
    (row,) = rows(url, '"in""voices; x"')
    assert list(row.values()) == ["d1", "'); DELETE FROM invoices; --", "10.50"]


async def test_a_table_that_lacks_columns_waits_for_its_owner(url):
    """The statement that helps is told; once it was carried out, the same change goes in. We alter nothing."""
    execute(url, "CREATE TABLE invoices (id TEXT, Number TEXT, total NUMERIC(10,2))")
    to = outlet(url)
    with pytest.raises(NotDelivered) as caught:
        await to.hand_over([invoice(1)])
    assert caught.value.target_is_down
    assert "has no column number, sent, day (it has Number)" in caught.value.reason
    statements = caught.value.reason.partition("Its owner may add it: ")[2].split("; ")
    assert statements[1] == 'ALTER TABLE "invoices" ADD COLUMN "sent" INTEGER'
    execute(url, "ALTER TABLE invoices RENAME COLUMN Number TO number", *statements[1:])
    await to.hand_over([invoice(1)])
    assert rows(url)[0]["number"] == "INV-1"


async def test_a_value_that_the_table_refuses_is_of_its_change_alone(url):
    """Dead at once, with the column; of several, none is written and each is to be handed over alone."""
    execute(url, "CREATE TABLE invoices (id TEXT, number VARCHAR(6), total TEXT NOT NULL, sent INTEGER, day TEXT)")
    to = outlet(url)
    with pytest.raises(NotDelivered) as several:
        await to.hand_over([invoice(1), invoice(2, "d2", InvoiceNumber="INV-100")])
    assert not isinstance(several.value, NeverDelivered)
    assert not several.value.target_is_down
    assert rows(url) == []
    with pytest.raises(
        NeverDelivered, match="the column number does not take it: it takes 6 characters, and the value has 7"
    ):
        await to.hand_over([invoice(2, "d2", InvoiceNumber="INV-100")])
    with pytest.raises(NeverDelivered, match=r"NOT NULL constraint failed: invoices\.total"):
        await to.hand_over([invoice(3, "d3", Total="")])
    await to.hand_over([invoice(1)])
    assert [row["id"] for row in rows(url)] == ["d1"]


async def test_two_lines_with_one_key_are_refused(url):
    """They would be one row, and one would be lost."""
    to = outlet(url, LINES, "LineItems", table="lines", key=("id", "line"))
    with pytest.raises(NeverDelivered, match="two of its rows have the same id, line"):
        await to.hand_over([change(1, after={"LineItems": [{"LineItemID": "a"}, {"LineItemID": "a"}]})])
    with pytest.raises(NeverDelivered, match="the column line of the key is blank"):
        await to.hand_over([change(1, after={"LineItems": [{}]})])


async def test_a_database_that_cannot_be_used_now_is_tried_again(url, tmp_path, monkeypatch):
    """Locked, no folder, no database at all, ours, a table that was dropped: later, with a reason and without an address."""
    to = outlet(url)
    await to.hand_over([invoice(1)])
    with contextlib.closing(sqlite3.connect(tmp_path / "books.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(outlets, "LOCK_MS", 10)
        with pytest.raises(NotDelivered, match="database is locked"):
            await outlet(url).hand_over([invoice(2)])
    (tmp_path / "text.db").write_text("this is no database, but a text of some length that says so" * 20)
    for address, reason in [
        (f"sqlite:///{tmp_path}/none/books.db", "unable to open database file"),
        (f"sqlite:///{tmp_path}/text.db", "file is not a database"),
        ("postgresql://user:very-secret@127.0.0.1:1/books", "Connection refused|refused"),
    ]:
        with pytest.raises(NotDelivered, match=reason) as caught:
            await outlet(address).hand_over([invoice(1)])
        assert caught.value.target_is_down
        assert "127.0.0.1" not in caught.value.reason
        assert "very-secret" not in caught.value.reason
    execute(url, "DROP TABLE invoices")
    with pytest.raises(NotDelivered, match="no such table"):
        await to.hand_over([invoice(3)])


TO = {"sql": "sqlite:///books.db", "table": "invoices", "key": ["id"]}


@pytest.mark.parametrize(
    ("to", "more", "path", "reason", "remedy"),
    [
        ({"sql": "mysql://x"}, {}, ("sql",), "is no address of a database", "sqlite:///books.db"),
        ({"table": ""}, {}, ("table",), "is no name", "xero_invoices"),
        ({"key": []}, {}, ("key",), "names no column", "invoice_id"),
        ({"key": ["idd"]}, {}, ("to", "key"), "names `idd`", "Did you mean `id`?"),
        ({"key": ["number"]}, {}, ("to", "key"), "holds no column that is the document's id", 'Add "id".'),
        ({}, {"columns": {"id": "{InvoiceNumber}"}}, ("to", "key"), "holds no column", 'Map the id, such as id = "{document_id}"'),
        ({}, {"columns": LINES, "each": "LineItems"}, ("to", "key"), "does not tell one of LineItems", "{position}"),
        ({}, {"columns": {"id": "{document_id}", "ID": "{Total}"}}, ("map", "ID"), "letter case alone", ""),
        ({}, {"columns": {"id": "{document_id}", "x" * 64: "{Total}"}}, ("map", "x" * 64), "at most 63 bytes", ""),
        ({"gone": "keep"}, {"columns": {"id": "{document_id}", "gone": "{gone}"}}, ("map", "gone"), "kept rows", ""),
        (
            {}, {"columns": {"id": "{TaxType}"}, "on": ("tax_rate.*",), "resources": ("TaxRates",)}, ("to", "key"),
            "tells no company from another", 'Map entity = "{entity}"',
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_the_configuration_is_told_when_it_is_loaded(to, more, path, reason, remedy):
    """With what would be right."""
    ((at, said, helps),) = told(TO | to, **more)
    assert at == path
    assert reason in said
    assert remedy in helps


def test_a_key_may_be_one_name():
    """And of one company, the ids of its tax rates are enough."""
    assert told(TO | {"key": "id"}) == []
    rates = {"columns": {"id": "{TaxType}"}, "on": ("tax_rate.*",), "resources": ("TaxRates",)}
    assert told(TO, **rates, entities=frozenset({"uk"})) == []


DOCUMENTS = ("d1", "d2", "d3")


@st.composite
def histories(draw):
    """Changes of three documents as a ledger makes them: (all of them in order, what the ledger holds at the end)."""
    ledger, found = {}, []
    for n in range(1, draw(st.integers(2, 12))):
        document = draw(st.sampled_from(DOCUMENTS))
        before = ledger.get(document)
        what = draw(st.sampled_from(["write", "write", "delete", "vanish"])) if before is not None else "write"
        listed = draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3))
        after = {
            "InvoiceNumber": f"INV-{n}", "Total": f"{n}.50", "SentToContact": n % 2 == 0, "Date": "2026-11-02",
            "Status": "DELETED" if what == "delete" else "PAID",
            "LineItems": [{"LineItemID": one, "LineAmount": f"{n}"} for one in listed],
        }  # fmt: skip
        after = None if what == "vanish" else after
        stamp = AT + datetime.timedelta(
            seconds=n - draw(st.integers(0, 1)) * (n % 2)
        )  # now and then the same as the last
        found.append(change(n, document, after=after, before=before, stamp=stamp))
        ledger[document] = after
    return found, {key: one for key, one in ledger.items() if one is not None and one["Status"] != "DELETED"}


@st.composite
def deliveries(draw):
    """A history and the hand-overs of it: of any size, with doubles, repeated, late ones among them, some cut off."""
    changes, ledger = draw(histories())
    handed, done = [], 0
    while done < len(changes):
        end = draw(st.integers(done + 1, len(changes)))
        late = draw(st.lists(st.sampled_from(changes[:end]), max_size=3))
        faults = draw(st.lists(st.sampled_from(["none", "cut off", "unheard"]), max_size=2))
        handed += [(fault, changes[done:end]) for fault in faults]
        handed.append(("none", [*changes[done:end], *late]))
        done = end
    return handed, ledger


async def carried(to, handed, monkeypatch):
    """Hand them over; "cut off" dies before the commit, "unheard" after it."""
    really = writing.write

    def dying(*args, **more):
        really(*args, **more)
        raise RuntimeError("killed before the commit")

    for fault, changes in handed:
        with monkeypatch.context() as patched:
            if fault == "cut off":
                patched.setattr(writing, "write", dying)
                with pytest.raises(RuntimeError):
                    await to.hand_over(changes)
            else:
                await to.hand_over(changes)


def expected_invoices(ledger):
    return [(key, one["InvoiceNumber"], Decimal(one["Total"])) for key, one in sorted(ledger.items())]


def expected_lines(ledger):
    return sorted(
        (key, line["LineItemID"], Decimal(line["LineAmount"]))
        for key, one in ledger.items()
        for line in one["LineItems"]
    )


@pytest.mark.soak
@settings(
    deadline=None,
    max_examples=1_000 if SOAK else 20,
    derandomize=not SOAK,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(delivered=deliveries(), name=st.sampled_from(["invoices", "kept", "lines"]))
def test_the_table_is_the_ledger_whatever_happens_on_the_way(url, delivered, name, monkeypatch):
    """Rows of documents, kept rows, or rows of lines; each time in a table that is made anew."""
    handed, ledger = delivered
    holds_the_ledger(url, name, handed, ledger, monkeypatch)
    execute(url, f"DROP TABLE {name}", "DROP TABLE counterfoil_seen")


def holds_the_ledger(url, name, handed, ledger, monkeypatch):
    """Hand everything over to a table of this name, and look."""
    if name == "lines":
        to = outlet(url, LINES, "LineItems", table="lines", key=("id", "line"))
    else:
        to = outlet(url, table=name, gone="keep" if name == "kept" else "delete")
    asyncio.run(carried(to, handed, monkeypatch))
    found = rows(url, name, "1, 2")
    if name == "lines":
        assert [(row["id"], row["line"], Decimal(row["amount"])) for row in found] == expected_lines(ledger)
        return
    there = [row for row in found if not row.get("gone")]
    assert [(row["id"], row["number"], Decimal(row["total"])) for row in there] == expected_invoices(ledger)


def test_the_outlet_takes_many_at_once():
    """A hand-over is one transaction."""
    assert SqlOutlet.most == 500
    assert list(INVOICES) == ["id", "number", "total", "sent", "day"]
