"""Custom connections against the sandbox: no user, no refresh token, no tenant in a call, one organisation."""

import datetime

import pytest
import sqlalchemy as sa

from counterfoil import errors
from counterfoil.access import tokens
from counterfoil.access.custom import CustomConnection
from counterfoil.store import grants, notices, schema
from counterfoil.xero.client import XeroClient
from counterfoil.xero.identity import App
from counterfoil.xero.probe import Probe
from counterfoil.xero.resources import contacts, organisation
from tests.access.conftest import Installation

SCOPES = ("accounting.contacts", "accounting.settings.read")


class Custom(Installation):
    """The same installation for a custom connection of the sandbox."""

    def __init__(self, path, sandbox, app, **more):
        super().__init__(path, sandbox, **more)
        self.app = App(app["client_id"], app["client_secret"], is_custom=True)
        for part in (self.tokens, self.connections):
            part._app = self.app
        self.probe = Probe(self.transport, self.tokens, self.permits, names_tenant=False)
        self.bindings._probe = self.connections._probe = self.probe
        self.custom = CustomConnection(self.database, self.vault, self.audit, self.transport, self.app)

    async def client(self, entity):
        """The client of an entity, as app makes it."""
        binding = await self.bindings.load(entity)
        return XeroClient(binding, self.transport, self.tokens, self.permits, names_tenant=False)


@pytest.fixture
def registered(sandbox):
    """A custom connection with just the scopes that are asked for, to organisation 1."""
    fields = {"kind": "custom", "tenant": sandbox.tenant(1), "scopes": list(SCOPES)}
    return sandbox.post("/_sandbox/apps", fields)


@pytest.fixture
async def here(tmp_path, sandbox, registered):
    async with Custom(tmp_path / "db", sandbox, registered) as installation:
        yield installation


def change(sandbox, registered, **fields):
    sandbox.post(f"/_sandbox/apps/{registered['client_id']}", fields)


async def spoil(here, seconds=-1):
    """Let the stored token be over."""
    over = here.clock.now() + datetime.timedelta(seconds=seconds)
    await here.database.run(lambda conn: conn.execute(sa.update(schema.grants).values(expires_at=over)))
    here.tokens._kept.clear()


async def test_from_nothing_to_the_books(here, sandbox):
    """No browser: a token is asked for, one organisation is found and bound, and its calls name no tenant."""
    done = await here.custom.connect(SCOPES)
    assert [one.name for one in done.reached] == ["Fernhill Trading Ltd"]
    assert (done.reached, done.scopes) == (done.fresh, SCOPES)
    grant = await here.database.read(lambda conn: grants.get(conn, done.grant_id))
    assert (grant.xero_userid, tokens.opened(here.vault, grant.id, grant.secret).refresh_token) == ("", "")
    await here.bindings.bind("acme", "Fernhill Trading Ltd")
    client = await here.client("acme")
    assert (await organisation.get(client, lane="sync")).base_currency == "GBP"
    await contacts.page(client, lane="sync")
    calls = [one for one in sandbox.requests() if one["path"].startswith("/api.xro/")]
    assert ({one["tenant"] for one in calls}, {one["status"] for one in calls}) == ({None}, {200})


async def test_a_token_is_asked_for_again_instead_of_refreshed(here, sandbox):
    """Once for any number of askers, under the same lease and generation, with the same scopes."""
    done = await here.custom.connect(SCOPES)
    before, since = await here.tokens.access_token(done.grant_id), sandbox.requests()[-1]["n"]
    await spoil(here)
    fresh = {await here.tokens.access_token(done.grant_id) for _ in range(5)}
    asked = [one for one in sandbox.requests(since) if one["path"] == "/connect/token"]
    grant = await here.database.read(lambda conn: grants.get(conn, done.grant_id))
    assert (len(fresh), before in fresh, len(asked), grant.generation) == (1, False, 1, 2)
    assert grant.scopes == " ".join(SCOPES)


async def test_a_lost_answer_is_asked_for_again(here, sandbox):
    """Nothing is used up by asking: the next answer serves."""
    done = await here.custom.connect(SCOPES)
    await spoil(here)
    sandbox.fault("lost_answer", path="/connect/token")
    assert await here.tokens.access_token(done.grant_id)


async def test_connecting_again_keeps_the_grant(here):
    """There is one grant of a custom connection."""
    first, second = await here.custom.connect(SCOPES), await here.custom.connect(SCOPES)
    assert first.grant_id == second.grant_id


async def test_a_scope_that_it_was_not_given(here):
    """Named as what it is, with where to give it; nothing is stored."""
    with pytest.raises(errors.ConfigurationError, match=r"was not given accounting\.invoices") as caught:
        await here.custom.connect((*SCOPES, "accounting.invoices"))
    assert "developer.xero.com/app/manage" in caught.value.remedy
    assert await here.on_record() == [("consent failed", {"client": here.app.client_id, "why": "configuration"})]
    assert await here.database.read(lambda conn: grants.usable(conn, here.app.client_id)) == []


async def test_an_old_one_with_broad_scopes(tmp_path, sandbox):
    """What it has covers what is asked for: it is asked for that, and the grant says so."""
    held = ["accounting.transactions", "accounting.contacts", "accounting.settings"]
    fields = {"kind": "custom", "tenant": sandbox.tenant(1), "scopes": held, "created": "2026-01-15"}
    old = sandbox.post("/_sandbox/apps", fields)
    async with Custom(tmp_path / "old", sandbox, old) as here:
        done = await here.custom.connect(("accounting.contacts.read", "accounting.invoices", "accounting.payments"))
        assert done.scopes == ("accounting.contacts", "accounting.transactions")


async def test_a_wrong_secret(here):
    """The configuration's mistake, and no secret in its words."""
    here.custom._app = App(here.app.client_id, "wrong-secret", is_custom=True)
    with pytest.raises(errors.ConfigurationError, match="invalid_client") as caught:
        await here.custom.connect(SCOPES)
    assert "wrong-secret" not in f"{caught.value}"


async def test_one_that_waits_to_be_authorised_again(here, sandbox, registered):
    """A change of its scopes in the portal ends it until a person authorises it; then it goes on by itself."""
    done = await here.custom.connect(SCOPES)
    change(sandbox, registered, scopes=[*SCOPES, "accounting.invoices"])
    await spoil(here)
    for _ in range(2):
        with pytest.raises(errors.NotConnected, match="not active") as caught:
            await here.tokens.access_token(done.grant_id)
        assert "e-mail" in caught.value.remedy
    change(sandbox, registered, authorised=True)
    assert await here.tokens.access_token(done.grant_id)


async def test_one_that_leads_to_another_organisation_now(here, sandbox, registered):
    """A fresh token is refused; connecting again stops the entity that was bound through it, until a person decides."""
    done = await here.custom.connect(SCOPES)
    await here.bindings.bind("acme", "Fernhill Trading Ltd")
    change(sandbox, registered, tenant=sandbox.tenant(2), authorised=True)
    await spoil(here)
    for _ in range(2):
        with pytest.raises(errors.WrongLedger, match="another organisation") as caught:
            await here.tokens.access_token(done.grant_id)
        assert "connect" in caught.value.remedy
    again = await here.custom.connect(SCOPES)
    assert [one.name for one in again.reached] == ["Wattle & Co Pty Ltd"]
    assert "another organisation" in (await here.bindings.load("acme")).stopped
    (told,) = await here.database.read(lambda conn: notices.standing(conn, "stopped"))
    assert (told.entity, "another organisation" in told.message) == ("acme", True)
    with pytest.raises(errors.WrongLedger):
        await here.bindings.verify("acme")
    chain = await here.database.read(lambda conn: here.audit.verify(conn, "acme"))
    assert (chain.broken_at, chain.length) == (None, 4)  # bound, connection gone, stopped, stopped by verify


async def test_a_listing_between_does_not_make_it_forget(here, sandbox, registered):
    """Listed while it waits it reaches nothing; when it leads elsewhere afterwards, that is noticed all the same."""
    done = await here.custom.connect(SCOPES)
    await here.bindings.bind("acme", "Fernhill Trading Ltd")
    change(sandbox, registered, tenant=sandbox.tenant(2))
    assert await here.connections.refreshed() == ()
    assert (await here.bindings.load("acme")).stopped is None
    change(sandbox, registered, authorised=True)
    await spoil(here)
    with pytest.raises(errors.WrongLedger, match="another organisation"):
        await here.tokens.access_token(done.grant_id)
    change(sandbox, registered, tenant=sandbox.tenant(1), authorised=True)
    assert await here.tokens.access_token(done.grant_id)


async def test_a_listing_notices_it_too(here, sandbox, registered):
    """`connections` is no way around: it stops the entity as well."""
    await here.custom.connect(SCOPES)
    await here.bindings.bind("acme", "Fernhill Trading Ltd")
    change(sandbox, registered, tenant=sandbox.tenant(2), authorised=True)
    await here.connections.refreshed()
    assert "another organisation" in (await here.bindings.load("acme")).stopped
