import asyncio
import socket
import urllib.parse

import pytest

from counterfoil import errors
from counterfoil.access import tokens
from counterfoil.store import grants
from counterfoil.xero import identity
from counterfoil.xero.client import XeroClient
from counterfoil.xero.resources import (
    accounts,
    contacts,
    currencies,
    invoices,
    organisation,
    tax_rates,
    tracking_categories,
)
from tests import sandbox_process
from tests.access.conftest import SCOPES, Installation, browse


@pytest.mark.parametrize("secret", [True, False], ids=["with a secret", "PKCE app"])
async def test_from_consent_to_the_books(tmp_path, sandbox, secret):
    """A browser consents, the grant is stored sealed, the organisations are listed, and every resource can be read."""
    async with Installation(tmp_path / "db", sandbox, secret=secret) as here:
        consented = await here.connect()
        names = sorted(o["name"] for o in sandbox.ready["organisations"])
        assert [sorted(c.name for c in group) for group in (consented.reached, consented.fresh)] == [names, names]
        assert set(SCOPES) <= set(consented.scopes)
        status, page = here.pages[0]
        assert (status, "Connected to Xero" in page, "Fernhill Trading Ltd" in page, "Wattle &amp; Co" in page) == (
            200,
            True,
            True,
            True,
        )
        binding = await here.bindings.bind("acme", "Fernhill Trading Ltd")
        client = XeroClient(binding, here.transport, here.tokens, here.permits)
        assert (await organisation.get(client, lane="sync")).base_currency == "GBP"
        assert "200" in {a.code for a in await accounts.all(client, lane="sync")}
        assert "OUTPUT2" in {t.tax_type for t in await tax_rates.all(client, lane="sync")}
        assert "GBP" in {c.code for c in await currencies.all(client, lane="sync")}
        assert all(c.options for c in await tracking_categories.all(client, lane="sync"))
        assert (await invoices.page(client, lane="sync")).item_count is not None
        assert (await contacts.page(client, lane="sync")).server_time.tzinfo is not None
        with pytest.raises(errors.NotFound):
            await invoices.get(client, "no/such number", lane="sync")


async def test_the_database_holds_no_token(connected, tmp_path):
    """Neither token is readable in any file of the database."""
    grant = await connected.database.read(lambda conn: grants.get(conn, connected.consented.grant_id))
    held = tokens.opened(connected.vault, grant.id, grant.secret)
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert held.refresh_token
    assert [held.refresh_token.encode() in stored, held.access_token.encode() in stored] == [False, False]


async def test_consenting_again_keeps_the_grant(connected):
    """The same user's second consent replaces the tokens of the same grant."""
    again = await connected.connect()
    assert again.grant_id == connected.consented.grant_id
    assert len(await connected.database.read(lambda c: grants.usable(c, connected.app.client_id))) == 1


async def test_a_second_consent_shows_what_is_new(tmp_path):
    """Of everything ever reached, only the tenants of this consent are fresh."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--one-per-consent") as sandbox:
        async with Installation(tmp_path / "db", sandbox) as here:
            first, second = await here.connect(), await here.connect()
    assert ([len(c.reached) for c in (first, second)], [len(c.fresh) for c in (first, second)]) == ([1, 2], [1, 1])
    assert first.fresh[0].tenant_id != second.fresh[0].tenant_id


def failed(here, why):
    """The entry of a consent that came to nothing: the app and a code, and nothing else."""
    return "consent failed", {"client": here.app.client_id, "why": why}


def callback(**fields):
    """A browser that comes back with these fields instead; `state` is kept unless given."""

    def visit(url):
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        query = {"state": asked["state"]} | fields
        return browse(f"{asked['redirect_uri']}?{urllib.parse.urlencode(query)}")

    return visit


REFUSALS = {
    "cancelled": ({"error": "access_denied"}, errors.NoConsent, "cancelled", "cancelled"),
    "scope": ({"error": "invalid_scope"}, errors.ConfigurationError, "invalid_scope", "refused"),
    "empty": ({}, errors.NoConsent, "no code", "no-code"),
    "bad code": ({"code": "nonsense"}, errors.NoConsent, "no longer accepts", "no-consent"),
}


@pytest.mark.parametrize(("fields", "kind", "words", "why"), REFUSALS.values(), ids=REFUSALS)
async def test_consents_that_fail(here, fields, kind, words, why):
    """Each way to fail has its words, in the terminal and in the browser, stores nothing, and is on record by a code."""
    with pytest.raises(kind, match=words) as caught:
        await here.connect(visit=callback(**fields))
    assert caught.value.remedy
    status, page = here.pages[0]
    assert (status, "Not connected" in page, words in page) == (400, True, True)
    assert await here.database.read(lambda c: grants.usable(c, here.app.client_id)) == []
    assert await here.on_record() == [failed(here, why)]


@pytest.mark.parametrize("state", ["another", "", "\u00e9\udc80"], ids=["another", "none", "no text"])
async def test_a_strangers_answer_does_not_end_the_waiting(here, state):
    """Any web page can make a browser send one: it is refused, its code is not used, and the right answer still counts."""

    def visit(url):
        return callback(state=state.encode("utf-8", "surrogatepass"), code="c")(url), browse(url)

    consented = await here.connect(visit=visit)
    (foreign, page), (ours, _) = here.pages[0]
    assert (foreign, "another attempt" in page, ours) == (400, True, 200)
    assert [g.id for g in await here.database.read(lambda c: grants.usable(c, here.app.client_id))] == [
        consented.grant_id
    ]


async def test_a_page_escapes_what_it_shows(here):
    """What a stranger puts into the callback is text in the page."""
    with pytest.raises(errors.ConfigurationError):
        await here.connect(visit=callback(error="<script>alert(1)</script>"))
    assert "<script>" not in here.pages[0][1]


async def test_nobody_comes(here):
    """After the wait it is over, with what to do."""
    with pytest.raises(errors.NoConsent, match="Nobody consented") as caught:
        await here.connect(visit=lambda url: None, wait_s=0.01)
    assert "connect" in caught.value.remedy
    assert await here.on_record() == [failed(here, "nobody-came")]


async def test_a_taken_port(here):
    """A port that somebody else listens on is named, with what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(errors.ConfigurationError, match=f"Port {port}") as caught:
            await here.connect(redirect_uri=f"http://localhost:{port}/oauth/callback")
    assert "redirect_uri" in caught.value.remedy


async def test_the_port_of_the_other_loopback_address_is_taken(here):
    """Who has it on ::1 would be given the code by a browser that tries that first: refused, not gone on without."""
    with socket.socket(socket.AF_INET6) as taken:
        taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.bind(("::1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(errors.ConfigurationError, match=f"Port {port} .* taken"):
            await here.connect(redirect_uri=f"http://localhost:{port}/oauth/callback")


@pytest.mark.parametrize(
    "uri", ["https://shop.example/cb", "http://10.0.0.1:1/cb", "localhost:8321", "http://localhost:x/"]
)
async def test_only_this_machine_listens(here, uri):
    """A redirect that goes elsewhere is a mistake in the configuration."""
    with pytest.raises(errors.ConfigurationError, match="not on this machine"):
        await here.connect(redirect_uri=uri)


async def test_a_wrong_secret(tmp_path, sandbox):
    """Xero's invalid_client names what to check, and shows no secret."""
    async with Installation(tmp_path / "db", sandbox) as here:
        here.consent._app = identity.App(here.app.client_id, "wrong-secret")
        with pytest.raises(errors.ConfigurationError, match="invalid_client") as caught:
            await here.connect()
        assert "wrong-secret" not in f"{caught.value} {caught.value!r} {here.consent._app!r}"


async def test_an_app_without_offline_access(here):
    """The sign-in scopes are always asked for, with what was handed in, once."""
    asked = []

    def visit(url):
        asked.append(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query)))
        return browse(url)

    await here.connect(scopes=("openid", "accounting.invoices"), visit=visit)
    assert asked[0]["scope"] == "openid profile offline_access accounting.invoices"
    assert (asked[0]["code_challenge_method"], len(asked[0]["code_challenge"]), len(asked[0]["state"]) > 30) == (
        "S256",
        43,
        True,
    )


async def test_other_paths_and_methods_are_not_the_callback(here, caplog):
    """A browser's favicon request, garbage and silence do not end the waiting."""

    def visit(url):
        port = urllib.parse.urlsplit(
            dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))["redirect_uri"]
        ).port
        seen = []
        for noise in (
            b"GET /favicon.ico HTTP/1.1\r\n\r\n",
            b"POST /oauth/callback?code=1 HTTP/1.1\r\n\r\n",
            b"\x00\r\n\r\n",
            b"GET //[x HTTP/1.1\r\n\r\n",
            b"GET http://[::1/oauth/callback HTTP/1.1\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plug:
                plug.sendall(noise)
                seen.append(plug.recv(100).split(b" ")[1])
        return seen, browse(url)

    await here.connect(visit=visit)
    assert (here.pages[0][0], here.pages[0][1][0]) == ([b"404"] * 5, 200)
    assert "Traceback" not in caplog.text


async def test_each_consent_has_its_own_secrets(here):
    """State, nonce and challenge are long, differ from each other, and are never used again."""
    asked = []

    def visit(url):
        asked.append(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query)))
        return browse(url)

    for _ in range(2):
        await here.connect(visit=visit)
    secrets = [one[name] for one in asked for name in ("state", "nonce", "code_challenge")]
    assert (len(set(secrets)), min(map(len, secrets)) >= 43) == (6, True)


async def test_a_consent_whose_listing_fails(here, sandbox):
    """The code works once, so the grant is stored first: a later look finds what it reaches."""
    sandbox.fault("503", path="/connections")
    with pytest.raises(errors.XeroUnavailable):
        await here.connect()
    assert len(await here.database.read(lambda c: grants.usable(c, here.app.client_id))) == 1
    assert [act for act, _data in await here.on_record()] == ["consented", "consent failed"]
    assert (await here.bindings.bind("acme", "Fernhill Trading Ltd")).tenant_id == sandbox.tenant(1)


async def test_the_sandbox_is_down(tmp_path, sandbox):
    """Without Xero the code cannot be exchanged: run again."""
    async with Installation(tmp_path / "db", sandbox) as here:
        here.transport.identity_url = "http://127.0.0.1:9"
        with pytest.raises(errors.XeroUnavailable) as caught:
            await here.connect()
        assert await here.on_record() == [failed(here, "xero-unavailable")]
    assert (caught.value.sent, caught.value.exit_code) == (False, 4)


async def test_interrupting_frees_the_port(here):
    """An interrupted consent leaves nothing listening, and is on record."""
    addresses, shown = [], asyncio.Event()

    def show(url):
        addresses.append(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))["redirect_uri"])
        shown.set()

    task = asyncio.create_task(here.consent.connect("http://localhost:0/cb", SCOPES, show))
    await shown.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with socket.socket() as plug:
        assert plug.connect_ex(("127.0.0.1", urllib.parse.urlsplit(addresses[0]).port)) != 0
    assert await here.on_record() == [failed(here, "interrupted")]


async def test_without_a_database_that_can_be_written_a_failure_is_not_hidden(here, monkeypatch):
    """What cannot be on record is said as what it is."""

    def full(*_arguments):
        raise errors.StoreError("The disk is full.")

    monkeypatch.setattr(here.audit, "append", full)
    with pytest.raises(errors.StoreError, match="full") as caught:
        await here.connect(visit=callback(error="access_denied"))
    assert "cancelled" in str(caught.value.__context__)
