"""One cause is one notice for as long as it stands; when it comes back, it is news again."""

import datetime

import pytest

from counterfoil.runtime.clock import SystemClock
from counterfoil.store import notices
from counterfoil.store.database import Database

NOW = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)
LATER = NOW + datetime.timedelta(minutes=5)


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'counterfoil.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("server").get_uri()
    found = Database(url, SystemClock())
    await found.open()
    yield found
    await found.run(lambda conn: conn.execute(notices.schema.notices.delete()))
    await found.close()


def told(now, message="Xero no longer accepts the consent."):
    def tell(conn):
        return notices.tell(conn, "reconnect", "grant-1", message=message, remedy="Connect again.", now=now)

    return tell


async def test_a_cause_that_is_told_twice_is_one_notice_with_its_latest_words(database):
    """The second telling counts; it does not make a second message."""
    assert await database.run(told(NOW))
    assert not await database.run(told(LATER, "It is still refused."))
    (only,) = await database.read(notices.standing)
    assert (only.message, only.times, only.first_at, only.last_at) == ("It is still refused.", 2, NOW, LATER)


async def test_a_cause_that_ended_and_comes_back_is_news(database):
    """Over is over once; the next telling starts a notice of its own."""
    await database.run(told(NOW))
    ended = await database.run(lambda conn: notices.over(conn, "reconnect", "grant-1", now=LATER))
    again = await database.run(lambda conn: notices.over(conn, "reconnect", "grant-1", now=LATER))
    assert (ended, again) == (True, False)
    assert await database.read(notices.standing) == []
    assert await database.run(told(LATER))
    assert len(await database.read(notices.standing)) == 1
