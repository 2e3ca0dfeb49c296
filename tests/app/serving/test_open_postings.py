"""Open postings while Xero, a person or another organisation is in the way: each entity waits for its own reason alone."""

import asyncio

from counterfoil.app.serving import open_postings
from counterfoil.store import notices, waits
from tests.posting.workbench import sale

HOURLY = 'every = "1h"'


def two(count):
    """As many sales for each of two organisations."""
    return [sale(n, entity="acme-uk") for n in range(count)] + [sale(100 + n, entity="acme-au") for n in range(count)]


async def waiting(at):
    """What waits, by entity."""
    return await at.read(lambda conn: waits.of_kind(conn, "postings"))


async def test_a_used_up_day_is_waited_for_and_gone_on_with(served):
    """The other organisation is served at once; the wait is in the tables, not in calls; on the new day it goes by itself."""
    served.configure(flow=HOURLY)
    served.sales(*two(6))
    tenant = served.sandbox.tenant(1)
    served.sandbox.fault("429_day", method="PUT", tenant=tenant, count=100, delay_s=40_000)
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers(2)) == 6)

        async def waits_for_the_day():
            return (await waiting(at)).get("acme-uk")

        wait = await at.until(waits_for_the_day)
        assert "day" in wait.why
        assert served.numbers(1) == []
        asked = len([one for one in served.sandbox.requests() if one["tenant"] == tenant])
        served.sandbox.clear_faults()
        served.clock.forward(hours=3)
        await asyncio.sleep(1)  # ten sweeps
        assert len([one for one in served.sandbox.requests() if one["tenant"] == tenant]) == asked
        served.clock.forward(hours=13)
        await at.until(lambda: len(served.numbers(1)) == 6)

        async def waits_no_more():
            return not await waiting(at)

        await at.until(waits_no_more)
    assert set(served.marks().values()) == {1}


async def test_an_organisation_that_is_offline_is_asked_again_after_five_minutes(served):
    """Nothing is asked before; the others go on."""
    served.configure(flow=HOURLY)
    served.sales(*two(3))
    served.sandbox.fault("503_offline", tenant=served.sandbox.tenant(1), count=1000)
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers(2)) == 3)
        await at.until(lambda: served.said("flow", bad=True) or served.said("postings", bad=True))
        served.sandbox.clear_faults()
        served.clock.forward(minutes=6)
        await at.until(lambda: len(served.numbers(1)) == 3)
    assert set(served.marks().values()) == {1}


async def test_what_always_fails_starves_nobody_and_is_told(served, monkeypatch):
    """An entity whose every turn raises: health counts it, a person hears of it, the other is served."""
    served.configure(flow=HOURLY)
    served.sales(*two(4))
    async with served.serving() as at:
        whole = at.books.worker

        async def worker(entity, *rest):
            if entity == "acme-uk":
                raise RuntimeError("a mistake of ours")
            return await whole(entity, *rest)

        monkeypatch.setattr(at.books, "worker", worker)
        await at.until(lambda: len(served.numbers(2)) == 4)
        await at.until(lambda: at.service.health().failures.get("postings:acme-uk", 0) >= 3)

        async def told():
            return await at.read(lambda conn: notices.standing(conn, "service"))

        (one,) = await at.until(told)
        assert (one.subject, "a mistake of ours" in one.message) == ("postings:acme-uk", True)
        monkeypatch.undo()
        served.clock.forward(minutes=20)
        await at.until(lambda: len(served.numbers(1)) == 4)
        await at.until(lambda: at.service.health().failures == {})

        async def over():
            return not await told()

        await at.until(over)


async def test_a_lost_answer_is_waited_out_by_the_tables_not_by_looking(served):
    """While its quiet period lasts nobody asks Xero; then the document is found and adopted."""
    served.configure(flow=HOURLY, quiet_s=30, key_life_s=1)
    served.sales(sale(1))
    served.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices")
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers()) == 1)

        async def waits_for_quiet():
            return (await waiting(at)).get("acme-uk")

        wait = await at.until(waits_for_quiet)
        assert wait.until > served.clock.now()
        calls = served.posts()
        await asyncio.sleep(0.5)  # five sweeps
        assert served.posts() == calls
        served.clock.forward(minutes=1)

        async def done():
            return not await waiting(at)

        await at.until(done)
    assert len(served.writes()) == 1


async def test_when_asked_to_stop_it_does_not_wait_for_xeros_limits(served):
    """Postings that wait for a place in the minute are planned again at once; nothing is left in doubt."""
    served.configure(flow=HOURLY, batch=1, request_timeout_s=20)
    served.sales(*(sale(n) for n in range(20)))
    served.sandbox.fault("slow", method="PUT", path="/api.xro/2.0/Invoices", count=30, delay_s=0.5)
    async with served.serving() as at:
        await at.until(lambda: len(served.writes()) >= 2)
        at.stopping.set()
        async with asyncio.timeout(10):
            await at.task
        begun = len(served.writes())
    assert len(served.numbers()) == begun < 20
    served.sandbox.clear_faults()
    async with served.serving() as at:
        await at.until(lambda: len(served.numbers()) == 20)
    keys = [one["idempotency_key"] for one in served.writes()]
    assert len(keys) == len(set(keys)) == 20


def test_a_turn_is_shorter_than_its_bound():
    """What is in flight at the end of a turn has time to end."""
    assert open_postings.PIECE_S + 2 * 60 < open_postings.BOUND_S


async def test_a_slow_organisation_does_not_slow_another(served):
    """While each write of one takes three seconds, the other's forty documents are there; the slow one loses nothing."""
    served.configure(flow=HOURLY, batch=5, request_timeout_s=20)
    served.sales(*[sale(n) for n in range(40)], *[sale(100 + n, entity="acme-au") for n in range(40)])
    async with served.serving() as at:
        await at.until(lambda: served.said("flow"))
        for method, delay_s in (("PUT", 3), ("GET", 0.5)):  # nine are read, one after the other, before the first write
            served.sandbox.fault("slow", method=method, tenant=served.sandbox.tenant(1), count=1000, delay_s=delay_s)
        await at.until(lambda: len(served.numbers(2)) == 40)
        assert len(served.numbers(1)) < 40
        served.sandbox.clear_faults()
        await at.until(lambda: len(served.numbers(1)) == 40)
    assert set(served.marks().values()) == {1}
