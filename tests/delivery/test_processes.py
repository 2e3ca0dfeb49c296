"""Many senders at once, and senders that are killed: each message once, or again with the same id after a kill."""

import asyncio
import collections

import pytest

from counterfoil.runtime.clock import SystemClock
from counterfoil.store import notices
from counterfoil.store.database import Database
from tests import warm

SENDERS = 4
CAUSES = 12
KILLS = (1, 2, 4)


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'counterfoil.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("server").get_uri()
    found = Database(url, SystemClock())
    await found.open()
    yield found
    for table in (notices.schema.notices, notices.schema.messages):
        await found.run(lambda conn, table=table: conn.execute(table.delete()))
    await found.close()


def start(database, config, *more):
    url = database.url.render_as_string(hide_password=False)
    return warm.start("-m", "tests.delivery.sender", url, str(config), *map(str, more), cwd=warm.ROOT)


async def stand(database, hook, tmp_path):
    """Causes that stand, and a configuration that wants them told."""
    config = tmp_path / "counterfoil.toml"
    config.write_text('[xero]\nclient_id = "abc"\n' + hook.table())

    def tell(conn):
        for n in range(CAUSES):
            now = database.now(conn)
            assert notices.tell(conn, "problems", str(n), message=f"cause {n}", remedy="", now=now)

    await database.run(tell)
    return config


async def test_senders_side_by_side_send_each_message_once(database, hook, tmp_path):
    """However many processes end their commands at the same moment."""
    config = await stand(database, hook, tmp_path)
    running = [start(database, config) for _ in range(SENDERS)]
    assert [await asyncio.to_thread(one.wait, 120) for one in running] == [0] * SENDERS
    arrived = collections.Counter(one["message"] for one in hook.messages)
    assert arrived == {f"cause {n}": 1 for n in range(CAUSES)}


async def test_no_kill_loses_a_message_or_makes_more_than_one_double(database, hook, tmp_path):
    """Each kill costs at most one double, and it has the id of the first."""
    config = await stand(database, hook, tmp_path)
    for die_at in KILLS:
        assert await asyncio.to_thread(start(database, config, die_at).wait, 120) == -9
    assert await asyncio.to_thread(start(database, config).wait, 120) == 0
    arrived = collections.Counter((one["id"], one["message"]) for one in hook.messages)
    assert sorted(message for _id, message in arrived) == sorted(f"cause {n}" for n in range(CAUSES))
    assert 1 <= sum(arrived.values()) - CAUSES <= len(KILLS)


async def test_two_that_notice_the_same_at_once_make_one_notice(database, tmp_path):
    """One of them is the first; nobody meets an error."""

    def tell(conn):
        return notices.tell(conn, "reconnect", "g", message="m", remedy="r", now=database.now(conn))

    found = await asyncio.gather(*(database.run(tell) for _ in range(8)))
    (only,) = await database.read(notices.standing)
    assert (sorted(found), only.times) == ([False] * 7 + [True], 8)
