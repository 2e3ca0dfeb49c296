"""One cause is one notice for as long as it stands; when it comes back, it is news again."""

import datetime
import re
from pathlib import Path

import pytest

from counterfoil.model.notices import KINDS
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import notices
from counterfoil.store.database import Database

SRC = Path(notices.__file__).parents[1]
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


def test_every_kind_that_is_told_is_one_that_may_be_asked_for():
    """What `notices.tell` is called with, literally or by a constant's name, stands in model/notices."""
    texts = [path.read_text(encoding="utf-8") for path in SRC.rglob("*.py")]
    constants: dict[str, set[str]] = {}
    for name, value in re.findall(r'^([A-Z_]+)(?:: Final)? = "([^"]*)"', "\n".join(texts), re.MULTILINE):
        constants.setdefault(name, set()).add(value)
    told = [kind for text in texts for kind in re.findall(r"\bnotices\.tell\(\s*\w+,\s*(?!\w+=)([\w.\"]+)", text)]
    assert [
        kind for kind in told if not {kind.strip('"'), *constants.get(kind.rpartition(".")[2], ())} & KINDS.keys()
    ] == []
