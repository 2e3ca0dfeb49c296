"""Groups come back whole and in order, whatever the file's order; nothing of a spool stays behind."""

import datetime
import os
import random
import subprocess
import sys

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil import errors
from counterfoil.model.prepared import Finding
from counterfoil.model.sheet import SheetRow
from counterfoil.runtime.clock import SystemClock
from counterfoil.sources import BadRow, sheet
from counterfoil.store import schema, spool, spool_tables, spooled
from counterfoil.store.database import Database

OWNER = f"here:{os.getpid()}:abcd"
SPOOLS = (schema.spools, schema.spool_groups, schema.spool_rows)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def url(request, tmp_path_factory):
    if request.param == "postgres":
        return request.getfixturevalue("server").get_uri()
    return f"sqlite:///{tmp_path_factory.mktemp('spool') / 'counterfoil.db'}"


@pytest.fixture
async def database(url):
    found = Database(url, SystemClock())
    await found.open()
    yield found
    await found.close()


def row(n, **cells):
    return sheet.row(f"orders.csv:{n}", {"n": str(n), **cells})


def dead_process() -> int:
    """The number of a process that ran and ended."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


async def grouped(database, pairs):
    async with spool.opened(database, OWNER) as rows:
        await rows.fill(pairs)
        return [group async for group in rows.groups()]


async def left(database):
    def count(connection):
        return [connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in SPOOLS]

    return await database.read(count)


async def test_rows_of_a_group_come_back_together(database):
    """Groups stand in order of first appearance, their rows in the file's order, each row as it was."""
    rows = [row(n, note="é\0" if n == 3 else "") for n in range(1, 7)]
    keys = ["#2", "#1", "#2", "#3", "#1", "#2"]
    found = await grouped(database, zip(keys, rows, strict=True))
    assert found == [
        spool.Group("#2", (rows[0], rows[2], rows[5])),
        spool.Group("#1", (rows[1], rows[4])),
        spool.Group("#3", (rows[3],)),
    ]
    assert await left(database) == [0, 0, 0]


async def test_nothing(database):
    """A file without rows has no groups."""
    assert await grouped(database, []) == []


async def test_shuffled_groups_over_many_batches(database, monkeypatch):
    """Whatever is written and read in one piece, every group is whole and in its place."""
    monkeypatch.setattr(spool, "HELD_BYTES", 5_000)
    monkeypatch.setattr(spool, "BATCH_ROWS", 7)
    monkeypatch.setattr(spool, "PAGE_ROWS", 5)
    monkeypatch.setattr(spool_tables, "DELETE_ROWS", 11)
    order = random.Random(7)
    pairs = [(f"#{order.randrange(150)}", row(n)) for n in range(600)]
    expected: dict[str, list[SheetRow]] = {}
    for key, one in pairs:
        expected.setdefault(key, []).append(one)
    found = await grouped(database, pairs)
    assert [(group.key, list(group.rows)) for group in found] == list(expected.items())
    assert await left(database) == [0, 0, 0]


async def test_a_group_of_too_many_rows_is_one_bad_row(database):
    """A thousand rows make a record, one more does not; the group says its name and its size; the next one goes on."""
    pairs = [("full", row(n)) for n in range(1_000)] + [("over", row(n)) for n in range(1_001)] + [("next", row(1))]
    full, over, after = await grouped(database, pairs)
    assert len(full.rows) == 1_000
    assert isinstance(over, BadRow)
    assert (over.source, over.finding.cause) == ("orders.csv:0", "group-too-large")
    assert over.finding.reason == "`over` has 1,001 rows; at most 1,000 make one record."
    assert after.key == "next"


async def test_a_group_of_too_many_bytes_is_one_bad_row(database, monkeypatch):
    """Few rows can be much as well."""
    monkeypatch.setattr(spool, "GROUP_BYTES_MAX", 10_000)
    (bad,) = await grouped(database, [("#1", row(n, note="x" * 4_000)) for n in range(3)])
    assert isinstance(bad, BadRow)
    assert "at most 10,000 are read" in bad.finding.reason


async def test_a_group_with_a_bad_row_is_not_whole(database):
    """An order of which one line could not be read is refused with that line's reason; the others are not."""
    finding = Finding("row-ragged", "The row has 1 cell, the header 2 columns.", "Write it whole.")
    bad = BadRow("orders.csv:3", "0" * 64, finding, cells={"Order": "#1"})
    first, second = await grouped(database, [("#1", row(2)), ("#1", bad), ("#2", row(4)), ("#1", row(5))])
    assert isinstance(first, BadRow)
    assert (first.source, first.finding.cause, first.finding.remedy) == (
        "orders.csv:3",
        "row-ragged",
        "Write it whole.",
    )
    assert first.finding.reason == finding.reason + " So `#1`, which has 3 rows, is not whole."
    assert second.key == "#2"


async def test_two_spools_do_not_meet(database):
    """Two runs at once see their own rows only."""
    async with spool.opened(database, OWNER) as one, spool.opened(database, "elsewhere:1:ffff") as other:
        await one.fill([("#1", row(1))])
        await other.fill([("#1", row(2)), ("#2", row(3))])
        assert [group.key async for group in one.groups()] == ["#1"]
        assert [group.key async for group in other.groups()] == ["#1", "#2"]
    assert await left(database) == [0, 0, 0]


async def test_what_a_killed_run_left_is_deleted_by_the_next(database):
    """A process of this machine that runs no more cannot come back; one elsewhere is waited for a day."""
    gone = dead_process()
    now = SystemClock().now()
    day = datetime.timedelta(days=1, minutes=1)
    owners = {
        f"here:{gone}:1": now, f"here:{os.getpid()}:2": now, f"there:{gone}:3": now, "there:1:4": now - day,
        OWNER: now - day,
    }  # fmt: skip
    for owner, touched in owners.items():
        spool_id = await database.run(lambda conn, o=owner, t=touched: spool_tables.begin(conn, o, t))
        await spool.Spool(database, spool_id).fill([("#1", row(1)), ("#2", row(2))])
    async with spool.opened(database, OWNER):
        still = await database.read(lambda conn: conn.execute(sa.select(schema.spools.c.owner)).scalars().all())
        assert sorted(still) == sorted([f"here:{os.getpid()}:2", f"there:{gone}:3", OWNER, OWNER])
    for spool_id in await database.read(lambda conn: conn.execute(sa.select(schema.spools.c.id)).scalars().all()):
        await spool._delete(database, spool_id)
    assert await left(database) == [0, 0, 0]


async def test_a_spool_that_was_taken_away_is_an_error(database):
    """Whoever slept for days and lost the rows must not take what is left for all."""
    async with spool.opened(database, OWNER) as rows:
        await rows.fill((f"#{n}", row(n)) for n in range(10))
        await database.run(lambda conn: conn.execute(sa.delete(schema.spool_rows).where(schema.spool_rows.c.n > 7)))
        with pytest.raises(errors.StoreError, match="are gone"):
            [group async for group in rows.groups()]


async def test_a_failure_leaves_nothing_behind(database):
    """The rows go with the run, however it ends."""

    def breaking_off():
        yield "#1", row(1)
        raise errors.InputError("The disk is gone.")

    with pytest.raises(errors.InputError):
        await grouped(database, breaking_off())
    assert await left(database) == [0, 0, 0]


TEXT = st.text(max_size=5)
ROWS = st.builds(
    lambda cells, group: sheet.row("a.json:1", cells, group), st.dictionaries(TEXT, TEXT, max_size=4), st.none() | TEXT
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXT, ROWS), max_size=20), shapes=st.integers(0, 3))
def test_rows_are_packed_without_loss(rows, shapes, monkeypatch):
    """Any row comes out of its packed form equal, also when its columns are new and no more are remembered."""
    monkeypatch.setattr(spooled, "SHAPES_MAX", shapes)
    packer = spooled.Packer()
    packed = [packer.packed(key, one) for key, one in rows]
    assert [packer.unpacked(data) for data in packed] == rows
