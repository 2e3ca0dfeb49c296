import asyncio
import datetime
import json
import os
import subprocess

import pytest
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.access import tokens
from counterfoil.store import grants, schema
from counterfoil.xero import identity
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import organisation
from tests import sandbox_process, warm
from tests.access.conftest import KEY, Installation

TOKEN = "/connect/token"


async def grant_of(here):
    return await here.database.read(lambda conn: grants.get(conn, here.consented.grant_id))


async def token_of(here):
    grant = await grant_of(here)
    return tokens.opened(here.vault, grant.id, grant.secret)


async def change(here, **values):
    update = sa.update(schema.grants).values(values)
    await here.database.run(lambda conn: conn.execute(update))


def lived(here, left_s):
    """A token of half an hour with so many seconds left."""
    now = here.clock.now()
    return {
        "refreshed_at": now - datetime.timedelta(seconds=1800 - left_s),
        "expires_at": now + datetime.timedelta(seconds=left_s),
    }


def asked(sandbox, after=0):
    """The statuses of the token requests after request n; None for an answer that was lost."""
    return [r["status"] if not r["fault"] else r["fault"] for r in sandbox.requests(after) if r["path"] == TOKEN]


def last(sandbox):
    return max((r["n"] for r in sandbox.requests()), default=0)


async def works(here, sandbox, token):
    answer = await asyncio.to_thread(sandbox.api, "GET", "Organisation", token, sandbox.tenant(1))
    return answer.status == 200


async def test_a_fresh_token_costs_nothing(connected, sandbox):
    """While more than two minutes are left the stored token is used."""
    mark = last(sandbox)
    first = await connected.tokens.access_token(connected.consented.grant_id)
    assert (first, asked(sandbox, mark)) == ((await token_of(connected)).access_token, [])


async def test_a_token_near_its_end_is_refreshed_before_use(connected, sandbox):
    """Less than two minutes: one refresh, stored before it is used, the old one kept for the grace."""
    mark, before = last(sandbox), await grant_of(connected)
    await change(connected, **lived(connected, left_s=100))
    fresh = await connected.tokens.access_token(connected.consented.grant_id)
    after = await grant_of(connected)
    assert (asked(sandbox, mark), after.generation, after.refresh_owner) == ([200], before.generation + 1, None)
    assert ((await token_of(connected)).access_token, after.spare) == (fresh, before.secret)
    assert await works(connected, sandbox, fresh)


async def test_a_rejected_token_is_refreshed_once_for_all(connected, sandbox):
    """Twenty callers that met the same expired token share one refresh."""
    mark, old = last(sandbox), (await token_of(connected)).access_token
    grant_id = connected.consented.grant_id
    got = await asyncio.gather(*(connected.tokens.access_token(grant_id, rejected=old) for _ in range(20)))
    assert (asked(sandbox, mark), len(set(got)), old in got) == ([200], 1, False)
    assert await connected.tokens.access_token(grant_id, rejected=old) == got[0]


async def test_a_lost_answer_is_asked_for_again(connected, sandbox):
    """The grant moved on at Xero and nobody was told: the old token still works within the grace."""
    mark, old = last(sandbox), (await token_of(connected)).access_token
    sandbox.fault("token_lost", count=2)
    fresh = await connected.tokens.access_token(connected.consented.grant_id, rejected=old)
    assert asked(sandbox, mark) == ["token_lost", "token_lost", 200]
    assert await works(connected, sandbox, fresh)


async def test_answers_that_stay_lost(connected, sandbox):
    """After three lost answers it is run again; the lease is given back and the next call succeeds."""
    old = (await token_of(connected)).access_token
    sandbox.fault("token_lost", count=3)
    with pytest.raises(errors.XeroUnavailable) as caught:
        await connected.tokens.access_token(connected.consented.grant_id, rejected=old)
    assert (caught.value.sent, caught.value.exit_code, (await grant_of(connected)).lost) == (False, 4, None)
    assert await connected.tokens.access_token(connected.consented.grant_id, rejected=old) != old


async def test_the_spare_is_tried_before_the_consent_is_lost(connected, sandbox):
    """A stored refresh token that Xero refuses is not the end while a spare works."""
    good = await grant_of(connected)
    bad = identity.TokenSet("old", 1, "nonsense")
    sealed = await connected.database.run(lambda conn: tokens.sealed(connected.vault, conn, good.id, bad))
    until = connected.clock.now() + datetime.timedelta(days=60)
    await change(connected, secret=sealed, spare=good.secret, spare_until=until)
    fresh = await connected.tokens.access_token(good.id, rejected="old")
    assert ((await grant_of(connected)).lost, await works(connected, sandbox, fresh)) == (None, True)


async def test_a_revoked_consent_is_lost_with_a_remedy(connected, sandbox):
    """When nothing is left the grant is marked, and no call asks Xero again until somebody connects."""
    held = await token_of(connected)
    form = {
        "token": held.refresh_token,
        "client_id": connected.app.client_id,
        "client_secret": connected.app.client_secret,
    }
    assert sandbox.form("/connect/revocation", form).status == 200
    for _ in range(2):
        with pytest.raises(errors.NoConsent) as caught:
            await connected.tokens.access_token(connected.consented.grant_id, rejected=held.access_token)
        assert "counterfoil connect" in caught.value.remedy
        mark = last(sandbox)
    assert ((await grant_of(connected)).lost, asked(sandbox, mark)) == (caught.value.message, [])
    again = await connected.connect()
    assert again.grant_id == connected.consented.grant_id
    assert await works(connected, sandbox, await connected.tokens.access_token(again.grant_id))


async def test_no_such_grant(here):
    """Before anybody connected it is NoConsent."""
    with pytest.raises(errors.NoConsent, match="Nobody"):
        await here.tokens.access_token("none")


async def test_a_wrong_master_key(connected, sandbox, tmp_path):
    """With another key the stored consent is not lost, only closed."""
    async with Installation(tmp_path / "db", sandbox, key=KEY[::-1]) as other:
        with pytest.raises(errors.MasterKeyError, match="another master key"):
            await other.tokens.access_token(connected.consented.grant_id)
    assert (await grant_of(connected)).lost is None


async def test_the_identity_server_is_down(connected):
    """Nothing is lost when nobody answers."""
    connected.transport.identity_url = "http://127.0.0.1:9"
    with pytest.raises(errors.XeroUnavailable) as caught:
        await connected.tokens.access_token(
            connected.consented.grant_id, rejected=(await token_of(connected)).access_token
        )
    assert (caught.value.sent, (await grant_of(connected)).lost) == (False, None)


async def test_a_wrong_secret_is_not_a_lost_consent(connected):
    """invalid_client is the configuration's fault."""
    connected.tokens._app = identity.App(connected.app.client_id, "wrong")
    with pytest.raises(errors.ConfigurationError, match="invalid_client"):
        await connected.tokens.access_token(
            connected.consented.grant_id, rejected=(await token_of(connected)).access_token
        )
    assert (await grant_of(connected)).lost is None


async def test_an_answer_that_came_too_late_is_kept(connected, sandbox):
    """Whoever lost the lease while waiting keeps the answer as a spare and changes nothing else."""
    old = await grant_of(connected)
    assert await connected.tokens._begin(old)
    await change(connected, refresh_owner="another", generation=old.generation + 1)
    token = await connected.tokens._refreshed(old, None)
    now = await grant_of(connected)
    assert (now.generation, now.secret, now.refresh_owner) == (old.generation + 1, old.secret, "another")
    assert tokens.opened(connected.vault, now.id, now.spare).access_token == token
    assert now.spare_until - connected.clock.now() > datetime.timedelta(days=59)


async def test_a_token_serves_while_another_process_refreshes(connected, sandbox):
    """Between ten seconds and two minutes nobody waits for the other process's refresh."""
    mark, until = last(sandbox), connected.clock.now() + datetime.timedelta(seconds=60)
    await change(connected, **lived(connected, left_s=60), refresh_owner="another", refresh_until=until)
    assert await connected.tokens.access_token(connected.consented.grant_id) == (await token_of(connected)).access_token
    assert asked(sandbox, mark) == []


async def test_short_lives(tmp_path):
    """Tokens that expire at Xero within seconds never reach a caller: reads go on, with a refresh when needed."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--access-token-ttl-s", "100") as sandbox:
        async with Installation(tmp_path / "db", sandbox) as here:
            await here.connect()
            client = XeroClient(
                await here.bindings.bind("acme", sandbox.tenant(1)), here.transport, here.tokens, here.permits
            )
            mark = last(sandbox)
            await organisation.get(client, lane="sync")
            assert asked(sandbox, mark) == []
            sandbox.advance(200)  # expired at Xero, while our clock says nothing: 401 TokenExpired
            for _ in range(3):
                assert (await organisation.get(client, lane="sync")).base_currency == "GBP"
            assert asked(sandbox, mark) == [200]


class Process:
    """A refresher in a process of its own."""

    def __init__(self, path, sandbox, grant_id, owner, lease_s):
        command = [
            "-m",
            "tests.access.refresher",
            str(path),
            json.dumps(sandbox.ready),
            grant_id,
            owner,
        ]
        self.process = warm.start(
            *command, str(lease_s), cwd=warm.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def order(self, rejected=""):
        """Want a token, given that this one was rejected."""
        self.process.stdin.write(f"{rejected}\n")
        self.process.stdin.flush()

    def answer(self):
        """What it got."""
        return json.loads(self.process.stdout.readline())

    def end(self):
        """Let it go."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
async def two(connected, sandbox, tmp_path):
    made = [Process(tmp_path / "db", sandbox, connected.consented.grant_id, f"p{n}", 3.0) for n in (1, 2)]
    for process in made:
        assert await asyncio.to_thread(process.answer) == "ready"
    yield made
    for process in made:
        await asyncio.to_thread(process.end)


ROUNDS = 200 if os.environ.get("SOAK") else 4


@pytest.mark.soak
async def test_two_processes_refresh_once(connected, sandbox, two):
    """Whatever is lost on the way: per expiry one answered refresh, both processes with the same good token."""
    for n in range(ROUNDS):
        mark, old = last(sandbox), (await token_of(connected)).access_token
        if n % 3:
            sandbox.fault("token_lost", count=n % 3)
        for process in two:
            process.order(old)
        got = [await asyncio.to_thread(process.answer) for process in two]
        statuses = asked(sandbox, mark)
        assert ([g.get("token") for g in got], statuses.count(200)) == (
            [(await token_of(connected)).access_token] * 2,
            1,
        )
        assert statuses.count("token_lost") == n % 3
        assert await works(connected, sandbox, got[0]["token"])
    assert ((await grant_of(connected)).generation, (await grant_of(connected)).lost) == (1 + ROUNDS, None)


async def test_a_process_that_dies_while_refreshing(connected, sandbox, two):
    """Killed between asking and storing: after the lease the other one repairs it with the old token."""
    mark, old = last(sandbox), (await token_of(connected)).access_token
    sandbox.fault("slow_answer", path=TOKEN, delay_s=30)
    two[0].order(old)
    while not asked(sandbox, mark):  # noqa: ASYNC110 - another process sends it
        await asyncio.sleep(0.01)
    assert (await grant_of(connected)).refresh_owner == "p1"  # the lease was committed before the call
    two[0].process.kill()
    two[1].order(old)
    got = await asyncio.to_thread(two[1].answer)
    grant = await grant_of(connected)
    assert (got, grant.lost, grant.generation) == ({"token": (await token_of(connected)).access_token}, None, 2)
    assert await works(connected, sandbox, got["token"])
