"""A client that is not ours, Authlib's, against the sandbox's identity server: what it may and what is refused it."""

import time
import urllib.parse

import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.integrations.requests_client.oauth2_session import OAuthError
from authlib.oauth2.rfc6749.errors import MismatchingStateException
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

REDIRECT = "http://localhost:8321/oauth/callback"
SCOPE = "openid profile email offline_access accounting.invoices accounting.settings"
JSON = {"Accept": "application/json"}
VERIFIER, NONCE = "v" * 64, "nonce-1"


@pytest.fixture(params=["web", "pkce"])
def theirs(request, sandbox):
    """Authlib's session for an app with or without a secret, set up from the discovery document."""
    ready = sandbox.ready
    secret = ready["client_secret"] if request.param == "web" else None
    session = OAuth2Session(
        ready["client_id"] if secret else ready["public_client_id"], secret, scope=SCOPE, redirect_uri=REDIRECT,
        token_endpoint_auth_method="client_secret_basic" if secret else "none", code_challenge_method="S256",
    )  # fmt: skip
    session.trust_env = False
    session.found = session.get(f"{sandbox.url}/.well-known/openid-configuration", withhold_token=True).json()
    with session:
        yield session


def asked(theirs, **changes):
    """Consent; → where the browser is sent back to, and the state that was asked with."""
    query = {"nonce": NONCE, "code_verifier": VERIFIER} | changes
    url, state = theirs.create_authorization_url(theirs.found["authorization_endpoint"], **query)
    answer = theirs.get(url, withhold_token=True, allow_redirects=False)
    assert answer.status_code == 302
    return answer.headers["Location"], state


def exchanged(theirs, back, state, **changes):
    """The tokens for an answer."""
    form = {"authorization_response": back, "state": state, "code_verifier": VERIFIER} | changes
    return theirs.fetch_token(theirs.found["token_endpoint"], **form)


def id_token(theirs, token, sandbox):
    """Its claims, checked by Authlib as OpenID Connect asks."""
    keys = KeySet.import_key_set(theirs.get(theirs.found["jwks_uri"], withhold_token=True).json())
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    options = {"iss": {"values": [sandbox.url]}, "aud": {"values": [theirs.client_id]}}
    params = {"nonce": NONCE, "client_id": theirs.client_id, "access_token": token["access_token"]}
    claims = CodeIDToken(decoded.claims, decoded.header, options, params)
    claims.validate(now=time.time())
    return claims


def test_consent_tokens_and_refresh(theirs, sandbox):
    """The code flow with PKCE, an id token that Authlib believes, a call, and a refresh that rotates."""
    token = exchanged(theirs, *asked(theirs))
    claims = id_token(theirs, token, sandbox)
    assert (claims["email"], claims["nonce"], token["scope"].split()) == ("alex@example.com", NONCE, SCOPE.split())
    (first, *_rest) = theirs.get(f"{sandbox.url}/connections").json()
    books = theirs.get(f"{sandbox.url}/api.xro/2.0/Organisation", headers=JSON | {"Xero-Tenant-Id": first["tenantId"]})
    assert books.status_code == 200
    fresh = theirs.refresh_token(theirs.found["token_endpoint"])
    assert fresh["refresh_token"] != token["refresh_token"]
    assert (
        "nonce"
        not in jwt.decode(fresh["id_token"], KeySet.import_key_set(theirs.get(theirs.found["jwks_uri"]).json())).claims
    )


def test_a_wrong_verifier(theirs):
    """PKCE is enforced, also for an app with a secret; the code is burnt by the attempt."""
    back, state = asked(theirs)
    with pytest.raises(OAuthError, match="invalid_grant"):
        exchanged(theirs, back, state, code_verifier="w" * 64)
    with pytest.raises(OAuthError, match="invalid_grant"):
        exchanged(theirs, back, state)


def test_no_verifier(theirs):
    """A code that was asked for with a challenge is worth nothing without the verifier."""
    with pytest.raises(OAuthError, match="invalid_grant"):
        exchanged(theirs, *asked(theirs), code_verifier=None)


def test_a_code_that_was_used(theirs):
    """Once and no more."""
    back, state = asked(theirs)
    exchanged(theirs, back, state)
    with pytest.raises(OAuthError, match="invalid_grant"):
        exchanged(theirs, back, state)


def test_a_code_that_has_expired(theirs, sandbox):
    """After five minutes it is worth nothing; just before it still is."""
    late, in_time = asked(theirs), asked(theirs)
    sandbox.advance(290)
    exchanged(theirs, *in_time)
    sandbox.advance(20)
    with pytest.raises(OAuthError, match="invalid_grant"):
        exchanged(theirs, *late)


def test_a_state_that_is_not_theirs(theirs):
    """Authlib itself refuses an answer with another state; the sandbox returns what it was given, to the letter."""
    back, state = asked(theirs, state="st&te /+1")
    assert dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))["state"] == state == "st&te /+1"
    with pytest.raises(MismatchingStateException):
        exchanged(theirs, back, "another")


@pytest.mark.parametrize("other", [f"{REDIRECT}/", f"{REDIRECT}?x=1", "http://localhost:8322/oauth/callback"])
def test_a_redirect_that_is_not_the_same(theirs, other):
    """To the letter: a slash, a query or another port is another redirect."""
    back, state = asked(theirs)
    theirs.redirect_uri = other
    with pytest.raises(OAuthError, match="invalid_grant"):
        exchanged(theirs, back, state, redirect_uri=other)


def test_a_code_of_another_app(theirs, sandbox):
    """A code belongs to the app that asked for it."""
    back, state = asked(theirs)
    ready = sandbox.ready
    is_web = theirs.client_id == ready["client_id"]
    theirs.client_id = ready["public_client_id" if is_web else "client_id"]
    theirs.client_auth_methods = {}
    form = {"client_id": theirs.client_id} if is_web else {"client_secret": ready["client_secret"]}
    theirs.token_endpoint_auth_method = "none" if is_web else "client_secret_post"
    with pytest.raises(OAuthError, match="invalid_grant"):
        exchanged(theirs, back, state, **form)


def test_a_custom_connections_token(sandbox):
    """client_credentials: no refresh token, no id token, no user; one organisation, without naming it."""
    registered = sandbox.post("/_sandbox/apps", {"kind": "custom", "tenant": sandbox.tenant(2)})
    with OAuth2Session(registered["client_id"], registered["client_secret"], scope="accounting.settings") as session:
        session.trust_env = False
        token = session.fetch_token(f"{sandbox.url}/connect/token", grant_type="client_credentials")
        assert (token["scope"], token.keys() & {"refresh_token", "id_token"}) == ("accounting.settings", set())
        (books,) = session.get(f"{sandbox.url}/api.xro/2.0/Organisation", headers=JSON).json()["Organisations"]
        assert books["Name"] == sandbox.ready["organisations"][1]["name"]
