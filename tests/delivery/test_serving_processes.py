"""Real processes that hand changes over from one database, and the one that carries the feed is killed in the middle."""

import asyncio
import json
import os
import signal

import pytest

from counterfoil.access import key_file
from counterfoil.store import feeds, services
from tests import warm
from tests.delivery.desk import Desk
from tests.delivery.receivers import SECRET, Hook

CONFIG = """
[xero]
client_id = "abc"
api_url = "http://127.0.0.1:1"
[store]
url = "{url}"
[entities.uk]
[feeds.crm]
on = ["*"]
from = "start"
to = {{ webhook = "{hook}", secret = "{secret}", timeout_s = 60 }}
"""
DOCUMENTS = "abcdefgh"
TURNS = 8
KILLED_AT = 12  # requests that the webhook answers before


@pytest.fixture
def hook():
    found = Hook()
    yield found
    found.close()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'counterfoil.db'}"
    server = request.getfixturevalue("server")
    server.psql("DROP SCHEMA IF EXISTS counterfoil_jobs CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;")
    return server.get_uri()


async def until(condition):
    """Wait until something is so."""
    async with asyncio.timeout(120):
        while not (found := await condition()):  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.05)
    return found


async def test_the_process_that_carries_a_feed_is_killed_and_nothing_is_lost_or_out_of_order(url, hook, tmp_path):
    """Each change arrives, each document's in order; what came twice has the same webhook-id and is the same."""
    config = tmp_path / "counterfoil.toml"
    key_file.new(tmp_path / "counterfoil.key")
    config.write_text(CONFIG.format(url=url, hook=hook.url, secret=SECRET))
    desk = await Desk(url).open()
    made = [f"{letter}{n}" for n in range(TURNS) for letter in DOCUMENTS]
    await desk.record(*made[: len(made) // 2])
    hook.silent_after = KILLED_AT  # the next ones are taken, and nobody hears of it
    running = [start(config) for _ in range(1 if url.startswith("sqlite") else 2)]
    try:

        async def well_begun():
            assert [one.poll() for one in running] == [None] * len(running)
            return len(hook.got) > KILLED_AT

        await until(well_begun)
        pid = await until(lambda: desk.database.read(carrier))
        os.kill(pid, signal.SIGKILL)
        hook.silent_after = None
        hook.released.set()
        if url.startswith("sqlite"):
            running[0].wait(60)
            running.append(start(config))
        await desk.record(*made[len(made) // 2 :])

        async def all_there():
            return (await desk.standing()).waiting == 0 and (await desk.feed()).n == len(made)

        await until(all_there)
    finally:
        for one in running:
            one.kill()
            one.wait(60)
        await desk.close()
    assert pid in [one.pid for one in running]
    ids = [headers["webhook-id"] for headers, _body in hook.got]
    assert sorted(set(ids)) == sorted(made)
    assert len(ids) > len(made)
    assert [json.loads(body)["id"] for _headers, body in hook.got] == ids
    first = list(dict.fromkeys(ids))
    for letter in DOCUMENTS:
        assert [one for one in first if one[0] == letter] == [f"{letter}{n}" for n in range(TURNS)]


def start(config):
    """One process of the service."""
    return warm.start("-m", "tests.delivery.serving_process", str(config), cwd=warm.ROOT)


def carrier(conn):
    """The process that carries the feed; None: nobody just now."""
    owner = feeds.get(conn, "crm").owner
    return next((one.pid for one in services.everything(conn) if one.owner == owner), None)
