"""The same on Postgres: types, a table of the customer's own, schemas, two writers at once, histories with faults."""

import asyncio
import datetime
import uuid
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.delivery.outcome import NeverDelivered, NotDelivered
from counterfoil.delivery.sql import outlet as outlets
from counterfoil.delivery.sql import writing
from tests.delivery.changing import AT, change
from tests.delivery.sql.tables import LINES, execute, outlet, rows
from tests.delivery.sql.test_to_sql import PAID, deliveries, gone, holds_the_ledger, invoice


@pytest.fixture
def url(server):
    """A database of this test's own."""
    name = f"t{uuid.uuid4().hex}"
    server.psql(f"CREATE DATABASE {name};")
    return server.get_uri(database=name)


async def test_the_table_has_postgres_own_types(url):
    """Amounts are numeric to the last digit, days are dates, instants have a zone, lists are jsonb."""
    columns = {
        "id": "{document_id}", "total": "{Total}", "sent": "{SentToContact}", "day": "{Date}", "at": "{stamp}", "n": "{n}",
        "lines": "{LineItems}", "gone": "{gone}",
    }  # fmt: skip
    await outlet(url, columns).hand_over([invoice(1, Total="10.1234", LineItems=[{"LineAmount": "1.50"}])])
    assert rows(url) == [
        {
            "id": "d1", "total": Decimal("10.1234"), "sent": True, "day": datetime.date(2026, 11, 2),
            "at": AT + datetime.timedelta(seconds=1), "n": 1, "lines": [{"LineAmount": "1.50"}], "gone": False,
        }
    ]  # fmt: skip


async def test_a_process_that_is_suspended_lets_go_of_the_customers_rows(url, monkeypatch):
    """In the middle of a hand-over: the customer's own program waited for as long as it slept."""
    to = outlet(url)
    await to.hand_over([invoice(1)])
    write = writing.write

    def sleeps(*arguments, **named):
        write(*arguments, **named)
        execute(url, "UPDATE invoices SET number = 'theirs'")

    with monkeypatch.context() as now:
        now.setattr(outlets, "SUSPENDED_MS", 300)
        now.setattr(writing, "write", sleeps)
        with pytest.raises(NotDelivered) as caught:
            await to.hand_over([invoice(2, Total="11.00")])
    assert caught.value.target_is_down
    assert [(row["number"], row["total"]) for row in rows(url)] == [("theirs", Decimal("10.50"))]
    await to.hand_over([invoice(2, Total="11.00")])
    assert [(row["number"], row["total"]) for row in rows(url)] == [("INV-1", Decimal("11.00"))]


async def test_a_table_of_the_customers_own_is_used_as_it_is(url):
    """In a schema, with an enumeration, a bound, a UUID, a default; what it refuses names the column."""
    execute(
        url, "CREATE SCHEMA books", "CREATE TYPE books.state AS ENUM ('PAID', 'VOIDED')",
        "CREATE TABLE books.invoices (id uuid PRIMARY KEY, number varchar(8) NOT NULL, total numeric(12, 2), "
        "status books.state, day timestamp, note text DEFAULT 'mine', n smallint)",
    )  # fmt: skip
    columns = {
        "id": "{document_id}", "number": "{InvoiceNumber}", "total": "{Total}", "status": "{Status}", "day": "{Date}",
        "n": "{n}",
    }  # fmt: skip
    one = str(uuid.UUID(int=1))
    to = outlet(url, columns, table="books.invoices")
    await to.hand_over([invoice(1, one, Status="PAID")])
    (row,) = rows(url, "books.invoices")
    assert (row["id"], row["total"], row["status"], row["note"]) == (uuid.UUID(int=1), Decimal("10.50"), "PAID", "mine")
    assert row["day"] == datetime.datetime(2026, 11, 2)
    for n, (fields, reason) in enumerate(
        [
            ({"Total": "10.505"}, "the column total does not take it: it keeps 2 decimals"),
            ({"InvoiceNumber": "INV-100000"}, "the column number does not take it: it takes 8 characters"),
            ({"InvoiceNumber": ""}, 'the column number does not take it: null value in column "number"'),
            ({"Status": "DRAFT"}, "invalid input value for enum"),
        ],
        2,
    ):
        with pytest.raises(NeverDelivered, match=reason):
            await to.hand_over([invoice(n, one, **{"Status": "PAID"} | fields)])
    with pytest.raises(NeverDelivered, match="smallint out of range"):
        await to.hand_over([invoice(70_000, one, Status="PAID")])
    await to.hand_over([gone(99, one)])
    assert rows(url, "books.invoices") == []


async def test_what_its_owner_must_do_is_said(url):
    """No schema, a column that is not there, no rights: later, and the statement helps."""
    with pytest.raises(NotDelivered, match="there is no schema books: make it"):
        await outlet(url, table="books.invoices").hand_over([invoice(1)])
    execute(url, "CREATE TABLE invoices (id text, number text, total numeric, day date)")
    to = outlet(url)
    with pytest.raises(NotDelivered) as caught:
        await to.hand_over([invoice(1)])
    statement = caught.value.reason.partition("Its owner may add it: ")[2]
    assert statement == 'ALTER TABLE "invoices" ADD COLUMN "sent" BOOLEAN'
    execute(url, statement, "ALTER TABLE invoices ADD COLUMN more text")
    await to.hand_over([invoice(1)])
    execute(url, "DROP TABLE counterfoil_seen")
    with pytest.raises(NotDelivered, match='relation "counterfoil_seen" does not exist'):
        await to.hand_over([invoice(2)])
    await to.hand_over([invoice(2)])
    assert len(rows(url)) == 1


async def test_writers_side_by_side_never_go_back(url):
    """The service and `fill`, on connections of their own, in any order: the newest stays."""
    changes = [change(n, f"d{n % 3}", after=PAID | {"Total": str(n)}) for n in range(1, 40)]
    writers = [outlet(url) for _ in range(8)]
    await writers[0].hand_over([changes[0]])
    turns = [writers[n].hand_over(changes[start : start + 5]) for n, start in enumerate((30, 0, 20, 10, 34, 5, 25, 15))]
    await asyncio.gather(*turns)
    assert [(row["id"], row["total"]) for row in rows(url)] == [("d0", 39), ("d1", 37), ("d2", 38)]
    for writer in writers:
        await writer.close()


@settings(deadline=None, max_examples=8, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(delivered=deliveries(), name=st.sampled_from(["invoices", "kept", "lines"]))
def test_the_table_is_the_ledger_whatever_happens_on_the_way(url, delivered, name, monkeypatch):
    """As on SQLite."""
    handed, ledger = delivered
    holds_the_ledger(url, name, handed, ledger, monkeypatch)
    execute(url, f"DROP TABLE {name}", "DROP TABLE counterfoil_seen")


async def test_lines_of_many_documents_go_in_together(url):
    """One hand-over of as many changes as an outlet takes."""
    listed = [{"LineItemID": f"l{n}", "LineAmount": "1.00"} for n in range(3)]
    to = outlet(url, LINES, "LineItems", table="lines", key=("id", "line"))
    await to.hand_over([change(n, f"d{n}", after=PAID | {"LineItems": listed}) for n in range(1, to.most + 1)])
    assert len(rows(url, "lines")) == 3 * to.most
