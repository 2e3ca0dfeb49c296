"""The identity server gives no tokens: one call per wait and consent looks whether it is back, for all processes together."""

import asyncio
import datetime

import pytest
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.access.tokens import GrantTokens
from counterfoil.store import notices, refresh_waits, schema
from tests.access.test_tokens import TOKEN, asked, change, grant_of, last, lived


def processes(here, number):
    """The tokens of other processes on the same database."""
    return [
        GrantTokens(here.database, here.vault, here.transport, here.app, owner=f"process-{n}") for n in range(number)
    ]


async def wait_of(here):
    return await here.database.read(lambda conn: refresh_waits.get(conn, here.consented.grant_id))


async def moved(here, seconds):
    """Nobody asks until so many seconds from now."""
    until = here.clock.now() + datetime.timedelta(seconds=seconds)
    await here.database.run(lambda conn: conn.execute(sa.update(schema.refresh_waits).values(until=until)))


async def standing(here):
    return await here.database.read(lambda conn: [one.kind for one in notices.standing(conn)])


async def works(here, of_all):
    """Every process wants a token at once, five times; → what each got: the class of its error, or "token"."""

    async def one(tokens):
        try:
            await tokens.access_token(here.consented.grant_id)
        except errors.CounterfoilError as error:
            return type(error)
        return "token"

    return await asyncio.gather(*(one(tokens) for tokens in of_all for _ in range(5)))


async def test_one_call_per_wait_looks_whether_it_is_back(connected, sandbox):
    """Twenty works of four processes: none asks during a wait, one after it, and all go on when it was answered."""
    every = processes(connected, 4)
    await change(connected, **lived(connected, left_s=-1))
    sandbox.fault("503", path=TOKEN, count=1000)
    with pytest.raises(errors.XeroUnavailable) as found:
        await every[0].access_token(connected.consented.grant_id)
    assert (found.value.sent, found.value.is_paused, (await wait_of(connected)).failures) == (False, True, 1)
    lasted = []
    for n in range(2, 6):
        await moved(connected, 60)
        mark = last(sandbox)
        assert set(await works(connected, every)) == {errors.XeroUnavailable}
        assert asked(sandbox, mark) == []
        await moved(connected, 0)
        with pytest.raises(errors.XeroUnavailable):
            await every[n % 4].access_token(connected.consented.grant_id)
        assert len(asked(sandbox, mark)) == 1
        wait = await wait_of(connected)
        lasted.append(round((wait.until - connected.clock.now()).total_seconds()))
        assert wait.failures == n
    assert lasted == sorted(lasted)
    assert lasted[-1] > lasted[0]
    assert await standing(connected) == ["identity"]
    sandbox.clear_faults()
    await moved(connected, 0)
    mark = last(sandbox)
    assert set(await works(connected, every)) == {"token"}
    assert (len(asked(sandbox, mark)), await wait_of(connected), await standing(connected)) == (1, None, [])


async def test_waits_grow_and_end(connected):
    """2 s, twice as long each time, four minutes at most: well within the half hour in which an old token is honoured."""
    now = connected.clock.now()

    def fail(conn):
        return [(refresh_waits.failed(conn, "g", now, "503.", None).until - now).total_seconds() for _ in range(12)]

    found = await connected.database.run(fail)
    assert found == [2, 4, 8, 16, 32, 64, 128, 240, 240, 240, 240, 240]


async def test_a_refusal_is_an_answer(connected, sandbox):
    """The server is there and says no: that is no silence, and the next work is told so at once."""
    await change(connected, **lived(connected, left_s=-1))
    sandbox.fault("503", path=TOKEN, count=3)
    tokens = connected.tokens
    with pytest.raises(errors.XeroUnavailable):
        await tokens.access_token(connected.consented.grant_id)
    await moved(connected, 0)
    grant = await grant_of(connected)
    await connected.database.run(lambda conn: refresh_waits.failed(conn, "another", connected.clock.now(), "503.", 90))
    await tokens.access_token(connected.consented.grant_id)
    assert (await grant_of(connected)).generation == grant.generation + 1
    left = await connected.database.read(refresh_waits.everything)
    assert [one.grant_id for one in left] == ["another"]  # one consent's trouble is not another's
