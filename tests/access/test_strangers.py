"""Our client against Authlib's authorization server: PKCE enforced, codes for one use, and every way to cheat refused."""

import asyncio
import concurrent.futures
import dataclasses
import threading
import urllib.parse
import urllib.request

import pytest
from joserfc.jwk import RSAKey

from counterfoil import errors
from counterfoil.store import grants
from tests.access import authorization_server as stranger
from tests.access.authorization_server import CLIENT, SECRET, Stranger
from tests.access.conftest import Installation, browse

SCOPES = ("accounting.invoices",)


@dataclasses.dataclass
class _At:
    url: str
    ready: dict


@pytest.fixture(params=[SECRET, None], ids=["with a secret", "PKCE app"])
def server(request):
    with Stranger(secret=request.param) as running:
        yield running


@pytest.fixture
async def here(tmp_path, server):
    secret = server.client.secret
    at = _At(server.url, {"client_id": CLIENT, "client_secret": SECRET, "public_client_id": CLIENT})
    async with Installation(tmp_path / "db", at, secret=secret is not None) as installation:
        yield installation


def bent(*, ask=None, answer=None):
    """A browser that changes fields of the question before it asks, and of the answer before it brings it back."""

    def visit(url):
        parts = urllib.parse.urlsplit(url)
        asked = dict(urllib.parse.parse_qsl(parts.query))
        target = asked["redirect_uri"]
        query = urllib.parse.urlencode({**asked, **(ask or {})})
        back = _location(urllib.parse.urlunsplit(parts._replace(query=query)))
        fields = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query)) | (answer or {})
        return browse(f"{target}?{urllib.parse.urlencode(fields)}")

    return visit


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_, **__):
        return None


def _location(url):
    opener = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as redirect:
        opener.open(url, timeout=30)
    with redirect.value as answer:
        return answer.headers["Location"]


async def refused(here, words, visit=None, kind=errors.NoConsent):
    """Connecting is refused in these words, in the terminal and in the browser, and nothing is stored."""
    with pytest.raises(kind, match=words) as caught:
        await here.connect(scopes=SCOPES, visit=visit)
    assert caught.value.remedy
    assert (here.pages[0][0], words in here.pages[0][1].replace("&#x27;", "'")) == (400, True)
    assert await here.database.read(lambda conn: grants.usable(conn, CLIENT)) == []


async def test_a_consent_that_a_stranger_gives(here, server):
    """Our client and Authlib's server understand each other: consent, connections, refresh with rotation."""
    done = await here.connect(scopes=SCOPES)
    assert ([one.name for one in done.reached], "accounting.invoices" in done.scopes) == (["Elsewhere Ltd"], True)
    old = await here.tokens.access_token(done.grant_id)
    fresh = await here.tokens.access_token(done.grant_id, rejected=old)
    assert (fresh != old, len(server.refreshing), server.refused) == (True, 1, [])


async def test_a_challenge_that_is_not_ours(here, server):
    """A code that was asked for with somebody else's challenge does not fit our verifier."""
    other = bent(ask={"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"})
    await refused(here, "no longer accepts", other)
    assert server.refused == ["Code challenge failed."]


async def test_a_consent_without_a_challenge(here, server):
    """Dropping the challenge on the way does not let a code through."""

    def visit(url):
        parts = urllib.parse.urlsplit(url)
        asked = dict(urllib.parse.parse_qsl(parts.query))
        kept = {name: value for name, value in asked.items() if not name.startswith("code_challenge")}
        return browse(_location(urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode(kept)))))

    await refused(here, "invalid_request", visit, errors.ConfigurationError)
    assert len(server.refused) == 1
    assert "code_challenge" in server.refused[0]


async def test_a_code_that_was_used(here, server):
    """A code of an earlier consent, brought back with the right state, buys nothing."""
    used = []

    def visit(url):
        back = _location(url)
        used.append(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))["code"])
        return browse(back)

    done = await here.connect(scopes=SCOPES, visit=visit)
    before = await here.database.read(lambda conn: grants.get(conn, done.grant_id))
    with pytest.raises(errors.NoConsent, match="no longer accepts"):
        await here.connect(scopes=SCOPES, visit=bent(answer={"code": used[0]}))
    assert server.refused == ["Invalid 'code' in request."]
    assert await here.database.read(lambda conn: grants.get(conn, done.grant_id)) == before


async def test_a_code_that_has_expired(here, server):
    """Too late is too late."""
    server.code_life_s = -1
    await refused(here, "no longer accepts")
    assert server.refused == ["Invalid 'code' in request."]


async def test_a_state_that_is_not_ours(here, server):
    """The answer to another question is not even taken to the token endpoint."""
    foreign = bent(answer={"state": "another"})

    def cancelled(url):
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        said = urllib.parse.urlencode({"state": asked["state"], "error": "access_denied"})
        return browse(f"{asked['redirect_uri']}?{said}")

    with pytest.raises(errors.NoConsent, match="cancelled"):  # what ends the waiting is the answer with our state
        await here.connect(scopes=SCOPES, visit=lambda url: (foreign(url), cancelled(url)))
    status, page = here.pages[0][0]
    assert (status, "its state is not ours" in page, len(server.codes)) == (400, True, 1)
    assert await here.database.read(lambda conn: grants.usable(conn, CLIENT)) == []


async def test_a_code_for_another_redirect(here, server):
    """A code that was sent elsewhere, then brought to us with our state, is refused: the redirect is part of it."""
    await refused(here, "no longer accepts", bent(ask={"redirect_uri": "http://localhost:1/elsewhere"}))
    assert server.refused == ["Invalid 'redirect_uri' in request."]


async def test_an_answer_that_names_another_server(here, server):
    """RFC 9207: the answer says who gives it, and it is not who was asked."""
    await refused(here, "another server", bent(answer={"iss": "https://evil.example"}))
    assert len(server.codes) == 1


async def test_the_same_answer_twice(here, server):
    """While the code is exchanged, the same answer comes again: its page says that it was used already."""
    exchanging, go_on = threading.Event(), threading.Event()

    def hold():
        exchanging.set()
        assert go_on.wait(30)

    def visit(url):
        back = _location(url)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            first = pool.submit(browse, back)
            assert exchanging.wait(30)
            second = browse(back)
            go_on.set()
            return first.result(), second

    server.before_exchange = hold
    done = await here.connect(scopes=SCOPES, visit=visit)
    (first, second), tokens = here.pages[0], server.refreshing
    assert (first[0], second[0], "used already" in second[1], len(tokens)) == (200, 410, True, 1)
    assert [one.id for one in await here.database.read(lambda c: grants.usable(c, CLIENT))] == [done.grant_id]


CLAIMS = {
    "another issuer": ({"iss": "https://identity.evil.example"}, "another server issued it"),
    "another app's": ({"aud": "app-2"}, "it is for another app"),
    "several apps', not ours to use": ({"aud": [CLIENT, "app-2"], "azp": "app-2"}, "it is for others, too"),
    "no audience": ({"aud": []}, "it is for another app"),
    "another nonce": ({"nonce": "another"}, "it belongs to another consent"),
    "no nonce": ({"nonce": None}, "it belongs to another consent"),
    "expired": ({"exp": 1_700_000_000}, "it has expired"),
    "no expiry": ({"exp": None}, "it has expired"),
    "an expiry in words": ({"exp": "tomorrow"}, "it has expired"),
    "from the future": ({"iat": 9_999_999_999}, "it comes from the future"),
    "of another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "it belongs to another access token"),
    "of nobody": ({"xero_userid": ""}, "it names no user"),
    "of another user": ({"xero_userid": "user-2"}, "Xero's two tokens name two users"),
}


@pytest.mark.parametrize(("claims", "words"), CLAIMS.values(), ids=CLAIMS)
async def test_a_signed_id_token_that_says_something_else(here, server, claims, words):
    """Each claim that is checked is checked: well signed is not enough."""
    server.claims = claims
    await refused(here, words)


FORGED = {
    "unsigned": (lambda token, _key: stranger.unsigned(token), "it is not signed with RS256"),
    "public key as secret": (stranger.confused, "it is not signed with RS256"),
    "another key": (
        lambda token, _: stranger.signed_by(token, RSAKey.generate_key(2048)),
        "its signature is not Xero's",
    ),
    "a key of no name": (lambda token, key: stranger.signed_by(token, key, kid="key-2"), "its signature is not Xero's"),
    "the right key, another algorithm": (
        lambda token, key: stranger.signed_by(token, RSAKey.import_key(key.as_pem(private=True)), alg="RS512"),
        "it is not signed with RS256",
    ),
    "changed": (lambda token, _key: f"{token[:-6]}AAAAAA", "its signature is not Xero's"),
    "cut": (lambda token, _key: token.rpartition(".")[0], "it is malformed"),
    "nothing": (lambda _token, _key: "", "it is missing"),
    "endless": (lambda token, _key: token + "A" * 20_000, "it is too long"),
}


@pytest.mark.parametrize(("forge", "words"), FORGED.values(), ids=FORGED)
async def test_an_id_token_that_the_server_did_not_sign(here, server, forge, words):
    """Algorithm confusion, `none`, other keys, damage: refused before anything is stored."""
    server.forge = lambda token: forge(token, server.key)
    await refused(here, words)


@pytest.mark.parametrize("ahead_s", [-3600, 3600])
async def test_a_clock_that_is_wrong_by_an_hour(here, server, ahead_s):
    """An id token is judged by the issuer's own time: a wrong clock here keeps nobody out."""
    right = here.clock.now
    here.clock.now = lambda: right() + stranger.seconds(ahead_s)
    done = await here.connect(scopes=SCOPES)
    assert done.reached


KEYS_ELSEWHERE = {
    "keys of another host": {"jwks_uri": "https://keys.evil.example/jwks"},
    "keys with a query": {"jwks_uri": "{url}/jwks?x=1"},
    "another issuer": {"issuer": "https://identity.evil.example"},
}


@pytest.mark.parametrize("said", KEYS_ELSEWHERE.values(), ids=KEYS_ELSEWHERE)
async def test_keys_that_are_not_the_identity_servers_own(here, server, said):
    """Before anybody is asked: a server that points elsewhere for its keys is a mistake in the configuration."""
    server.discovered = {name: value.format(url=server.url) for name, value in said.items()}
    with pytest.raises(errors.ConfigurationError, match="speaks for") as caught:
        await here.connect(scopes=SCOPES)
    assert ("identity_url" in caught.value.remedy, here.pages) == (True, [])


async def test_two_consents_at_once(here):
    """Each has its own state, verifier and nonce; both end well, in one grant of one user."""
    first, second = await asyncio.gather(here.connect(scopes=SCOPES), here.connect(scopes=SCOPES))
    assert first.grant_id == second.grant_id
