"""No lost consent: processes share a grant whose token expires while answers are lost, processes die and the key changes.

Counted at the sandbox: its request log says how often tokens were asked for and how often they were given. `make test` plays
a fiftieth with eight processes and a fixed seed, `make soak` all of it with sixteen.
"""

import asyncio
import contextlib
import os
import random
from multiprocessing import connection

import pytest
import sqlalchemy as sa

from counterfoil.access import key_file
from counterfoil.access.key_source import FileSource
from counterfoil.access.rotation import Rotation
from counterfoil.store import grants, schema, secrets
from tests.access import crew
from tests.access.conftest import Installation
from tests.access.test_tokens import TOKEN, asked, last

SOAK = "SOAK" in os.environ
WORKERS = 16 if SOAK else 8
EXPIRIES = 1_000 if SOAK else 20
LOST_SHARE = 0.05
KILLS_SHARE = 0.10  # of the rounds, in which one process is killed at a random instant …
DIRECTED_EVERY = 25 if SOAK else 10  # … and every so many rounds the very one that refreshes, before it is answered
ROTATION_EVERY = 7  # rounds: the master key changes while all of them refresh
TOKEN_LIFE_S = 1_800
ANSWER_S = 120.0


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """An empty database on both engines."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/db"
        return
    base = sa.make_url(request.getfixturevalue("server").get_uri())
    engine = sa.create_engine(base.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(sa.text("DROP DATABASE IF EXISTS expiries WITH (FORCE)"))
        conn.execute(sa.text("CREATE DATABASE expiries"))
    yield base.set(database="expiries").render_as_string(hide_password=False)
    with engine.connect() as conn:
        conn.execute(sa.text("DROP DATABASE IF EXISTS expiries WITH (FORCE)"))
    engine.dispose()


class Play:
    """One grant, its workers, and what was counted."""

    def __init__(self, sandbox, here, url, key, seed):
        self.sandbox = sandbox
        self.here = here
        self.url = url
        self.key = key
        self.grant_id = here.consented.grant_id
        self.dice = random.Random(seed)
        self.workers = {}
        self.started = 0
        self.killed = 0
        self.killed_refreshing = 0
        while len(self.workers) < WORKERS:
            self.begin()

    def begin(self):
        """One more worker."""
        self.started += 1
        owner = f"worker-{self.started}"
        self.workers[owner] = crew.begin(self.url, self.sandbox.ready, self.key, self.grant_id, owner)

    async def grant(self):
        """The grant's row."""
        return await self.here.database.read(lambda conn: grants.get(conn, self.grant_id))

    async def round(self, *, directed, rotation):
        """The token expires; everybody wants it, somebody may die, the key may change; → when everybody has it."""
        self.sandbox.advance(TOKEN_LIFE_S + 1)
        mark = last(self.sandbox)
        if directed:
            self.sandbox.fault("slow_answer", path=TOKEN, delay_s=30)
        for _process, pipe in self.workers.values():
            pipe.send("ahead" if self.dice.random() < 0.2 else "call")
        victim = None
        if directed:
            while not asked(self.sandbox, mark):
                pass
            victim = (await self.grant()).refresh_owner
        elif self.dice.random() < KILLS_SHARE:
            victim = self.dice.choice(list(self.workers))
        if victim is not None:
            await self.kill(victim)
        rotated = asyncio.create_task(self.rotate() if rotation else asyncio.sleep(0))
        for owner in list(self.workers):
            await asyncio.to_thread(self.hear, owner)
        await rotated
        while self.workers and len(self.workers) < WORKERS:
            self.begin()

    async def rotate(self):
        """A new master key, now."""
        await Rotation(self.here.database, FileSource(self.key), lambda _name: None).rotate(self.here.audit)

    def hear(self, owner):
        """Wait for a worker's answer; one that could not get the token tries again, as any command does."""
        _process, pipe = self.workers[owner]
        for _ in range(20):
            assert connection.wait([pipe], ANSWER_S), f"{owner} does not answer"
            said = pipe.recv()
            if said == "ok":
                return
            assert said == "xero-unavailable", said  # never: the consent is lost
            pipe.send("call")
        raise AssertionError(f"{owner} got no token in twenty tries")

    async def kill(self, owner):
        """kill -9; the lease that it may hold runs out at once, so that nobody waits for 40 seconds."""
        process, pipe = self.workers.pop(owner)
        process.kill()
        process.join()
        pipe.close()
        self.killed += 1
        mine = (schema.grants.c.id == self.grant_id) & (schema.grants.c.refresh_owner == owner)

        def run_out(conn):
            return conn.execute(sa.update(schema.grants).where(mine).values(refresh_until=self.here.database.now(conn)))

        self.killed_refreshing += (await self.here.database.run(run_out)).rowcount

    def end(self):
        """Let everybody go."""
        for _process, pipe in self.workers.values():
            with contextlib.suppress(OSError):
                pipe.close()
        for process, _pipe in self.workers.values():
            process.join(ANSWER_S)


@pytest.mark.soak
async def test_no_consent_is_lost(tmp_path, sandbox, url):
    """Per expiry one refresh is stored; tokens are asked for no oftener than expiries, lost answers and deaths explain."""
    key = tmp_path / "counterfoil.key"
    key_file.new(key)
    first = key.read_bytes()
    async with Installation(tmp_path / "unused", sandbox, url=url, source=FileSource(key)) as here:
        here.consented = await here.connect()
        await here.bindings.bind("acme", sandbox.tenant(1))
        play = Play(sandbox, here, url, key, seed=5)
        try:
            mark = last(sandbox)
            sandbox.fault("token_lost", count=1_000_000, probability=LOST_SHARE, seed=5)
            for n in range(EXPIRIES):
                directed = n % DIRECTED_EVERY == DIRECTED_EVERY - 1
                await play.round(directed=directed, rotation=n % ROTATION_EVERY == ROTATION_EVERY - 1)
        finally:
            play.end()
        grant = await play.grant()
        statuses = asked(sandbox, mark)
        lost = statuses.count("token_lost")
        given = statuses.count(200)
        assert (grant.lost, grant.generation, grant.refresh_owner) == (None, 1 + EXPIRIES, None)
        assert set(statuses) <= {200, "token_lost", "slow_answer"}
        assert EXPIRIES <= given <= EXPIRIES + play.killed_refreshing
        assert len(statuses) <= EXPIRIES + lost + play.killed_refreshing
        assert play.killed_refreshing >= EXPIRIES // DIRECTED_EVERY
        assert await here.tokens.access_token(grant.id)
        assert (key.read_bytes() != first, len(await here.database.read(secrets.counts))) == (True, 1)
        print(f"{EXPIRIES=} {len(statuses)=} {lost=} {given=} {play.killed=} {play.killed_refreshing=}")  # noqa: T201 - the proof's numbers
