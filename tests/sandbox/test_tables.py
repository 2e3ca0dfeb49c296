"""Tables: indexes, undo, and looking into the past."""

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.sandbox.tables import Changes, Table, as_before

KEYS = st.sampled_from("abc")
PUTS = st.lists(st.tuples(KEYS, st.one_of(st.none(), st.integers(0, 3))), max_size=12)


def table():
    changes = Changes()
    return changes, Table("space", "things", changes, {"value": lambda row: row["value"] or None})


def apply(things, puts):
    """Put each (key, value); None drops."""
    for key, value in puts:
        if value is None:
            things.drop(key)
        else:
            things.put(key, {"key": key, "value": value})


def seen(things):
    """Everything that can be asked, in an order that does not matter."""
    by_index = {value: sorted(row["key"] for row in things.find("value", value)) for value in range(4)}
    return {key: row["value"] for key, row in things.rows.items()}, by_index


@given(PUTS, PUTS)
def test_rolling_back_leaves_rows_and_indexes_as_they_were(first, second):
    """Undoing any sequence of puts restores what could be seen before it."""
    changes, things = table()
    apply(things, first)
    before, mark = seen(things), changes.mark()
    apply(things, second)
    changes.roll_back(mark)
    assert seen(things) == before


@given(PUTS, PUTS, PUTS)
def test_the_past_shows_and_goes(first, second, third):
    """as_before shows the state before some writes, then the present again; nothing is left pending."""
    changes, things = table()
    apply(things, first)
    changes.take()
    before = seen(things)
    apply(things, second)
    one = changes.take()
    apply(things, third)
    two = changes.take()
    now = seen(things)
    with as_before([one, two]):
        assert seen(things) == before
    assert seen(things) == now
    assert changes.pending == []


@given(PUTS)
def test_an_index_finds_exactly_the_rows_with_its_value(puts):
    """The index agrees with a slow search; rows whose value is None are not in it."""
    _, things = table()
    apply(things, puts)
    for value in range(1, 4):
        slow = sorted(row["key"] for row in things if row["value"] == value)
        assert sorted(row["key"] for row in things.find("value", value)) == slow
        first = things.first("value", value)
        assert (first is None) == (not slow)
    assert things.find("value", 0) == []


def test_an_order_and_what_is_derived_follow_every_change_of_a_row():
    """Also one that is undone: nobody sees an order, or something made of a row, that is of another time."""
    changes = Changes()
    table = Table("space", "Things", changes)
    table.put("a", {"n": 2})
    table.put("b", {"n": 1})
    changes.take()

    def seen():
        return [row["n"] for row in table.in_order("n", lambda row: row["n"])], table.derived("a", dict)["n"]

    assert seen() == ([1, 2], 2)
    table.put("a", {"n": 0})
    assert seen() == ([0, 1], 0)
    changes.roll_back(0)
    assert seen() == ([1, 2], 2)
