import asyncio
import random

import msgspec
import pytest

from counterfoil import errors
from counterfoil.store.limits import Remembered
from counterfoil.xero import pacing
from counterfoil.xero.pacing import Pacer
from counterfoil.xero.places import SECOND, Limits, Tenant
from tests.xero.fakes import FakeClock


def headers(**named):
    by_name = {name.lower().replace("_", "-"): value for name, value in named.items()}
    return lambda name: by_name.get(name.lower())


def pacer(clock, **arguments):
    return Pacer(clock, jitter=random.Random(1), linger_s=0, **arguments)


async def told():
    """Let what was learned be written down."""
    for _ in range(5):
        await asyncio.sleep(0)


async def one(pacer, clock, took_s=0.2, lane="looking", tenant="t", log=None):
    async with pacer.call(tenant, lane):
        if log is not None:
            log.append((clock.elapsed, lane))
        clock.elapsed += took_s


@pytest.mark.parametrize("limit", [7, 60])
async def test_no_rolling_minute_holds_more_than_the_limit(limit):
    """Counted at start or at answer, any 60 s hold at most the limit, and a burst starts at once."""
    clock, log = FakeClock(), []
    paced = pacer(clock, calls_per_minute=limit)
    for _ in range(4 * limit):
        await one(paced, clock, log=log)
    starts = [at for at, _ in log]
    assert starts[limit - 1] - starts[0] < 60
    for instants in (starts, [at + 0.2 for at in starts]):
        assert max(sum(1 for b in instants if a <= b < a + 60) for a in instants) == limit


async def test_at_least_ninety_seven_per_cent_of_the_limit():
    """Waiting for answers costs less than three per cent of the throughput."""
    clock = FakeClock()
    paced = pacer(clock)
    for _ in range(601):
        await one(paced, clock, took_s=0.01)
    assert 600 / ((clock.elapsed - 1000) / 60) >= 0.97 * 60


async def test_five_at_once():
    """A sixth call of a tenant waits for a slot; another tenant does not."""
    clock = FakeClock()
    paced = pacer(clock)
    gate, inside = asyncio.Event(), []

    async def hold(tenant):
        async with paced.call(tenant, "looking"):
            inside.append(tenant)
            await gate.wait()

    tasks = [asyncio.create_task(hold("t")) for _ in range(7)] + [asyncio.create_task(hold("u"))]
    for _ in range(20):
        await asyncio.sleep(0)
    assert (inside.count("t"), inside.count("u")) == (5, 1)
    gate.set()
    await asyncio.gather(*tasks)
    assert inside.count("t") == 7


async def test_the_first_lane_goes_first():
    """Who looks for what is unclear passes bulk work that came earlier."""
    clock, log = FakeClock(), []
    paced = pacer(clock, calls_per_minute=1)
    await one(paced, clock)
    lanes = ["bulk", "sync", "bulk", "looking"]
    await asyncio.gather(*(asyncio.create_task(one(paced, clock, lane=lane, log=log)) for lane in lanes))
    assert [lane for _, lane in log] == ["looking", "sync", "bulk", "bulk"]


async def test_a_waiter_that_gives_up_leaves_the_queue():
    """A cancelled call takes nothing with it."""
    clock = FakeClock()
    paced = pacer(clock, calls_per_minute=5)
    gate = asyncio.Event()

    async def hold():
        async with paced.call("t", "looking"):
            await gate.wait()

    holders = [asyncio.create_task(hold()) for _ in range(5)]
    await asyncio.sleep(0)
    waiter = asyncio.create_task(hold())
    await asyncio.sleep(0)
    waiter.cancel()
    gate.set()
    await asyncio.gather(*holders, return_exceptions=True)
    clock.elapsed += 61
    await one(paced, clock)


async def test_a_minute_429_stops_the_tenant():
    """Nothing starts before Retry-After; other tenants go on."""
    clock, log = FakeClock(), []
    paced = pacer(clock)
    paced.learn("t", headers(Retry_After="26", X_Rate_Limit_Problem="minute", X_MinLimit_Remaining="0"), 429)
    await one(paced, clock, tenant="u", took_s=0, log=log)
    await one(paced, clock, log=log)
    assert log == [(1000.0, "looking"), (1026.0, "looking")]


@pytest.mark.parametrize(
    "mad", ["9" * 12, "9" * 5_000, "-5", "1e9", "", "Sun, 22 Nov 2026 23:59:59 GMT", "nan", "\u00b2"]
)
async def test_headers_that_lie_stop_nobody_for_longer_than_a_day(mad):
    """Every number in them is mad: nothing is raised where the answer is still to be judged, and tomorrow calls go again."""
    clock, log = FakeClock(), []
    paced = pacer(clock)
    names = ("X_MinLimit_Remaining", "X_DayLimit_Remaining", "X_AppMinLimit_Remaining", "Retry_After")
    for status, problem in ((200, ""), (429, ""), (429, "minute"), (429, "day"), (429, "appminute"), (503, "")):
        paced.learn("t", headers(**dict.fromkeys(names, mad), X_Rate_Limit_Problem=problem), status)
        await told()
    clock.elapsed += 86_400
    await one(paced, clock, log=log)
    assert len(log) == 1


async def test_a_wait_of_years_is_a_day(monkeypatch):
    """A Retry-After that no limit of Xero's has is not kept for as long as it says."""
    monkeypatch.setattr(pacing, "NAP_MAX_S", 600.0)  # who waits looks up each second: a day of that is 4 s of CPU
    clock, log = FakeClock(), []
    paced = pacer(clock)
    paced.learn("t", headers(Retry_After="99999999", X_Rate_Limit_Problem="minute"), 429)
    await one(paced, clock, log=log)
    assert log == [(1000.0 + 86_400, "looking")]


async def test_an_app_429_stops_everybody():
    """The app's limit is shared by all tenants."""
    clock, log = FakeClock(), []
    paced = pacer(clock)
    paced.learn("t", headers(Retry_After="10", X_Rate_Limit_Problem="appminute"), 429)
    await one(paced, clock, tenant="u", log=log)
    assert log == [(1010.0, "looking")]


async def test_a_used_up_day_is_raised_until_it_passes():
    """RateLimited("day") with the seconds left; afterwards calls go again."""
    clock, log = FakeClock(), []
    paced = pacer(clock)
    paced.learn("t", headers(Retry_After="3600", X_Rate_Limit_Problem="day", X_DayLimit_Remaining="0"), 429)
    await told()
    clock.elapsed += 600
    with pytest.raises(errors.RateLimited) as caught:
        await one(paced, clock)
    assert (caught.value.limit, caught.value.retry_after_s) == ("day", 3000.0)
    clock.elapsed += 3000
    await one(paced, clock, log=log)
    assert len(log) == 1


async def test_the_last_call_of_the_day_is_noticed():
    """X-DayLimit-Remaining 0 on a success stops before Xero has to; a remainder that rises again is a reset."""
    clock = FakeClock()
    paced = pacer(clock)
    paced.learn("t", headers(X_DayLimit_Remaining="0"), 200)
    with pytest.raises(errors.RateLimited):
        await one(paced, clock)
    paced.learn("t", headers(X_DayLimit_Remaining="4999"), 200)
    await one(paced, clock)


async def test_concurrent_429s_back_off_with_jitter():
    """Without Retry-After the pauses grow, bounded and jittered; a success ends them."""
    clock, log = FakeClock(), []
    paced = pacer(clock)
    pauses = []
    for _ in range(8):
        paced.learn("t", headers(X_Rate_Limit_Problem="concurrent"), 429)
        before = clock.elapsed
        await one(paced, clock, took_s=0, log=log)
        pauses.append(clock.elapsed - before)
    assert 0.25 <= pauses[0] <= 0.75
    assert pauses[0] < pauses[2] < pauses[4]
    assert max(pauses) <= 22.5


async def test_somebody_else_uses_the_app_too():
    """Fewer calls left than we thought: the rest of the minute counts as used."""
    clock, log = FakeClock(), []
    paced = pacer(clock)
    async with paced.call("t", "looking"):
        paced.learn("t", headers(X_MinLimit_Remaining="1"), 200)
    await one(paced, clock, took_s=0, log=log)
    await one(paced, clock, took_s=0, log=log)
    assert [at for at, _ in log] == [1000.0, 1060.0]


async def test_what_another_version_kept_in_another_form_is_begun_anew():
    """An upgrade finds states that it cannot read: calls go on, and the new form is kept."""
    clock, kept = FakeClock(), Remembered(FakeClock())
    old = msgspec.msgpack.encode([[], [], 0, [0] * 5, [0] * 5, 0, 0, None, 0, 0])
    await kept.turn(["t", "app"], lambda _now, _states: (None, {"t": old, "app": b"\xc1"}))
    paced = pacer(clock, kept=kept)
    await one(paced, clock)
    await told()
    assert (await paced.standings(["t"]))["t"].minute_used == 1


class Stopped(Remembered):
    """Budgets of a process that is stopped for `stops_s` between a turn's commit and the moment in which it hears of it."""

    def __init__(self, clock, stops_s):
        super().__init__(clock)
        self.clock, self.stops_s = clock, stops_s

    async def turn(self, keys, work):
        """One turn, then the stop, once."""
        result = await super().turn(keys, work)
        self.clock.elapsed += self.stops_s
        self.stops_s = 0.0
        return result


@pytest.mark.parametrize(("lease_s", "stops_s"), [(240, 6.0), (3, 2.0)])
async def test_a_process_that_was_stopped_with_a_place_in_hand_asks_again(lease_s, stops_s):
    """A machine that slept, a process that had no turn: its place may be somebody else's, so it begins with a new one."""
    clock = FakeClock()
    limits = Limits(lease=lease_s * SECOND)
    paced = pacer(clock, kept=Stopped(clock, stops_s), limits=limits)
    async with paced.call("t", "interactive"):
        began = clock.elapsed
        (held,) = [one for one in paced._kept._states.items() if one[0] == "t"]
        calls = msgspec.msgpack.decode(held[1], type=Tenant).calls
        assert [call.began / SECOND >= began for call in calls] == [True]
    await paced.close()
