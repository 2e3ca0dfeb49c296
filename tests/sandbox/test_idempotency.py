"""What a key does while its first request still runs: a switch, since nobody knows what Xero does."""

import asyncio

import pytest

from counterfoil.sandbox.answers import Answer
from counterfoil.sandbox.idempotency import Idempotency
from counterfoil.sandbox.options import Options
from counterfoil.sandbox.world import World


async def side_by_side(mode, second_print="same"):
    """Two requests with one key: the second arrives while the first waits. Returns both answers and the work done."""
    keys = Idempotency(World(Options(idempotency_concurrent=mode), 1))
    release, done = asyncio.Event(), []

    async def first():
        await release.wait()
        done.append("first")
        return Answer(200, b"first")

    async def second():
        done.append("second")
        return Answer(200, b"second")

    one = asyncio.create_task(keys.once("app", "k", "same", first))
    await asyncio.sleep(0)
    two = asyncio.create_task(keys.once("app", "k", second_print, second))
    await asyncio.sleep(0)
    release.set()
    return await one, await two, done


@pytest.mark.parametrize(
    ("mode", "status", "body", "done"),
    [
        ("process", 200, b"second", ["second", "first"]),
        ("wait", 200, b"first", ["first"]),
        ("refuse", 400, None, ["first"]),
    ],
)
async def test_a_second_request_beside_the_first(mode, status, body, done):
    """Processed as if there were no key, made to wait for the first's answer, or refused."""
    first, second, worked = await side_by_side(mode)
    assert first.body == b"first"
    assert second.status == status
    assert body in {None, second.body}
    assert worked == done


@pytest.mark.parametrize("mode", ["process", "wait", "refuse"])
async def test_another_request_with_a_running_key_is_always_refused(mode):
    """The key of a running request never serves a different one."""
    _, second, worked = await side_by_side(mode, "other")
    assert second.status == 400
    assert b"is used with a different request." in second.body
    assert worked == ["first"]


async def test_work_that_fails_leaves_the_key_free():
    """A request that broke keeps no answer: the next one with its key is processed."""
    keys = Idempotency(World(Options(), 1))

    async def broken():
        raise RuntimeError("bug")

    async def good():
        return Answer(200, b"good")

    with pytest.raises(RuntimeError, match="bug"):
        await keys.once("app", "k", "same", broken)
    assert (await keys.once("app", "k", "same", good)).body == b"good"
