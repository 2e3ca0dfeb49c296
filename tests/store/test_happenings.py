"""Changes are kept once, in one order that a reader can follow."""

import asyncio
import datetime

import msgspec
import pytest

from counterfoil.model.happening import Happening
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import happenings
from counterfoil.store.database import Database

NOW = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)


@pytest.fixture
async def database(tmp_path):
    found = Database(f"sqlite:///{tmp_path / 'counterfoil.db'}", SystemClock(), alone=True)
    await found.open()
    yield found
    await found.close()


def change(identity, document="d", tenant="t", seen_at=NOW):
    return Happening(
        id=identity, name="invoice.updated", tenant_id=tenant, resource="Invoices", document_id=document,
        before={"Reference": "1"}, after={"Reference": "2"}, fields=("Reference",), stamp=NOW, seen_at=seen_at,
        revision=None, snapshot=False,
    )  # fmt: skip


async def test_a_change_that_is_seen_again_is_kept_once_and_documents_have_their_own_order(database):
    """The installation's order has no gap, a document's begins at 1, and what was kept reads as it was."""
    first = await database.run(lambda conn: happenings.record(conn, [change("a"), change("b", "e"), change("a")]))
    again = await database.run(lambda conn: happenings.record(conn, [change("b", "e"), change("c")]))
    assert (first, again) == (["a", "b"], ["c"])
    kept = await database.read(lambda conn: happenings.after(conn, 0, None, 10))
    assert [(one.n, one.id, one.turn) for one in kept] == [(1, "a", 1), (2, "b", 1), (3, "c", 2)]
    assert msgspec.json.decode(kept[0].body) == {
        "before": {"Reference": "1"}, "after": {"Reference": "2"}, "fields": ["Reference"],
    }  # fmt: skip


async def test_a_reader_goes_on_where_it_stopped_and_sees_its_own_tenants_alone(database):
    """By number, in pages; by the id of the change that it had last."""
    await database.run(lambda conn: happenings.record(conn, [change("a"), change("b", tenant="u"), change("c")]))
    place = await database.read(lambda conn: happenings.place(conn, "a"))
    page = await database.read(lambda conn: happenings.after(conn, place, {"t"}, 10))
    none = await database.read(lambda conn: happenings.after(conn, 0, set(), 10))
    assert ([one.id for one in page], none) == (["c"], [])


async def test_numbers_are_not_given_again_after_old_changes_were_dropped(database):
    """A reader's position stays true although what it points at is gone."""
    await database.run(lambda conn: happenings.record(conn, [change("a"), change("b")]))
    later = NOW + datetime.timedelta(days=1)
    assert await database.run(lambda conn: happenings.forget(conn, later)) == 2
    await database.run(lambda conn: happenings.record(conn, [change("c", seen_at=later)]))
    kept = await database.read(lambda conn: happenings.after(conn, 2, None, 10))
    assert [(one.n, one.id, one.turn) for one in kept] == [(3, "c", 3)]


async def test_old_changes_are_dropped_a_few_at_a_time(database):
    """Each transaction is a small one; the last says that nothing is left."""
    await database.run(lambda conn: happenings.record(conn, [change(f"{n}") for n in range(70)]))
    old = NOW + datetime.timedelta(days=1)
    steps = [await database.run(lambda conn: happenings.drop(conn, 0, 2000, old, old)) for _ in range(2)]
    assert [(one.dropped, one.next_id) for one in steps] == [(50, 0), (20, None)]


async def test_of_changes_that_two_clocks_saw_the_lowest_numbers_go_first(database):
    """A later number that is older by its clock stays until all below it may go: no reader finds a gap behind its place."""
    early, late = NOW - datetime.timedelta(hours=2), NOW + datetime.timedelta(hours=2)
    seen = [change("a", seen_at=early), change("b", seen_at=late), change("c", seen_at=early)]
    await database.run(lambda conn: happenings.record(conn, seen))

    async def left_after_dropping(before):
        dropped = await database.run(lambda conn: happenings.forget(conn, before))
        return dropped, [one.n for one in await database.read(lambda conn: happenings.after(conn, 0, None, 10))]

    assert await left_after_dropping(NOW) == (1, [2, 3])
    assert await left_after_dropping(NOW) == (0, [2, 3])
    assert await left_after_dropping(late + datetime.timedelta(hours=1)) == (2, [])


async def test_what_is_rolled_back_leaves_no_number_behind(database):
    """A change is kept with the mirror's own write, or not at all."""

    def fail(conn):
        happenings.record(conn, [change("a")])
        raise KeyError

    with pytest.raises(KeyError):
        await database.run(fail)
    await database.run(lambda conn: happenings.record(conn, [change("b")]))
    kept = await database.read(lambda conn: happenings.after(conn, 0, None, 10))
    assert [(one.n, one.id) for one in kept] == [(1, "b")]


async def test_on_postgres_a_reader_who_saw_a_number_saw_all_below_it(server):
    """Twenty writers at once: the numbers come to light without a gap, whichever transaction ends first."""
    database = Database(server.get_uri(), SystemClock())
    await database.open()
    seen: list[list[int]] = []

    async def write(place: int) -> None:
        await database.run(
            lambda conn: happenings.record(conn, [change(f"{place}-{one}", f"{one}") for one in range(3)])
        )
        page = await database.read(lambda conn: happenings.after(conn, 0, None, 100))
        seen.append([one.n for one in page])

    await asyncio.gather(*(write(place) for place in range(20)))
    turns = [one.turn for one in await database.read(lambda conn: happenings.after(conn, 0, None, 100))]
    await database.close()
    assert all(page == list(range(1, len(page) + 1)) for page in seen)
    assert (len(turns), max(turns)) == (60, 20)
