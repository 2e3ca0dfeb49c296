"""Statements that are compiled once: the column types still decide, and a list is one parameter."""

import datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from counterfoil.store.prepared import Among, Prepared
from counterfoil.store.types import Amount, Day, Instant, Json

things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("amount", Amount),
    sa.Column("day", Day),
    sa.Column("at", Instant),
    sa.Column("data", Json),
    sa.Index("things_by_name", "name"),
)
t = things.c
FULL = {
    "id": 1,
    "name": "a",
    "open": True,
    "amount": Decimal("1.20"),
    "day": datetime.date(2026, 11, 1),
    "at": datetime.datetime(2026, 11, 1, 9, 30, 0, 5, tzinfo=datetime.UTC),
    "data": {"b": [1, None]},
}
EMPTY = {"id": 2, "name": None, "open": False, "amount": None, "day": None, "at": None, "data": None}


@pytest.fixture
def conn():
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        things.create(connection)
        Prepared(sa.insert(things)).run_many(connection, [FULL, EMPTY])
        yield connection
    engine.dispose()


def row(*columns):
    return dict(zip(FULL, columns, strict=True))


def test_values_come_back_as_they_went_in(conn):
    """Every column type, with a value and with None, as SQLAlchemy itself reads them."""
    found = Prepared(sa.select(things).order_by(t.id)).rows(conn, row)
    assert found == [FULL, EMPTY]
    assert [dict(one._mapping) for one in conn.execute(sa.select(things).order_by(t.id))] == [FULL, EMPTY]


@pytest.mark.parametrize(("ids", "expected"), [([], []), ([2], [2]), ([1, 2, 3], [1, 2])])
def test_among_takes_any_number_of_values(conn, ids, expected):
    """The same statement for none, one and many."""
    query = Prepared(sa.select(t.id).where(Among(t.id, "ids")).order_by(t.id))
    assert expected == query.rows(conn, int, ids=ids)


def test_among_uses_the_index(conn):
    """A list of values never costs a walk through the whole table."""
    text = str(sa.select(t.id).where(Among(t.name, "names")).compile(dialect=conn.dialect))
    plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ('["a"]',)).fetchall()
    assert "things_by_name" in plan[0][-1]


def test_a_change_tells_how_many_rows_it_changed(conn):
    """Free values are written by their columns' types; fixed ones, None included, stay fixed."""
    change = Prepared(sa.update(things).where(t.id == sa.bindparam("w")).values(amount=sa.bindparam("v"), name=None))
    assert [change.run(conn, w=1, v=Decimal("2.50")), change.run(conn, w=9, v=None)] == [1, 0]
    assert [("None", Decimal("2.50"))] == [
        (str(name), amount) for name, amount in conn.execute(sa.select(t.name, t.amount).where(t.id == 1))
    ]
