"""Consents kept fresh beside the work, by Xero's clock, and never longer than the work."""

import asyncio
import contextlib
import datetime

import pytest
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.access import background
from counterfoil.access.background import Background
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import grants, notices, schema
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import invoices, organisation
from tests.access.conftest import Installation
from tests.access.test_tokens import asked, change, grant_of, last, lived, token_of, works

DAY = datetime.timedelta(days=1)


class WrongClock(SystemClock):
    """A machine whose wall clock is wrong by so many seconds."""

    def __init__(self, wrong_s):
        self.wrong = datetime.timedelta(seconds=wrong_s)

    def now(self):
        """What the wrong clock shows."""
        return super().now() + self.wrong


def beside(here):
    return Background(here.database, lambda: here.tokens, here.app.client_id, here.transport.time)


@pytest.fixture
async def bound(connected, sandbox):
    """Connected, and its grant in use."""
    await connected.bindings.bind("acme", sandbox.tenant(1))
    return connected


async def standing(here, kind):
    return await here.database.read(lambda conn: notices.standing(conn, kind))


async def refreshed(here, before):
    """Wait until the generation is another."""
    while (await grant_of(here)).generation == before:  # noqa: ASYNC110 - the task under test does it
        await asyncio.sleep(0.01)


async def test_in_use_and_near_its_end(bound, sandbox):
    """Nine minutes left: refreshed beside the work, before anybody has to wait for it; with eleven left it is not."""
    mark = last(sandbox)
    await change(bound, **lived(bound, left_s=660))
    assert (await beside(bound).refresh_used(), asked(sandbox, mark)) == (0, [])
    await change(bound, **lived(bound, left_s=540))
    before = (await grant_of(bound)).generation
    async with beside(bound).beside():
        await refreshed(bound, before)
        assert await bound.tokens.access_token(bound.consented.grant_id) == (await token_of(bound)).access_token
    assert asked(sandbox, mark) == [200]


async def test_a_token_is_used_while_it_is_refreshed(bound, sandbox):
    """The call that comes just then does not wait for the refresh: the token is good for nine minutes more."""
    await change(bound, **lived(bound, left_s=540))
    old = await bound.tokens.access_token(bound.consented.grant_id)
    sandbox.fault("slow_answer", path="/connect/token", delay_s=30)
    mark = last(sandbox)
    task = asyncio.create_task(bound.tokens.ahead(bound.consented.grant_id))
    while not asked(sandbox, mark):  # noqa: ASYNC110 - the task sends it
        await asyncio.sleep(0.01)
    assert await bound.tokens.access_token(bound.consented.grant_id) == old
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_two_processes_at_once(bound, sandbox, tmp_path):
    """Each has its task; the token is refreshed once."""
    mark = last(sandbox)
    await change(bound, **lived(bound, left_s=300))
    async with Installation(tmp_path / "db", sandbox, owner="another") as other:
        done = await asyncio.gather(*(beside(one).refresh_used() for one in (bound, other)))
    assert (sum(done), asked(sandbox, mark)) == (1, [200])


async def test_unused_ones_weekly(connected, sandbox):
    """What no entity is bound through is refreshed when it was not for a week, looked at once a day by one process."""
    mark, now = last(sandbox), connected.clock.now()
    await change(connected, refreshed_at=now - 6 * DAY)
    assert (await beside(connected).refresh_used(), await beside(connected).refresh_unused()) == (0, 0)
    await change(connected, refreshed_at=now - 8 * DAY)
    for _ in range(2):  # two commands of the same day
        await beside(connected)._refresh_unused_daily()
        await change(connected, refreshed_at=now - 8 * DAY)
    assert asked(sandbox, mark) == [200]
    assert await works(connected, sandbox, (await token_of(connected)).access_token)


async def test_it_never_outlives_the_work(bound, sandbox, monkeypatch):
    """The block's end ends the task, also in the middle of a refresh; the lost answer is repaired by the next process."""
    monkeypatch.setattr(background, "END_S", 0.05)
    await change(bound, **lived(bound, left_s=300))
    sandbox.fault("slow_answer", path="/connect/token", delay_s=30)
    mark, before = last(sandbox), asyncio.all_tasks()
    async with beside(bound).beside():
        while not asked(sandbox, mark):  # noqa: ASYNC110 - the task sends it
            await asyncio.sleep(0.01)
    assert asyncio.all_tasks() <= before  # what the calls before left to be said may have been said meanwhile
    grant = await grant_of(bound)
    assert (grant.refresh_owner, grant.refresh_until <= bound.clock.now(), grant.lost) == ("test", True, None)
    sandbox.clear_faults()
    await change(bound, **lived(bound, left_s=1700))  # fresh enough, were it not for the doubt
    assert await beside(bound).refresh_used() == 1
    after = await grant_of(bound)
    assert (after.generation, after.refresh_owner) == (grant.generation + 1, None)
    assert await works(bound, sandbox, (await token_of(bound)).access_token)


async def test_one_task_for_all_blocks(bound):
    """Two runs of one process share the task."""
    mine = beside(bound)
    async with mine.beside():
        task = mine._task
        async with mine.beside():
            assert mine._task is task
        assert not task.done()
    assert task.done()


async def test_a_doubtful_answer_is_repaired_first(connected, sandbox):
    """A process died while it refreshed: whoever comes next asks again before the half hour is over, used or not."""
    past = connected.clock.now() - datetime.timedelta(seconds=1)
    for repair in (beside(connected).refresh_used, lambda: connected.tokens.access_token(connected.consented.grant_id)):
        mark = last(sandbox)
        connected.tokens._kept.clear()
        await change(connected, refresh_owner="dead", refresh_until=past)
        await repair()
        assert (asked(sandbox, mark), (await grant_of(connected)).refresh_owner) == ([200], None)


async def test_lost_answers_leave_a_doubt(connected, sandbox):
    """After three lost answers the token that is still good serves on, and the doubt stays until it is repaired."""
    await change(connected, **lived(connected, left_s=100))
    held = (await token_of(connected)).access_token
    mark = last(sandbox)
    sandbox.fault("token_lost", count=3)
    for _ in range(5):
        assert await connected.tokens.access_token(connected.consented.grant_id) == held
    assert asked(sandbox, mark) == ["token_lost"] * 3  # not thrice for each call
    assert (await grant_of(connected)).refresh_owner == "test"
    assert await beside(connected).refresh_used() == 0  # nobody asks for two seconds
    await connected.database.run(
        lambda conn: conn.execute(sa.update(schema.refresh_waits).values(until=connected.clock.now()))
    )
    assert await beside(connected).refresh_used() == 1


async def test_nothing_was_sent_is_no_doubt(connected):
    """When the identity server cannot be reached nothing is in doubt."""
    connected.transport.identity_url = "http://127.0.0.1:9"
    await change(connected, **lived(connected, left_s=100))
    await connected.tokens.access_token(connected.consented.grant_id)
    assert (await grant_of(connected)).refresh_owner is None


async def test_nobody_connected_and_no_key(here):
    """Without consents no key is asked for; with one that is missing, the task ends and the work goes on."""
    asks = []

    def no_key():
        asks.append(1)
        raise errors.MasterKeyError("none")

    async with Background(here.database, no_key, here.app.client_id, here.transport.time).beside():
        await asyncio.sleep(0)
    assert asks == []


async def test_a_missing_key_does_not_end_the_work(bound):
    """The foreground says so when it needs it."""

    def no_key():
        raise errors.MasterKeyError("none")

    async with Background(bound.database, no_key, bound.app.client_id, bound.transport.time).beside():
        await asyncio.sleep(0.05)


async def test_lost_in_the_background_is_told_once(bound, sandbox):
    """Refused for good beside the work: the notice names whose postings wait, and a new consent ends it."""
    await change(bound, **lived(bound, left_s=300))
    held = await token_of(bound)
    form = {"token": held.refresh_token, "client_id": bound.app.client_id, "client_secret": bound.app.client_secret}
    assert sandbox.form("/connect/revocation", form).status == 200
    for _ in range(2):
        await beside(bound).refresh_used()
    (notice,) = await standing(bound, "reconnect")
    assert (notice.times, notice.entity, "acme" in notice.message) == (1, "acme", True)
    assert (await grant_of(bound)).lost is not None
    await bound.connect()
    assert await standing(bound, "reconnect") == []


async def test_a_missing_scope_never_refreshes(tmp_path, sandbox):
    """AuthorizationUnsuccessful is no reason to ask for tokens, however often it comes."""
    async with Installation(tmp_path / "db", sandbox) as here:
        await here.connect(scopes=("accounting.settings.read",))
        client = XeroClient(
            await here.bindings.bind("acme", sandbox.tenant(1)), here.transport, here.tokens, here.permits
        )
        mark = last(sandbox)
        for _ in range(3):
            with pytest.raises(errors.MissingScope):
                await invoices.get(client, "x", lane="looking")
        assert [one["status"] for one in sandbox.requests(mark)] == [401, 401, 401]


@pytest.mark.parametrize("wrong_s", [-600, 600, -3600])
async def test_a_wrong_clock(tmp_path, sandbox, wrong_s):
    """Minutes fast or slow: expiry is Xero's, so the token is refreshed when it is due there, and no call meets a 401."""
    async with Installation(tmp_path / "db", sandbox, clock=WrongClock(wrong_s)) as here:
        here.consented = await here.connect()
        client = XeroClient(
            await here.bindings.bind("acme", sandbox.tenant(1)), here.transport, here.tokens, here.permits
        )
        grant = await grant_of(here)
        real = datetime.datetime.now(datetime.UTC)
        assert abs((grant.expires_at - real).total_seconds() - 1800) < 5
        mark = last(sandbox)
        await organisation.get(client, lane="sync")
        assert asked(sandbox, mark) == []
        await change(
            here, refreshed_at=real - datetime.timedelta(seconds=1750), expires_at=real + datetime.timedelta(seconds=50)
        )
        here.tokens._kept.clear()
        await organisation.get(client, lane="sync")
        assert ([r["status"] for r in sandbox.requests(mark)]) == [200, 200, 200]
        assert asked(sandbox, mark) == [200]


async def test_a_wrong_clock_is_told(tmp_path, sandbox):
    """More than a minute off: one notice of this machine, which ends when the clock is right again."""
    clock = WrongClock(-300)
    async with Installation(tmp_path / "db", sandbox, clock=clock) as here:
        await beside(here).compare_clocks()
        assert await standing(here, "clock") == []  # nothing is known before the first answer
        await here.connect()
        for _ in range(2):
            await beside(here).compare_clocks()
        (notice,) = await standing(here, "clock")
        assert ("s behind Xero's" in notice.message, notice.times) == (True, 2)
        clock.wrong = datetime.timedelta(seconds=240)
        await beside(here).compare_clocks()
        (notice,) = await standing(here, "clock")
        assert "s ahead of Xero's" in notice.message
        clock.wrong = datetime.timedelta(seconds=30)
        await beside(here).compare_clocks()
        assert await standing(here, "clock") == []


async def test_other_apps_are_left_alone(connected):
    """Grants of another client id are not ours to refresh."""
    found = await connected.database.read(lambda conn: grants.in_use(conn, "another app"))
    assert found == []
