"""Feeds to files: each change stands there once, whatever is cut off, repeated, full or taken away."""

import csv
import errno
import fcntl
import io
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.delivery import appending, to_csv, to_jsonl
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.delivery.shaping import Shape
from counterfoil.settings import FeedSettings
from tests.delivery.changing import change, shaped, tools

COLUMNS = {"no": "{InvoiceNumber}", "total": "{Total}"}
LINES = {"line": "{LineItemID}"}
FEED = FeedSettings(table="books", id="books", on=("invoice.*",))


def jsonl(folder, shape=None, name="out/changes.jsonl"):
    return to_jsonl.outlet(FEED, to_jsonl.JsonlTable(jsonl=name), shape or shaped(COLUMNS), tools(folder))


def as_csv(folder, shape=None, name="out/changes.csv", **more):
    return to_csv.outlet(FEED, to_csv.CsvTable(csv=name, **more), shape or shaped(COLUMNS), tools(folder))


def invoice(n, **more):
    return change(n, f"d{n}", after={"InvoiceNumber": f"INV-{n}", "Total": "-5.00"} | more)


def many(n):
    return change(n, f"d{n}", after={"LineItems": [{"LineItemID": f"{n}-{k}"} for k in range(n)]})


def rows(text):
    return list(csv.reader(io.StringIO(text, newline="")))


async def test_a_line_of_each_row_says_whose_it_is(tmp_path):
    """Without a map a line is the whole change."""
    outlet = jsonl(tmp_path, shaped(LINES, "LineItems"))
    await outlet.hand_over([many(2), many(1)])
    found = [json.loads(line) for line in (tmp_path / "out/changes.jsonl").read_text().splitlines()]
    assert [(one["_change"], one["_row"], one["_rows"], one["line"]) for one in found] == [
        (many(2).id, 1, 2, "2-0"), (many(2).id, 2, 2, "2-1"), (many(1).id, 1, 1, "1-0"),
    ]  # fmt: skip
    await jsonl(tmp_path, Shape(None), "all.jsonl").hand_over([invoice(1)])
    (whole,) = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert (whole["id"], whole["after"]["Total"]) == (invoice(1).id, "-5.00")


async def test_a_csv_has_its_header_once_and_no_cell_is_a_formula(tmp_path):
    """A name that begins with = gets an apostrophe, an amount below zero none; lines end in CR LF."""
    outlet = as_csv(tmp_path)
    await outlet.hand_over([invoice(1, InvoiceNumber='=HYPERLINK("x")\r\nA, "B"')])
    await outlet.hand_over([invoice(2, InvoiceNumber="Grüße")])
    text = (tmp_path / "out/changes.csv").read_bytes().decode()
    assert text.count("\r\n") == 3
    assert rows(text) == [
        ["no", "total", "_change", "_row", "_rows"],
        ['\'=HYPERLINK("x")\nA, "B"', "-5.00", invoice(1).id, "1", "1"],
        ["Grüße", "-5.00", invoice(2).id, "1", "1"],
    ]


@pytest.mark.parametrize("make", [jsonl, as_csv])
async def test_a_writer_that_died_anywhere_leaves_nothing_twice_and_nothing_half(tmp_path, make):
    """The file is cut off at every byte in turn; the same hand-over again makes it whole."""
    changes = [many(2), many(3), many(1)]
    await make(tmp_path, shaped(LINES, "LineItems")).hand_over(changes)
    (path,) = (tmp_path / "out").iterdir()
    whole = path.read_bytes()
    outlet = make(tmp_path, shaped(LINES, "LineItems"))
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        await outlet.hand_over(changes)
        assert path.read_bytes() == whole, cut


@pytest.mark.parametrize("make", [jsonl, as_csv])
@settings(deadline=None, max_examples=20, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_whatever_is_repeated_each_change_stands_there_once(tmp_path, make, data):
    """Hand-overs of any size, by any process, the last of them repeated: one line of each row, in the order of the changes."""
    name = f"f{len(list(tmp_path.iterdir()))}"
    shape = shaped(LINES, "LineItems")
    changes = [many(n) for n in range(1, 8)]
    outlet, done = make(tmp_path, shape, name), 0
    while done < len(changes):
        end = data.draw(st.integers(done + 1, len(changes)))
        for _ in range(data.draw(st.integers(1, 3))):
            if data.draw(st.booleans()):
                outlet = make(tmp_path, shape, name)
            await outlet.hand_over(changes[done:end])
        done = end
    text = (tmp_path / name).read_bytes().decode()
    expected = [f"{n}-{k}" for n in range(1, 8) for k in range(n)]
    read = (
        [row[0] for row in rows(text)[1:]] if make is as_csv else [json.loads(one)["line"] for one in text.splitlines()]
    )
    assert read == expected


async def test_a_change_goes_into_the_file_of_its_own_day(tmp_path):
    """Whenever it is handed over; a part of a name never leads to another folder."""
    outlet = jsonl(tmp_path, name="out/{entity}/{date}.jsonl")
    tomorrow = invoice(2).seen_at.replace(day=3)
    await outlet.hand_over([invoice(1), change(2, after={}, seen_at=tomorrow, entity="../../etc")])
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.jsonl"))
    assert found == ["out/-..-etc/2026-11-03.jsonl", "out/uk/2026-11-02.jsonl"]


async def test_a_full_disk_leaves_no_half_line_and_says_so(tmp_path, monkeypatch):
    """What was written of the hand-over is taken back; once there is room, it goes on."""
    outlet = jsonl(tmp_path)
    await outlet.hand_over([invoice(1)])
    before = (tmp_path / "out/changes.jsonl").read_bytes()
    really = os.pwrite

    def full(file, text, at):
        if at > len(before):
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(file, text[:10], at)

    monkeypatch.setattr(appending.os, "pwrite", full)
    with pytest.raises(NotDelivered, match=r"changes.jsonl cannot be written: the disk is full") as caught:
        await outlet.hand_over([invoice(2)])
    assert caught.value.target_is_down
    assert (tmp_path / "out/changes.jsonl").read_bytes() == before
    monkeypatch.undo()
    await outlet.hand_over([invoice(2)])
    assert len((tmp_path / "out/changes.jsonl").read_text().splitlines()) == 2


async def test_what_is_not_ours_is_never_cut_off(tmp_path):
    """Half a line of somebody else's, other columns, a folder, a file that another process writes."""
    path = tmp_path / "out/changes.jsonl"
    path.parent.mkdir()
    path.write_text("a note")
    with pytest.raises(NotDelivered, match="not ours: move it away"):
        await jsonl(tmp_path).hand_over([invoice(1)])
    assert path.read_text() == "a note"
    (tmp_path / "out/changes.csv").write_text("a,b\r\n1,2\r\n")
    with pytest.raises(NotDelivered, match=r"has other columns \(a,b\): move it away"):
        await as_csv(tmp_path).hand_over([invoice(1)])
    (tmp_path / "out/folder").mkdir()
    with pytest.raises(NotDelivered, match="it is a folder"):
        await jsonl(tmp_path, name="out/folder").hand_over([invoice(1)])
    path.write_text("")
    with path.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(NotDelivered, match="written by another process"):
            await jsonl(tmp_path).hand_over([invoice(1)])


async def test_a_file_that_was_taken_away_is_begun_anew(tmp_path):
    """Also when what is in its place is of the same length."""
    outlet = as_csv(tmp_path)
    await outlet.hand_over([invoice(1)])
    (tmp_path / "out/changes.csv").rename(tmp_path / "kept.csv")
    await outlet.hand_over([invoice(2)])
    assert [row[0] for row in rows((tmp_path / "out/changes.csv").read_text())] == ["no", "INV-2"]


@pytest.mark.parametrize(
    ("sink", "to", "columns", "reason"),
    [
        (to_jsonl, {"jsonl": "a-{day}.jsonl"}, None, "has the unknown part {day}"),
        (to_jsonl, {"jsonl": "a-{date.jsonl"}, None, "has a brace that is not closed"),
        (to_csv, {"csv": "a/"}, COLUMNS, "is no file's name"),
        (to_csv, {"csv": "a.csv"}, None, "needs columns"),
    ],
)
def test_a_mistake_in_the_configuration_is_told_when_it_is_loaded(sink, to, columns, reason):
    """Names of files, and that a CSV file has columns."""
    found = sink.misfits(FeedSettings(table="books", id="books", on=("*",), map=columns), to)
    assert [one.reason for one in found] == [reason]


def test_a_column_may_not_be_called_as_ours():
    """`_change` says whose row a line is."""
    found = to_csv.unfit(FEED, to_csv.CsvTable(csv="a.csv"), shaped({"_change": "{id}"}))
    assert [one.path for one in found] == [("map", "_change")]
