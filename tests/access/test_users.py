"""Several users of one app side by side: whose consent replaces what, and which binding goes on with whom."""

import urllib.parse

import pytest

from counterfoil.store import grants
from tests.access.conftest import browse


def as_user(name, **changes):
    """A browser of this user."""

    def visit(url):
        return browse(f"{url}&{urllib.parse.urlencode({'login_hint': f'{name}@example.com'} | changes)}")

    return visit


@pytest.fixture
async def two(here):
    """Alex and Kim have both consented; acme is bound through Alex."""
    here.alex = await here.connect(visit=as_user("alex"))
    here.kim = await here.connect(visit=as_user("kim"))
    await here.bindings.bind("acme", "Fernhill Trading Ltd")
    await here.bindings.use("acme", here.alex.grant_id)
    return here


async def stored(here, consented):
    return await here.database.read(lambda conn: grants.get(conn, consented.grant_id))


async def test_consenting_again_replaces_the_own_grant_alone(two):
    """Kim's second consent is a new generation of Kim's grant; Alex's is not touched by a byte."""
    alex, kim = await stored(two, two.alex), await stored(two, two.kim)
    again = await two.connect(visit=as_user("kim"))
    assert again.grant_id == two.kim.grant_id != two.alex.grant_id
    assert (await stored(two, two.alex), (await stored(two, two.kim)).generation) == (alex, kim.generation + 1)
    assert (await two.bindings.load("acme")).grant_id == two.alex.grant_id


async def test_a_lost_grant_is_found_again_by_its_user(two):
    """The same user's consent makes the same grant live again; bindings need no change."""
    await two.database.run(lambda conn: grants.begin_refresh(conn, two.alex.grant_id, 1, owner="x", now=two.clock.now(), until=two.clock.now()))  # fmt: skip
    await two.database.run(lambda conn: grants.lose(conn, two.alex.grant_id, 1, owner="x", why="revoked"))
    again = await two.connect(visit=as_user("alex"))
    assert (again.grant_id, (await stored(two, two.alex)).lost) == (two.alex.grant_id, None)


async def test_another_users_consent_takes_over_what_a_lost_one_left(two):
    """Alex's consent is gone for good; Kim consents, and acme goes on through Kim, which the log says."""
    await two.database.run(lambda conn: grants.begin_refresh(conn, two.alex.grant_id, 1, owner="x", now=two.clock.now(), until=two.clock.now()))  # fmt: skip
    await two.database.run(lambda conn: grants.lose(conn, two.alex.grant_id, 1, owner="x", why="revoked"))
    await two.connect(visit=as_user("kim"))
    assert (await two.bindings.load("acme")).grant_id == two.kim.grant_id
    assert (await two.database.read(lambda conn: two.audit.verify(conn, "acme"))).broken_at is None


async def test_a_user_who_left_one_organisation(two, sandbox):
    """Alex's connection to it is ended by a person; what Kim still reaches goes on through Kim at the next look."""
    token = await two.tokens.access_token(two.alex.grant_id)
    (connection,) = [one for one in two.alex.reached if one.tenant_id == sandbox.tenant(1)]
    ended = sandbox.request(
        "DELETE", f"/connections/{connection.connection_id}", headers={"Authorization": f"Bearer {token}"}
    )
    assert ended.status == 204
    await two.connections.refreshed()
    await two.connections.refreshed()
    assert (await two.bindings.load("acme")).grant_id == two.kim.grant_id


async def test_what_this_consent_chose_is_told_apart(two, sandbox):
    """authentication_event_id names the consent: of all that was ever reached, only its own tenants are fresh."""
    assert {one.tenant_id for one in two.kim.fresh} == {one["tenant_id"] for one in sandbox.ready["organisations"]}
    again = await two.connect(visit=as_user("kim", acr_values="bulk_connect:false"))
    assert (len(again.fresh), len(again.reached)) == (1, 4)
