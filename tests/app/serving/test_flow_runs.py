"""Flows by the clock: missed runs once, an unchanged source for nothing, windows, and what happens to a bad one."""

import asyncio
import datetime
import json
import os

import pytest

from counterfoil.app import places, timetables
from counterfoil.app.serving import flow_runs, source_look
from counterfoil.app.timetables import Timetable
from counterfoil.store import notices, runs, schedules
from counterfoil.store.schedules import Turn
from tests.posting.workbench import sale

HOURLY = 'entity = "acme-uk"\nevery = "1h"'


async def scheduled_runs(books):
    """The runs that nobody typed, oldest first."""
    found = await books.database.read(lambda conn: runs.latest(conn, 100))
    return [run for run in reversed(found) if run.command == "schedule"]


async def turn(books):
    """The flow's row."""
    return await books.database.read(lambda conn: schedules.get(conn, "shop"))


async def until_ended(at, count):
    """Wait until so many turns of the flow have ended."""

    async def ended():
        found = await turn(at.books)
        over = found is not None and found.owner is None and found.ended_at is not None
        return over and len(await scheduled_runs(at.books)) >= count

    await at.until(ended)


async def test_missed_runs_happen_once_also_after_a_restart(served):
    """A day's worth of hourly runs is one run; three days in which nothing ran are one run."""
    served.configure(flow=HOURLY)
    served.sales(sale(1))
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers()) == 1)
        await until_ended(at, 1)
        served.sales(sale(1), sale(2))
        served.clock.forward(hours=26)
        await at.until(lambda: len(served.numbers()) == 2)
        await until_ended(at, 2)
        assert len(await scheduled_runs(at.books)) == 2
    served.clock.forward(days=3)
    served.sales(sale(1), sale(2), sale(3))
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers()) == 3)
        await until_ended(at, 3)
        found = await scheduled_runs(at.books)
        assert [run.actor for run in found] == ["schedule"] * 3
        assert [one.next > served.clock.now() for one in at.service.health().schedules] == [True]


async def test_a_source_that_is_as_it_was_costs_nothing(served):
    """Its time comes, and it was touched but not changed: no run, no call. Another byte, or another mapping, is read."""
    served.configure(flow=HOURLY)
    served.sales(sale(1))
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers()) == 1)
        await until_ended(at, 1)
        before = (await turn(at.books)).last_at
        served.sales(sale(1))  # the same bytes in another file
        calls = served.posts()
        served.clock.forward(hours=2)

        async def again():
            found = await turn(at.books)
            return found.last_at != before and found.owner is None

        await at.until(again)
        assert served.posts() == calls
        assert len(await scheduled_runs(at.books)) == 1


class Meanwhile:
    """A clock during whose sleeps something happens."""

    def __init__(self, act):
        self.act = act

    async def sleep(self, _seconds):
        """It happens."""
        self.act()


async def test_a_file_that_is_being_written_waits(tmp_path):
    """It grows between two looks; once it does not, its bytes decide."""
    path = tmp_path / "orders.csv"
    path.write_text("Order\n1\n")
    still = Meanwhile(lambda: None)

    def grow():
        path.write_text(path.read_text() + "2\n")

    assert (await source_look.look(Meanwhile(grow), path, "s", None)).growing
    first = await source_look.look(still, path, "s", None)
    assert (first.same, first.growing) == (False, False)
    known = first.seen.text()
    assert (await source_look.look(still, path, "s", known)).same
    path.write_text(path.read_text())
    assert (await source_look.look(still, path, "s", known)).same
    assert not (await source_look.look(still, path, "another mapping", known)).same
    grow()
    assert not (await source_look.look(still, path, "s", known)).same
    path.unlink()
    assert (await source_look.look(still, path, "s", known)).seen is None


async def test_a_file_of_the_same_size_and_time_is_another_one_all_the_same(tmp_path):
    """Programs that copy files give them the times of before (rsync, cp -p, tar): its rows were left unread."""
    path, beside = tmp_path / "orders.csv", tmp_path / "new.csv"
    path.write_text("Order\n1\n")
    still = Meanwhile(lambda: None)
    first = await source_look.look(still, path, "s", None)
    beside.write_text("Order\n2\n")
    os.utime(beside, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    beside.replace(path)
    assert not (await source_look.look(still, path, "s", first.seen.text())).same
    assert not source_look.is_still(path, first.seen)


def hours(begin, end):
    """A window on UTC's clock."""
    return f'every = "1m"\ntimezone = "UTC"\nlane = "bulk"\nwindow = "{begin:%H:%M}-{end:%H:%M}"'


async def test_outside_its_window_nothing_of_a_flow_is_sent_and_it_goes_on_by_itself(served):
    """Two hours before it opens nothing leaves; when it opens, all of it does."""
    now = served.clock.now()
    served.configure(flow=hours(now + datetime.timedelta(hours=2), now + datetime.timedelta(hours=4)))
    served.sales(*(sale(n) for n in range(5)))
    async with served.serving() as at:
        await at.until(lambda: at.service.health().ready)
        (shown,) = at.service.health().schedules
        assert shown.next > now + datetime.timedelta(hours=1)
        assert served.numbers() == []
        served.clock.forward(hours=2, minutes=1)
        await at.until(lambda: len(served.numbers()) == 5)


async def test_when_its_window_closes_nothing_new_is_begun(served):
    """What was in flight ends; the rest stays planned, is told as waiting, and goes when the window opens again."""
    now = served.clock.now()
    served.configure(
        flow=hours(now - datetime.timedelta(minutes=2), now + datetime.timedelta(hours=2)),
        batch=1,
        request_timeout_s=20,
    )
    served.sales(*(sale(n) for n in range(30)))
    served.sandbox.fault("slow", method="PUT", path="/api.xro/2.0/Invoices", count=30, delay_s=1.0)
    async with served.serving() as at:
        await at.until(lambda: len(served.writes()) >= 3)
        served.clock.forward(hours=3)
        began = len(served.writes())
        waiting = "waits for its flow's window"
        await at.until(lambda: any(waiting in said for said in served.said("postings")))
        assert len(served.writes()) <= began + 4  # those that had begun when the clock was read
        assert len(served.numbers()) == len(served.writes()) < 30
        served.sandbox.clear_faults()
        served.clock.forward(hours=21, minutes=30)
        await at.until(lambda: len(served.numbers()) == 30)
    assert set(served.marks().values()) == {1}


async def test_a_flow_that_cannot_be_read_is_told_and_keeps_nobody_from_work(served):
    """Its file is missing: a notice, tried again later each time; the flow beside it is served."""
    served.configure(flow=HOURLY + '\n[flows.gone]\nkind = "sales_invoices"\nentity = "acme-uk"\nevery = "1h"\nsource = { jsonl = "gone.jsonl" }')  # fmt: skip
    served.sales(sale(1))
    async with served.serving() as at:
        await at.until(lambda: served.said("flow", bad=True))
        await at.until(lambda: len(served.numbers()) == 1)
        (told,) = await at.read(lambda conn: notices.standing(conn, "schedule"))
        assert (told.subject, "gone.jsonl" in told.message) == ("gone", True)
        found = await at.read(lambda conn: schedules.get(conn, "gone"))
        assert found.again_at is not None
        assert found.failures == 1
        (served.folder / "gone.jsonl").write_text("")
        served.clock.forward(minutes=2)

        async def over():
            return not await at.read(lambda conn: notices.standing(conn, "schedule"))

        await at.until(over)


def at_utc(text):
    """An instant."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def turn_of(schedule, **values):
    """A row."""
    empty = Turn("shop", schedule, at_utc("2026-01-01"), None, None, None, None, 0, None, None, None, None)
    return Turn(**{name: values.get(name, getattr(empty, name)) for name in Turn.__struct_fields__})


@pytest.mark.parametrize(
    ("last", "due"),
    [
        ("2026-03-28T01:30", "2026-03-29T01:00"),  # 01:30 does not exist on the 29th: right after the jump
        ("2026-03-29T01:00", "2026-03-30T00:30"),  # and not a second time that day
        ("2026-10-24T00:30", "2026-10-25T00:30"),  # 01:30 comes twice: the first of the two
        ("2026-10-25T00:30", "2026-10-26T01:30"),  # and not the second
    ],
)
def test_days_on_which_clocks_change(last, due):
    """A cron time in London on the two nights of the year."""
    one = Timetable(table="shop", flow_id="shop", cron="30 1 * * *", zone="Europe/London")
    row = turn_of(one.text, last_at=at_utc(last))
    assert flow_runs.due_at(one, row, "Europe/London", at_utc(last)) == at_utc(due)


def test_a_changed_schedule_counts_from_when_it_is_known():
    """Six in the morning, written down at ten, is tomorrow's; what was missed by an old schedule is not made up for."""
    one = Timetable(table="shop", flow_id="shop", cron="0 6 * * *", zone="UTC")
    row = turn_of(one.text, last_at=at_utc("2026-05-01T22:00"), known_at=at_utc("2026-05-02T10:00"))
    assert flow_runs.due_at(one, row, "UTC", at_utc("2026-05-02T10:00")) == at_utc("2026-05-03T06:00")


def test_a_dead_process_turn_is_due_when_its_lease_is_over():
    """Before that somebody may still be at it."""
    one = Timetable(table="shop", flow_id="shop", every="1h", zone="UTC")
    lease = at_utc("2026-05-02T10:01")
    row = turn_of("1h", last_at=at_utc("2026-05-02T10:00"), owner="somebody", lease_until=lease)
    assert flow_runs.due_at(one, row, "UTC", at_utc("2026-05-02T10:00")) == lease


def test_the_lane_of_an_entity_is_the_first_that_its_flows_ask_for():
    """Bulk beside realtime goes as realtime; what says nothing goes as usual."""
    named = {name: Timetable(table=name, flow_id=name, lane=name) for name in ("bulk", "realtime")}
    assert timetables.lane_of(named, {"bulk"}, "sync") == "bulk"
    assert timetables.lane_of(named, {"bulk", "realtime"}, "sync") == "realtime"
    assert timetables.lane_of(named, set(), "sync") == "sync"


def test_a_clock_that_was_put_back_does_not_stop_a_flow():
    """A last run in the future: it is due at once, not in a year."""
    one = Timetable(table="shop", flow_id="shop", every="1h", zone="UTC")
    row = turn_of("1h", last_at=at_utc("2027-05-02T10:00"))
    assert flow_runs.due_at(one, row, "UTC", at_utc("2026-05-02T10:00")) == at_utc("2026-05-02T10:00")


async def test_what_nobody_foresaw_is_told_and_tried_again(served, monkeypatch):
    """A run that raises something unforeseen gives its turn back and is a notice; the next one is well."""
    served.configure(flow=HOURLY)
    served.sales(sale(1))
    whole = flow_runs.Runner.schedule

    async def broken(_self, _flow, _reading):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(flow_runs.Runner, "schedule", broken)
    async with served.serving() as at:

        async def told():
            return await at.read(lambda conn: notices.standing(conn, "schedule"))

        (one,) = await at.until(told)
        assert "a mistake of ours" in one.message
        monkeypatch.setattr(flow_runs.Runner, "schedule", whole)
        served.clock.forward(minutes=2)
        await at.until(lambda: len(served.numbers()) == 1)

        async def over():
            return not await told()

        await at.until(over)


async def test_an_error_in_the_instant_of_a_changed_configuration_is_said(served, monkeypatch):
    """An entity that it asked for may be gone: no failure to be counted, but what it was is on the screen; then it is read anew."""
    served.configure(flow=HOURLY)
    served.sales(sale(1))
    whole = flow_runs.Runner.schedule

    async def broken(_self, _flow, _reading):
        monkeypatch.setattr(flow_runs.Runner, "schedule", whole)
        served.configure(flow='entity = "acme-uk"\nevery = "2h"')
        served.write_config()
        assert await at.service._reloading.take()
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(flow_runs.Runner, "schedule", broken)
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers()) == 1)
        assert "broken off by a changed configuration: RuntimeError: a mistake of ours" in served.said(
            "flow", bad=False
        )
        assert served.said("flow", bad=True) == []
        assert not await at.read(lambda conn: notices.standing(conn, "schedule"))


async def test_a_source_that_never_rests_is_told(served, monkeypatch):
    """It is never read half; after ten minutes a person knows."""

    async def grows(*_):
        return source_look.Look(growing=True)

    monkeypatch.setattr(source_look, "look", grows)
    monkeypatch.setattr(flow_runs, "GROWING_S", 0.1)
    served.configure(flow=HOURLY)
    served.sales(sale(1))
    async with served.serving() as at:
        await at.until(lambda: served.said("flow"))
        served.clock.forward(minutes=11)

        async def told():
            return await at.read(lambda conn: notices.standing(conn, "schedule"))

        (one,) = await at.until(told)
        assert "is being written" in one.message
        assert len(served.said("flow")) == 1
    assert served.numbers() == []


async def test_a_stop_while_a_source_is_read_is_prompt_and_goes_on(served):
    """Thousands of rows: it ends between two batches, what was planned stays, and the next start goes on with that run."""
    served.configure(flow=HOURLY)
    served.sales(*(sale(n) for n in range(3_000)))
    served.sandbox.fault("429_day", method="PUT", count=1000)
    async with served.serving() as at:

        async def planned():
            return sum((await at.read(runs.open_by_entity)).values())

        await at.until(planned)
        at.stopping.set()
        began = at.books.clock.elapsed_s()
        await at.task
        assert at.books.clock.elapsed_s() - began < 5
        assert 0 < await planned() < 3_000
        assert (await turn(at.books)).owner is None
        planned_before = (await turn(at.books)).reading["records"]
    served.sandbox.clear_faults()
    served.new_day()
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers()) == 3_000)

        async def counted():
            (run,) = await scheduled_runs(at.books)
            return run.counts is not None and run.counts["posted"] == 3_000

        await at.until(counted)
        assert (await turn(at.books)).reading is None
    assert 0 < planned_before < 3_000
    assert set(served.marks().values()) == {1}


async def test_a_big_import_of_one_organisation_keeps_no_other_one_waiting(served, monkeypatch):
    """While one flow's source is still being read, the other's documents are in Xero; then the big one goes too."""
    served.configure(flow=HOURLY + '\n[flows.au]\nkind = "sales_invoices"\nentity = "acme-au"\nevery = "1h"\nsource = { jsonl = "au.jsonl" }')  # fmt: skip
    (served.folder / "au.jsonl").write_text(json.dumps(sale(9_000, entity="acme-au")) + "\n")
    served.sales(*(sale(n) for n in range(700)))
    go_on, apply = asyncio.Event(), flow_runs.Runner._apply

    async def slow(self, plan, *others):
        await apply(self, plan, *others)
        if plan.flow == "shop":
            await go_on.wait()

    monkeypatch.setattr(flow_runs.Runner, "_apply", slow)
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers(2)) == 1)

        async def read():
            return (await at.read(places.everywhere)).get("shop")

        assert (await at.until(read)).records < 700
        go_on.set()
        await at.until(lambda: len(served.numbers()) == 700)
