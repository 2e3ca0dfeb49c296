"""Pauses: what they say, what they refuse, and that nothing of what is paused is written while the rest goes on."""

import asyncio
import datetime

import pytest

from counterfoil import errors
from counterfoil.app import pausing
from counterfoil.store import audit, pauses
from tests.posting.conftest import bench, sandbox
from tests.posting.workbench import sale

__all__ = ["bench", "sandbox"]
NOW = datetime.datetime(2026, 11, 22, 20, 0, tzinfo=datetime.UTC)
WEB = '[flows.web]\nid = "w1"\nkind = "sales_invoices"\nsource = { jsonl = "web.jsonl" }\n'


def paused(bench, **of):
    return asyncio.run(bench.use(lambda books: pausing.pause(books, because="the auditor is here", **of)))


def resumed(bench, **of):
    return asyncio.run(bench.use(lambda books: pausing.resume(books, **of)))


def all_writes(bench):
    return bench.writes(path="/api.xro/2.0/")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", "2026-11-22T21:30+00:00"), ("8h", "2026-11-23T04:00+00:00"), ("2d", "2026-11-24T20:00+00:00"),
        ("21:30", "2026-11-22T21:30+00:00"), ("9:05", "2026-11-23T09:05+00:00"), ("2026-12-01", "2026-12-01T00:00+00:00"),
        ("2026-12-01T18:00", "2026-12-01T18:00+00:00"), ("2026-12-01T18:00+02:00", "2026-12-01T16:00+00:00"),
    ],
)  # fmt: skip
def test_the_end_of_a_pause_as_people_write_it(text, expected):
    """A span, a time of today or tomorrow, a date, an instant with its offset."""
    assert datetime.datetime.fromisoformat(expected) == pausing.moment(text, NOW)


@pytest.mark.parametrize(
    "text", ["yesterday", "", "25:00", "2026-13-01", "0m", "2026-11-22T19:59", "2030-01-01", "99999d"]
)
def test_an_end_that_cannot_be(text):
    """Unreadable, past, or so far away that it is a slip."""
    with pytest.raises(errors.FixInput) as refusal:
        pausing.moment(text, NOW)
    assert refusal.value.remedy


def test_while_everything_is_paused_nothing_is_written(bench):
    """A run plans, says why work is left, and ends with 4; resumed, the next one sends all of it."""
    paused(bench)
    report = bench.run([sale(n) for n in range(3)])
    assert all_writes(bench) == []
    assert (report.exit_code, report.planned) == (4, 3)
    assert "the auditor is here" in report.stops[0]
    assert "counterfoil resume" in report.stops[0]
    assert resumed(bench).waiting - 3 == 3  # three contacts beside the three invoices
    assert bench.finish().exit_code == 0
    assert len(bench.living()) == 3


def test_an_entity_is_paused_alone(bench):
    """The other organisations get theirs."""
    paused(bench, entity="acme-uk")
    report = bench.run([sale(1), sale(2, entity="acme-au")])
    assert (report.posted, report.planned, report.exit_code) == (1, 1, 4)
    assert bench.invoices(1) == []
    assert len(bench.invoices(2)) == 1


def test_a_flow_is_paused_alone_with_the_customers_that_only_it_needs(bench):
    """What another flow posts into the same organisation goes, and a customer that both have goes with it."""
    bench.configure(flow=WEB)
    paused(bench, flow="web")
    (bench.folder / "web.jsonl").write_text(bench.write([sale(1, number="W-1"), sale(2, number="W-2")]).read_text())
    held_back = asyncio.run(bench.use(lambda books: books.run("web")))
    assert (held_back.exit_code, held_back.planned) == (4, 2)
    assert all_writes(bench) == []
    report = bench.run([sale(1, external_id="shop-1"), sale(8, external_id="shop-8")])  # both of customer 1
    assert (report.exit_code, report.posted) == (0, 2)
    customers = [one["Name"] for one in bench.sandbox.ledger(bench.sandbox.tenant(1))["Contacts"]]
    assert "Customer 1" in customers
    assert "Customer 2" not in customers
    resumed(bench, flow="web")
    assert bench.finish().exit_code == 0
    assert len(bench.living()) == 4


def test_changes_and_undoing_wait_too(bench):
    """`undo` of a run while its entity is paused deletes nothing."""
    bench.run([sale(n, status="DRAFT") for n in range(2)])
    before = len(all_writes(bench))
    paused(bench, entity="acme-uk")
    _plan, report = asyncio.run(bench.use(lambda books: books.undo(1)))
    assert report.exit_code == 4
    assert before == len(all_writes(bench))
    resumed(bench, entity="acme-uk")
    bench.finish()
    assert bench.living() == []


def test_a_pause_ends_by_itself(bench):
    """Its time is over: the next run writes, and its row says that nobody ended it."""

    async def long_ago(books):
        past = books.clock.now() - datetime.timedelta(hours=1)
        await books.database.run(
            lambda conn: pauses.begin(
                conn, "all", "", because="x", actor="me", now=past, until=past + datetime.timedelta(minutes=1)
            )
        )
        assert await pausing.standing(books) == ()

    asyncio.run(bench.use(long_ago))
    assert bench.run([sale(1)]).exit_code == 0
    with pytest.raises(errors.FixInput, match=r"ended at .* by itself"):
        resumed(bench)
    assert None is paused(bench).before


def test_pausing_twice_renews_and_resuming_twice_is_refused(bench):
    """The second pause's words count; the second resume says what is still paused and who ended the first."""
    paused(bench)
    again = asyncio.run(bench.use(lambda books: pausing.pause(books, because="still here", until="2h")))
    assert again.before.because == "the auditor is here"
    assert again.pause.because == "still here"
    assert len(again.still) == 1
    with pytest.raises(errors.FixInput, match="acme-uk is not paused itself") as refusal:
        resumed(bench, entity="acme-uk")
    assert "Everything is paused until" in refusal.value.remedy
    resumed(bench)
    with pytest.raises(errors.FixInput, match=r"Everything is not paused\. Its last pause ended"):
        resumed(bench)


def test_unknown_names_and_empty_reasons_are_refused(bench):
    """With the nearest name; nothing is paused by it."""
    with pytest.raises(errors.ConfigurationError) as refusal:
        paused(bench, entity="acme-ul")
    assert "acme-uk" in str(refusal.value)
    with pytest.raises(errors.ConfigurationError):
        paused(bench, flow="shpo")
    with pytest.raises(errors.FixInput):
        paused(bench, flow="shop", entity="acme-uk")
    with pytest.raises(errors.FixInput):
        asyncio.run(bench.use(lambda books: pausing.pause(books, because="  \n")))
    assert asyncio.run(bench.use(pausing.standing)) == ()


def test_status_and_plan_say_it_and_the_log_has_it_without_its_words(bench):
    """Reason and end in `status` and `plan`; in the audit log who and what."""
    paused(bench, entity="acme-uk", until="2h")
    bench.write([sale(1)])

    async def told(books):
        entries = await books.database.read(lambda conn: audit.newest(conn, audit.Wanted(entity="acme-uk"), 5))
        return await books.standing(), await books.plan("shop"), entries

    standing, plan, entries = asyncio.run(bench.use(told))
    assert "the auditor is here" in standing.pauses[0].said
    assert "Entity acme-uk is paused until" in plan.pauses[0]
    assert [one.act for one in entries] == ["paused"]
    assert "auditor" not in str(entries)


def test_a_pause_of_what_the_configuration_no_longer_has_can_be_ended(bench):
    """The flow's table was taken out while it was paused: its id, which `status` shows, ends the pause."""
    bench.configure(flow=WEB)
    paused(bench, flow="web")
    bench.flow = ""
    assert [one.name for one in asyncio.run(bench.use(pausing.standing))] == ["w1"]
    assert resumed(bench, flow="w1").still == ()


def test_what_a_pause_holds_back_says_so_wherever_it_is_shown(bench):
    """Still planned, and counted so; its reason names the pause, who, why and until when, and its remedy ends it."""
    bench.write([sale(1)])
    paused(bench, entity="acme-uk", until="8h")
    report = bench.run()
    assert (report.planned, report.records, report.exit_code, report.problems) == (1, 1, 4, 0)
    (listed,) = asyncio.run(bench.use(lambda books: books.postings()))
    (told,) = asyncio.run(bench.use(lambda books: books.why("order-1")))
    for one in (listed, told.posting):
        assert one.state == "planned"
        assert one.reason.startswith("held by a pause: Entity acme-uk is paused until ")
        assert one.reason.endswith("the auditor is here")
        assert "counterfoil resume --entity acme-uk" in one.remedy
    resumed(bench, entity="acme-uk")
    assert bench.finish().posted == 1
    (listed,) = asyncio.run(bench.use(lambda books: books.postings()))
    assert (listed.state, listed.reason) == ("posted", None)
