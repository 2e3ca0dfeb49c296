"""A flow over several organisations: they are asked at the same time, and one that cannot be asked keeps only its own back."""

import asyncio
import datetime

import pytest

from counterfoil import errors
from counterfoil.app import at_once, watching
from counterfoil.app.access import Access
from counterfoil.posting import finishing
from tests.posting.workbench import ENTITIES, sale

PATIENCE_S = 20  # of a test that would wait for ever


def sales(per_entity=2):
    """Drafts for each of the three organisations, in turn."""
    return [
        sale(10 * n + m, entity=entity, status="DRAFT", due_date=None)
        for n in range(per_entity)
        for m, entity in enumerate(ENTITIES)
    ]


def posted(bench):
    """How many documents each organisation holds."""
    return [len(bench.living(n)) for n in (1, 2, 3)]


def test_organisations_are_read_and_posted_to_at_the_same_time(bench, monkeypatch):
    """Each waits until all three are being looked at: one after another, they would wait for ever."""
    bench.write(sales())
    looked = []

    async def work(books):
        together = asyncio.Barrier(len(ENTITIES))

        async def sure(_books, entity):
            looked.append(entity)
            await together.wait()

        monkeypatch.setattr(watching, "sure_of", sure)
        async with asyncio.timeout(PATIENCE_S):
            return await books.run("shop")

    report = asyncio.run(bench.use(work))
    assert (report.posted, sorted(looked)) == (6, sorted(ENTITIES * 2)), (
        "to read settings, and before postings are sent"
    )
    assert posted(bench) == [2, 2, 2]


def test_one_organisation_that_is_away_keeps_only_its_own_records_back(bench):
    """Exit 4 with its name and the reason; the next run, when it is back, posts what waited."""
    bench.sandbox.fault("503_offline", path="/api.xro/2.0/", tenant=bench.sandbox.tenant(2), count=1000)
    report = bench.run(sales())
    assert (report.posted, report.planned, report.exit_code) == (4, 2, 4)
    assert [line.startswith("acme-au: ") and "offline" in line for line in report.stops] == [True]
    assert posted(bench) == [2, 0, 2]
    bench.sandbox.clear_faults()
    assert (bench.run().posted, posted(bench)) == (2, [2, 2, 2])


def test_finish_brings_the_others_to_their_end_while_one_is_away(bench, monkeypatch):
    """Its organisation has to be looked at again, after a day, and cannot be: that ended the whole of `finish` once."""

    async def nobody(_workers):
        return {}

    with monkeypatch.context() as before_it_sends:
        before_it_sends.setattr(finishing, "finish_all", nobody)
        assert bench.run(sales()).planned == 6
    bench.sandbox.fault("503_offline", path="/api.xro/2.0/", tenant=bench.sandbox.tenant(2), count=1000)
    monkeypatch.setattr(Access, "fingerprint_life", datetime.timedelta(0))  # as if a day had gone by
    report = bench.finish()
    assert (report.posted, report.planned, report.exit_code, posted(bench)) == (4, 2, 4, [2, 0, 2])
    assert [line.startswith("acme-au: ") and "offline" in line for line in report.stops] == [True]


async def test_what_one_raises_is_raised_after_the_others_have_ended():
    """As it is, not in a group; and nothing goes on behind whoever was told."""
    ended = []

    async def work(entity):
        if entity == "b":
            raise errors.InputError("b is not to be read.")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(entity)

    with pytest.raises(errors.InputError, match="b is not to be read"):
        await at_once.each(["a", "b", "c"], work)
    assert ended == ["a", "c"]


async def test_so_many_are_asked_at_once_and_no_more():
    """What they answer comes in the order in which they were named."""
    now, most = 0, 0

    async def work(entity):
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0)
        now -= 1
        return entity.upper()

    names = [f"e{n}" for n in range(20)]
    found = await at_once.each(names, work)
    assert (list(found.items()), most) == ([(name, name.upper()) for name in names], at_once.AT_ONCE_MAX)
